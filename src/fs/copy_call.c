/*
 * fs/copy_call.c - copies between open files.
 *
 *  1. The kernel copies if it can. If it cannot for these two files, their
 *     bytes go through a buffer. Linux 5.3 to 5.18 says that a file of /proc,
 *     whose size is 0, has nothing to copy. Such a file is read.
 *  2. copy_file_range(2) refuses to copy a part of a file over itself. A buffer
 *     would change bytes before they are read, so it is refused as well.
 *  3. A pipe or a blocking socket is waited for in the blocking lane, and goes
 *     through the buffer: the kernel's own copy would wait where no cancel
 *     reaches it.
 */
#include "fs/call.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filesystem.h"
#include "fs/operation.h"
#include "fs/quiet.h"
#include "fs/slow.h"
#include "rota/error.h"

enum { COPY_BUFFER = 64 * 1024, COPY_AT_ONCE = 16 * 1024 * 1024 };

struct copying {
	struct rota_fs *fs;
	struct rota_file_place from, to;
	size_t left;
	char *buffer; /* NULL: not needed yet */

	/* Copies inside the kernel: rotai_copy_inside(), or something like it.
	 * NULL: it does not. */
	int64_t (*inside)(struct rota_file_place from,
			  struct rota_file_place to, size_t size);
};

static int64_t send_to_place(struct rota_file_place from,
			     struct rota_file_place to, size_t size)
{
	return rotai_send_inside(to.fd, from, size);
}

static int64_t offset_at(struct rota_file_place place)
{
	return place.offset < 0 ? (int64_t)lseek(place.fd, 0, SEEK_CUR)
				: place.offset;
}

/* (2) */
static int copies_over_itself(const struct copying *c)
{
	struct stat from, to;
	int64_t from_at = offset_at(c->from);
	int64_t to_at = offset_at(c->to);
	uint64_t distance;

	if (fstat(c->from.fd, &from) < 0 || fstat(c->to.fd, &to) < 0 ||
	    !S_ISREG(from.st_mode) || from.st_dev != to.st_dev ||
	    from.st_ino != to.st_ino)
		return 0;
	distance =
		(uint64_t)(from_at > to_at ? from_at - to_at : to_at - from_at);
	return distance < c->left;
}

static int make_buffer(struct copying *c)
{
	if (c->buffer != NULL)
		return 0;
	if (copies_over_itself(c))
		return ROTA_EINVAL;
	c->buffer = malloc(COPY_BUFFER);
	return c->buffer == NULL ? ROTA_ENOMEM : 0;
}

static int64_t fill_buffer(const struct copying *c)
{
	size_t size = c->left < COPY_BUFFER ? c->left : COPY_BUFFER;
	ssize_t n;

	if (c->from.offset < 0 && rotai_read_may_wait(c->from.fd))
		return rotai_read_slowly(c->fs, c->from.fd, c->buffer, size);
	do {
		n = c->from.offset < 0 ? read(c->from.fd, c->buffer, size)
				       : pread(c->from.fd, c->buffer, size,
					       (off_t)c->from.offset);
	} while (n < 0 && errno == EINTR);
	return rotai_call_result(n);
}

/* Write @size bytes of the buffer. Returns how many were written; less if there
 * is an *@error. */
