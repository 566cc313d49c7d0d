/*
 * base/wall_posix.c - systems that do not report that the clock was set.
 * EVFILT_TIMER with NOTE_ABSTIME is for a time alone.
 */
#include "base/wall.h"

#include "rota/error.h"

int rotai_wall_open(void)
{
	return ROTA_ENOTSUP;
}

int rotai_wall_arm(int fd, uint64_t due_ns)
{
	(void)fd;
	(void)due_ns;
	return 0;
}

void rotai_wall_take(int fd)
{
	(void)fd;
}
