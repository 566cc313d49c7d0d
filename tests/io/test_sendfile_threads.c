/*
 * Parts of files while a thread of the pool reads for them, and how they end
 * early: cancel, deadline, close, detach and fork.
 */
/* system: linux */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pool/jobs.h"
#include "support/child.h"
#include "support/fault.h"
#include "support/part.h"
#include "support/streams_more.h"

enum { SIZE = 300000 };

/* A part of a cold file, for which a thread is at work. */
struct held {
	struct fixture *f;
	struct link link;
	struct part part, behind;
	struct gate gate;
	int file;
};

static void wait_at_gate(void *arg)
{
	struct gate *gate = arg;

	gate_pass(gate);
}

static void held_begin(struct held *h, struct fixture *f, enum link_kind kind)
{
	h->f = f;
	h->file = make_file(SIZE);
	gate_init(&h->gate);
	link_open(&h->link, f, kind);
	end_start(&h->link.b);
	/* Without a fault, which waits at the gate: the kernel drops pages that
	 * are written. */
	assert_int_equal(fdatasync(h->file), 0);
	assert_int_equal(posix_fadvise(h->file, 0, 0, POSIX_FADV_DONTNEED), 0);
	fault_call_before(kind == LINK_TCP ? "preadv" : "pread", 1,
			  wait_at_gate, &h->gate);
	assert_int_equal(
		part_send(&h->part, h->link.a.stream, h->file, 0, SIZE), 0);
	assert_int_equal(
		part_send(&h->behind, h->link.a.stream, h->file, 0, 10), 0);
}

static void held_end(struct held *h)
{
	fault_clear();
	link_end(&h->link);
	close(h->file);
}

static int is_cold(struct held *h)
{
	uint64_t until = real_now() + ROTA_SEC(20);

	while (fault_count("preadv") + fault_count("pread") == 0 &&
	       h->part.calls == 0 && real_now() < until)
		turn(h->f);
	return h->part.calls == 0;
}

static const enum link_kind kinds[] = { LINK_TCP, LINK_MEMORY };

static void each_held(struct fixture *f, void (*test)(struct held *h))
{
	for (unsigned i = 0; i < 2; i++) {
		struct held h;

		fault_count_reset();
		held_begin(&h, f, kinds[i]);
		if (is_cold(&h)) {
			gate_await(&h.gate, 1);
			test(&h);
		} else {
			print_message("the file was not cold\n");
			(void)part_end(h.f, &h.behind);
		}
		gate_open(&h.gate);
		held_end(&h);
	}
}

/* The stream does not spin, and others are served. */
static void check_waits(struct held *h)
{
	struct link other;

	link_open(&other, h->f, h->link.kind);
	end_start(&other.b);
	assert_int_equal(end_send(&other.a, 1000), 0);
	RUN_UNTIL(h->f, other.b.got == 1000);
	assert_int_equal(rota_handle_close_now(&other.a.stream->handle), 0);
	assert_int_equal(rota_handle_close_now(&other.b.stream->handle), 0);
	assert_int_equal(h->part.calls, 0);
	assert_int_equal(end_send(&h->link.a, 10), 0);
	assert_int_equal(rota_stream_queued(h->link.a.stream), 10);

	gate_open(&h->gate);
	assert_int_equal(part_end(h->f, &h->part), 0);
	assert_int_equal(part_end(h->f, &h->behind), 0);
	RUN_UNTIL(h->f, h->link.b.got == SIZE + 20);
}

static void the_loop_goes_on_while_a_thread_reads(void **state)
{
	each_held(*state, check_waits);
}

static void check_cancel(struct held *h)
{
	assert_int_equal(rota_request_cancel(&h->part.sendfile.request),
			 ROTA_EBUSY);
	assert_int_equal(rota_request_cancel(&h->behind.sendfile.request), 0);
	assert_int_equal(part_end(h->f, &h->behind), ROTA_ECANCELED);
	gate_open(&h->gate);
	assert_int_equal(part_end(h->f, &h->part), 0);
	RUN_UNTIL(h->f, h->link.b.got == SIZE);
}

static void a_cancel_while_a_thread_reads_is_refused(void **state)
{
	each_held(*state, check_cancel);
}

