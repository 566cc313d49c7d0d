/*
 * fs/slow.c - see slow.h.
 *
 *  1. The descriptor is the user's, and blocking. O_NONBLOCK would affect
 *     everybody who shares it. So poll(2) is called first. A pipe that poll(2)
 *     reports as writable accepts PIPE_BUF bytes at once, so no more are
 *     written with one call. For a socket, each call has the flag MSG_DONTWAIT.
 *     If somebody else reads the same pipe, and is faster, the read waits
 *     nevertheless.
 *  2. Linux has files that are regular, and wait all the same: /proc/kmsg, and
 *     trace_pipe of tracefs. Their size is 0, and poll(2) works for them. Of
 *     all other regular files poll(2) says that they are ready.
 */
#include "fs/slow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/wait.h"
#include "rota/error.h"

enum { AT_ONCE = PIPE_BUF, MOST_OF_SLOW = 1 << 30 };

int rotai_is_special(mode_t mode)
{
	return !S_ISREG(mode) && !S_ISDIR(mode);
}

int rotai_file_look(const struct rota_fs *fs, struct stat *status)
{
	int failed;

	do
		failed = fstatat(fs->internal.directory, fs->internal.path,
				 status, 0);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int rotai_file_look_at(int fd, struct stat *status)
{
	int failed;

	do
		failed = fstat(fd, status);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int rotai_file_admit(const struct rota_fs *fs, int fd)
{
	struct stat status;
	int error;

	if (!fs->internal.files_only)
		return 0;
	error = rotai_file_look_at(fd, &status);
	if (error == 0 && rotai_is_special(status.st_mode))
		error = ROTA_EPERM;
	if (error < 0)
		rotai_fd_close(fd);
	return error;
}

static int is_blocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

int rotai_may_wait(int fd)
{
	struct stat status;

	return rotai_file_look_at(fd, &status) == 0 &&
	       rotai_is_special(status.st_mode) && is_blocking(fd);
}

int rotai_is_silent(int fd, const struct stat *status)
{
	struct pollfd now = { .fd = fd, .events = POLLIN };

	return S_ISREG(status->st_mode) && status->st_size == 0 &&
	       rotai_fd_poll(&now, 1, 0) == 0; /* (2) */
}

int rotai_read_may_wait(int fd)
{
	struct stat status;

	return rotai_file_look_at(fd, &status) == 0 &&
	       (rotai_is_special(status.st_mode) ||
		rotai_is_silent(fd, &status)) &&
	       is_blocking(fd);
}

static ssize_t read_slow(int fd, void *data, size_t size)
{
	ssize_t n = recv(fd, data, size, MSG_DONTWAIT);

	return n < 0 && errno == ENOTSOCK ? read(fd, data, size) : n; /* (1) */
}

int64_t rotai_read_slowly(struct rota_fs *fs, int fd, void *data, size_t size)
{
	ssize_t n;

	if (size > MOST_OF_SLOW)
		size = MOST_OF_SLOW;
	do {
		int error = rotai_fs_wait(fs, fd, POLLIN, -1);

		if (error < 0)
			return error;
		n = read_slow(fd, data, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? -errno : n;
}

static ssize_t write_once(int fd, const void *data, size_t size)
{
	ssize_t n = send(fd, data, size, MSG_DONTWAIT);

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	return write(fd, data, size < AT_ONCE ? size : AT_ONCE); /* (1) */
}

size_t rotai_write_slowly(struct rota_fs *fs, int fd, const void *data,
			  size_t size, int *error)
{
	size_t done = 0;

	while (done < size && *error == 0) {
		const char *from = (const char *)data + done;
		size_t part = size - done;
		ssize_t n;

		*error = rotai_fs_wait(fs, fd, POLLOUT, -1);
		if (*error < 0)
			break;
		*error = 0;
		n = write_once(fd, from,
			       part < MOST_OF_SLOW ? part : MOST_OF_SLOW);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			*error = ROTA_EIO; /* a device that accepts nothing */
		else if (errno != EINTR && errno != EAGAIN)
			*error = -errno;
	}
	return done;
}
