/*
 * http/log_file.c - see log_file.h.
 *
 *  1. O_APPEND makes a write(2) to a regular file go behind what others have
 *     written, as a whole. So logs of several loops share a file.
 *  2. A line of which a part was written is ended before the next one, so that
 *     a full disk costs lines and makes none unreadable.
 *  3. A FIFO without a reader is refused, instead of waiting for one
 *     (O_NONBLOCK). Then writes do wait: the reader is slow, or is stopped, and
 *     the lines behind it are dropped when the memory is full.
 */
#include "http/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int count_failure(struct rotai_http_log_file *file, int error)
{
	file->result.errors++;
	file->result.error = error;
	return error;
}

/* Open the path. Returns the descriptor or an error. */
static int open_path(const struct rotai_http_log_file *file)
{
	int fd;

	do
		fd = open(file->path,
			  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
				  O_NONBLOCK,
			  (mode_t)file->mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rotai_http_log_file_open(struct rotai_http_log_file *file)
{
	struct stat status;
	int fd = open_path(file);
	int error;

	if (fd < 0)
		return count_failure(file, fd);
	if (fstat(fd, &status) < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0) {
		error = count_failure(file, -errno);
		(void)close(fd);
		return error;
	}
	rotai_http_log_file_close(file);
	file->fd = fd;
	file->is_regular = S_ISREG(status.st_mode);
	file->is_cut = 0;
	file->result.opened++;
	return 0;
}

/* Write bytes. Returns how many were written. */
static size_t write_fully(struct rotai_http_log_file *file, const char *bytes,
			  size_t size)
{
	size_t written = 0;

	while (written < size) {
		ssize_t n = write(file->fd, bytes + written, size - written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)count_failure(file, n < 0 ? -errno : -EIO);
			break;
		}
		written += (size_t)n;
	}
	return written;
}

static uint64_t count_lines(const char *bytes, size_t size)
{
	uint64_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += bytes[i] == '\n';
	return count;
}

void rotai_http_log_file_append(struct rotai_http_log_file *file,
				const char *lines, size_t size)
{
	size_t written = 0;

	if (file->is_cut && write_fully(file, "\n", 1) == 1) /* (2) */
		file->is_cut = 0;
	if (!file->is_cut)
		written = write_fully(file, lines, size);
	if (written > 0 && lines[written - 1] != '\n')
		file->is_cut = 1;
	file->result.lost += count_lines(lines + written, size - written);
}

void rotai_http_log_file_close(struct rotai_http_log_file *file)
{
	if (file->fd >= 0 && close(file->fd) < 0 && errno != EINTR)
		(void)count_failure(file, -errno);
	file->fd = -1;
}