static void check_deadline(struct held *h)
{
	struct rota_deadline deadline;

	assert_int_equal(
		rota_request_set_deadline(&h->part.sendfile.request, &deadline,
					  rota_loop_update_now(h->f->loop)),
		0);
	assert_int_equal(part_end(h->f, &h->behind), ROTA_ECANCELED);
	assert_int_equal(h->part.calls, 0); /* the thread uses it */
	assert_int_equal(rota_request_cancel(&h->part.sendfile.request),
			 ROTA_EALREADY);
	assert_int_equal(end_send(&h->link.a, 1), ROTA_EPIPE);
	gate_open(&h->gate);
	assert_int_equal(part_end(h->f, &h->part), ROTA_ETIMEDOUT);
}

static void a_deadline_waits_for_the_thread(void **state)
{
	each_held(*state, check_deadline);
}

static void check_close(struct held *h)
{
	struct rota_handle *handle = &h->link.a.stream->handle;

	assert_int_equal(rota_stream_detach(h->link.a.stream),
			 h->link.kind == LINK_TCP ? ROTA_EBUSY : ROTA_ENOTSUP);
	assert_int_equal(rota_handle_close(handle, end_closed), 0);
	for (int i = 0; i < 5; i++)
		turn(h->f);
	assert_int_equal(h->link.a.closes, 0); /* O2 */
	assert_int_equal(h->part.calls, 0);
	gate_open(&h->gate);
	RUN_UNTIL(h->f, h->link.a.closes == 1);
	assert_int_equal(h->part.calls, 1);
	assert_int_equal(h->part.status, ROTA_ECANCELED);
	assert_int_equal(h->part.phase, ROTA_PHASE_CLOSING);
	assert_int_equal(h->behind.calls, 1);
	assert_int_equal(h->behind.status, ROTA_ECANCELED);
}

static void a_close_waits_for_the_thread(void **state)
{
	each_held(*state, check_close);
}

static void in_child(void *arg)
{
	struct held *h = arg;

	fault_clear();
	EXPECT(rota_loop_fork(h->f->loop) == 0);
	for (int i = 0; i < 5; i++)
		turn(h->f);
	EXPECT(h->part.calls == 1 && h->part.status == ROTA_ECANCELED);
	EXPECT(h->behind.calls == 1 && h->behind.status == ROTA_ECANCELED);
	EXPECT(rota_stream_end(h->link.a.stream, end_closed) == 0);
	for (int i = 0; i < 5; i++)
		turn(h->f);
	EXPECT(h->link.a.closes == 1);
}

static void in_child_after_close(void *arg)
{
	struct held *h = arg;

	fault_clear();
	EXPECT(rota_loop_fork(h->f->loop) == 0);
	for (int i = 0; i < 5; i++)
		turn(h->f);
	EXPECT(h->part.calls == 1 && h->part.status == ROTA_ECANCELED);
	EXPECT(h->link.a.closes == 1);
}

static void check_fork(struct held *h)
{
	in_a_child(in_child, h);
	assert_int_equal(
		rota_handle_close(&h->link.a.stream->handle, end_closed), 0);
	in_a_child(in_child_after_close, h);
	gate_open(&h->gate);
	RUN_UNTIL(h->f, h->link.a.closes == 1);
}

static void in_a_forked_child_it_is_cancelled(void **state)
{
	if (test_is_sanitized())
		skip_test("a thread of the parent holds locks in the child");
	each_held(*state, check_fork);
}

/* The item was not published yet: it can be taken back, and what is behind it
 * is written. */
static void check_taken_back(struct link *link)
{
	struct part part;
	int file = make_file(SIZE);

	part_go(PART_COLD);
	end_start(&link->b);
	assert_int_equal(part_send(&part, link->a.stream, file, 0, SIZE), 0);
	assert_int_equal(end_send(&link->a, 1000), 0);
	assert_int_equal(rota_request_cancel(&part.sendfile.request), 0);
	assert_int_equal(part_end(link->f, &part), ROTA_ECANCELED);
	assert_true(part.sendfile.sent == 0);
	RUN_UNTIL(link->f, link->b.got == 1000);
	assert_int_equal(link->b.wrong, 0);
	fault_clear();
	close(file);
}

/* Bytes were fetched, and the stream took none of them. */
static void fetched_bytes_are_freed_by_a_cancel(void **state)
{
	struct fixture *f = *state;
	struct link link;
	struct part part;
	int file = make_file(SIZE);

	link_open(&link, f, LINK_MEMORY);
	end_fill(&link.a, 1 << 17);
	assert_int_equal(part_send(&part, link.a.stream, file, 0, SIZE), 0);
	end_start(&link.b);
	/* When the queue before it is written, a thread fetches; the reader
	 * stops before that is back. */
	while (rota_stream_queued(link.a.stream) > 0)
		turn(f);
	rota_stream_read_stop(link.b.stream);
	for (int i = 0; i < 2000 && part.sendfile.internal.data == NULL; i++)
		turn(f);
	for (int i = 0; i < 200; i++)
		turn(f);
	if (rota_request_cancel(&part.sendfile.request) == 0)
		assert_int_equal(part_end(f, &part), ROTA_ECANCELED);
	link_end(&link); /* the fixture finds what is left */
	close(file);
}

