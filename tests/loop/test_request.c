/*
 * Requests: when they call back, how they are cancelled, and their deadlines.
 * They are those of support/reader.h, which read one byte each.
 */
#include "support/fixture.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "support/pipe_reader.h"
#include "support/probe.h"

static void reader_begin(struct pipe_reader *p, struct fixture *f)
{
	pipe_reader_open(p, f, NULL);
}

static void reader_end(struct pipe_reader *p)
{
	assert_int_equal(rota_handle_close_now(&p->reader.handle), 0);
	close(p->fds[1]);
	assert_string_equal(journal_take(), "");
}

static void hold_one(struct fixture *f, struct byte_request *request,
		     const char *name)
{
	request->request.data = (void *)(uintptr_t)name;
	assert_int_equal(reader_hold(NULL, f->loop, request, note_status), 0);
}

static void wait_one(struct fixture *f, struct byte_request *request,
		     const char *name)
{
	request->request.data = (void *)(uintptr_t)name;
	assert_int_equal(reader_wait(f->loop, request, note_status), 0);
}

static void due_in(struct fixture *f, struct byte_request *request,
		   struct rota_deadline *deadline, unsigned ms)
{
	uint64_t now = rota_loop_now(f->loop);

	assert_int_equal(rota_request_set_deadline(&request->request, deadline,
						   now + ROTA_MSEC(ms)),
			 0);
}

/* Virtual time does not advance by itself while a request is in flight
 * (C10). */
static void pass(struct fixture *f, unsigned ms)
{
	assert_int_equal(rota_loop_advance(f->loop, ROTA_MSEC(ms)), 0);
	turn(f);
}

/* O1 */
static void a_request_calls_back_once(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	assert_true(rota_request_is_active(&a.request));
	turn(f);
	assert_string_equal(journal_take(), "");

	put_byte(p.fds[1]);
	turn(f);

	assert_string_equal(journal_take(), "poll: a=120");
	assert_false(rota_request_is_active(&a.request));
	turn(f);
	reader_end(&p);
}

/* O7: a request never calls back from inside the call that started it. */
static void what_ends_at_once_calls_back_when_pending(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct pipe_reader p;

	reader_begin(&p, f);
	put_byte(p.fds[1]);
	put_byte(p.fds[1]);
	pipe_reader_read(&p, &a, "a");
	pipe_reader_read(&p, &b, "b");
	assert_string_equal(journal_take(), "");
	assert_true(rota_request_is_active(&a.request));
	assert_true(rota_loop_alive(f->loop));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "pending: a=120 b=120");
	reader_end(&p);
}

static void read_again(struct byte_request *request, int status)
{
	note_status(request, status);
	if (status >= 0)
		assert_int_equal(
			reader_read(request->reader, request, read_again), 0);
}

/* O1, T8: the caller owns the request again when its callback begins. */
static void a_callback_may_begin_its_request_again(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	put_byte(p.fds[1]);
	put_byte(p.fds[1]);
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(reader_read(&p.reader, &a, read_again), 0);

	turn(f);
	assert_string_equal(journal_take(), "pending: a=120");
	turn(f);
	assert_string_equal(journal_take(), "pending: a=120");
	turn(f);
	assert_string_equal(journal_take(), "");
	close(p.fds[1]);
	p.fds[1] = dup(p.fds[0]);
	turn(f);

	assert_string_equal(journal_take(), "poll: a=EOF");
	reader_end(&p);
}

/* O6 */
static void what_is_cancelled_ends_so(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	pipe_reader_read(&p, &b, "b");

	assert_int_equal(rota_request_cancel(&a.request), 0);
	assert_string_equal(journal_take(), "");
	assert_true(rota_request_is_active(&a.request));
	assert_int_equal(rota_request_cancel(&a.request), ROTA_EALREADY);
	put_byte(p.fds[1]);
	turn(f);

	assert_string_equal(journal_take(), "pending: a=ECANCELED "
					    "poll: b=120");
	assert_int_equal(rota_request_cancel(&a.request), ROTA_EALREADY);
	reader_end(&p);
}

/* O6: a cancel that comes too late changes nothing. */
static void what_has_ended_is_not_cancelled(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	put_byte(p.fds[1]);
	pipe_reader_read(&p, &a, "a");

	assert_int_equal(rota_request_cancel(&a.request), ROTA_EALREADY);
	turn(f);

	assert_string_equal(journal_take(), "pending: a=120");
	reader_end(&p);
}

static void cancel_the_other(struct byte_request *request, int status)
{
	struct byte_request *other = request->request.data;

	journal_note_status(request->request.internal.loop, "first", status);
	assert_int_equal(rota_request_cancel(&other->request), 0);
}

