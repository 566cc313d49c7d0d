/*
 * base/unix_linux.c - abstract names, credentials and process descriptors:
 * unix(7).
 */
#include "base/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "rota/error.h"

/* Linux 6.5; the headers may be older. Its number where it is not 77: */
#ifdef SO_PEERPIDFD
enum { PEER_PIDFD = SO_PEERPIDFD };
#elif defined(__sparc__)
enum { PEER_PIDFD = 0x0056 };
#elif defined(__hppa__)
enum { PEER_PIDFD = 0x404B };
#else
enum { PEER_PIDFD = 77 };
#endif

const int rotai_unix_has_abstract = 1;
const int rotai_unix_cloexec_flag = MSG_CMSG_CLOEXEC;

int rotai_unix_pair_of(int type, int fds[2])
{
	int made[2];
	int error;

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made) <
	    0)
		return -errno;
	error = rotai_fd_raise_both(made);
	if (error < 0)
		return error;
	fds[0] = made[0];
	fds[1] = made[1];
	return 0;
}

int rotai_unix_peer(int fd, struct rotai_unix_peer *peer)
{
	struct ucred found;
	socklen_t size = sizeof(found);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &found, &size) < 0)
		return -errno;
	/* 0: the process is in another namespace, and has no number here. */
	peer->pid = found.pid > 0 ? found.pid : -1;
	peer->uid = found.uid;
	peer->gid = found.gid;
	return 0;
}

int rotai_unix_pidfd(int fd)
{
	int found;
	socklen_t size = sizeof(found);

	if (getsockopt(fd, SOL_SOCKET, PEER_PIDFD, &found, &size) == 0)
		return rotai_fd_raise(found);
	switch (errno) {
	case ENOPROTOOPT:
	case EOPNOTSUPP:
		return ROTA_ENOTSUP;
	case EINVAL: /* the arguments are right: the process was waited for */
		return ROTA_ESRCH;
	default:
		return -errno;
	}
}
