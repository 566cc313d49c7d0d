/*
 * tests/fs/scratch.h - a directory for the files of one test, and operations
 * that record their results.
 *
 *     struct file_test t;
 *
 *     file_test_begin(&t, *state);
 *     assert_int_equal(do_open(&t.op, t.s.path, O_RDONLY, 0), ROTA_ENOENT);
 *     file_test_end(&t);
 *
 * A test of the call itself begins the operation by hand, and then runs the
 * loop until it has completed:
 *
 *     assert_int_equal(rota_fs_open(&t.op.fs, on_end, t.s.path, O_RDONLY, 0),
 *                      0);
 *     assert_int_equal(outcome(&t.op), ROTA_ENOENT);
 */
#ifndef TESTS_FS_SCRATCH_H
#define TESTS_FS_SCRATCH_H

#include "support/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rota/fs.h"
#include "support/fault.h"

struct scratch {
	char directory[128];
	char path[160]; /* of "file", which does not exist yet */
};

struct operation {
	struct rota_fs fs;
	struct rota_loop *loop;
	int64_t result;
	unsigned calls;
	enum rota_phase phase; /* of the last call */
};

/* If @under is NULL, the directory is made where temporary files are. */
static inline void scratch_begin_under(struct scratch *s, const char *under)
{
	if (under == NULL)
		under = getenv("TMPDIR");
	assert_in_range(snprintf(s->directory, sizeof(s->directory),
				 "%s/rota-fs-XXXXXX",
				 under != NULL ? under : "/tmp"),
			1, sizeof(s->directory) - 1);
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->path, sizeof(s->path), "%s/file", s->directory);
}

static inline void scratch_begin(struct scratch *s)
{
	scratch_begin_under(s, NULL);
}

/* Remove the directory and everything in it. */
static inline void scratch_end(struct scratch *s)
{
	DIR *directory = opendir(s->directory);
	struct dirent *entry;
	char path[sizeof(s->directory) + 256];

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		snprintf(path, sizeof(path), "%s/%.200s", s->directory,
			 entry->d_name);
		(void)unlink(path);
	}
	closedir(directory);
	assert_int_equal(rmdir(s->directory), 0);
}

/* Make a file of @size bytes at s->path. byte_at() gives each byte. */
static inline char byte_at(size_t index)
{
	return (char)('a' + index % 23 + index / 4096 % 3);
}

static inline void put_file(const struct scratch *s, size_t size)
{
	FILE *file = fopen(s->path, "w");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		putc(byte_at(i), file);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_bytes(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != byte_at(i))
			fail_msg("byte %zu is %d, not %d", i, data[i],
				 byte_at(i));
}

static inline int put_open(const struct scratch *s, int flags)
{
	int fd = open(s->path, flags | O_CLOEXEC, 0600);

	assert_int_not_equal(fd, -1);
	return fd;
}

static inline void operation_init(struct operation *op, struct rota_loop *loop)
{
	memset(op, 0, sizeof(*op));
	op->loop = loop;
	op->result = INT64_MIN;
	rota_fs_init(&op->fs, loop);
	/* What needs no thread is tested by test_fs_attempt_linux.c. */
	rota_fs_set_threads_only(&op->fs, 1);
}

static inline void on_end(struct rota_fs *fs, int64_t result)
{
	struct operation *op = rota_container_of(fs, struct operation, fs);

	op->result = result;
	op->calls++;
	op->phase = rota_loop_phase(op->loop);
}

