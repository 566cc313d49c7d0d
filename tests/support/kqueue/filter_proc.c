/*
 * filter_proc.c - EVFILT_PROC with NOTE_EXIT, over a pidfd.
 *
 * The wait status of a child is read but not consumed, so the program can still
 * wait for the child. If the program was faster, Linux 6.15 and later still
 * report the status through the pidfd; otherwise `data` is then 0.
 */
#include "double.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wraps.h"

/* PIDFD_GET_INFO of Linux 6.15, which older headers lack. */
struct pidfd_information {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t ids[11];
	int32_t exit_code;
	uint32_t reserved[2];
};

#define GET_INFORMATION _IOWR(0xFF, 11, struct pidfd_information)

enum { INFORMATION_EXIT = 1 << 3 };

static int attach(struct kqd_knote *knote)
{
	int error;

	/* An error is better than an event that never comes. */
	if (knote->wanted & ~NOTE_EXIT)
		return EOPNOTSUPP;
	knote->u.proc.pidfd =
		(int)syscall(SYS_pidfd_open, (pid_t)knote->kev.ident, 0);
	if (knote->u.proc.pidfd < 0)
		return errno == EINVAL || errno == ENOENT ? ESRCH : errno;
	error = kqd_epoll_add(knote->kq->fd, knote->u.proc.pidfd,
			      EPOLLIN | EPOLLET, KQD_FROM_PROC,
			      (uint32_t)knote->kev.ident);
	if (error) {
		__real_close(knote->u.proc.pidfd);
		return error;
	}
	/* [src] filt_procattach(). */
	knote->kev.flags |= EV_CLEAR;
	return 0;
}

static void detach(struct kqd_knote *knote)
{
	__real_close(knote->u.proc.pidfd);
}

static int64_t status_of(const struct kqd_knote *knote)
{
	struct pidfd_information information = { .mask = INFORMATION_EXIT };
	siginfo_t child;

	memset(&child, 0, sizeof(child));
	if (!waitid(P_PID, (id_t)knote->kev.ident, &child,
		    WEXITED | WNOHANG | WNOWAIT) &&
	    child.si_pid) {
		if (child.si_code == CLD_EXITED)
			return (child.si_status & 0xff) << 8;
		return child.si_status |
		       (child.si_code == CLD_DUMPED ? WCOREFLAG : 0);
	}
	if (!ioctl(knote->u.proc.pidfd, GET_INFORMATION, &information) &&
	    (information.mask & INFORMATION_EXIT))
		return information.exit_code;
	return 0;
}

/* A process that is a zombie at registration fires at once (14). */
static bool exited(struct kqd_knote *knote)
{
	struct pollfd process = { .fd = knote->u.proc.pidfd, .events = POLLIN };

	if (!(knote->wanted & NOTE_EXIT))
		return false;
	/* Read only once: by the time of retrieval the program may have waited
	 * for it. */
	if (knote->kev.fflags & NOTE_EXIT)
		return true;
	if (poll(&process, 1, 0) != 1)
		return false;
	knote->kev.fflags = NOTE_EXIT;
	knote->kev.flags |= EV_EOF | EV_ONESHOT;
	knote->kev.data = status_of(knote);
	return true;
}

const struct kqd_filter kqd_filter_proc = {
	.attach = attach,
	.detach = detach,
	.event = exited,
};
