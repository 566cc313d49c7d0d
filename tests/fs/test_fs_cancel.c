/* poller: none */
/*
 * Operations that are cancelled or have a deadline. An operation that has not
 * begun completes at once, and one that a thread is working on continues.
 * Neither leaves a descriptor or memory behind. The lane has one thread, which
 * is blocked in the middle of a read.
 */
#include "fs/scratch.h"

#include <pthread.h>

#include "fs/read_file.h"
#include "support/fault.h"
#include "support/probe.h"

struct held {
	struct fixture *f;
	struct scratch s;
	struct lane lane;
	struct operation holds; /* blocks the thread */
	struct operation op;
	struct rota_deadline deadline;
	struct holder holder;
	char byte;
};

static void begin_free(struct held *h, struct fixture *f, unsigned threads)
{
	h->f = f;
	scratch_begin(&h->s);
	lane_begin(&h->lane, f, ROTA_CLOCK_VIRTUAL, threads);
	operation_init(&h->holds, h->lane.loop);
	operation_init(&h->op, h->lane.loop);
	holder_begin(&h->holder);
}

/* Begin with the only thread blocked. */
static void begin(struct held *h, struct fixture *f)
{
	begin_free(h, f, 1);
	holder_hold(&h->holder, &h->holds, &h->byte);
	until_running(&h->lane);
}

static void end(struct held *h)
{
	lane_end(&h->lane);
	holder_end(&h->holder);
	scratch_end(&h->s);
}

static void let_go(struct held *h)
{
	holder_let_go(&h->holder);
	assert_int_equal(outcome(&h->holds), 1);
}

static void set_deadline(struct held *h, struct operation *op, unsigned ms)
{
	uint64_t due = rota_loop_now(h->lane.loop) + ROTA_MSEC(ms);

	assert_int_equal(
		rota_request_set_deadline(&op->fs.request, &h->deadline, due),
		0);
}

/* Virtual time does not advance by itself while a request is in flight
 * (C10). */
static void pass(struct held *h, unsigned ms)
{
	assert_int_equal(rota_loop_advance(h->lane.loop, ROTA_MSEC(ms)), 0);
	rota_loop_run(h->lane.loop, ROTA_RUN_NOWAIT);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* O6 */
static void what_has_not_begun_is_cancelled(void **state)
{
	struct held h;

	begin(&h, *state);
	put_file(&h.s, 10);
	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDONLY, 0),
			 0);

	assert_int_equal(rota_request_cancel(&h.op.fs.request), 0);
	assert_int_equal(rota_request_cancel(&h.op.fs.request), ROTA_EALREADY);
	assert_int_equal(h.op.calls, 0);
	rota_loop_run(h.lane.loop, ROTA_RUN_NOWAIT);

	assert_int_equal(h.op.calls, 1);
	assert_int_equal(h.op.result, ROTA_ECANCELED);
	assert_int_equal(h.op.phase, ROTA_PHASE_PENDING);
	let_go(&h);
	assert_int_equal(h.op.calls, 1);
	end(&h);
}

/* O6: a close cannot be undone. The descriptor is closed. */
static void a_close_that_is_cancelled_has_closed(void **state)
{
	struct held h;
	int fd;

	begin(&h, *state);
	put_file(&h.s, 10);
	fd = put_open(&h.s, O_RDONLY);
	assert_int_equal(rota_fs_close(&h.op.fs, on_end, fd), 0);
	assert_true(is_open(fd));

	assert_int_equal(rota_request_cancel(&h.op.fs.request), 0);
	rota_loop_run(h.lane.loop, ROTA_RUN_NOWAIT);

	assert_int_equal(h.op.result, ROTA_ECANCELED);
	assert_false(is_open(fd));
	let_go(&h);
	end(&h);
}

/* O6 */
static void what_a_thread_is_at_goes_on(void **state)
{
	struct held h;

	begin(&h, *state);

	assert_int_equal(rota_request_cancel(&h.holds.fs.request), ROTA_EBUSY);
	rota_loop_run(h.lane.loop, ROTA_RUN_NOWAIT);
	assert_int_equal(h.holds.calls, 0);
	let_go(&h);

	assert_int_equal(h.byte, 'x');
	assert_int_equal(h.holds.phase, ROTA_PHASE_POLL);
	end(&h);
}

