/* poller: none */
/*
 * Locks of files: between two open files of one process, and between two
 * processes. A wait for a lock ends by itself, by a cancel or by a deadline.
 */
#include "fs/special.h"

#include <sys/file.h>

#include "fs/ready.h"
#include "rota/fs_lock.h"
#include "support/child.h"

static const struct rota_file_range everything = { 0, 0 };

/* A kind of lock. */
typedef int lock_fn(struct rota_fs *fs, int fd, unsigned options);

static int by_flock(struct rota_fs *fs, int fd, unsigned options)
{
	return rota_fs_flock(fs, on_end, fd, options);
}

static int by_range(struct rota_fs *fs, int fd, unsigned options)
{
	return rota_fs_lock_range(fs, on_end, fd, options, everything);
}

static lock_fn *const kinds[] = { by_flock, by_range };

/* Two open files of one file, and a loop on a virtual clock. */
struct locks {
	struct special t;
	struct operation other;
	int one, two;
};

static void locks_begin(struct locks *l, struct fixture *f)
{
	begin(&l->t, f);
	operation_init(&l->other, l->t.lane.loop);
	l->one = put_open(&l->t.s, O_RDWR | O_CREAT);
	l->two = put_open(&l->t.s, O_RDWR);
}

static void locks_end(struct locks *l)
{
	close(l->one);
	close(l->two);
	end(&l->t);
}

/* Whether the system has such locks. */
static int has(struct locks *l, lock_fn *lock)
{
	return DONE(&l->t.op, lock(&l->t.op.fs, l->one, ROTA_FS_UNLOCK)) !=
	       ROTA_ENOTSUP;
}

static int64_t try(struct locks *l, lock_fn *lock, int fd, unsigned options)
{
	return DONE(&l->t.op,
		    lock(&l->t.op.fs, fd, options | ROTA_FS_LOCK_TRY));
}

static void a_lock_excludes_or_is_shared(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	for (int i = 0; i < 2; i++) {
		lock_fn *lock = kinds[i];

		if (!has(&l, lock))
			continue;
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_EXCLUSIVE),
				 0);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_LOCK_SHARED),
				 ROTA_EAGAIN);
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_SHARED), 0);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_LOCK_SHARED), 0);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_LOCK_EXCLUSIVE),
				 ROTA_EAGAIN);
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_UNLOCK), 0);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_LOCK_EXCLUSIVE),
				 0);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_UNLOCK), 0);
	}
	locks_end(&l);
}

static void a_range_is_locked_alone(void **state)
{
	struct rota_file_range low = { 0, 10 }, high = { 10, 0 };
	struct locks l;
	struct rota_fs *fs = &l.t.op.fs;
	unsigned how = ROTA_FS_LOCK_EXCLUSIVE | ROTA_FS_LOCK_TRY;

	locks_begin(&l, *state);
	if (has(&l, by_range)) {
		assert_int_equal(
			DONE(&l.t.op,
			     rota_fs_lock_range(fs, on_end, l.one, how, low)),
			0);
		assert_int_equal(
			DONE(&l.t.op,
			     rota_fs_lock_range(fs, on_end, l.two, how, high)),
			0);
		assert_int_equal(
			DONE(&l.t.op,
			     rota_fs_lock_range(fs, on_end, l.two, how, low)),
			ROTA_EAGAIN);
	}
	locks_end(&l);
}

static void until_it_waits(struct locks *l, struct operation *op)
{
	while (__atomic_load_n(&op->fs.internal.waits, __ATOMIC_ACQUIRE) !=
	       ROTAI_FS_WAITS)
		rota_loop_run(l->t.lane.loop, ROTA_RUN_NOWAIT);
}

static void a_lock_is_waited_for(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	for (int i = 0; i < 2; i++) {
		lock_fn *lock = kinds[i];

		if (!has(&l, lock))
			continue;
		l.other.calls = 0;
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_EXCLUSIVE),
				 0);
		assert_int_equal(
			lock(&l.other.fs, l.two, ROTA_FS_LOCK_EXCLUSIVE), 0);
		until_it_waits(&l, &l.other);
		assert_int_equal(l.other.calls, 0);

		assert_int_equal(lock(&l.t.op.fs, l.one, ROTA_FS_UNLOCK), 0);
		assert_int_equal(rota_loop_run(l.t.lane.loop, ROTA_RUN_DEFAULT),
				 0);

		assert_int_equal(l.other.calls, 1);
		assert_int_equal(l.other.result, 0);
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_SHARED),
				 ROTA_EAGAIN);
		assert_int_equal(try(&l, lock, l.two, ROTA_FS_UNLOCK), 0);
	}
	locks_end(&l);
}

/* The result, which may have come already. */
static int64_t in_the_end(struct operation *op)
{
	assert_int_equal(rota_loop_run(op->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(op->calls, 1);
	op->calls = 0;
	return op->result;
}

/* O6, O8: nobody gets the lock afterwards. */
static void a_wait_is_cancelled_or_times_out(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	for (int i = 0; i < 2; i++) {
		lock_fn *lock = kinds[i];

		if (!has(&l, lock))
			continue;
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_EXCLUSIVE),
				 0);
		assert_int_equal(lock(&l.other.fs, l.two, ROTA_FS_LOCK_SHARED),
				 0);
		until_it_waits(&l, &l.other);
		while (rota_request_cancel(&l.other.fs.request) == ROTA_EBUSY)
			until_it_waits(&l, &l.other);
		assert_int_equal(in_the_end(&l.other), ROTA_ECANCELED);

		assert_int_equal(lock(&l.other.fs, l.two, ROTA_FS_LOCK_SHARED),
				 0);
		set_deadline(&l.t, &l.other, 10);
		until_it_waits(&l, &l.other);
		pass(&l.t, 10);
		assert_int_equal(in_the_end(&l.other), ROTA_ETIMEDOUT);

		assert_int_equal(try(&l, lock, l.one, ROTA_FS_UNLOCK), 0);
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_LOCK_EXCLUSIVE),
				 0);
		assert_int_equal(try(&l, lock, l.one, ROTA_FS_UNLOCK), 0);
	}
	locks_end(&l);
}

