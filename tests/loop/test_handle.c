/*
 * Handles: how they are closed. The handle is the reader of support/reader.h,
 * whose requests read one byte each. Requests are tested in test_request.c.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/pipe_reader.h"
#include "support/probe.h"

static void hold_one(struct pipe_reader *p, struct byte_request *request,
		     const char *name)
{
	request->request.data = (void *)(uintptr_t)name;
	assert_int_equal(reader_hold(&p->reader,
				     rota_handle_loop(&p->reader.handle),
				     request, note_status),
			 0);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* O2 */
static void closing_ends_the_requests_and_then_the_handle(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	pipe_reader_read(&p, &a, "a");
	pipe_reader_read(&p, &b, "b");

	assert_int_equal(rota_handle_close(&p.reader.handle, note_closed), 0);
	assert_false(is_open(p.fds[0]));
	assert_true(rota_handle_is_closing(&p.reader.handle));
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "closing: a=ECANCELED "
					    "b=ECANCELED close");
	assert_true(rota_handle_is_closing(&p.reader.handle));
	assert_false(rota_loop_alive(f->loop));
	close(p.fds[1]);
}

/* O2: a request that has completed keeps its status and its position. */
static void a_request_that_had_ended_keeps_its_status(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	put_byte(p.fds[1]);
	pipe_reader_read(&p, &a, "a");
	pipe_reader_read(&p, &b, "b");

	assert_int_equal(rota_handle_close(&p.reader.handle, note_closed), 0);
	turn(f);

	assert_string_equal(journal_take(), "closing: a=120 b=ECANCELED close");
	close(p.fds[1]);
}

/* O2 */
static void a_second_close_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	assert_int_equal(rota_handle_close(&p.reader.handle, note_closed), 0);

	assert_int_equal(rota_handle_close(&p.reader.handle, NULL),
			 ROTA_EALREADY);
	assert_int_equal(rota_handle_close_now(&p.reader.handle),
			 ROTA_EALREADY);
	turn(f);

	assert_string_equal(journal_take(), "closing: close");
	assert_int_equal(rota_handle_close(&p.reader.handle, note_closed),
			 ROTA_EALREADY);
	close(p.fds[1]);
}

/* O2 */
static void a_close_needs_no_callback(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	pipe_reader_read(&p, &a, "a");

	assert_int_equal(rota_handle_close(&p.reader.handle, NULL), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "closing: a=ECANCELED");
	close(p.fds[1]);
}

/* O2: using a handle after its close returns an error. */
static void a_closing_handle_cannot_be_used(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	assert_int_equal(rota_handle_close(&p.reader.handle, note_closed), 0);

	assert_int_equal(reader_read(&p.reader, &a, note_status), ROTA_EINVAL);
	assert_int_equal(reader_start(&p.reader, NULL), ROTA_EINVAL);
	turn(f);
	assert_int_equal(reader_read(&p.reader, &a, note_status), ROTA_EINVAL);

	assert_string_equal(journal_take(), "closing: close");
	close(p.fds[1]);
}

/* T9 */
static void handles_close_in_the_order_asked_for(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b, c;
	struct pipe_reader p[3];

	pipe_reader_open(&p[0], f, "0");
	pipe_reader_open(&p[1], f, "1");
	pipe_reader_open(&p[2], f, "2");
	pipe_reader_read(&p[1], &a, "a");
	pipe_reader_read(&p[0], &b, "b");
	pipe_reader_read(&p[1], &c, "c");

	rota_handle_close(&p[2].reader.handle, note_closed);
	rota_handle_close(&p[1].reader.handle, note_closed);
	rota_handle_close(&p[0].reader.handle, note_closed);
	turn(f);

	assert_string_equal(journal_take(), "closing: 2 a=ECANCELED "
					    "c=ECANCELED 1 b=ECANCELED 0");
	for (unsigned i = 0; i < 3; i++)
		close(p[i].fds[1]);
}

static void close_the_next(struct rota_handle *handle)
{
	struct pipe_reader *next = handle->data;

	note_closed(handle);
	assert_int_equal(rota_handle_close(&next->reader.handle, note_closed),
			 0);
}