/* O6: a cancel that comes too late does not change the result. */
static void what_has_ended_is_told_as_it_is(void **state)
{
	struct held h;
	int fd;

	begin_free(&h, *state, 1);
	put_file(&h.s, 10);
	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDONLY, 0),
			 0);
	until_done(&h.lane, 1);

	assert_int_equal(rota_request_cancel(&h.op.fs.request), ROTA_EALREADY);
	fd = (int)outcome(&h.op);

	assert_true(fd > 2);
	close(fd);
	end(&h);
}

/* O8 */
static void a_deadline_ends_what_has_not_begun(void **state)
{
	struct held h;

	begin(&h, *state);
	put_file(&h.s, 10);
	assert_int_equal(rota_fs_read_file(&h.op.fs, on_end, h.s.path, 100), 0);
	set_deadline(&h, &h.op, 10);

	pass(&h, 9);
	assert_int_equal(h.op.calls, 0);
	pass(&h, 1);

	assert_int_equal(h.op.calls, 1);
	assert_int_equal(h.op.result, ROTA_ETIMEDOUT);
	assert_null(h.op.fs.data);
	let_go(&h);
	end(&h);
}

/* O8: what a thread is working on completes when the thread is done. */
static void a_deadline_of_what_a_thread_is_at_ends_it_later(void **state)
{
	struct held h;

	begin(&h, *state);
	set_deadline(&h, &h.holds, 10);

	pass(&h, 10);
	assert_int_equal(h.holds.calls, 0);
	assert_int_equal(rota_request_cancel(&h.holds.fs.request), ROTA_EBUSY);
	holder_let_go(&h.holder);

	assert_int_equal(outcome(&h.holds), ROTA_ETIMEDOUT);
	end(&h);
}

/* O8: a turn handles deadlines first, so an operation that a thread has
 * finished may still time out. */
static void what_ended_but_is_told_too_late_leaves_nothing(void **state)
{
	struct held h;

	begin_free(&h, *state, 1);
	put_file(&h.s, 10);

	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDONLY, 0),
			 0);
	set_deadline(&h, &h.op, 10);
	until_done(&h.lane, 1);
	assert_int_equal(rota_loop_advance(h.lane.loop, ROTA_MSEC(10)), 0);
	assert_int_equal(outcome(&h.op), ROTA_ETIMEDOUT);

	assert_int_equal(rota_fs_read_file(&h.op.fs, on_end, h.s.path, 100), 0);
	set_deadline(&h, &h.op, 10);
	until_done(&h.lane, 2);
	assert_int_equal(rota_loop_advance(h.lane.loop, ROTA_MSEC(10)), 0);
	assert_int_equal(outcome(&h.op), ROTA_ETIMEDOUT);
	assert_null(h.op.fs.data);
	end(&h);
}

/* Blocks the thread of a read_file until the test opens it. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int arrived;
	int open;
};

static void wait_for_gate(void *arg)
{
	struct gate *gate = arg;

	pthread_mutex_lock(&gate->lock);
	gate->arrived = 1;
	pthread_cond_broadcast(&gate->moved);
	while (!gate->open)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void until_arrived(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	while (!gate->arrived)
		pthread_cond_wait(&gate->moved, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

static void open_gate(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->open = 1;
	pthread_cond_broadcast(&gate->moved);
	pthread_mutex_unlock(&gate->lock);
}

/* O8: the fixture checks that no descriptor is left. */
static void an_open_past_its_deadline_leaves_no_descriptor(void **state)
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER,
			     PTHREAD_COND_INITIALIZER, 0, 0 };
	struct held h;

	begin_free(&h, *state, 1);
	put_file(&h.s, 10);
	fault_call_before("open", 1, wait_for_gate, &gate);
	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDONLY, 0),
			 0);
	set_deadline(&h, &h.op, 10);
	until_arrived(&gate);

	pass(&h, 10);
	assert_int_equal(h.op.calls, 0);
	open_gate(&gate); /* now the file is opened */

	assert_int_equal(outcome(&h.op), ROTA_ETIMEDOUT);
	assert_int_equal(fault_clear(), 1);
	end(&h);
}

