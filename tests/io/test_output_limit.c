/*
 * A limit of all copies of sent data that a loop has queued: what counts, what
 * is refused, who is told, and that one slow reader leaves something to the
 * others.
 */
#include "support/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "rota/pump.h"
#include "support/link.h"

enum { KIB = 1024, LIMIT = 1024 * KIB, PIECE = 8 * KIB, CHUNK = 4096 };

static void limit(struct fixture *f, size_t bytes)
{
	assert_int_equal(rota_loop_set_output_limit(f->loop, bytes), 0);
}

static uint64_t output_bytes(struct fixture *f)
{
	return stats_of(f->loop).output_bytes;
}

/* On a busy machine the kernel takes more bytes for a socket later. */
static int is_steady(const struct link *link)
{
	return link->kind == LINK_MEMORY || link->kind == LINK_FILTERED_MEMORY;
}

/* Send until it is refused. */
static void send_to_the_limit(struct end *end)
{
	uint64_t refused = stats_of(end->link->f->loop).output_refused;
	int status;

	do
		status = end_send(end, PIECE);
	while (status >= 0);
	assert_int_equal(status, ROTA_ENOBUFS);
	/* A filter may have been refused as well. */
	assert_true(stats_of(end->link->f->loop).output_refused > refused);
}

static void count_test(struct link *link)
{
	struct fixture *f = link->f;

	assert_int_equal(output_bytes(f), 0);
	rota_stream_set_cork(link->a.stream, 1);
	assert_true(end_send(&link->a, 1) >= 0);
	assert_int_equal(output_bytes(f), CHUNK);
	assert_true(end_send(&link->a, 1000) >= 0);
	assert_int_equal(output_bytes(f), CHUNK);
	assert_true(end_send(&link->a, 50000) >= 0);
	assert_in_range(output_bytes(f), 50000, 50000 + 2 * CHUNK);
	assert_true(stats_of(f->loop).output_most >= 50000);
	rota_stream_set_cork(link->a.stream, 0);
	end_start(&link->b);
	RUN_UNTIL(f, link->b.got == link->a.sent);
	assert_int_equal(output_bytes(f), 0);
	assert_int_equal(stats_of(f->loop).output_refused, 0);
}

static void copies_are_counted_while_they_wait(void **state)
{
	for_each_link(*state, count_test);
}

/* One stream gets half of the limit. Nothing of what is refused was taken. */
static void refuse_test(struct link *link)
{
	struct fixture *f = link->f;
	unsigned drains;

	limit(f, LIMIT);
	rota_stream_set_watermarks(link->a.stream, 2 * LIMIT, 2 * LIMIT);
	send_to_the_limit(&link->a);
	assert_in_range(rota_stream_queued(link->a.stream),
			LIMIT / 2 - 12 * PIECE, LIMIT / 2 + PIECE);
	assert_in_range(output_bytes(f), LIMIT / 2 - 12 * PIECE, LIMIT);
	if (is_steady(link)) {
		assert_int_equal(end_send(&link->a, PIECE), ROTA_ENOBUFS);
		turn(f);
		assert_int_equal(link->a.drains, 0);
	}

	end_start(&link->b);
	for (unsigned i = 0; i < 5; i++) {
		drains = link->a.drains;
		RUN_UNTIL(f, link->a.drains > drains);
		assert_int_equal(link->a.drain_status, 0);
		send_to_the_limit(&link->a);
	}
	RUN_UNTIL(f, link->b.got == link->a.sent);
	assert_int_equal(link->b.wrong, 0);
	assert_int_equal(output_bytes(f), 0);
	limit(f, 0);
}

static void a_stream_is_refused_at_half_and_told_when_it_may_go_on(void **state)
{
	for_each_link(*state, refuse_test);
}

/* The second gets half of what the first has left, and so on. */
static void streams_that_nobody_reads_leave_some_to_the_others(void **state)
{
	enum { STREAMS = 4 };
	struct fixture *f = *state;
	static struct link links[STREAMS];
	size_t left = LIMIT;

	limit(f, LIMIT);
	for (unsigned i = 0; i < STREAMS; i++)
		link_open(&links[i], f, LINK_MEMORY);
	for (unsigned i = 0; i < STREAMS; i++) {
		size_t queued;

		send_to_the_limit(&links[i].a);
		queued = rota_stream_queued(links[i].a.stream);
		assert_in_range(queued, left / 2 - 2 * PIECE, left / 2 + PIECE);
		left = LIMIT - (size_t)output_bytes(f);
		assert_in_range(queued, left - 2 * PIECE, left + 2 * PIECE);
	}
	assert_ptr_equal(rota_loop_largest_output(f->loop), links[0].a.stream);

	/* What goes at once needs no place. */
	end_start(&links[3].b);
	RUN_UNTIL(f, links[3].b.got == links[3].a.sent);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(end_send(&links[3].a, PIECE), 0);
		RUN_UNTIL(f, links[3].b.got == links[3].a.sent);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		assert_int_equal(
			rota_handle_close_now(&links[i].a.stream->handle), 0);
	assert_int_equal(output_bytes(f), 0);
	assert_null(rota_loop_largest_output(f->loop));
	for (unsigned i = 0; i < STREAMS; i++)
		link_end(&links[i]);
}

