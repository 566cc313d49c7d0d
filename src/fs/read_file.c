/*
 * fs/read_file.c - reading a whole file in one trip to the pool, or without
 * one.
 *
 *  1. There are three kinds of memory that a file is read to, and for each a
 *     `struct whole`. What they have in common is in contents.c.
 *  2. fs->data and fs->size are set last. Until then the memory belongs to the
 *     thread; and so does the caller's buffer that grows.
 *  3. If the path was a file and has since become something else, there is
 *     nothing to read, or ROTA_EAGAIN moves the operation to the blocking lane.
 *  4. An attempt (attempt.c) may end after it has opened the file. It leaves
 *     the descriptor in internal.fd, which is -1 before that; the expected size
 *     in internal.size, in place of the path, which is not needed any more; how
 *     much it has read in the result; and the memory as save() says.
 */
#include "fs/read_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "fs/attempt.h"
#include "fs/contents.h"
#include "fs/fifo.h"
#include "fs/operation.h"
#include "fs/slow.h"
#include "pool/blocks.h"
#include "rota/error.h"

/* A kind of memory. (1) */
struct whole {
	struct rotai_fs_operation operation;

	/* Set up what is not zero. If @again, go on with what save() has
	 * saved. */
	void (*load)(const struct rota_fs *fs, struct rotai_contents *c,
		     int again);

	/* An attempt has not reached the end. (4) */
	void (*save)(struct rota_fs *fs, struct rotai_contents *c);

	/* The operation has ended with @error or 0. */
	void (*end)(struct rota_fs *fs, struct rotai_contents *c, int error);
};

static const struct whole *whole_of(const struct rota_fs *fs)
{
	return rota_container_of(fs->request.internal.class_,
				 const struct whole, operation.class_);
}

static void load_contents(const struct rota_fs *fs, struct rotai_contents *c,
			  int again)
{
	*c = (struct rotai_contents){
		.limit = fs->internal.limit,
		.expected = again ? fs->internal.size : SIZE_MAX,
		.size = rotai_fs_done(fs->internal.result),
	};
	whole_of(fs)->load(fs, c, again);
}

/* Read from @fd to the end, and close it. */
static int read_and_close(struct rotai_contents *c, int fd,
			  const struct stat *status)
{
	int error = rotai_contents_begin(c, status->st_mode,
					 (uint64_t)status->st_size);

	if (error == 0)
		error = rotai_contents_read(c, fd);
	rotai_fd_close(fd);
	return error;
}

/* O_NOCTTY: a terminal must not become the controlling terminal of the process
 * because it is read. */
enum { READ_FILE_FLAGS = O_RDONLY | O_NOCTTY };

/* What can be read here: 0; or an error, or ROTA_EAGAIN: it may take long. */
static int check_type(const struct rota_fs *fs, mode_t mode)
{
	if (S_ISDIR(mode))
		return ROTA_EISDIR;
	if (rotai_is_special(mode))
		return fs->internal.files_only ? ROTA_EPERM : ROTA_EAGAIN;
	return 0;
}