/* Run the loop to its end. @op must have completed once by then. */
static inline int64_t outcome(struct operation *op)
{
	unsigned before = op->calls;

	assert_int_equal(rota_loop_run(op->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(op->calls, before + 1);
	return op->result;
}

static inline struct rota_buf buf_of(char *data, size_t size)
{
	return (struct rota_buf){ .data = data, .size = size };
}

/* Each of these begins an operation and runs the loop until it has
 * completed. */

static inline int64_t do_open(struct operation *op, const char *path, int flags,
			      unsigned mode)
{
	assert_int_equal(rota_fs_open(&op->fs, on_end, path, flags, mode), 0);
	return outcome(op);
}

static inline int64_t do_close(struct operation *op, int fd)
{
	assert_int_equal(rota_fs_close(&op->fs, on_end, fd), 0);
	return outcome(op);
}

static inline int64_t do_read(struct operation *op, int fd, struct rota_buf buf,
			      int64_t offset)
{
	assert_int_equal(rota_fs_read(&op->fs, on_end, fd, buf, offset), 0);
	return outcome(op);
}

static inline int64_t do_write(struct operation *op, int fd, const char *text,
			       int64_t offset)
{
	struct rota_const_buf buf = rota_bytes(text, strlen(text));

	assert_int_equal(rota_fs_write(&op->fs, on_end, fd, buf, offset), 0);
	return outcome(op);
}

/* A loop with its own pool, whose io lane has at most @threads threads. */
struct lane {
	struct rota_pool *pool;
	struct rota_loop *loop;
};

static inline void lane_begin(struct lane *lane, struct fixture *f,
			      enum rota_clock clock, unsigned threads)
{
	struct rota_pool_options pool;
	struct rota_loop_options options;

	rota_pool_options_init(&pool);
	pool.lanes[ROTA_LANE_IO].max_threads = threads;
	assert_int_equal(rota_pool_new(&lane->pool, &pool), 0);
	fixture_options(f, clock, &options);
	options.pool = lane->pool;
	assert_int_equal(rota_loop_new(&lane->loop, &options), 0);
}

static inline void lane_end(struct lane *lane)
{
	assert_int_equal(rota_loop_close(lane->loop), 0);
	rota_pool_unref(lane->pool);
}

static inline struct rota_lane_stats lane_stats(const struct lane *lane)
{
	struct rota_lane_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_pool_stats(lane->pool, ROTA_LANE_IO, &stats), 0);
	return stats;
}

/* Blocks a thread of the io lane: in the middle of a read of a file, the thread
 * waits for a byte of a pipe. */
struct holder {
	FILE *file;
	int fds[2]; /* the pipe; its first end blocks */
};

static inline void holder_begin(struct holder *holder)
{
	make_pipe(holder->fds);
	fcntl(holder->fds[0], F_SETFL,
	      fcntl(holder->fds[0], F_GETFL) & ~O_NONBLOCK);
	holder->file = tmpfile();
	assert_non_null(holder->file);
	assert_int_equal(fputc('x', holder->file), 'x');
	assert_int_equal(fflush(holder->file), 0);
}

static inline void holder_wait(void *arg)
{
	const struct holder *holder = arg;
	char byte;

	while (read(holder->fds[0], &byte, 1) < 0)
		;
}

/* Begin the read of one byte into @byte. */
static inline void holder_hold(struct holder *holder, struct operation *op,
			       char *byte)
{
	fault_call_before("pread", 1, holder_wait, holder);
	assert_int_equal(rota_fs_read(&op->fs, on_end, fileno(holder->file),
				      buf_of(byte, 1), 0),
			 0);
}

static inline void holder_let_go(struct holder *holder)
{
	put_byte(holder->fds[1]);
}

static inline void holder_end(struct holder *holder)
{
	fault_clear();
	fclose(holder->file);
	close(holder->fds[0]);
	close(holder->fds[1]);
}

/* Wait until a thread runs a job, or until threads have finished @done jobs. */
static inline void until_running(const struct lane *lane)
{
	while (lane_stats(lane).running == 0)
		poll(NULL, 0, 1);
}

static inline void until_done(const struct lane *lane, uint64_t done)
{
	while (lane_stats(lane).done < done)
		poll(NULL, 0, 1);
}

/* What most of the tests need. */
struct file_test {
	struct fixture *f;
	struct scratch s;
	struct operation op;
};

static inline void file_test_begin(struct file_test *t, struct fixture *f)
{
	t->f = f;
	scratch_begin(&t->s);
	operation_init(&t->op, f->loop);
}

static inline void file_test_end(struct file_test *t)
{
	scratch_end(&t->s);
}

static inline void assert_file_is(const struct scratch *s, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(s->path, "r");

	assert_non_null(file);
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(found, text);
}

/* Write @text to the file @path, which is made anew. */
static inline void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_text(const char *path, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(found, text);
}

static inline int is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

#endif
