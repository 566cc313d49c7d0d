/*
 * fs/read_file.c - reading a whole file in one trip to the pool.
 *
 *  1. The size that stat(2) returns determines how much memory is allocated at
 *     first. The reads determine where the file ends: a read returns 0; or it
 *     comes up short, and a regular file has exactly the size that stat(2)
 *     returned. According to POSIX, read(2) of a regular file comes up short
 *     only at its end or because of a signal. So one call reads most files.
 *  2. There is always room for one byte more than the expected size. Then a
 *     file of this size needs no more memory for the read that finds the end,
 *     and the byte is used for the 0 after the data.
 *  3. fs->data is set last. Until then the memory belongs to the thread.
 *  4. What is not a file is read in the blocking lane, without blocking:
 *     poll(2) waits for more, or for a cancel. If the path was a file and has
 *     since become something else, there is nothing to read, or ROTA_EAGAIN
 *     moves the operation to the blocking lane as well.
 */
#include "fs/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/slow.h"
#include "fs/wait.h"
#include "rota/error.h"

struct contents {
	char *data;
	size_t size;     /* bytes that were read */
	size_t capacity; /* bytes at data */
	size_t limit;
	size_t expected; /* the size of a regular file, or SIZE_MAX */

	struct rota_fs *waiter; /* waits for more with this; or NULL: (4) */
};

/* Make room for @capacity bytes, or for the limit and one byte if that is less.
 * (2) */
static int contents_make_room(struct contents *c, size_t capacity)
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
	return contents_make_room(c, c->capacity < ROTAI_FS_FIRST
					     ? ROTAI_FS_FIRST
					     : c->capacity * 2);
}

/* Make room for the size that stat(2) returned. (1) */
static int begin_contents(struct contents *c, const struct stat *status)
{
	if (!S_ISREG(status->st_mode) || status->st_size <= 0)
		return contents_make_room(c, ROTAI_FS_FIRST);
	if ((uint64_t)status->st_size > c->limit)
		return ROTA_EFBIG;
	if ((uint64_t)status->st_size >= SIZE_MAX)
		return ROTA_ENOMEM;
	c->expected = (size_t)status->st_size;
	return contents_make_room(c, c->expected + 1);
}

/* Wait for more, if @fd is read in that way. (4) */
static int await_more(const struct contents *c, int fd)
{
	int found = c->waiter == NULL
			    ? 0
			    : rotai_fs_wait(c->waiter, fd, POLLIN, -1);

	return found < 0 ? found : 0;
}

/* poll(2) reported it as ready, and there was nothing to read: poll(2) does not
 * work with this descriptor. So wait for a time. */
static int await_a_while(const struct contents *c, int *pause_ms)
{
	int found = rotai_fs_pause(c->waiter, -1, 0, pause_ms);

	return found < 0 ? found : 0;
}

/* A read has returned @n: return 0 to go on, 1 at the end, or an error. */
static int take_part(struct contents *c, ssize_t n, size_t wanted,
		     int *pause_ms)
{
	if (n == 0)
		return 1;
	if (n < 0 && errno == EAGAIN && c->waiter != NULL)
		return await_a_while(c, pause_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	*pause_ms = ROTAI_FS_FIRST_PAUSE;
	c->size += (size_t)n;
	if (c->size > c->limit)
		return ROTA_EFBIG;
	if ((size_t)n < wanted && c->size == c->expected)
		return 1; /* (1) */
	return c->size == c->capacity ? grow(c) : 0;
}

static int read_to_end(struct contents *c, int fd)
{
	int pause_ms = ROTAI_FS_FIRST_PAUSE;
	int done = 0;

	while (done == 0 && !rota_work_canceled()) {
		size_t room = c->capacity - c->size;
		size_t wanted = room < ROTAI_FS_CHUNK ? room : ROTAI_FS_CHUNK;

		done = await_more(c, fd);
		if (done == 0)
			done = take_part(c, read(fd, c->data + c->size, wanted),
					 wanted, &pause_ms);
	}
	if (done == 0)
		return ROTA_ECANCELED;
	return done < 0 ? done : 0;
}

/* Put a 0 behind the data, and free the memory that is not needed. (2) */
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

/* Read from @fd to the end, and close it. */
static int read_and_close(struct contents *c, int fd, const struct stat *status)
{
	int error = begin_contents(c, status);

	if (error == 0)
		error = read_to_end(c, fd);
	rotai_fd_close(fd);
	return error;
}

/* O_NOCTTY: a terminal must not become the controlling terminal of the process
 * because it is read. */
enum { READ_FILE_FLAGS = O_RDONLY | O_NOCTTY };

/* Read a file, opened with O_NONBLOCK, for the reasons of open_file() in
 * file.c. Or return ROTA_EAGAIN: it may take long. */
static int read_file(struct contents *c, struct rota_fs *fs)
{
	struct stat status;
	int error = rotai_file_look(fs, &status);
	int fd;

	if (error < 0)
		return error;
	if (S_ISDIR(status.st_mode))
		return ROTA_EISDIR;
	if (rotai_is_special(status.st_mode))
		return fs->internal.files_only ? ROTA_EPERM : ROTA_EAGAIN;
	fd = rotai_file_open(fs, READ_FILE_FLAGS | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	error = rotai_file_admit(fs, fd);
	return error < 0 ? error : read_and_close(c, fd, &status);
}

/* (4) */
static int read_slowly(struct contents *c, struct rota_fs *fs)
{
	struct stat status;
	int error = rotai_file_look(fs, &status);
	int fd;

	if (error < 0)
		return error;
	if (S_ISFIFO(status.st_mode))
		fd = rotai_fifo_open(fs, READ_FILE_FLAGS, 0);
	else if (rotai_is_special(status.st_mode))
		fd = rotai_file_open(fs, READ_FILE_FLAGS | O_NONBLOCK, 0);
	else
		fd = rotai_file_open(fs, READ_FILE_FLAGS,
				     0); /* somebody has a lease on it */
	if (fd < 0)
		return fd;
	c->waiter = rotai_is_special(status.st_mode) ? fs : NULL;
	error = rotai_file_admit(fs, fd);
	return error < 0 ? error : read_and_close(c, fd, &status);
}

static int64_t read_whole(struct rota_fs *fs,
			  int (*read_it)(struct contents *c,
					 struct rota_fs *fs))
{
	struct contents c = {
		.limit = fs->internal.limit,
		.expected = SIZE_MAX,
	};
	int error = read_it(&c, fs);

	if (error < 0) {
		free(c.data);
		return error;
	}
	trim(&c);
	fs->data = c.data; /* (3) */
	fs->size = c.size;
	return (int64_t)c.size;
}

static void run_read_file(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int64_t result = read_whole(fs, read_file);

	fs->internal.result = result == ROTA_EAGAIN ? ROTAI_FS_MOVES : result;
}

static void run_read_file_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = read_whole(fs, read_slowly);
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
	.run_slowly = run_read_file_slowly,
	.discard = rota_fs_free,
};

int rota_fs_read_file(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		      size_t limit)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL)
		return ROTA_EINVAL;
	if (fs->data != NULL)
		return ROTA_EBUSY;
	error = rotai_fs_take_paths(fs, path, NULL);
	if (error < 0)
		return error;
	fs->size = 0;
	fs->internal.limit = limit;
	rotai_fs_begin(fs, fn, &read_file_operation);
	return 0;
}