/* Read what was a file a short while ago: attempt.c (8). */
static int read_recent(struct rotai_contents *c, struct rota_fs *fs)
{
	struct stat status;
	int fd = rotai_file_open(fs, READ_FILE_FLAGS | O_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return fd;
	error = rotai_file_look_at(fd, &status);
	if (error == 0)
		error = check_type(fs, status.st_mode);
	if (error == 0)
		return read_and_close(c, fd, &status);
	rotai_fd_close(fd);
	return error;
}

/* Read a file, opened with O_NONBLOCK, for the reasons of open_file() in
 * file.c. Or return ROTA_EAGAIN: it may take long. */
static int read_file(struct rotai_contents *c, struct rota_fs *fs)
{
	struct stat status;
	int error;
	int fd;

	if (fs->internal.options)
		return read_recent(c, fs);
	error = rotai_file_look(fs, &status);
	if (error == 0)
		error = check_type(fs, status.st_mode);
	if (error < 0)
		return error;
	fd = rotai_file_open(fs, READ_FILE_FLAGS | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	error = rotai_file_admit(fs, fd);
	return error < 0 ? error : read_and_close(c, fd, &status);
}

/* Go on with a file that is open. (4) */
static int read_rest(struct rotai_contents *c, struct rota_fs *fs)
{
	int error = rotai_contents_read(c, fs->internal.fd);

	rotai_fd_close(fs->internal.fd);
	return error == ROTA_EAGAIN ? ROTA_EIO : error;
}

/* Open a file on which somebody has a lease, or whose reads wait, as those of
 * /proc/kmsg do. The open may wait, the reads do not: a descriptor or an
 * error. */
static int open_patiently(struct rota_fs *fs)
{
	int fd = rotai_file_open(fs, READ_FILE_FLAGS, 0);
	int error = fd < 0 ? fd : rotai_fd_set_nonblocking(fd, 1);

	if (fd >= 0 && error < 0)
		rotai_fd_close(fd);
	return error < 0 ? error : fd;
}

/* What has no data yet is waited for: contents.c (3). */
static int read_slowly(struct rotai_contents *c, struct rota_fs *fs)
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
		fd = open_patiently(fs);
	if (fd < 0)
		return fd;
	c->waiter = fs;
	error = rotai_file_admit(fs, fd);
	return error < 0 ? error : read_and_close(c, fd, &status);
}

static int64_t end_read(struct rota_fs *fs, struct rotai_contents *c, int error)
{
	if (error == 0)
		rotai_contents_end(c);
	whole_of(fs)->end(fs, c, error);
	return error < 0 ? error : (int64_t)c->size;
}

static void run_read_file(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	int again = fs->internal.fd >= 0;
	struct rotai_contents c;
	int error;
	int64_t result;

	load_contents(fs, &c, again);
	error = again ? read_rest(&c, fs) : read_file(&c, fs);
	result = end_read(fs, &c, error);
	fs->internal.result = result == ROTA_EAGAIN ? ROTAI_FS_MOVES : result;
}

static void run_read_file_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	struct rotai_contents c;

	load_contents(fs, &c, 0);
	fs->internal.result = end_read(fs, &c, read_slowly(&c, fs));
}

/* Leave the file that is open to a thread. (4) */
static void leave_rest(struct rota_fs *fs, struct rotai_contents *c, int fd)
{
	fs->internal.fd = fd;
	fs->internal.size = c->expected;
	fs->internal.result = ROTAI_FS_PARTLY(c->size);
	whole_of(fs)->save(fs, c);
}

/* Read as much as the page cache has and the turn allows. */
static int read_known(struct rota_fs *fs, struct rotai_contents *c, int fd,
		      const struct rotai_known *known)
{
	int error =
		rotai_contents_begin(c, known->info.mode, known->info.bytes);

	if (error < 0)
		return error;
	if (known->info.bytes > ROTAI_ATTEMPT_MOST ||
	    !rotai_attempt_take(fs, (size_t)known->info.bytes))
		return ROTA_EAGAIN;
	error = rotai_contents_read_now(c, fd);
	if (error == ROTA_EOPNOTSUPP)
		rotai_attempt_note_no_reads(fs, known);
	return error == ROTA_EOPNOTSUPP ? ROTA_EAGAIN : error;
}

static void attempt_read_file(struct rota_fs *fs)
{
	struct rotai_known known;
	struct rotai_contents c;
	int fd = rotai_attempt_open(fs, READ_FILE_FLAGS | O_NONBLOCK, &known);
	int error = fd;

	if (fd == ROTA_EAGAIN)
		return;
	load_contents(fs, &c, 0);
	c.plain = 1;
	if (fd >= 0)
		error = read_known(fs, &c, fd, &known);
	if (error == ROTA_EAGAIN && c.expected < SIZE_MAX) {
		leave_rest(fs, &c, fd);
		return;
	}
	if (fd >= 0)
		rotai_fd_close(fd);
	if (error == ROTA_EAGAIN || error == ROTA_ENOMEM)
		whole_of(fs)->end(fs, &c, error); /* a thread begins anew */
	else
		fs->internal.result = end_read(fs, &c, error < 0 ? error : 0);
}

/* fs->data. */

static void load_data(const struct rota_fs *fs, struct rotai_contents *c,
		      int again)
{
	if (!again)
		return;
	c->data = fs->internal.target;
	c->capacity = c->expected + 1;
}

static void save_data(struct rota_fs *fs, struct rotai_contents *c)
{
	fs->internal.target = c->data;
}

static void end_data(struct rota_fs *fs, struct rotai_contents *c, int error)
{
	if (error < 0) {
		rotai_contents_free(c);
		return;
	}
	fs->data = c->data;
	fs->size = c->size;
	fs->internal.block = (uint8_t)(c->block & 31);
}

void rota_fs_free(struct rota_fs *fs)
{
	rotai_block_give(fs->data, fs->internal.block);
	fs->data = NULL;
	fs->size = 0;
	fs->internal.block = 0;
}