/* T8 */
static void a_close_asked_for_by_a_close_runs_next_turn(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader first, second;

	pipe_reader_open(&first, f, "first");
	pipe_reader_open(&second, f, "second");
	first.reader.handle.data = &second;
	rota_handle_close(&first.reader.handle, close_the_next);

	turn(f);
	assert_string_equal(journal_take(), "closing: first");
	assert_true(rota_loop_alive(f->loop));
	turn(f);

	assert_string_equal(journal_take(), "closing: second");
	close(first.fds[1]);
	close(second.fds[1]);
}

/* O2: the close callback waits until a pool thread is done. Other handles do
 * not wait. */
static void a_close_waits_for_what_a_thread_holds(void **state)
{
	struct fixture *f = *state;
	struct byte_request held, other;
	struct pipe_reader p, q;

	pipe_reader_open(&p, f, "p");
	pipe_reader_open(&q, f, "q");
	hold_one(&p, &held, "held");
	pipe_reader_read(&p, &other, "other");
	rota_handle_close(&p.reader.handle, note_closed);
	rota_handle_close(&q.reader.handle, note_closed);

	turn(f);
	assert_string_equal(journal_take(), "closing: q other=ECANCELED");
	turn(f);
	assert_string_equal(journal_take(), "");
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	reader_let_go(&held, 7);
	assert_string_equal(journal_take(), "");
	turn(f);

	assert_string_equal(journal_take(), "closing: held=7 p");
	close(p.fds[1]);
	close(q.fds[1]);
}

/* O3 */
static void close_now_ends_a_handle_at_once(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader *p = test_malloc(sizeof(*p));
	int writer;

	pipe_reader_open(p, f, "close");
	writer = p->fds[1];
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	assert_int_equal(rota_handle_close_now(&p->reader.handle), 0);
	assert_false(is_open(p->fds[0]));
	assert_true(rota_handle_is_closing(&p->reader.handle));
	assert_int_equal(rota_handle_close_now(&p->reader.handle),
			 ROTA_EALREADY);
	assert_int_equal(rota_handle_close(&p->reader.handle, note_closed),
			 ROTA_EALREADY);
	test_free(p);

	turn(f);
	assert_string_equal(journal_take(), "");
	assert_false(rota_loop_alive(f->loop));
	close(writer);
}

/* O3 */
static void close_now_is_busy_while_a_request_is_in_flight(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "close");
	pipe_reader_read(&p, &a, "a");
	assert_int_equal(rota_handle_close_now(&p.reader.handle), ROTA_EBUSY);
	assert_true(is_open(p.fds[0]));
	assert_false(rota_handle_is_closing(&p.reader.handle));

	put_byte(p.fds[1]);
	turn(f);
	assert_string_equal(journal_take(), "poll: a=120");
	put_byte(p.fds[1]);
	pipe_reader_read(&p, &a, "a");
	assert_int_equal(rota_handle_close_now(&p.reader.handle), ROTA_EBUSY);
	turn(f);
	assert_string_equal(journal_take(), "pending: a=120");

	assert_int_equal(rota_handle_close_now(&p.reader.handle), 0);
	close(p.fds[1]);
}

static void close_now_and_free(struct reader *reader, int byte)
{
	struct pipe_reader *p =
		rota_container_of(reader, struct pipe_reader, reader);

	journal_note_status(rota_handle_loop(&reader->handle), "free", byte);
	assert_int_equal(rota_handle_close_now(&reader->handle), 0);
	close(p->fds[1]);
	test_free(p);
}

/* O3, O4: in its own callback, together with all others that were ready. */
static void a_handle_may_be_freed_in_its_own_callback(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		struct pipe_reader *p = test_malloc(sizeof(*p));

		pipe_reader_open(p, f, "close");
		put_byte(p->fds[1]);
		put_byte(p->fds[1]);
		assert_int_equal(reader_start(&p->reader, close_now_and_free),
				 0);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "poll: free=120 free=120 "
					    "free=120");
}

static struct pipe_reader *siblings[2];

static void close_both_siblings(struct reader *reader, int byte)
{
	journal_note_status(rota_handle_loop(&reader->handle), "read", byte);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_handle_close(&siblings[i]->reader.handle,
						   note_closed),
				 0);
}

