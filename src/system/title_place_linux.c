/*
 * system/title_place_linux.c - see title_place.h, proc_pid_stat(5) and
 * proc_pid_comm(5).
 *
 * A thread sets the name of another one of its process by /proc. Without /proc
 * nobody can see the title either.
 */
#include "system/title_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/lines.h"

enum {
	FIELD_OF_STATE = 3,
	FIELD_OF_ARGUMENTS = 48, /* arg_start */
	STAT_SIZE = 1024,
};

int rotai_title_is_shown(const char *first)
{
	char line[STAT_SIZE];
	const char *at;
	uint64_t start;

	if (rotai_lines_first("", "/proc/self/stat", line, sizeof(line)) < 0)
		return 0;
	at = strrchr(line, ')'); /* the end of the name, which has any bytes */
	for (int i = FIELD_OF_STATE; i <= FIELD_OF_ARGUMENTS && at != NULL; i++)
		at = strchr(at + 1, ' ');
	return at != NULL && rotai_lines_number(&at, &start) &&
	       start == (uintptr_t)first;
}

void rotai_title_get_name(char name[ROTAI_TITLE_NAME_SIZE])
{
	if (rotai_lines_first("", "/proc/self/comm", name,
			      ROTAI_TITLE_NAME_SIZE) < 0)
		name[0] = '\0';
}

void rotai_title_set_name(const char *name)
{
	int fd;
	ssize_t n;

	if (*name == '\0')
		return;
	fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	do {
		n = write(fd, name, strlen(name));
	} while (n < 0 && errno == EINTR);
	rotai_fd_close(fd);
}

void rotai_title_move_name(const char *place, size_t size, char *copy)
{
	if (program_invocation_name >= place &&
	    program_invocation_name < place + size)
		program_invocation_name =
			copy + (program_invocation_name - place);
	if (program_invocation_short_name >= place &&
	    program_invocation_short_name < place + size)
		program_invocation_short_name =
			copy + (program_invocation_short_name - place);
}