static void skip_rest(struct rota_fs *fs)
{
	if (fs->internal.fd >= 0)
		rotai_fd_close(fs->internal.fd);
}

static void skip_data(struct rota_fs *fs)
{
	if (fs->internal.fd >= 0)
		free(fs->internal.target);
	skip_rest(fs);
}

static const struct whole into_data = {
	.operation = { .class_ = ROTAI_FS_CLASS("fs_read_file"),
		       .run = run_read_file,
		       .attempt = attempt_read_file,
		       .asks_if_recent = 1,
		       .run_slowly = run_read_file_slowly,
		       .discard = rota_fs_free,
		       .skip = skip_data },
	.load = load_data,
	.save = save_data,
	.end = end_data,
};

/* Memory of the caller. */

static void load_memory(const struct rota_fs *fs, struct rotai_contents *c,
			int again)
{
	(void)again;
	c->data = fs->internal.target;
	c->capacity = c->limit;
	c->fixed = 1;
}

static void save_nothing(struct rota_fs *fs, struct rotai_contents *c)
{
	(void)fs;
	(void)c;
}

static void end_memory(struct rota_fs *fs, struct rotai_contents *c, int error)
{
	if (error == 0 || error == ROTA_EFBIG)
		fs->size = c->size;
}

static const struct whole into_memory = {
	.operation = { .class_ = ROTAI_FS_CLASS("fs_read_file_to"),
		       .run = run_read_file,
		       .attempt = attempt_read_file,
		       .asks_if_recent = 1,
		       .run_slowly = run_read_file_slowly,
		       .skip = skip_rest },
	.load = load_memory,
	.save = save_nothing,
	.end = end_memory,
};

/* A buffer that grows. */

static void load_buffer(const struct rota_fs *fs, struct rotai_contents *c,
			int again)
{
	const struct rota_fs_buffer *buffer = fs->internal.target;

	(void)again;
	c->data = buffer->data;
	c->capacity = buffer->capacity;
	c->plain = 1;
	c->keeps = 1;
}

/* The memory is the buffer's in any case. */
static void save_buffer(struct rota_fs *fs, struct rotai_contents *c)
{
	struct rota_fs_buffer *buffer = fs->internal.target;

	buffer->data = c->data;
	buffer->capacity = c->capacity;
}

static void end_buffer(struct rota_fs *fs, struct rotai_contents *c, int error)
{
	struct rota_fs_buffer *buffer = fs->internal.target;

	save_buffer(fs, c);
	buffer->size = error == 0 ? c->size : 0;
}

static void discard_buffer(struct rota_fs *fs)
{
	struct rota_fs_buffer *buffer = fs->internal.target;

	buffer->size = 0;
}

static const struct whole into_buffer = {
	.operation = { .class_ = ROTAI_FS_CLASS("fs_read_file_again"),
		       .run = run_read_file,
		       .attempt = attempt_read_file,
		       .asks_if_recent = 1,
		       .run_slowly = run_read_file_slowly,
		       .discard = discard_buffer,
		       .skip = skip_rest },
	.load = load_buffer,
	.save = save_buffer,
	.end = end_buffer,
};

/* What @whole needs is in place. */
static void begin(struct rota_fs *fs, rota_fs_fn *fn, size_t limit,
		  const struct whole *whole)
{
	fs->internal.limit = limit;
	fs->internal.fd = -1; /* (4) */
	fs->internal.options = 0;
	rotai_fs_begin(fs, fn, &whole->operation);
}

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
	begin(fs, fn, limit, &into_data);
	return 0;
}

int rota_fs_read_file_to(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
			 struct rota_buf buf)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL || (buf.data == NULL && buf.size > 0))
		return ROTA_EINVAL;
	if (fs->data != NULL)
		return ROTA_EBUSY;
	error = rotai_fs_take_paths(fs, path, NULL);
	if (error < 0)
		return error;
	fs->size = 0;
	fs->internal.target = buf.data;
	begin(fs, fn, buf.size, &into_memory);
	return 0;
}

int rota_fs_read_file_again(struct rota_fs *fs, rota_fs_fn *fn,
			    const char *path, struct rota_fs_buffer *buffer,
			    size_t limit)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL || buffer == NULL)
		return ROTA_EINVAL;
	error = rotai_fs_take_paths(fs, path, NULL);
	if (error < 0)
		return error;
	buffer->size = 0;
	fs->internal.target = buffer;
	begin(fs, fn, limit, &into_buffer);
	return 0;
}

void rota_fs_buffer_free(struct rota_fs_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct rota_fs_buffer){ NULL, 0, 0 };
}
