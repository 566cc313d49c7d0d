/*
 * Streams of every class: each test runs over TCP, over a pair in memory, and
 * over filters over both.
 */
#include "support/fixture.h"

#include <string.h>

#include "support/child.h"
#include "support/link.h"
#include "support/streams_more.h"

enum { MUCH = 3000000 };

static void flow_test(struct link *link)
{
	end_start(&link->a);
	end_start(&link->b);
	while (link->a.sent < MUCH) {
		assert_true(end_send(&link->a, 4711) >= 0);
		assert_true(end_send(&link->b, 999) >= 0);
		turn(link->f);
	}
	RUN_UNTIL(link->f,
		  link->b.got == link->a.sent && link->a.got == link->b.sent);
	assert_int_equal(link->a.wrong + link->b.wrong, 0);
	assert_int_equal(link->a.ends + link->b.ends, 0);
}

static void bytes_flow_both_ways(void **state)
{
	for_each_link(*state, flow_test);
}

/* The sender obeys the watermarks, and so what is queued has a bound however
 * much it sends. */
static void send_until_pressed(struct end *end)
{
	int status;

	do
		status = end_send(end, 10000);
	while (status == 0 && end->sent < MUCH);
	assert_true(status >= 0);
}

static void backpressure_test(struct link *link)
{
	struct end *a = &link->a;
	unsigned drains;

	rota_stream_set_watermarks(a->stream, 1000, 20000);
	do { /* on a busy machine the kernel takes more bytes later */
		drains = a->drains;
		send_until_pressed(a);
		assert_true(rota_stream_queued(a->stream) > 20000);
		for (int i = 0; i < 10; i++)
			turn(link->f); /* nobody reads */
	} while (a->drains > drains && a->sent < MUCH);
	assert_true(a->sent < MUCH);

	end_start(&link->b);
	while (a->sent < MUCH) {
		RUN_UNTIL(link->f, a->drains > drains);
		drains = a->drains;
		assert_int_equal(a->drain_status, 0);
		assert_true(rota_stream_queued(a->stream) <= 1000);
		send_until_pressed(a);
		assert_true(rota_stream_queued(a->stream) <= 30000);
	}
	RUN_UNTIL(link->f, link->b.got == a->sent);
	assert_int_equal(link->b.wrong, 0);
}

static void a_full_stream_presses_back_and_drains(void **state)
{
	for_each_link(*state, backpressure_test);
}

/* A reader that pauses is not called, loses nothing, and lets the sender
 * wait. */
static void pause_test(struct link *link)
{
	struct end *b = &link->b;
	size_t got;

	end_fill(&link->a, 0);
	end_start(b);
	RUN_UNTIL(link->f, b->got > 0);
	rota_stream_read_stop(b->stream);
	got = b->got;
	for (int i = 0; i < 10; i++)
		turn(link->f);
	assert_int_equal(b->got, got);
	end_start(b);
	RUN_UNTIL(link->f, b->got == link->a.sent);
	assert_int_equal(b->wrong, 0);
}

static void a_paused_reader_loses_nothing(void **state)
{
	for_each_link(*state, pause_test);
}

static void half_close_test(struct link *link)
{
	struct rota_shutdown shutdown;

	end_start(&link->b);
	end_fill(&link->a, 300000);
	assert_int_equal(
		rota_stream_shutdown(&shutdown, link->a.stream, note_shutdown),
		0);
	shutdown.request.data = "shutdown";
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
	RUN_UNTIL(link->f, link->b.ends > 0);
	RUN_UNTIL(link->f, !rota_request_is_active(&shutdown.request));
	assert_string_equal(journal_take(), "pending: shutdown=0");
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_int_equal(link->b.got, link->a.sent);
	assert_int_equal(rota_stream_read_start(link->b.stream, end_read),
			 ROTA_EOF);

	/* The other way still works, and then ends as well. */
	end_start(&link->a);
	assert_true(end_send(&link->b, 60000) >= 0);
	assert_in_range(rota_stream_shutdown(NULL, link->b.stream, NULL), 0, 1);
	assert_int_equal(rota_stream_shutdown(NULL, link->b.stream, NULL),
			 ROTA_EALREADY);
	RUN_UNTIL(link->f, link->a.ends > 0);
	assert_int_equal(link->a.got, 60000);
	assert_int_equal(link->a.wrong + link->b.wrong, 0);
	assert_int_equal(link->a.ends + link->b.ends, 2);
}