/* O6, T8: a callback cancels another request, which calls back in the next
 * turn. */
static void a_callback_may_cancel_another_request(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct pipe_reader p;

	reader_begin(&p, f);
	a.request.data = &b;
	assert_int_equal(reader_read(&p.reader, &a, cancel_the_other), 0);
	pipe_reader_read(&p, &b, "b");
	put_byte(p.fds[1]);

	turn(f);
	assert_string_equal(journal_take(), "poll: first=120");
	turn(f);

	assert_string_equal(journal_take(), "pending: b=ECANCELED");
	reader_end(&p);
}

/* O6 */
static void what_a_thread_holds_is_busy(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;

	hold_one(f, &a, "a");

	assert_int_equal(rota_request_cancel(&a.request), ROTA_EBUSY);
	turn(f);
	assert_string_equal(journal_take(), "");
	reader_let_go(&a, 5);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "pending: a=5");
}

/* L3, O5 */
static void a_request_keeps_the_loop_alive_until_it_is_called(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;

	wait_one(f, &a, "a");
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	assert_int_equal(rota_request_cancel(&a.request), 0);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	turn(f);

	assert_false(rota_loop_alive(f->loop));
	assert_string_equal(journal_take(), "pending: a=ECANCELED");
}

/* O8 */
static void a_deadline_ends_a_request(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	due_in(f, &a, &deadline, 10);

	pass(f, 9);
	assert_string_equal(journal_take(), "");
	pass(f, 1);
	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
	pass(f, 100);

	put_byte(p.fds[1]);
	turn(f);
	reader_end(&p);
}

/* O8: a deadline may have passed already. It does not complete the request
 * inside the call (O7). */
static void a_deadline_may_have_passed(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;

	wait_one(f, &a, "a");

	assert_int_equal(rota_request_set_deadline(&a.request, &deadline, 0),
			 0);
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
}

/* O8: if the request completes first, its deadline is stopped. */
static void what_ends_in_time_has_no_deadline_left(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	due_in(f, &a, &deadline, 10);
	pass(f, 9);
	put_byte(p.fds[1]);
	turn(f);
	assert_string_equal(journal_take(), "poll: a=120");

	assert_false(rota_loop_alive(f->loop));
	pass(f, 100);

	reader_end(&p);
}

/* O8: the request completes exactly once, even if the byte and the deadline
 * come in one turn. The byte is left for the next read. */
static void a_deadline_and_the_end_in_one_turn_are_one_end(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	due_in(f, &a, &deadline, 10);
	put_byte(p.fds[1]);

	pass(f, 10);
	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
	turn(f);
	pipe_reader_read(&p, &a, "a");
	turn(f);

	assert_string_equal(journal_take(), "pending: a=120");
	reader_end(&p);
}

/* O6, O8 */
static void a_cancel_before_the_deadline_wins(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;

	wait_one(f, &a, "a");
	due_in(f, &a, &deadline, 10);

	assert_int_equal(rota_request_cancel(&a.request), 0);
	assert_int_equal(rota_request_set_deadline(&a.request, &deadline, 0),
			 ROTA_EINVAL);
	pass(f, 10);
	pass(f, 10);

	assert_string_equal(journal_take(), "pending: a=ECANCELED");
}

/* O8: a request has at most one deadline. */
static void a_new_deadline_takes_the_place_of_the_old(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline first, second;
	struct byte_request a;

	wait_one(f, &a, "a");
	due_in(f, &a, &first, 10);
	due_in(f, &a, &second, 20);
	due_in(f, &a, &second, 30);

	pass(f, 10);
	pass(f, 10);
	assert_string_equal(journal_take(), "");
	pass(f, 10);

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
}