/* Block a read_file before its second chunk, and call @act meanwhile. */
static int64_t read_held(struct held *h, void (*act)(struct held *h))
{
	struct gate gate = { PTHREAD_MUTEX_INITIALIZER,
			     PTHREAD_COND_INITIALIZER, 0, 0 };

	put_file(&h->s, 3 * ROTAI_FS_CHUNK);
	fault_call_before("read", 2, wait_for_gate, &gate);
	fault_count_reset();
	assert_int_equal(
		rota_fs_read_file(&h->op.fs, on_end, h->s.path, SIZE_MAX), 0);
	until_arrived(&gate);
	act(h);
	open_gate(&gate);
	(void)outcome(&h->op);
	assert_int_equal(fault_clear(), 1);
	return h->op.result;
}

static void cancel_it(struct held *h)
{
	assert_int_equal(rota_request_cancel(&h->op.fs.request), ROTA_EBUSY);
}

static void be_late(struct held *h)
{
	set_deadline(h, &h->op, 10);
	pass(h, 10);
}

/* O6: the read checks between two chunks whether it was cancelled. */
static void a_file_is_read_no_further_once_it_is_cancelled(void **state)
{
	struct held h;

	begin_free(&h, *state, 1);

	assert_int_equal(read_held(&h, cancel_it), ROTA_ECANCELED);
	assert_null(h.op.fs.data);
	assert_int_equal(read_held(&h, be_late), ROTA_ETIMEDOUT);
	assert_null(h.op.fs.data);

	end(&h);
}

/* O5 */
static void a_shutdown_cancels_and_waits(void **state)
{
	struct held h;
	int fd;

	begin(&h, *state);
	put_file(&h.s, 10);
	fd = put_open(&h.s, O_RDONLY);
	assert_int_equal(rota_fs_close(&h.op.fs, on_end, fd), 0);
	holder_let_go(&h.holder);

	assert_int_equal(rota_loop_shutdown(h.lane.loop, UINT64_MAX), 0);

	assert_int_equal(h.holds.calls, 1);
	assert_int_equal(h.holds.result, 1);
	assert_int_equal(h.op.calls, 1);
	assert_false(is_open(fd));
	rota_pool_unref(h.lane.pool);
	holder_end(&h.holder);
	scratch_end(&h.s);
}

static void refused_in_shutdown(struct rota_fs *fs, int64_t result)
{
	on_end(fs, result);
	assert_int_equal(rota_fs_open(fs, on_end, "/", O_RDONLY, 0),
			 ROTA_ESHUTDOWN);
	assert_int_equal(rota_fs_read_file(fs, on_end, "/", 1), ROTA_ESHUTDOWN);
	assert_int_equal(rota_fs_close(fs, on_end, 0), ROTA_ESHUTDOWN);
}

