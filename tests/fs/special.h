/*
 * tests/fs/special.h - operations on special files. Their loop has a virtual
 * clock, and its io lane has 4 threads.
 */
#ifndef TESTS_FS_SPECIAL_H
#define TESTS_FS_SPECIAL_H

#include "fs/scratch.h"

#include "fs/wait.h"

struct special {
	struct fixture *f;
	struct scratch s;
	struct lane lane; /* on a virtual clock */
	struct operation op;
	struct rota_deadline deadline;
};

static inline void begin(struct special *t, struct fixture *f)
{
	*t = (struct special){ .f = f };
	scratch_begin(&t->s);
	lane_begin(&t->lane, f, ROTA_CLOCK_VIRTUAL, 4);
	operation_init(&t->op, t->lane.loop);
}

static inline void end(struct special *t)
{
	lane_end(&t->lane);
	scratch_end(&t->s);
}

static inline void begin_with_fifo(struct special *t, struct fixture *f)
{
	begin(t, f);
	assert_int_equal(mkfifo(t->s.path, 0600), 0);
}

/* Advance virtual time by hand, which is needed while requests are in
 * flight. */
static inline void pass(struct special *t, unsigned ms)
{
	assert_int_equal(rota_loop_advance(t->lane.loop, ROTA_MSEC(ms)), 0);
	rota_loop_run(t->lane.loop, ROTA_RUN_NOWAIT);
}

static inline void set_deadline(struct special *t, struct operation *op,
				unsigned ms)
{
	uint64_t due = rota_loop_now(t->lane.loop) + ROTA_MSEC(ms);

	assert_int_equal(
		rota_request_set_deadline(&op->fs.request, &t->deadline, due),
		0);
}

/* Run the loop until a thread waits for the descriptor of @op. */
static inline void run_until_waiting(struct special *t, struct operation *op)
{
	while (__atomic_load_n(&op->fs.internal.waits, __ATOMIC_RELAXED) !=
	       ROTAI_FS_WAITS) {
		rota_loop_run(t->lane.loop, ROTA_RUN_NOWAIT);
		poll(NULL, 0, 1);
	}
}

/* Run until @op has completed, once. Others may still wait. Returns its
 * result. */
static inline int64_t ended(struct operation *op)
{
	while (op->calls == 0)
		assert_in_range(rota_loop_run(op->loop, ROTA_RUN_ONCE), 0, 1);
	assert_int_equal(op->calls, 1);
	op->calls = 0;
	return op->result;
}

static inline int64_t opened(struct special *t, const char *path, int flags,
			     unsigned mode)
{
	assert_int_equal(rota_fs_open(&t->op.fs, on_end, path, flags, mode), 0);
	return ended(&t->op);
}

static inline int64_t written(struct special *t, int fd, const char *text,
			      int64_t offset)
{
	assert_int_equal(rota_fs_write(&t->op.fs, on_end, fd,
				       rota_bytes(text, strlen(text)), offset),
			 0);
	return ended(&t->op);
}

static inline int64_t was_read(struct special *t, int fd, struct rota_buf buf,
			       int64_t offset)
{
	assert_int_equal(rota_fs_read(&t->op.fs, on_end, fd, buf, offset), 0);
	return ended(&t->op);
}

static inline int cancel(struct operation *op)
{
	return rota_request_cancel(&op->fs.request);
}

static inline void begin_read_file(struct operation *op, const char *path)
{
	assert_int_equal(rota_fs_read_file(&op->fs, on_end, path, 1 << 20), 0);
}

/* Make a pipe with blocking ends. */
static inline void make_blocking_pipe(int fds[2])
{
	assert_int_equal(pipe(fds), 0);
}

static inline void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static inline int is_blocking(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

#endif