static void with_threads(struct fixture *own, struct fixture *f, unsigned max)
{
	struct rota_pool_options pool_options;
	struct rota_loop_options options;
	struct rota_pool *pool;

	*own = *f;
	rota_pool_options_init(&pool_options);
	for (int i = 0; i < ROTA_LANE_COUNT; i++)
		pool_options.lanes[i].max_threads = max;
	assert_int_equal(rota_pool_new(&pool, &pool_options), 0);
	fixture_options(own, ROTA_CLOCK_MONOTONIC, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&own->loop, &options), 0);
	rota_pool_unref(pool);
}

static void check_inline(struct link *link)
{
	struct part part;
	int file = make_file(SIZE);

	end_start(&link->b);
	for (int i = 0; i < PART_WAYS; i++) {
		part_go((enum part_way)i);
		link->a.sent = link->b.got = 0;
		end_send_part(&link->a, &part, file, SIZE);
		assert_true(end_send(&link->a, 10) >= 0);
		assert_int_equal(part_end(link->f, &part), 0);
		RUN_UNTIL(link->f, link->b.got == SIZE + 10);
		assert_int_equal(link->b.wrong, 0);
	}
	fault_clear();
	close(file);
}

static void a_part_that_no_thread_has_begun_is_taken_back(void **state)
{
	struct fixture own;

	with_threads(&own, *state, 0);
	for_each_link(&own, check_taken_back);
	assert_int_equal(rota_loop_close(own.loop), 0);
}

static void a_pool_without_threads_sends_parts(void **state)
{
	struct fixture own;

	with_threads(&own, *state, 0);
	for_each_link(&own, check_inline);
	assert_int_equal(rota_loop_close(own.loop), 0);
}

/* Of a file in memory nobody knows whether it is there: a thread reads it. */
static void check_no_thread(struct link *link)
{
	struct part part;
	int file = memfd_create("test", MFD_CLOEXEC);

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, SIZE), 0);
	fault_fail_from("pthread_create", 1, EAGAIN);
	assert_int_equal(part_send(&part, link->a.stream, file, 0, SIZE), 0);
	assert_int_equal(part_end(link->f, &part), ROTA_EAGAIN);
	assert_true(fault_clear() > 0);
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
	close(file);
}

static void without_a_thread_the_part_fails(void **state)
{
	struct fixture own;

	with_threads(&own, *state, 1);
	for_each_link(&own, check_no_thread);
	assert_int_equal(rota_loop_close(own.loop), 0);
}

/* A deadline while the socket takes nothing: the writing side has failed. */
static void check_late(struct link *link)
{
	struct rota_deadline deadline;
	struct part part, behind;
	int file = make_file(SIZE);

	end_fill(&link->a, 1);
	assert_int_equal(part_send(&part, link->a.stream, file, 0, SIZE), 0);
	assert_int_equal(part_send(&behind, link->a.stream, file, 0, SIZE), 0);
	assert_int_equal(
		rota_request_set_deadline(&part.sendfile.request, &deadline,
					  rota_loop_update_now(link->f->loop) +
						  ROTA_MSEC(1)),
		0);
	assert_int_equal(part_end(link->f, &part), ROTA_ETIMEDOUT);
	assert_int_equal(part_end(link->f, &behind), ROTA_ECANCELED);
	assert_int_equal(end_send(&link->a, 1), ROTA_EPIPE);
	close(file);
}

static void a_part_that_is_late_fails_the_writing_side(void **state)
{
	for_each_link(*state, check_late);
}

static const struct CMUnitTest tests[] = {
	REAL(the_loop_goes_on_while_a_thread_reads),
	REAL(a_cancel_while_a_thread_reads_is_refused),
	REAL(a_deadline_waits_for_the_thread),
	REAL(a_close_waits_for_the_thread),
	REAL(in_a_forked_child_it_is_cancelled),
	REAL(fetched_bytes_are_freed_by_a_cancel),
	REAL(a_part_that_no_thread_has_begun_is_taken_back),
	REAL(a_pool_without_threads_sends_parts),
	REAL(without_a_thread_the_part_fails),
	REAL(a_part_that_is_late_fails_the_writing_side),
};

FIXTURE_MAIN(tests)