/* O5 */
static void nothing_begins_in_a_shutdown(void **state)
{
	struct fixture *f = *state;
	struct operation op;
	struct scratch s;

	scratch_begin(&s);
	operation_init(&op, f->loop);
	assert_int_equal(
		rota_fs_open(&op.fs, refused_in_shutdown, s.path, O_RDONLY, 0),
		0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_int_equal(op.calls, 1);
	scratch_end(&s);
}

/* In a lane without threads, the loop performs operations in the pending phase,
 * never inside the call (O7). */
static void a_lane_without_threads_works(void **state)
{
	struct rota_file_info info = { .size = sizeof(info) };
	char data[10];
	struct held h;
	int fd;

	begin_free(&h, *state, 0);
	put_file(&h.s, 10);

	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDWR, 0),
			 0);
	assert_int_equal(h.op.calls, 0);
	fd = (int)outcome(&h.op);
	assert_true(fd > 2);
	assert_int_equal(h.op.phase, ROTA_PHASE_PENDING);
	assert_int_equal(
		rota_fs_read(&h.op.fs, on_end, fd, buf_of(data, 10), -1), 0);
	assert_int_equal(outcome(&h.op), 10);
	assert_bytes(data, 10);
	assert_int_equal(
		rota_fs_write(&h.op.fs, on_end, fd, rota_bytes(data, 5), -1),
		0);
	assert_int_equal(outcome(&h.op), 5);
	assert_int_equal(rota_fs_fstat(&h.op.fs, on_end, fd, &info), 0);
	assert_int_equal(outcome(&h.op), 0);
	assert_int_equal(info.bytes, 15);
	assert_int_equal(rota_fs_read_file(&h.op.fs, on_end, h.s.path, 15), 0);
	assert_int_equal(outcome(&h.op), 15);
	rota_fs_free(&h.op.fs);
	assert_int_equal(rota_fs_close(&h.op.fs, on_end, fd), 0);
	assert_int_equal(outcome(&h.op), 0);

	assert_false(is_open(fd));
	assert_int_equal(lane_stats(&h.lane).threads, 0);
	end(&h);
}

/* O6 */
static void what_the_loop_itself_would_do_is_cancelled(void **state)
{
	struct held h;

	begin_free(&h, *state, 0);
	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path,
				      O_WRONLY | O_CREAT, 0600),
			 0);

	assert_int_equal(rota_request_cancel(&h.op.fs.request), 0);

	assert_int_equal(outcome(&h.op), ROTA_ECANCELED);
	assert_int_equal(access(h.s.path, F_OK), -1);
	end(&h);
}

/* F3 */
static void what_finds_no_thread_is_told(void **state)
{
	struct held h;
	int fd;

	begin_free(&h, *state, 1);
	put_file(&h.s, 10);
	fd = put_open(&h.s, O_RDONLY);

	fault_fail_from("pthread_create", 1, EAGAIN);
	assert_int_equal(rota_fs_open(&h.op.fs, on_end, h.s.path, O_RDONLY, 0),
			 0);
	assert_int_equal(outcome(&h.op), ROTA_EAGAIN);
	assert_int_equal(rota_fs_close(&h.op.fs, on_end, fd), 0);
	assert_int_equal(outcome(&h.op), ROTA_EAGAIN);
	assert_false(is_open(fd));
	assert_true(fault_clear() > 0);

	end(&h);
}

/* F3: the loop's pool client is allocated with its first work. */
static void the_first_work_may_find_no_memory(void **state)
{
	struct fixture *f = *state;
	struct rota_file_info info = { .size = sizeof(info) };
	struct operation op;

	operation_init(&op, f->loop);
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_fs_stat(&op.fs, on_end, "/", &info), ROTA_ENOMEM);
	assert_false(rota_request_is_active(&op.fs.request));
	f->memory.fail_at = 0;

	assert_int_equal(rota_fs_stat(&op.fs, on_end, "/", &info), 0);
	assert_int_equal(outcome(&op), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(what_has_not_begun_is_cancelled),
	REAL(a_close_that_is_cancelled_has_closed),
	REAL(what_a_thread_is_at_goes_on),
	REAL(what_has_ended_is_told_as_it_is),
	REAL(a_deadline_ends_what_has_not_begun),
	REAL(a_deadline_of_what_a_thread_is_at_ends_it_later),
	REAL(an_open_past_its_deadline_leaves_no_descriptor),
	REAL(what_ended_but_is_told_too_late_leaves_nothing),
	REAL(a_file_is_read_no_further_once_it_is_cancelled),
	REAL(a_shutdown_cancels_and_waits),
	REAL(nothing_begins_in_a_shutdown),
	REAL(a_lane_without_threads_works),
	REAL(what_the_loop_itself_would_do_is_cancelled),
	REAL(what_finds_no_thread_is_told),
	REAL(the_first_work_may_find_no_memory),
};

FIXTURE_MAIN(tests)