static void one_side_ends_and_the_other_goes_on(void **state)
{
	for_each_link(*state, half_close_test);
}

/* What was accepted before is sent, then on_drain is called once. */
static void shutdown_test(struct link *link)
{
	end_fill(&link->a, 300000);
	assert_int_equal(rota_stream_shutdown(NULL, link->a.stream, NULL), 1);
	turn(link->f);
	assert_int_equal(link->a.drains, 0);
	assert_true(rota_loop_alive(link->f->loop));

	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.ends > 0);
	RUN_UNTIL(link->f, link->a.drains > 0);
	assert_int_equal(link->a.drain_status, 0);
	assert_int_equal(link->b.got, link->a.sent);
	for (int i = 0; i < 5; i++)
		turn(link->f);
	assert_int_equal(link->a.drains, 1);
	assert_false(rota_loop_alive(link->f->loop));
}

static void a_shutdown_without_a_request_is_reported_once(void **state)
{
	for_each_link(*state, shutdown_test);
}

/* The shutdown is behind a write that is cancelled, and nothing else is left
 * to wait for. */
static void shutdown_alone_test(struct link *link)
{
	static const char zeros[4096];
	const struct rota_const_buf buf = { zeros, sizeof(zeros) };
	struct rota_write write;

	while (rota_stream_try_write(link->a.stream, &buf, 1) > 0)
		;
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, &buf, 1, note_write),
		0);
	write.request.data = "write";
	assert_int_equal(rota_stream_shutdown(NULL, link->a.stream, NULL), 1);
	assert_int_equal(rota_request_cancel(&write.request), 0);
	assert_int_equal(link->a.drains, 0);
	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.ends > 0);
	RUN_UNTIL(link->f, link->a.drains > 0);

	assert_string_equal(journal_take(), "pending: write=ECANCELED");
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_int_equal(link->a.drain_status, 0);
	assert_int_equal(link->a.drains, 1);
	assert_false(rota_loop_alive(link->f->loop));
}

static void a_shutdown_is_done_when_all_before_it_is_cancelled(void **state)
{
	for_each_link(*state, shutdown_alone_test);
}

static void end_test(struct link *link)
{
	struct rota_end end;

	end_start(&link->b);
	end_fill(&link->a, 300000);
	assert_int_equal(rota_stream_end_with(&end, link->a.stream, end_closed),
			 0);
	RUN_UNTIL(link->f, link->b.ends > 0);
	assert_int_equal(link->b.got, link->a.sent);
	for (int i = 0; i < 5; i++)
		turn(link->f);
	assert_int_equal(link->a.closes, 0); /* it waits for the peer */
	assert_true(end_send(&link->b, 50000) >= 0);
	assert_int_equal(rota_stream_end(link->b.stream, end_closed), 0);
	RUN_UNTIL(link->f, link->a.closes > 0 && link->b.closes > 0);
	assert_int_equal(end.status, 0);
	assert_int_equal(link->b.wrong, 0);
}

static void both_end_and_nothing_is_lost(void **state)
{
	for_each_link(*state, end_test);
}

/* The peer has ended first: what is still queued is sent before the close. */
static void end_after_end_test(struct link *link)
{
	end_start(&link->a);
	assert_in_range(rota_stream_shutdown(NULL, link->b.stream, NULL), 0, 1);
	RUN_UNTIL(link->f, link->a.ends > 0);
	end_fill(&link->a, 300000);
	assert_int_equal(rota_stream_end(link->a.stream, end_closed), 0);
	turn(link->f);
	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.ends > 0 && link->a.closes > 0);
	assert_int_equal(link->b.status, ROTA_EOF);
	assert_int_equal(link->b.got, link->a.sent);
}

static void the_last_to_end_sends_all_first(void **state)
{
	for_each_link(*state, end_after_end_test);
}