/* O8: a thread has got it, and the deadline passes before the callback. */
static void a_lock_that_comes_too_late_is_released(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	for (int i = 0; i < 2; i++) {
		uint64_t done;

		if (!has(&l, kinds[i]))
			continue;
		done = lane_stats(&l.t.lane).done;
		assert_int_equal(
			kinds[i](&l.other.fs, l.one, ROTA_FS_LOCK_EXCLUSIVE),
			0);
		set_deadline(&l.t, &l.other, 10);
		until_done(&l.t.lane, done + 1);
		assert_int_equal(
			rota_loop_advance(l.t.lane.loop, ROTA_MSEC(10)), 0);
		assert_int_equal(outcome(&l.other), ROTA_ETIMEDOUT);
		assert_int_equal(
			try(&l, kinds[i], l.two, ROTA_FS_LOCK_EXCLUSIVE), 0);
		assert_int_equal(try(&l, kinds[i], l.two, ROTA_FS_UNLOCK), 0);
	}
	locks_end(&l);
}

/* Another process has the lock, until it ends. */
static void a_lock_of_another_process_is_waited_for(void **state)
{
	struct locks l;
	int ready[2], go[2];
	pid_t child;
	char byte;

	locks_begin(&l, *state);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child = child_fork();
	if (child == 0) {
		int fd = open(l.t.s.path, O_RDWR);

		EXPECT(flock(fd, LOCK_EX) == 0);
		EXPECT(write(ready[1], "x", 1) == 1);
		EXPECT(read(go[0], &byte, 1) == 1);
		child_ends();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(by_flock(&l.other.fs, l.one, ROTA_FS_LOCK_SHARED), 0);
	until_it_waits(&l, &l.other);
	assert_int_equal(flock(l.two, LOCK_SH | LOCK_NB), -1);
	assert_int_equal(l.other.calls, 0);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(outcome(&l.other), 0);
	expect_success(child);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
	locks_end(&l);
}

static void find_it_canceled(void *arg)
{
	struct locks *l = arg;

	EXPECT(rota_loop_fork(l->t.lane.loop) == 0);
	EXPECT(rota_loop_run(l->t.lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(l->other.calls == 1);
	EXPECT(l->other.result == ROTA_ECANCELED);
}

/* F2: the child has the same open file. It must not release the lock. */
static void a_forked_child_leaves_the_lock(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	for (int i = 0; i < 2; i++) {
		uint64_t done;

		if (!has(&l, kinds[i]))
			continue;
		l.other.calls = 0;
		done = lane_stats(&l.t.lane).done;
		assert_int_equal(
			kinds[i](&l.other.fs, l.one, ROTA_FS_LOCK_EXCLUSIVE),
			0);
		until_done(&l.t.lane, done + 1);
		in_a_child(find_it_canceled, &l);
		assert_int_equal(outcome(&l.other), 0);
		assert_int_equal(try(&l, kinds[i], l.two, ROTA_FS_LOCK_SHARED),
				 ROTA_EAGAIN);
		assert_int_equal(try(&l, kinds[i], l.one, ROTA_FS_UNLOCK), 0);
	}
	locks_end(&l);
}

static void what_cannot_be_locked_is_told(void **state)
{
	struct locks l;
	int fd;

	locks_begin(&l, *state);
	fd = put_open(&l.t.s, O_RDONLY);
	if (has(&l, by_range))
		assert_int_equal(try(&l, by_range, fd, ROTA_FS_LOCK_EXCLUSIVE),
				 ROTA_EBADF);
	close(fd);
	assert_int_equal(try(&l, by_flock, fd, ROTA_FS_LOCK_SHARED),
			 ROTA_EBADF);
	locks_end(&l);
}

/* O5 */
static void a_shutdown_ends_the_wait(void **state)
{
	struct locks l;

	locks_begin(&l, *state);
	assert_int_equal(flock(l.one, LOCK_EX), 0);
	assert_int_equal(by_flock(&l.other.fs, l.two, ROTA_FS_LOCK_SHARED), 0);
	until_it_waits(&l, &l.other);
	assert_int_equal(rota_loop_shutdown(l.t.lane.loop, UINT64_MAX), 0);
	assert_int_equal(l.other.calls, 1);
	assert_int_equal(l.other.result, ROTA_ECANCELED);
	rota_pool_unref(l.t.lane.pool);
	close(l.one);
	close(l.two);
	scratch_end(&l.t.s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_lock_excludes_or_is_shared),
	REAL(a_range_is_locked_alone),
	REAL(a_lock_is_waited_for),
	REAL(a_wait_is_cancelled_or_times_out),
	REAL(a_lock_that_comes_too_late_is_released),
	REAL(a_lock_of_another_process_is_waited_for),
	REAL(a_forked_child_leaves_the_lock),
	REAL(what_cannot_be_locked_is_told),
	REAL(a_shutdown_ends_the_wait),
};

FIXTURE_MAIN(tests)
