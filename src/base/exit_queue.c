/*
 * base/exit_queue.c - the end of a process by EVFILT_PROC of kqueue(2): a queue
 * of its own for each process, whose descriptor becomes readable.
 */
#include "base/exit.h"

#include "rota/error.h"

#ifdef ROTAI_WITH_KQUEUE

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "base/kevent.h"

int rotai_exit_open_queue(pid_t pid)
{
	struct kevent change;
	int fd = rotai_fd_raise(kqueue());
	int error;

	if (fd < 0)
		return fd;
	EV_SET(&change, (uintptr_t)pid, EVFILT_PROC, EV_ADD | EV_ENABLE,
	       NOTE_EXIT, 0, NULL);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    kevent(fd, &change, 1, NULL, 0, NULL) == 0)
		return fd;
	error = -errno;
	rotai_fd_close(fd);
	return error;
}

#else

int rotai_exit_open_queue(pid_t pid)
{
	(void)pid;
	return ROTA_ENOTSUP;
}

#endif