/* The peer has closed without a loss: that is an end as any other. */
static void end_after_close_test(struct link *link)
{
	struct rota_end end;

	end_start(&link->a);
	assert_int_equal(rota_handle_close_now(&link->b.stream->handle), 0);
	link->b.stream = link->a.stream;
	RUN_UNTIL(link->f, link->a.ends > 0);
	assert_int_equal(link->a.status, ROTA_EOF);
	assert_int_equal(rota_stream_end_with(&end, link->a.stream, end_closed),
			 0);
	RUN_UNTIL(link->f, link->a.closes > 0);
	assert_int_equal(end.status, 0);
}

static void an_end_after_the_peers_close_is_clean(void **state)
{
	for_each_link(*state, end_after_close_test);
}

static void end_deadline_test(struct link *link)
{
	struct rota_end end;
	struct rota_deadline deadline;

	end_fill(&link->a, 0);
	assert_int_equal(rota_stream_end_with(&end, link->a.stream, end_closed),
			 0);
	assert_int_equal(rota_request_set_deadline(
				 &end.request, &deadline,
				 rota_loop_now(link->f->loop) + ROTA_SEC(5)),
			 0);
	PASS_UNTIL(link->f, link->a.closes > 0); /* the peer does nothing */
	assert_int_equal(end.status, ROTA_ETIMEDOUT);
}

static void an_end_has_a_deadline(void **state)
{
	for_each_link(*state, end_deadline_test);
}

static void requests_test(struct link *link)
{
	static char in[3][70000], out[70000];
	struct rota_const_buf bufs[3] = { { out, 10 },
					  { NULL, 0 },
					  { out + 10, 49990 } };
	struct rota_const_buf rest = { out + 50000, 20000 };
	struct rota_read reads[3];
	struct rota_write writes[2];
	const size_t least[3] = { 1, 49000, 20000 };
	size_t size = 0;
	const char *journal;

	pattern_fill(out, sizeof(out), 0);
	for (int i = 0; i < 3; i++) {
		reads[i].request.data = "read";
		assert_int_equal(
			rota_stream_read(&reads[i], link->b.stream,
					 (struct rota_buf){ in[i], 50000 },
					 least[i], note_read_done),
			0);
	}
	writes[0].request.data = "first";
	writes[1].request.data = "second";
	assert_int_equal(rota_stream_write(&writes[0], link->a.stream, bufs, 3,
					   note_write),
			 0);
	assert_int_equal(rota_stream_write(&writes[1], link->a.stream, &rest, 1,
					   note_write),
			 0);
	RUN_UNTIL(link->f, !rota_request_is_active(&writes[1].request));
	journal = journal_take();
	assert_non_null(strstr(journal, "first=0"));
	assert_non_null(strstr(strstr(journal, "first=0"), "second=0"));
	assert_in_range(rota_stream_shutdown(NULL, link->a.stream, NULL), 0, 1);
	RUN_UNTIL(link->f, !rota_request_is_active(&reads[2].request));
	(void)journal_take();
	for (int i = 0; i < 3; i++) {
		assert_true(pattern_is(in[i], reads[i].size, size));
		size += reads[i].size;
	}
	assert_int_equal(size, sizeof(out));
}

static void requests_are_served_in_order(void **state)
{
	for_each_link(*state, requests_test);
}

static void read_deadline_test(struct link *link)
{
	char in[10];
	struct rota_read read;
	struct rota_deadline deadline;

	read.request.data = "read";
	assert_int_equal(rota_stream_read(&read, link->a.stream,
					  (struct rota_buf){ in, 10 }, 5,
					  note_read_done),
			 0);
	assert_int_equal(rota_request_set_deadline(
				 &read.request, &deadline,
				 rota_loop_now(link->f->loop) + ROTA_SEC(1)),
			 0);
	assert_int_equal(end_send(&link->b, 3), 0);
	PASS_UNTIL(link->f, !rota_request_is_active(&read.request));
	assert_string_equal(journal_take(), "pending: read=ETIMEDOUT");
	assert_int_equal(read.size, 3);

	link->a.got = 3; /* and the next reader goes on there */
	end_start(&link->a);
	assert_int_equal(end_send(&link->b, 4), 0);
	RUN_UNTIL(link->f, link->a.got == 7);
	assert_int_equal(link->a.wrong, 0);
}

static void a_read_has_a_deadline(void **state)
{
	for_each_link(*state, read_deadline_test);
}