/* O8 */
static void a_deadline_can_be_taken_back(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;

	wait_one(f, &a, "a");
	rota_request_clear_deadline(&a.request);
	due_in(f, &a, &deadline, 10);

	rota_request_clear_deadline(&a.request);
	rota_request_clear_deadline(&a.request);
	pass(f, 20);

	assert_string_equal(journal_take(), "");
	assert_int_equal(rota_request_cancel(&a.request), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: a=ECANCELED");
	rota_request_clear_deadline(&a.request);
	assert_int_equal(rota_request_set_deadline(&a.request, &deadline, 0),
			 ROTA_EINVAL);
}

/* O8: what a thread is using completes when the thread is done. */
static void a_deadline_of_what_a_thread_holds_ends_it_later(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct byte_request a;

	hold_one(f, &a, "a");
	due_in(f, &a, &deadline, 10);

	pass(f, 10);
	pass(f, 10);
	assert_string_equal(journal_take(), "");
	reader_let_go(&a, 5);
	turn(f);

	assert_string_equal(journal_take(), "pending: a=ETIMEDOUT");
}

/* O2, O8: closing a handle stops the deadlines of its requests. */
static void a_close_ends_deadlines(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadlines[2];
	struct byte_request a, b;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	pipe_reader_read(&p, &b, "b");
	due_in(f, &a, &deadlines[0], 10);
	due_in(f, &b, &deadlines[1], 10);

	assert_int_equal(rota_handle_close(&p.reader.handle, NULL), 0);
	pass(f, 20);

	assert_string_equal(journal_take(), "closing: a=ECANCELED "
					    "b=ECANCELED");
	assert_false(rota_loop_alive(f->loop));
	close(p.fds[1]);
}

static void *write_late(void *arg)
{
	struct pipe_reader *p = arg;

	poll(NULL, 0, 3);
	put_byte(p->fds[1]);
	return NULL;
}

/* C10: with a request in flight and no timer the clock cannot jump, so the loop
 * waits in real time. With a timer, see test_virtual_hold.c. */
static void a_request_without_a_timer_is_waited_for_in_real_time(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;
	pthread_t thread;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	assert_int_equal(pthread_create(&thread, NULL, write_late, &p), 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0);
	pthread_join(thread, NULL);

	assert_string_equal(journal_take(), "poll: a=120");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	reader_end(&p);
}

static void read_at_shutdown(struct byte_request *request, int status)
{
	struct byte_request other;

	note_status(request, status);
	assert_int_equal(reader_wait(request->request.internal.loop, &other,
				     note_status),
			 ROTA_ESHUTDOWN);
}

/* O5: handles are closed and requests are cancelled, and all are called
 * back. */
static void a_shutdown_ends_all(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b, c;
	struct pipe_reader p;

	reader_begin(&p, f);
	pipe_reader_read(&p, &a, "a");
	wait_one(f, &b, "b");
	c.request.data = (void *)(uintptr_t) "c";
	assert_int_equal(reader_wait(f->loop, &c, read_at_shutdown), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_string_equal(journal_take(), "pending: b=ECANCELED c=ECANCELED "
					    "closing: a=ECANCELED");
	close(p.fds[1]);
}

static void nothing(struct rota_task *task)
{
	(void)task;
}

/* O5: a job of a thread may outlast the deadline. Then the loop is still open,
 * and can be used or shut down again. */
static void a_shutdown_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct rota_task task;

	hold_one(f, &a, "a");

	assert_int_equal(rota_loop_shutdown(f->loop, rota_loop_now(f->loop)),
			 ROTA_ETIMEDOUT);
	assert_string_equal(journal_take(), "");
	rota_task_init(&task, f->loop);
	assert_int_equal(rota_task_post(&task, nothing), 0);
	assert_int_equal(rota_task_cancel(&task), 0);
	wait_one(f, &b, "b");
	assert_int_equal(rota_request_cancel(&b.request), 0);
	turn(f);
	assert_string_equal(journal_take(), "pending: b=ECANCELED");
	reader_let_go(&a, 1);
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_string_equal(journal_take(), "pending: a=1");
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_request_calls_back_once),
	VIRTUAL(what_ends_at_once_calls_back_when_pending),
	VIRTUAL(a_callback_may_begin_its_request_again),
	VIRTUAL(what_is_cancelled_ends_so),
	VIRTUAL(what_has_ended_is_not_cancelled),
	VIRTUAL(a_callback_may_cancel_another_request),
	VIRTUAL(what_a_thread_holds_is_busy),
	VIRTUAL(a_request_keeps_the_loop_alive_until_it_is_called),
	VIRTUAL(a_deadline_ends_a_request),
	VIRTUAL(a_deadline_may_have_passed),
	VIRTUAL(what_ends_in_time_has_no_deadline_left),
	VIRTUAL(a_deadline_and_the_end_in_one_turn_are_one_end),
	VIRTUAL(a_cancel_before_the_deadline_wins),
	VIRTUAL(a_new_deadline_takes_the_place_of_the_old),
	VIRTUAL(a_deadline_can_be_taken_back),
	VIRTUAL(a_deadline_of_what_a_thread_holds_ends_it_later),
	VIRTUAL(a_close_ends_deadlines),
	VIRTUAL(a_request_without_a_timer_is_waited_for_in_real_time),
	VIRTUAL(a_shutdown_ends_all),
	VIRTUAL(a_shutdown_ends_at_its_deadline),
};

FIXTURE_MAIN(tests)
