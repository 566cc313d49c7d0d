/*
 * fs/read_file.c - a whole file in one trip to the pool.
 *
 *  1. What the system says of the size decides how much memory there is to
 *     begin with. The end is where a read says so: by 0, or by less than it was
 *     asked for, if that is just what a regular file was said to have. POSIX
 *     has read(2) of such a file come up short at its end alone, or for a
 *     signal. Most files are read by one call so.
 *  2. There is room for one byte more than the file is to have: a file of that
 *     size needs no growing for the read that finds the end, and then the byte
 *     is the 0 after the data.
 *  3. fs->data is set last of all. Until then the memory is the thread's.
 */
#include "fs/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/operation.h"
#include "rota/error.h"

struct contents {
	char *data;
	size_t size;     /* bytes that were read */
	size_t capacity; /* bytes at data */
	size_t limit;
	size_t expected; /* a regular file's size, or SIZE_MAX */
};

/* Make room for @capacity bytes, or for as many as the limit needs. (2) */
static int make_room(struct contents *c, size_t capacity)
{
	char *data;

	if (c->limit < SIZE_MAX && capacity > c->limit + 1)
		capacity = c->limit + 1;
	data = c->data == NULL ? malloc(capacity) : realloc(c->data, capacity);
	if (data == NULL)
		return ROTA_ENOMEM;
	c->data = data;
	c->capacity = capacity;
	return 0;
}

static int grow(struct contents *c)
{
	if (c->capacity > SIZE_MAX / 2)
		return ROTA_ENOMEM;
	return make_room(c, c->capacity < ROTAI_FS_FIRST ? ROTAI_FS_FIRST
							 : c->capacity * 2);
}

/* Make room for what @fd is said to have. (1) */
static int begin(struct contents *c, int fd)
{
	struct stat status;
	int failed;

	do
		failed = fstat(fd, &status);
	while (failed && errno == EINTR);
	if (failed)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return ROTA_EISDIR;
	if (!S_ISREG(status.st_mode) || status.st_size <= 0)
		return make_room(c, ROTAI_FS_FIRST);
	if ((uint64_t)status.st_size > c->limit)
		return ROTA_EFBIG;
	if ((uint64_t)status.st_size >= SIZE_MAX)
		return ROTA_ENOMEM;
	c->expected = (size_t)status.st_size;
	return make_room(c, c->expected + 1);
}

static int read_to_end(struct contents *c, int fd)
{
	while (!rota_work_canceled()) {
		size_t room = c->capacity - c->size;
		size_t wanted = room < ROTAI_FS_CHUNK ? room : ROTAI_FS_CHUNK;
		ssize_t n = read(fd, c->data + c->size, wanted);

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			c->size += (size_t)n;
		if (c->size > c->limit)
			return ROTA_EFBIG;
		if (n > 0 && (size_t)n < wanted && c->size == c->expected)
			return 0; /* (1) */
		if (c->size == c->capacity) {
			int error = grow(c);

			if (error < 0)
				return error;
		}
	}
	return ROTA_ECANCELED;
}

/* End the data, and give back what was too much. (2) */
static void trim(struct contents *c)
{
	char *data;

	c->data[c->size] = '\0';
	if (c->capacity - c->size <= ROTAI_FS_FIRST)
		return;
	data = realloc(c->data, c->size + 1);
	if (data != NULL)
		c->data = data;
}

static int read_whole(struct contents *c, const char *path)
{
	int error;
	int fd;

	/* A terminal is not to become the process's own by being read. */
	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	error = begin(c, fd);
	if (error == 0)
		error = read_to_end(c, fd);
	rotai_fd_close(fd);
	return error;
}

static void run_read_file(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	struct contents c = {
		.limit = fs->internal.limit,
		.expected = SIZE_MAX,
	};
	int error = read_whole(&c, fs->internal.path);

	if (error < 0) {
		free(c.data);
		fs->internal.result = error;
		return;
	}
	trim(&c);
	fs->data = c.data; /* (3) */
	fs->size = c.size;
	fs->internal.result = (int64_t)c.size;
}

void rota_fs_free(struct rota_fs *fs)
{
	free(fs->data);
	fs->data = NULL;
	fs->size = 0;
}

static const struct rotai_fs_operation read_file_operation = {
	.class_ = ROTAI_FS_CLASS("fs_read_file"),
	.run = run_read_file,
	.discard = rota_fs_free,
};

int rota_fs_read_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		      size_t limit)
{
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL)
		return ROTA_EINVAL;
	if (fs->data != NULL)
		return ROTA_EBUSY;
	fs->size = 0;
	fs->internal.path = path;
	fs->internal.limit = limit;
	rotai_fs_begin(fs, fn, &read_file_operation);
	return 0;
}
