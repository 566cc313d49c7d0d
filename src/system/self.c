/*
 * system/self.c - this process: see rota/self.h. Its directory is in
 * directory.c.
 *
 *  1. A nice value may be -1, which getpriority(2) returns for errors, too. So
 *     errno says which it is.
 *  2. Linux has a nice value for each thread. 0 would be the calling one; the
 *     id of the process is its main thread.
 */
#include "rota/self.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/quota.h"
#include "base/sized.h"
#include "base/thread.h"
#include "rota/error.h"
#include "system/machine.h"
#include "system/usage.h"

ROTAI_SIZED(struct rota_usage, involuntary_switches);

enum {
	LEAST_USAGE = ROTAI_SIZE_UP_TO(struct rota_usage, involuntary_switches),
	HIGHEST_PRIORITY = -20,
	LOWEST_PRIORITY = 19,
};

int rota_self_id(void)
{
	return getpid();
}

int rota_self_parent(void)
{
	return getppid();
}

unsigned rota_self_processors(void)
{
	unsigned allowed = rotai_thread_processors();
	unsigned quota = rotai_quota_processors();

	return quota > 0 && quota < allowed ? quota : allowed;
}

static int read_process_usage(int who, struct rota_usage *usage)
{
	long most;
	int error = rotai_usage_read(who, usage, &most);

	if (error == 0)
		usage->most_resident = rotai_machine_most_resident(most);
	return error;
}

static int read_usage_of(enum rota_usage_of of, struct rota_usage *usage)
{
	switch (of) {
	case ROTA_USAGE_PROCESS:
		return read_process_usage(RUSAGE_SELF, usage);
	case ROTA_USAGE_CHILDREN:
		return read_process_usage(RUSAGE_CHILDREN, usage);
	case ROTA_USAGE_THREAD:
		return rotai_machine_thread_usage(usage);
	}
	return ROTA_EINVAL;
}

int rota_self_usage(enum rota_usage_of of, struct rota_usage *usage)
{
	struct rota_usage found = { .size = 0 };
	int error;

	if (usage == NULL || usage->size < LEAST_USAGE)
		return ROTA_EINVAL;
	error = read_usage_of(of, &found);
	if (error < 0)
		return error;
	return rotai_sized_give(usage, LEAST_USAGE, &found, sizeof(found));
}

int rota_self_resident(uint64_t *resident)
{
	return resident == NULL ? ROTA_EINVAL
				: rotai_machine_resident("", resident);
}

int rota_self_executable(char *path, size_t size)
{
	return path == NULL ? ROTA_EINVAL
			    : rotai_machine_executable("", path, size);
}

int rota_priority_get(int process, int *priority)
{
	int found;

	if (process < 0 || priority == NULL)
		return ROTA_EINVAL;
	if (process == 0)
		process = getpid(); /* (2) */
	errno = 0;
	found = getpriority(PRIO_PROCESS, (id_t)process);
	if (found == -1 && errno != 0)
		return -errno; /* (1) */
	*priority = found;
	return 0;
}

int rota_priority_set(int process, int priority)
{
	if (process < 0 || priority < HIGHEST_PRIORITY ||
	    priority > LOWEST_PRIORITY)
		return ROTA_EINVAL;
	if (process == 0)
		process = getpid(); /* (2) */
	return setpriority(PRIO_PROCESS, (id_t)process, priority) < 0 ? -errno
								      : 0;
}