/* A stream that waits for little of its own is told when others give up
 * theirs. */
static void the_refused_are_told_when_the_worst_is_closed(void **state)
{
	struct fixture *f = *state;
	struct link greedy, other, idle;

	limit(f, LIMIT);
	link_open(&greedy, f, LINK_MEMORY);
	link_open(&other, f, LINK_MEMORY);
	link_open(&idle, f, LINK_MEMORY);
	rota_stream_set_watermarks(greedy.a.stream, 0, 2 * LIMIT);
	send_to_the_limit(&greedy.a);
	send_to_the_limit(&other.a);
	rota_stream_set_watermarks(idle.a.stream, LIMIT, LIMIT);
	send_to_the_limit(&idle.a);
	turn(f);
	turn(f);
	assert_int_equal(idle.a.drains + other.a.drains + greedy.a.drains, 0);
	assert_true(rota_loop_alive(f->loop));

	assert_ptr_equal(rota_loop_largest_output(f->loop), greedy.a.stream);
	assert_int_equal(
		rota_handle_close(&rota_loop_largest_output(f->loop)->handle,
				  end_closed),
		0);
	turn(f);
	turn(f);
	assert_int_equal(idle.a.drains, 1);
	assert_int_equal(idle.a.drain_status, 0);
	assert_int_equal(greedy.a.drains, 0);
	assert_true(end_send(&idle.a, 1 << 16) >= 0);
	assert_int_equal(rota_handle_close_now(&idle.a.stream->handle), 0);
	assert_int_equal(rota_handle_close_now(&other.a.stream->handle), 0);
	link_end(&idle);
	link_end(&other);
	link_end(&greedy);
}

static void note_done(struct rota_write *write, int status)
{
	*(int *)write->request.data = status;
}

/* The memory of a request is the caller's. */
static void request_test(struct link *link)
{
	struct fixture *f = link->f;
	size_t size = 4 * LIMIT;
	struct rota_const_buf buf = { calloc(1, size), size };
	struct rota_write write;
	int status = 1;

	limit(f, LIMIT / 2);
	write.request.data = &status;
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, &buf, 1, note_done),
		0);
	assert_true(rota_stream_queued(link->a.stream) > LIMIT);
	assert_true(rota_stream_send(link->a.stream, "trailer", 7) >= 0);
	assert_true(rota_stream_send(link->a.stream, buf.data, 16 * KIB) >= 0);
	assert_int_equal(rota_stream_send(link->a.stream, buf.data, LIMIT),
			 ROTA_ENOBUFS);
	assert_int_equal(rota_handle_close(&link->a.stream->handle, end_closed),
			 0);
	RUN_UNTIL(f, link->a.closes == 1);
	assert_int_equal(status, ROTA_ECANCELED);
	free((void *)(uintptr_t)buf.data);
	limit(f, 0);
}

static void write_requests_do_not_count(void **state)
{
	for_each_link(*state, request_test);
}

/* The write was all that the refused stream waited for. */
static void the_refused_are_told_when_the_queue_is_cancelled(void **state)
{
	static const char bytes[100 * KIB];
	struct fixture *f = *state;
	struct rota_write write = { 0 };
	int status = 1;
	static struct link link, other;

	link_open(&link, f, LINK_TCP);
	link_open(&other, f, LINK_MEMORY);
	while (rota_stream_try_write(
		       link.a.stream,
		       &(struct rota_const_buf){ bytes, sizeof(bytes) }, 1) > 0)
		;
	limit(f, 16 * KIB);
	write.request.data = &status;
	assert_int_equal(
		rota_stream_write(&write, link.a.stream,
				  &(struct rota_const_buf){ bytes, 100 }, 1,
				  note_done),
		0);
	assert_int_equal(end_send(&link.a, 48 * KIB), ROTA_ENOBUFS);
	assert_int_equal(rota_request_cancel(&write.request), 0);
	RUN_UNTIL(f, link.a.drains == 1);
	assert_int_equal(link.a.drain_status, 0);
	assert_int_equal(rota_handle_close_now(&other.a.stream->handle), 0);
	limit(f, 0);
	link_end(&link);
	link_end(&other);
}

/* The system has taken a part: the rest must follow. */
static void the_rest_of_a_send_is_queued_above_the_limit(void **state)
{
	struct fixture *f = *state;
	struct link link;

	link_open(&link, f, LINK_MEMORY); /* takes 64 KiB */
	limit(f, CHUNK);
	assert_int_equal(end_send(&link.a, 60 * KIB), 0);
	assert_true(end_send(&link.a, 60 * KIB) >= 0);
	assert_int_equal(rota_stream_queued(link.a.stream), 56 * KIB);
	assert_int_equal(end_send(&link.a, 60 * KIB), ROTA_ENOBUFS);
	end_start(&link.b);
	RUN_UNTIL(f, link.b.got == link.a.sent);
	assert_int_equal(link.b.wrong, 0);
	link_end(&link);
}

