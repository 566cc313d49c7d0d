/*
 * base/unix_posix.c - all systems except Linux. They have no abstract names and
 * no process descriptors.
 */
#include "base/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/socket.h"
#include "rota/error.h"

const int rotai_unix_has_abstract = 0;

#ifdef MSG_CMSG_CLOEXEC
const int rotai_unix_cloexec_flag = MSG_CMSG_CLOEXEC;
#else
const int rotai_unix_cloexec_flag = 0; /* Darwin */
#endif

static int set_up_both(const int fds[2])
{
	for (int i = 0; i < 2; i++) {
		int error = rotai_socket_take_over(fds[i]);

		if (error == 0 && fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
			error = -errno;
		if (error < 0)
			return error;
	}
	return 0;
}

int rotai_unix_pair_of(int type, int fds[2])
{
	int made[2];
	int error;

	if (socketpair(AF_UNIX, type, 0, made) < 0)
		return -errno;
	error = rotai_fd_raise_both(made);
	if (error < 0)
		return error;
	error = set_up_both(made);
	if (error < 0) {
		rotai_fd_close(made[0]);
		rotai_fd_close(made[1]);
		return error;
	}
	fds[0] = made[0];
	fds[1] = made[1];
	return 0;
}

/* Darwin has the process as well. */
static int64_t peer_pid(int fd)
{
#ifdef LOCAL_PEERPID
	pid_t pid;
	socklen_t size = sizeof(pid);

	/* The level SOL_LOCAL is 0. */
	if (getsockopt(fd, 0, LOCAL_PEERPID, &pid, &size) == 0)
		return pid;
#endif
	(void)fd;
	return -1;
}

int rotai_unix_peer(int fd, struct rotai_unix_peer *peer)
{
	uid_t uid;
	gid_t gid;

	if (getpeereid(fd, &uid, &gid) < 0)
		return -errno;
	peer->pid = peer_pid(fd);
	peer->uid = uid;
	peer->gid = gid;
	return 0;
}

int rotai_unix_pidfd(int fd)
{
	(void)fd;
	return ROTA_ENOTSUP;
}