static void write_deadline_test(struct link *link)
{
	static char data[4];
	struct rota_const_buf buf = { data, sizeof(data) };
	struct rota_write write;
	struct rota_deadline deadline;

	/* More than the kernel takes later, when it has moved what it has. */
	while (rota_stream_queued(link->a.stream) < 512 * 1024)
		assert_true(end_send(&link->a, 1 << 14) >= 0);
	write.request.data = "write";
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, &buf, 1, note_write),
		0);
	assert_int_equal(rota_request_set_deadline(
				 &write.request, &deadline,
				 rota_loop_now(link->f->loop) + ROTA_SEC(1)),
			 0);
	PASS_UNTIL(link->f, !rota_request_is_active(&write.request));
	assert_string_equal(journal_take(), "pending: write=ETIMEDOUT");
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
	end_start(&link->b); /* what was queued before it still arrives */
	RUN_UNTIL(link->f, link->b.got == link->a.sent);
}

static void a_write_has_a_deadline(void **state)
{
	for_each_link(*state, write_deadline_test);
}

static void try_test(struct link *link)
{
	static char data[70000];
	struct rota_const_buf bufs[2] = { { data, 40000 },
					  { data + 40000, 30000 } };
	ptrdiff_t n;

	pattern_fill(data, sizeof(data), 0);
	n = rota_stream_try_write(link->a.stream, bufs, 2);
	assert_in_range(n, 1, sizeof(data));
	link->b.act = NULL;
	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.got == (size_t)n);
	assert_int_equal(link->b.wrong, 0);
	rota_stream_read_stop(link->b.stream);

	link->a.sent = (size_t)n;
	end_fill(&link->a, 0);
	assert_int_equal(rota_stream_try_write(link->a.stream, bufs, 2),
			 ROTA_EAGAIN);
}

static void a_try_writes_what_is_taken(void **state)
{
	for_each_link(*state, try_test);
}

static void cork_test(struct link *link)
{
	end_start(&link->b);
	rota_stream_set_cork(link->a.stream, 1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(end_send(&link->a, 7), 0);
	assert_int_equal(rota_stream_queued(link->a.stream), 700);
	RUN_UNTIL(link->f, link->b.got == 700);
	assert_int_equal(link->b.reads, 1);
	assert_int_equal(end_send(&link->a, 7), 0);
	rota_stream_set_cork(link->a.stream, 0);
	assert_int_equal(rota_stream_queued(link->a.stream), 0);
	RUN_UNTIL(link->f, link->b.got == 707);
	assert_int_equal(link->b.wrong, 0);
}

static void corked_bytes_leave_together(void **state)
{
	for_each_link(*state, cork_test);
}

static void close_test(struct link *link)
{
	assert_true(end_send(&link->a, 30000) >= 0);
	for (int i = 0; i < 3; i++)
		turn(link->f); /* it is on its way */
	assert_int_equal(rota_handle_close(&link->a.stream->handle, end_closed),
			 0);
	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.ends > 0);
	assert_int_equal(link->a.closes, 1);
	assert_int_equal(link->b.got, 30000);
	assert_int_equal(link->b.status, ROTA_EOF);

	/* A send of TCP finds the reset that the first one causes. */
	RUN_UNTIL(link->f, end_send(&link->b, 1000) < 0);
	assert_int_equal(end_send(&link->b, 1), ROTA_EPIPE);
}

static void the_peer_of_a_closed_stream_reads_the_rest(void **state)
{
	for_each_link(*state, close_test);
}

static void reset_test(struct link *link)
{
	end_start(&link->b);
	assert_int_equal(rota_stream_close_reset(link->a.stream, end_closed),
			 0);
	RUN_UNTIL(link->f, link->b.ends > 0);
	assert_int_equal(link->b.status, ROTA_ECONNRESET);
	assert_int_equal(link->a.closes, 1);
	assert_true(end_send(&link->b, 1) < 0);
}

static void the_peer_of_a_reset_stream_is_told(void **state)
{
	for_each_link(*state, reset_test);
}

