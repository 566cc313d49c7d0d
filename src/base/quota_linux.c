/*
 * base/quota_linux.c - the limit of the control group: see cgroups(7), version
 * 2.
 *
 * /proc/self/cgroup has the line "0::/a/b". The file cpu.max of that group, and
 * of each group above it, has a quota and a period: "200000 100000" means two
 * processors, "max 100000" no limit. The smallest limit counts. The path is as
 * seen from the root of the control group namespace, which is what is mounted
 * in a container.
 */
#include "base/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static const char MOUNT[] = "/sys/fs/cgroup";

enum { TEXT_SIZE = 4096, CPU_PATH_SIZE = TEXT_SIZE + 64 };

/* Read the begin of the file into @text, as a string. Returns whether there was
 * anything. */
static int read_text(const char *path, char text[TEXT_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	do {
		n = read(fd, text, TEXT_SIZE - 1);
	} while (n < 0 && errno == EINTR);
	rotai_fd_close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return 1;
}

/* Return the path in the line "0::path" of @text, which becomes a string; or
 * NULL. */
static char *own_group(char *text)
{
	for (char *line = text; line != NULL;) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end++ = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			return line + 3;
		line = end;
	}
	return NULL;
}

/* The limit of one group, or 0. */
static unsigned limit_of(const char *group)
{
	char path[CPU_PATH_SIZE], text[TEXT_SIZE], *end;
	unsigned long long quota, period;

	(void)snprintf(path, sizeof(path), "%s%s/cpu.max", MOUNT, group);
	if (!read_text(path, text))
		return 0;
	quota = strtoull(text, &end, 10);
	if (end == text)
		return 0; /* "max" */
	period = strtoull(end, NULL, 10);
	if (quota == 0 || period == 0 || quota / period >= 1 << 20)
		return 0;
	return (unsigned)((quota + period - 1) / period);
}

unsigned rotai_quota_processors(void)
{
	char text[TEXT_SIZE];
	unsigned least = 0;
	char *group;

	if (!read_text("/proc/self/cgroup", text))
		return 0;
	group = own_group(text);
	if (group == NULL)
		return 0;
	for (;;) {
		char *slash = strrchr(group, '/');
		unsigned limit = limit_of(group);

		if (limit > 0 && (least == 0 || limit < least))
			least = limit;
		if (slash == NULL)
			return least;
		*slash = '\0'; /* the group above it */
	}
}