/* O2, O4: after the close, nothing else calls back, even if its event is in the
 * same batch. */
static void a_sibling_closed_in_the_batch_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader p[2];

	for (unsigned i = 0; i < 2; i++) {
		pipe_reader_open(&p[i], f, i == 0 ? "0" : "1");
		put_byte(p[i].fds[1]);
		siblings[i] = &p[i];
		assert_int_equal(
			reader_start(&p[i].reader, close_both_siblings), 0);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "poll: read=120 closing: 0 1");
	close(p[0].fds[1]);
	close(p[1].fds[1]);
}

static void got_and_close(struct byte_request *request, int status)
{
	note_status(request, status);
	rota_handle_close(&request->reader->handle, note_closed);
}

/* O2: a request's callback closes the handle, in either phase where it may run.
 * The requests after it do not call back in that phase any more. */
static void a_request_may_close_its_handle(void **state)
{
	struct fixture *f = *state;
	struct byte_request a, b, c;
	struct pipe_reader p, q;

	pipe_reader_open(&p, f, "p");
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(reader_read(&p.reader, &a, got_and_close), 0);
	pipe_reader_read(&p, &b, "b");
	put_byte(p.fds[1]);
	turn(f);
	assert_string_equal(journal_take(), "poll: a=120 closing: b=ECANCELED "
					    "p");

	pipe_reader_open(&q, f, "q");
	put_byte(q.fds[1]);
	put_byte(q.fds[1]);
	assert_int_equal(reader_read(&q.reader, &a, got_and_close), 0);
	pipe_reader_read(&q, &b, "b");
	pipe_reader_read(&q, &c, "c");
	turn(f);
	assert_string_equal(journal_take(), "pending: a=120 closing: b=120 "
					    "c=ECANCELED q");

	close(p.fds[1]);
	close(q.fds[1]);
}

static void got_and_close_again(struct byte_request *request, int status)
{
	note_status(request, status);
	assert_int_equal(rota_handle_close(&request->reader->handle, NULL),
			 ROTA_EALREADY);
	assert_int_equal(rota_handle_close_now(&request->reader->handle),
			 ROTA_EALREADY);
	assert_int_equal(reader_read(request->reader, request, note_status),
			 ROTA_EINVAL);
}

/* O2: callbacks of its requests cannot use a closing handle. */
static void a_request_of_a_closing_handle_cannot_use_it(void **state)
{
	struct fixture *f = *state;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "p");
	a.request.data = (void *)(uintptr_t) "a";
	assert_int_equal(reader_read(&p.reader, &a, got_and_close_again), 0);
	rota_handle_close(&p.reader.handle, note_closed);
	turn(f);

	assert_string_equal(journal_take(), "closing: a=ECANCELED p");
	close(p.fds[1]);
}

static void free_reader(struct rota_handle *handle)
{
	note_closed(handle);
	test_free(rota_container_of(handle, struct pipe_reader, reader.handle));
}

/* O2: in the callback the caller owns the memory. */
static void a_handle_may_be_freed_in_its_close_callback(void **state)
{
	struct fixture *f = *state;
	int writers[3];

	for (unsigned i = 0; i < 3; i++) {
		struct pipe_reader *p = test_malloc(sizeof(*p));

		pipe_reader_open(p, f, "close");
		writers[i] = p->fds[1];
		rota_handle_close(&p->reader.handle, free_reader);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(journal_take(), "closing: close close close");
	for (unsigned i = 0; i < 3; i++)
		close(writers[i]);
}

static void nothing(struct reader *reader, int byte)
{
	(void)reader;
	(void)byte;
}

/* L1, L2, L3, O5 */
static void what_a_handle_keeps_alive(void **state)
{
	struct fixture *f = *state;
	struct rota_handle *handle;
	struct byte_request a;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "p");
	handle = &p.reader.handle;
	assert_false(rota_loop_alive(f->loop)); /* open but not active */
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);

	assert_int_equal(reader_start(&p.reader, nothing), 0);
	assert_true(rota_handle_is_active(handle));
	assert_true(rota_loop_alive(f->loop));
	rota_handle_unref(handle);
	rota_handle_unref(handle);
	assert_false(rota_handle_has_ref(handle));
	assert_false(rota_loop_alive(f->loop));
	rota_handle_ref(handle);
	assert_true(rota_loop_alive(f->loop));
	reader_stop(&p.reader);
	assert_false(rota_handle_is_active(handle));
	assert_false(rota_loop_alive(f->loop));

	rota_handle_unref(handle);
	pipe_reader_read(&p, &a, "a"); /* L3 */
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_request_cancel(&a.request), 0);
	turn(f);
	assert_false(rota_loop_alive(f->loop));

	rota_handle_close(handle, note_closed);
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	journal_take();
	close(p.fds[1]);
}

