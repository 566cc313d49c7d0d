/*
 * base/shared.c - the functions of shared.h that are the same on all systems.
 *
 * poll(2) answers for the moment. Between that and the call, another process
 * may take what was there to read, or fill the space that was there. It has to
 * do that within microseconds, and then this process waits for the next bytes,
 * or for more space.
 */
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sigpipe.h"
#include "base/socket.h"
#include "rota/error.h"

int rotai_shared_duplicate(int fd)
{
	int made = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (made >= 0)
		return made;
	return errno == EINVAL ? ROTA_EMFILE : -errno; /* beyond the limit */
}

int rotai_shared_access(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -errno : flags & O_ACCMODE;
}

/* Errors and hang-ups count as ready: the call returns them. */
static int is_ready_for(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int n;

	do {
		n = rotai_fd_poll(&ready, 1, 0);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

ssize_t rotai_shared_read_polled(int fd, void *data, size_t size)
{
	ssize_t n;

	do {
		if (!is_ready_for(fd, POLLIN))
			return ROTA_EAGAIN;
		n = read(fd, data, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t write_piece(int fd, const char *data, size_t size)
{
	ssize_t n;

	do {
		if (!is_ready_for(fd, POLLOUT))
			return ROTA_EAGAIN;
		n = write(fd, data, size);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Returns what the last write has returned; *@total has what all have
 * written. */
static ssize_t write_pieces(int fd, const struct iovec *bufs, size_t count,
			    size_t piece, size_t *total)
{
	ssize_t n = 0;

	*total = 0;
	for (size_t i = 0; i < count; i++) {
		const char *data = bufs[i].iov_base;
		size_t left = bufs[i].iov_len;

		while (left > 0) {
			size_t size = left < piece ? left : piece;

			n = write_piece(fd, data, size);
			if (n < 0)
				return n;
			*total += (size_t)n;
			if ((size_t)n < size)
				return n;
			data += n;
			left -= (size_t)n;
		}
	}
	return n;
}

ssize_t rotai_shared_write_polled(int fd, const struct iovec *bufs,
				  size_t count, size_t piece)
{
	struct rotai_sigpipe guard;
	size_t total;
	ssize_t n;

	rotai_sigpipe_block(&guard);
	n = write_pieces(fd, bufs, count, piece, &total);
	rotai_sigpipe_restore(&guard, n);
	if (total > 0)
		return (ssize_t)total;
	return n == 0 ? ROTA_EAGAIN : n;
}

ssize_t rotai_shared_receive(int fd, void *data, size_t size)
{
	ssize_t n;

	do {
		n = recv(fd, data, size, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t send_now(int fd, const struct msghdr *message)
{
	ssize_t n;

	do {
		n = sendmsg(fd, message, MSG_DONTWAIT | ROTAI_SEND_FLAGS);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Where there is no flag against SIGPIPE, there is an option of the socket:
 * others share that, too. */
ssize_t rotai_shared_send(int fd, struct iovec *bufs, size_t count)
{
	struct msghdr message = { .msg_iov = bufs };
	struct rotai_sigpipe guard;
	ssize_t n;

	/* The type of this member differs from system to system. */
	message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
	if (ROTAI_SEND_FLAGS != 0)
		return send_now(fd, &message);
	rotai_sigpipe_block(&guard);
	n = send_now(fd, &message);
	rotai_sigpipe_restore(&guard, n);
	return n;
}