/* O2: requests first, then the close callback, all in the closing phase. */
static void close_requests_test(struct link *link)
{
	static char data[10];
	struct rota_const_buf buf = { data, sizeof(data) };
	struct rota_read read;
	struct rota_write write;

	end_fill(&link->a, 0);
	read.request.data = "read";
	write.request.data = "write";
	assert_int_equal(rota_stream_read(&read, link->a.stream,
					  (struct rota_buf){ data, 10 }, 0,
					  note_read_done),
			 0);
	assert_int_equal(
		rota_stream_write(&write, link->a.stream, &buf, 1, note_write),
		0);
	assert_int_equal(rota_handle_close_now(&link->a.stream->handle),
			 ROTA_EBUSY);
	assert_int_equal(rota_handle_close(&link->a.stream->handle, end_closed),
			 0);
	assert_int_equal(rota_handle_close(&link->a.stream->handle, NULL),
			 ROTA_EALREADY);
	turn(link->f);
	assert_string_equal(journal_take(),
			    "closing: read=ECANCELED write=ECANCELED");
	assert_int_equal(link->a.closes, 1);
	assert_int_equal(end_send(&link->a, 1), ROTA_EINVAL);
}

static void a_close_ends_all_requests(void **state)
{
	for_each_link(*state, close_requests_test);
}

/* O4 */
static void close_now_it(struct end *end, int status)
{
	(void)status;
	assert_int_equal(rota_handle_close_now(&end->stream->handle), 0);
	memset(&end->filter, 0xa5, sizeof(end->filter)); /* freed */
	memset(&end->memory, 0xa5, sizeof(end->memory));
	memset(&end->tcp, 0xa5, sizeof(end->tcp));
	end->ends = 1;
}

static void close_in_callback_test(struct link *link)
{
	link->b.act = close_now_it;
	end_fill(&link->a, 0);
	end_start(&link->b);
	RUN_UNTIL(link->f, link->b.ends > 0);
	assert_int_equal(link->b.reads, 1);
	RUN_UNTIL(link->f, end_send(&link->a, 1000) < 0);
	link->b.stream = link->a.stream; /* there is no other to close */
}

static void a_read_callback_closes_and_frees_its_stream(void **state)
{
	for_each_link(*state, close_in_callback_test);
}

static void close_peer(struct end *end, int status)
{
	struct link *link = end->link;
	struct end *peer = end == &link->a ? &link->b : &link->a;

	(void)status;
	if (!rota_handle_is_closing(&peer->stream->handle))
		assert_int_equal(rota_handle_close_now(&peer->stream->handle),
				 0);
}

static void close_peer_test(struct link *link)
{
	end_start(&link->a);
	end_start(&link->b);
	link->a.act = close_peer;
	assert_int_equal(end_send(&link->a, 100), 0);
	assert_int_equal(end_send(&link->b, 100), 0);
	RUN_UNTIL(link->f, link->a.ends > 0);
	assert_int_equal(link->a.got, 100);
	assert_in_range(link->b.reads, 0, 1);
}

static void a_read_callback_closes_the_other_end(void **state)
{
	for_each_link(*state, close_peer_test);
}

/* It does not keep the loop alive, and costs no turn. */
static void idle_test(struct link *link)
{
	uint64_t waits;

	assert_int_equal(end_send(&link->a, 100), 0); /* nobody reads it */
	assert_int_equal(rota_loop_run(link->f->loop, ROTA_RUN_DEFAULT), 0);
	end_start(&link->a);
	assert_true(rota_loop_alive(link->f->loop));
	rota_handle_unref(&link->a.stream->handle);
	assert_int_equal(rota_loop_run(link->f->loop, ROTA_RUN_NOWAIT),
			 link->kind == LINK_FILTERED_TCP ||
				 link->kind == LINK_FILTERED_MEMORY);
	waits = waits_within(link->f, 20);
	assert_in_range(waits, 1, 8);
}

static void a_stream_that_waits_costs_nothing(void **state)
{
	for_each_link(*state, idle_test);
}

static void keep_it(struct end *end, int status)
{
	if (status == 0 && end->ends == 0) {
		end->link->a.closes++;
		rota_buf_release(rota_buf_keep(end->stream));
	}
}

static void keep_test(struct link *link)
{
	link->b.act = keep_it;
	end_start(&link->b);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(end_send(&link->a, 100), 0);
		RUN_UNTIL(link->f, link->b.got == link->a.sent);
	}
	assert_int_equal(link->b.wrong, 0);
	assert_in_range(link->a.closes, 1, 10);
}