/* A message above the whole limit never has a place: nobody waits for it. */
static void too_much_for_the_limit_keeps_nothing_alive(void **state)
{
	struct fixture *f = *state;
	struct link link;

	link_open(&link, f, LINK_TCP);
	limit(f, CHUNK);
	rota_stream_set_cork(link.a.stream, 1);
	assert_int_equal(end_send(&link.a, 60 * KIB), ROTA_ENOBUFS);
	assert_false(rota_loop_alive(f->loop));
	turn(f);
	assert_int_equal(link.a.drains, 0);
	rota_stream_set_cork(link.a.stream, 0);
	assert_int_equal(end_send(&link.a, 60 * KIB), 0);
	link_end(&link);
}

static void pump_done(struct rota_pump *pump, int status)
{
	*(int *)pump->request.data = status;
}

/* A pump has read its bytes already, and slows its source down instead. */
static void pump_test(struct link *link)
{
	struct fixture *f = link->f;
	struct rota_pump pump;
	struct link out;
	int status = 1;

	link_open(&out, f, link->kind);
	pump.request.data = &status;
	assert_int_equal(rota_pump_start(&pump, link->b.stream, out.a.stream, 0,
					 pump_done),
			 0);
	end_fill(&link->a, LIMIT);
	assert_true(rota_stream_shutdown(NULL, link->a.stream, NULL) >= 0);
	limit(f, CHUNK);
	for (unsigned i = 0; i < 30; i++)
		turn(f);
	end_start(&out.b);
	RUN_UNTIL(f, !rota_request_is_active(&pump.request));
	assert_int_equal(status, 0);
	RUN_UNTIL(f, out.b.ends > 0);
	assert_int_equal(out.b.got, link->a.sent);
	assert_int_equal(out.b.wrong, 0);
	limit(f, 0);
	link_end(link);
	link_end(&out);
}

static void a_pump_loses_nothing(void **state)
{
	for_each_link(*state, pump_test);
}

/* A stream that was refused is told when the limit is raised or removed. */
static void raise_test(struct link *link)
{
	struct fixture *f = link->f;

	if (!is_steady(link))
		return;
	limit(f, 64 * KIB);
	rota_stream_set_watermarks(link->a.stream, LIMIT, LIMIT);
	send_to_the_limit(&link->a);
	turn(f);
	assert_int_equal(link->a.drains, 0);
	limit(f, 64 * KIB);
	turn(f);
	assert_int_equal(link->a.drains, 0);
	limit(f, LIMIT);
	turn(f);
	turn(f);
	assert_int_equal(link->a.drains, 1);
	send_to_the_limit(&link->a);
	limit(f, 0);
	turn(f);
	turn(f);
	assert_int_equal(link->a.drains, 2);
	assert_true(end_send(&link->a, 1 << 16) >= 0);
}

static void a_higher_limit_tells_the_refused(void **state)
{
	for_each_link(*state, raise_test);
}

/* The writing side fails while it waits. */
static void broken_test(struct link *link)
{
	struct fixture *f = link->f;

	limit(f, 64 * KIB);
	send_to_the_limit(&link->a);
	assert_int_equal(rota_stream_close_reset(link->b.stream, end_closed),
			 0);
	RUN_UNTIL(f, link->a.drain_status < 0);
	assert_int_equal(output_bytes(f), 0);
	limit(f, 0);
}

static void a_refused_stream_is_told_of_a_failure(void **state)
{
	for_each_link(*state, broken_test);
}

static void close_test(struct link *link)
{
	limit(link->f, 64 * KIB);
	send_to_the_limit(&link->a);
	assert_int_equal(rota_handle_close(&link->a.stream->handle, end_closed),
			 0);
	RUN_UNTIL(link->f, link->a.closes == 1);
	assert_int_equal(link->a.drains, 0);
	limit(link->f, 0);
}

static void a_refused_stream_closes(void **state)
{
	for_each_link(*state, close_test);
}

static void a_limit_that_gets_no_memory_is_an_error(void **state)
{
	struct fixture *f = *state;

	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_loop_set_output_limit(f->loop, LIMIT),
			 ROTA_ENOMEM);
	assert_null(rota_loop_largest_output(f->loop));
	limit(f, LIMIT);
}

static const struct CMUnitTest tests[] = {
	REAL(copies_are_counted_while_they_wait),
	REAL(a_stream_is_refused_at_half_and_told_when_it_may_go_on),
	REAL(streams_that_nobody_reads_leave_some_to_the_others),
	REAL(the_refused_are_told_when_the_worst_is_closed),
	REAL(write_requests_do_not_count),
	REAL(the_rest_of_a_send_is_queued_above_the_limit),
	REAL(the_refused_are_told_when_the_queue_is_cancelled),
	REAL(too_much_for_the_limit_keeps_nothing_alive),
	REAL(a_pump_loses_nothing),
	REAL(a_higher_limit_tells_the_refused),
	REAL(a_refused_stream_is_told_of_a_failure),
	REAL(a_refused_stream_closes),
	REAL(a_limit_that_gets_no_memory_is_an_error),
};

FIXTURE_MAIN(tests)
