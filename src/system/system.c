/*
 * system/system.c - the machine: see rota/system.h. Its processors are in
 * processors.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/sized.h"
#include "rota/error.h"
#include "rota/system.h"
#include "system/machine.h"
#include "system/text.h"

ROTAI_SIZED(struct rota_memory, available_here);
ROTAI_SIZED(struct rota_uname, machine);

enum {
	LEAST_MEMORY = ROTAI_SIZE_UP_TO(struct rota_memory, available_here),
	LEAST_NAMES = ROTAI_SIZE_UP_TO(struct rota_uname, machine),
};

int rota_system_uptime(uint64_t *uptime_ns)
{
	return uptime_ns == NULL ? ROTA_EINVAL
				 : rotai_machine_uptime(uptime_ns);
}

int rota_system_memory(struct rota_memory *memory)
{
	struct rota_memory found = { .size = 0 };
	int error;

	if (memory == NULL || memory->size < LEAST_MEMORY)
		return ROTA_EINVAL;
	error = rotai_machine_memory("", &found);
	if (error < 0)
		return error;
	return rotai_sized_give(memory, LEAST_MEMORY, &found, sizeof(found));
}

int rota_system_load(double load[3])
{
	double found[3];

	if (load == NULL)
		return ROTA_EINVAL;
	if (getloadavg(found, 3) != 3)
		return ROTA_ENOTSUP;
	memcpy(load, found, sizeof(found));
	return 0;
}

int rota_system_host_name(char *name, size_t size)
{
	char found[ROTA_SYSTEM_HOST_NAME_SIZE];

	if (name == NULL)
		return ROTA_EINVAL;
	/* POSIX does not say that a name which is cut is an error, or has a 0
	 * at its end. */
	found[sizeof(found) - 1] = '\0';
	if (gethostname(found, sizeof(found)) < 0)
		return errno == EINVAL ? ROTA_ENAMETOOLONG : -errno;
	if (strnlen(found, sizeof(found)) >= sizeof(found) - 1)
		return ROTA_ENAMETOOLONG;
	return rotai_text_give(name, size, found);
}

static void copy_cut(char *to, size_t size, const char *from)
{
	(void)snprintf(to, size, "%s", from);
}

int rota_system_uname(struct rota_uname *names)
{
	struct rota_uname found;
	struct utsname system;

	if (names == NULL || names->size < LEAST_NAMES)
		return ROTA_EINVAL;
	if (uname(&system) < 0)
		return -errno;
	memset(&found, 0, sizeof(found));
	copy_cut(found.system, sizeof(found.system), system.sysname);
	copy_cut(found.release, sizeof(found.release), system.release);
	copy_cut(found.version, sizeof(found.version), system.version);
	copy_cut(found.machine, sizeof(found.machine), system.machine);
	return rotai_sized_give(names, LEAST_NAMES, &found, sizeof(found));
}