static size_t empty_buffer(const struct copying *c, size_t size, int *error)
{
	size_t done = 0;

	if (c->to.offset < 0 && rotai_may_wait(c->to.fd))
		return rotai_write_slowly(c->fs, c->to.fd, c->buffer, size,
					  error);
	while (done < size && *error == 0) {
		ssize_t n =
			c->to.offset < 0
				? write(c->to.fd, c->buffer + done, size - done)
				: pwrite(c->to.fd, c->buffer + done,
					 size - done,
					 (off_t)(c->to.offset + (int64_t)done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0)
			*error = ROTA_EIO; /* a device that accepts nothing */
		else if (errno != EINTR)
			*error = -errno;
	}
	return done;
}

/* Copy a part by the buffer: 0 at the end. */
static size_t copy_by_buffer(struct copying *c, int *error)
{
	int64_t n;

	*error = make_buffer(c);
	if (*error < 0)
		return 0;
	n = fill_buffer(c);
	if (n < 0)
		*error = (int)n;
	return n <= 0 ? 0 : empty_buffer(c, (size_t)n, error);
}

/* Whether 0 bytes that were copied inside the kernel mean the end. (1) */
static int ends_there(const struct copying *c)
{
	struct stat status;

	return fstat(c->from.fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_size > 0;
}

/* Copy a part: 0 at the end. (1) */
static size_t copy_part(struct copying *c, int *error)
{
	size_t size = c->left < COPY_AT_ONCE ? c->left : COPY_AT_ONCE;
	int64_t n = ROTA_ENOTSUP;

	if (c->inside != NULL)
		do {
			n = c->inside(c->from, c->to, size);
		} while (n == ROTA_EINTR);
	if (n > 0)
		return (size_t)n;
	if (n < 0 && n != ROTA_ENOTSUP) {
		*error = (int)n;
		return 0;
	}
	if (n == 0 && ends_there(c))
		return 0;
	c->inside = NULL;
	return copy_by_buffer(c, error);
}

static void advance(struct rota_file_place *place, size_t size)
{
	if (place->offset >= 0)
		place->offset += (int64_t)size;
}

static size_t copy_parts(struct copying *c, int *error)
{
	size_t done = 0;

	while (c->left > 0 && *error == 0) {
		size_t n;

		if (rota_work_canceled()) {
			*error = ROTA_ECANCELED;
			break;
		}
		n = copy_part(c, error);
		done += n;
		if (n == 0)
			break;
		c->left -= n;
		advance(&c->from, n);
		advance(&c->to, n);
	}
	free(c->buffer);
	return *error == ROTA_ECANCELED ? 0 : done;
}

static struct rota_file_place source_of(const struct rota_fs *fs)
{
	return (struct rota_file_place){ fs->internal.fd, fs->internal.offset };
}

static struct rota_file_place goal_of(const struct rota_fs *fs)
{
	return (struct rota_file_place){ fs->internal.other_fd,
					 fs->internal.length };
}

static size_t copy_files(struct rota_fs *fs, int *error)
{
	struct copying c = { .fs = fs,
			     .from = source_of(fs),
			     .to = goal_of(fs),
			     .left = fs->internal.size,
			     .inside = rotai_copy_inside };

	return copy_parts(&c, error);
}

static size_t send_file(struct rota_fs *fs, int *error)
{
	struct copying c = { .fs = fs,
			     .from = source_of(fs),
			     .to = goal_of(fs),
			     .left = fs->internal.size,
			     .inside = send_to_place };

	return copy_parts(&c, error);
}

/* (3) */
static size_t copy_slowly(struct rota_fs *fs, int *error)
{
	struct copying c = { .fs = fs,
			     .from = source_of(fs),
			     .to = goal_of(fs),
			     .left = fs->internal.size };

	return copy_parts(&c, error);
}

static int64_t copy_or_move(struct rota_fs *fs, rotai_fs_write_fn *copy)
{
	struct rota_file_place from = source_of(fs);
	struct rota_file_place to = goal_of(fs);

	if ((from.offset < 0 && rotai_read_may_wait(from.fd)) ||
	    (to.offset < 0 && rotai_may_wait(to.fd)))
		return ROTAI_FS_MOVES;
	return rotai_fs_write_quietly(fs, copy);
}

int64_t rotai_call_copy_range(struct rota_fs *fs)
{
	return copy_or_move(fs, copy_files);
}

int64_t rotai_call_sendfile(struct rota_fs *fs)
{
	return copy_or_move(fs, send_file);
}

int64_t rotai_call_copy_slowly(struct rota_fs *fs)
{
	return rotai_fs_write_quietly(fs, copy_slowly);
}