struct dumped {
	const void *object;
	struct rota_dump_entry entry;
	unsigned times;
};

static void look_for(void *arg, const struct rota_dump_entry *entry)
{
	struct dumped *dumped = arg;

	if (entry->object != dumped->object)
		return;
	dumped->entry = *entry;
	dumped->times++;
}

/* L6 */
static void a_dump_tells_of_handles(void **state)
{
	struct fixture *f = *state;
	struct dumped dumped = { .times = 0 };
	struct byte_request held;
	struct pipe_reader p;

	pipe_reader_open(&p, f, "some name");
	dumped.object = &p.reader.handle;
	rota_loop_dump(f->loop, look_for, &dumped);
	assert_int_equal(dumped.times, 1);
	assert_string_equal(dumped.entry.type, "reader");
	assert_string_equal(dumped.entry.name, "some name");
	assert_int_equal(dumped.entry.fd, p.fds[0]);
	assert_false(dumped.entry.alive);

	hold_one(&p, &held, "held");
	rota_handle_close(&p.reader.handle, NULL);
	assert_true(rota_loop_dump(f->loop, NULL, NULL) > 0);
	reader_let_go(&held, 0);
	rota_loop_dump(f->loop, look_for, &dumped);
	assert_int_equal(dumped.times, 2);
	assert_true(dumped.entry.alive);

	turn(f);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	journal_take();
	close(p.fds[1]);
}

static void getters_tell_what_a_handle_is(void **state)
{
	struct fixture *f = *state;
	struct pipe_reader p;

	pipe_reader_open(&p, f, NULL);

	assert_null(rota_handle_name(&p.reader.handle));
	assert_string_equal(rota_handle_type(&p.reader.handle), "reader");
	assert_ptr_equal(rota_handle_loop(&p.reader.handle), f->loop);
	assert_false(rota_handle_is_closing(&p.reader.handle));
	assert_true(rota_handle_has_ref(&p.reader.handle));
	rota_handle_set_name(&p.reader.handle, "x");
	assert_string_equal(rota_handle_name(&p.reader.handle), "x");

	assert_int_equal(rota_handle_close_now(&p.reader.handle), 0);
	close(p.fds[1]);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(closing_ends_the_requests_and_then_the_handle),
	VIRTUAL(a_request_that_had_ended_keeps_its_status),
	VIRTUAL(a_second_close_changes_nothing),
	VIRTUAL(a_close_needs_no_callback),
	VIRTUAL(a_closing_handle_cannot_be_used),
	VIRTUAL(handles_close_in_the_order_asked_for),
	VIRTUAL(a_close_asked_for_by_a_close_runs_next_turn),
	VIRTUAL(a_close_waits_for_what_a_thread_holds),
	VIRTUAL(close_now_ends_a_handle_at_once),
	VIRTUAL(close_now_is_busy_while_a_request_is_in_flight),
	VIRTUAL(a_handle_may_be_freed_in_its_own_callback),
	VIRTUAL(a_sibling_closed_in_the_batch_is_not_called),
	VIRTUAL(a_request_may_close_its_handle),
	VIRTUAL(a_request_of_a_closing_handle_cannot_use_it),
	VIRTUAL(a_handle_may_be_freed_in_its_close_callback),
	VIRTUAL(what_a_handle_keeps_alive),
	VIRTUAL(a_dump_tells_of_handles),
	VIRTUAL(getters_tell_what_a_handle_is),
};

FIXTURE_MAIN(tests)