static void lent_bytes_are_kept(void **state)
{
	for_each_link(*state, keep_test);
}

static void refused_test(struct link *link)
{
	struct rota_stream *stream = link->a.stream;
	struct rota_detached detached;
	char data[1];
	struct rota_read read;

	assert_int_equal(rota_stream_listen(stream, 1, NULL), ROTA_EINVAL);
	assert_int_equal(rota_stream_read_start(stream, NULL), ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, NULL, 1), ROTA_EINVAL);
	assert_int_equal(rota_stream_send(stream, NULL, 0), 0);
	assert_int_equal(rota_stream_send(stream, data, SIZE_MAX), ROTA_EINVAL);
	assert_int_equal(rota_stream_read(&read, stream,
					  (struct rota_buf){ data, 0 }, 0,
					  note_read_done),
			 ROTA_EINVAL);
	if (link->kind == LINK_TCP)
		return;
	assert_int_equal(rota_stream_fd(stream), ROTA_EBADF);
	assert_int_equal(rota_stream_detach(stream), ROTA_ENOTSUP);
	assert_int_equal(rota_stream_detach_with(stream, &detached),
			 ROTA_ENOTSUP);
}

static void what_has_no_meaning_is_refused(void **state)
{
	for_each_link(*state, refused_test);
}

/* F2: what a callback that forks leaves undone, parent and child do both. */
static pid_t forked = -1;

static void fork_it(struct end *end, int status)
{
	(void)status;
	end->act = NULL;
	forked = child_fork();
}

static void a_read_callback_forks(void **state)
{
	struct fixture *f = *state;
	struct link one, two;

	link_open(&one, f, LINK_MEMORY);
	link_open(&two, f, LINK_FILTERED_MEMORY);
	one.b.act = fork_it;
	end_start(&one.b);
	end_start(&two.b);
	assert_true(end_send(&one.a, 60000) >= 0);
	assert_int_equal(end_send(&two.a, 1000), 0);
	while (forked < 0) /* the child's run ends with ROTA_ECHILD */
		(void)rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	if (forked == 0) {
		EXPECT(one.b.reads == 1);
		EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) == ROTA_ECHILD);
		EXPECT(rota_loop_fork(f->loop) == 0);
		for (int i = 0; i < 10; i++)
			EXPECT(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
		EXPECT(one.b.got == 60000 && two.b.got == 1000);
		EXPECT(one.b.wrong + two.b.wrong == 0);
		child_ends();
	}
	RUN_UNTIL(f, one.b.got == 60000 && two.b.got == 1000);
	assert_int_equal(one.b.wrong + two.b.wrong, 0);
	expect_success(forked);
	rota_stream_read_stop(two.b.stream);
	link_end(&one);
	link_end(&two);
}

static const struct CMUnitTest tests[] = {
	REAL(bytes_flow_both_ways),
	REAL(a_full_stream_presses_back_and_drains),
	REAL(a_paused_reader_loses_nothing),
	REAL(one_side_ends_and_the_other_goes_on),
	REAL(a_shutdown_without_a_request_is_reported_once),
	REAL(a_shutdown_is_done_when_all_before_it_is_cancelled),
	REAL(both_end_and_nothing_is_lost),
	REAL(the_last_to_end_sends_all_first),
	REAL(an_end_after_the_peers_close_is_clean),
	VIRTUAL(an_end_has_a_deadline),
	REAL(requests_are_served_in_order),
	VIRTUAL(a_read_has_a_deadline),
	VIRTUAL(a_write_has_a_deadline),
	REAL(a_try_writes_what_is_taken),
	REAL(corked_bytes_leave_together),
	REAL(the_peer_of_a_closed_stream_reads_the_rest),
	REAL(the_peer_of_a_reset_stream_is_told),
	REAL(a_close_ends_all_requests),
	REAL(a_read_callback_closes_and_frees_its_stream),
	REAL(a_read_callback_closes_the_other_end),
	REAL(a_stream_that_waits_costs_nothing),
	REAL(lent_bytes_are_kept),
	REAL(what_has_no_meaning_is_refused),
	REAL(a_read_callback_forks),
};
FIXTURE_MAIN(tests)
