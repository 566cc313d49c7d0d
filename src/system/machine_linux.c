/*
 * system/machine_linux.c - see machine.h and proc(5).
 *
 *  1. A link of /proc to a file that has no name any more ends in " (deleted)".
 *     A file may really be called so. So the name as it is counts if it leads
 *     to the file.
 *  2. A link that is longer than a page is an error of its own.
 */
#include "system/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cgroup.h"
#include "base/lines.h"
#include "rota/error.h"
#include "system/text.h"
#include "system/usage.h"

enum { LINK_SIZE = 4096 + 1 };

static const char DELETED[] = " (deleted)";

int rotai_machine_uptime(uint64_t *uptime_ns)
{
	struct timespec up;

	if (clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return -errno;
	*uptime_ns = (uint64_t)up.tv_sec * 1000000000 + (uint64_t)up.tv_nsec;
	return 0;
}

/* --- memory --------------------------------------------------------------- */

/* What /proc/meminfo has, in bytes. */
struct memory_lines {
	uint64_t total, free, available, buffers, cached, swap_total, swap_free;
	int has_available; /* since Linux 3.14 */
};

/* If @line is the one with @label, store its bytes in *@bytes. */
static int take_memory(const char *line, const char *label, uint64_t *bytes)
{
	const char *rest = rotai_lines_after(line, label);
	uint64_t kib;

	if (rest == NULL || !rotai_lines_number(&rest, &kib))
		return 0;
	*bytes = kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
	return 1;
}

static void take_memory_line(struct memory_lines *memory, const char *line)
{
	if (take_memory(line, "MemAvailable:", &memory->available))
		memory->has_available = 1;
	(void)take_memory(line, "MemTotal:", &memory->total);
	(void)take_memory(line, "MemFree:", &memory->free);
	(void)take_memory(line, "Buffers:", &memory->buffers);
	(void)take_memory(line, "Cached:", &memory->cached);
	(void)take_memory(line, "SwapTotal:", &memory->swap_total);
	(void)take_memory(line, "SwapFree:", &memory->swap_free);
}

static int read_memory_lines(const char *root, struct memory_lines *memory)
{
	struct rotai_lines lines;
	const char *line;
	int error;

	memset(memory, 0, sizeof(*memory));
	(void)rotai_lines_open(&lines, root, "/proc/meminfo");
	while ((line = rotai_lines_next(&lines)) != NULL)
		take_memory_line(memory, line);
	error = rotai_lines_close(&lines);
	if (error == 0 && memory->total == 0)
		error = ROTA_EBADMSG;
	return error;
}

int rotai_machine_memory(const char *root, struct rota_memory *memory)
{
	struct memory_lines found;
	struct rotai_cgroup limits;
	int error = read_memory_lines(root, &found);

	if (error < 0)
		return error;
	if (!found.has_available)
		found.available = found.free + found.buffers + found.cached;
	if (found.available > found.total)
		found.available = found.total;
	rotai_cgroup_find(root, ROTAI_CGROUP_MEMORY, &limits);
	memory->total = found.total;
	memory->free = found.free;
	memory->available = found.available;
	memory->swap_total = found.swap_total;
	memory->swap_free = found.swap_free;
	memory->limit = limits.memory;
	memory->available_here =
		found.available < limits.left ? found.available : limits.left;
	return 0;
}

int rotai_machine_resident(const char *root, uint64_t *resident)
{
	char line[256];
	const char *at = line;
	uint64_t pages, page = (uint64_t)sysconf(_SC_PAGESIZE);
	int error =
		rotai_lines_first(root, "/proc/self/statm", line, sizeof(line));

	if (error < 0)
		return error;
	/* The first number is the size of the address space. */
	if (!rotai_lines_number(&at, &pages) ||
	    !rotai_lines_number(&at, &pages) || pages > UINT64_MAX / page)
		return ROTA_EBADMSG;
	*resident = pages * page;
	return 0;
}

/* --- this process --------------------------------------------------------- */

/* Whether both paths lead to one file. */
static int is_same_file(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int rotai_machine_executable(const char *root, char *path, size_t size)
{
	char link[LINK_SIZE], self[LINK_SIZE];
	size_t suffix = strlen(DELETED), length;
	ssize_t n;

	(void)snprintf(self, sizeof(self), "%s/proc/self/exe", root);
	n = readlink(self, link, sizeof(link) - 1);
	if (n < 0)
		return -errno;
	length = (size_t)n;
	if (length == sizeof(link) - 1)
		return ROTA_ENAMETOOLONG; /* (2) */
	link[length] = '\0';
	if (length > suffix && strcmp(link + length - suffix, DELETED) == 0 &&
	    !is_same_file(link, self))
		link[length - suffix] = '\0'; /* (1) */
	return rotai_text_give(path, size, link);
}

uint64_t rotai_machine_most_resident(long reported)
{
	return (uint64_t)reported * 1024;
}

int rotai_machine_thread_usage(struct rota_usage *usage)
{
	long most;
	int error = rotai_usage_read(RUSAGE_THREAD, usage, &most);

	/* This is that of the process. */
	if (error == 0)
		usage->most_resident = rotai_machine_most_resident(most);
	return error;
}

int rotai_machine_is_privileged(void)
{
	return getauxval(AT_SECURE) != 0;
}
