/*
 * base/exit_linux.c - pidfds: see pidfd_open(2) and pidfd_send_signal(2), which
 * are called by their numbers, as the C library may be older.
 */
#include "base/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "rota/error.h"

enum {
	CALL_PIDFD_SEND_SIGNAL = 424, /* on every processor but Alpha */
	CALL_PIDFD_OPEN = 434,

	TO_GROUP = 1 << 2, /* PIDFD_SIGNAL_PROCESS_GROUP, since Linux 6.9 */
};

int rotai_exit_open(pid_t pid, int with_kqueue)
{
	int fd;

	if (with_kqueue)
		return rotai_exit_open_queue(pid);
	fd = rotai_fd_raise((int)syscall(CALL_PIDFD_OPEN, (long)pid, 0L));
	/* A thread that leads no process: ENOENT since Linux 6.16. */
	if (fd == ROTA_EINVAL || fd == ROTA_ENOENT)
		return ROTA_ESRCH;
	return fd == ROTA_ENOSYS ? ROTA_ENOTSUP : fd;
}

static int send(int pidfd, int signal, unsigned flags)
{
	return syscall(CALL_PIDFD_SEND_SIGNAL, (long)pidfd, (long)signal, NULL,
		       (unsigned long)flags) < 0
		       ? -errno
		       : 0;
}

int rotai_exit_kill(int pidfd, pid_t pid, int signal)
{
	if (pidfd >= 0) {
		int error = send(pidfd, signal, 0);

		if (error != ROTA_ENOSYS && error != ROTA_EBADF)
			return error;
	}
	return kill(pid, signal) < 0 ? -errno : 0;
}

/* Older kernels know no flag, and return EINVAL, as they do for a number that
 * is no signal. */
int rotai_exit_kill_group(int pidfd, pid_t pid, int signal, int is_gone)
{
	if (pidfd >= 0) {
		int error = send(pidfd, signal, TO_GROUP);

		if (error != ROTA_ENOSYS && error != ROTA_EBADF &&
		    error != ROTA_EINVAL)
			return error;
	}
	if (signal < 0 || signal >= _NSIG)
		return ROTA_EINVAL;
	if (is_gone)
		return ROTA_ESRCH;
	return kill(-pid, signal) < 0 ? -errno : 0;
}

int rota_cgroup_kill(int cgroup)
{
	int fd = rotai_fd_raise(
		openat(cgroup, "cgroup.kill", O_WRONLY | O_CLOEXEC));
	int error;

	if (fd < 0)
		return fd;
	error = write(fd, "1", 1) < 0 ? -errno : 0;
	rotai_fd_close(fd);
	return error;
}
