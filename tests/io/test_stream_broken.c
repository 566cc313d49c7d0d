/*
 * Regression tests: an adversarial review of the streams found these errors.
 * Each test failed before the fix.
 */
#include "support/fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/streams.h"

static struct rota_buf lent[2]; /* before and after keeping it */

static void note_kept(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct rota_hold *hold;

	assert_int_equal(status, 0);
	lent[0] = *buf;
	hold = rota_buf_keep(stream);
	lent[1] = *buf;
	rota_buf_release(hold);
}

/* rota_buf_keep(): the callback may still use the buffer afterwards. */
static void a_buffer_that_is_kept_stays_what_it_was(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 10); /* here it could not be kept in place yet */
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, note_kept), 0);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, lent[0].size > 0);

	assert_int_equal(lent[0].size, 10);
	assert_memory_equal(&lent[0], &lent[1], sizeof(lent[0]));
	connection_end(&c);
}

/* Give @c, which does not read, some input, so that its event was already
 * reported. @other keeps the loop alive. */
static void leave_over(struct fixture *f, struct connection *c,
		       struct connection *other)
{
	connection_open(other, f, "other");
	connection_read(other);
	connection_open(c, f, "c");
	connection_read(c);
	rota_stream_read_stop(&c->tcp.stream);
	peer_has_sent(c, 10);
	turn(f);
	assert_int_equal(c->size, 0);
}

/* D4: the input that is left over is not lost if another watch of the
 * descriptor starts and stops before the next wait. */
static void what_is_left_over_outlasts_a_watch(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;
	struct rota_read read;
	struct probe probe;
	char bytes[10];

	leave_over(f, &c, &other);
	probe_init(&probe, f, c.fd);

	probe_start(&probe, ROTA_READABLE);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 4, 4), 0);
	probe_stop(&probe);
	turn(f);
	assert_string_equal(journal_take(), "poll: r=4");
	probe_start(&probe, ROTA_WRITABLE);
	c.size = 4;
	connection_read(&c);
	probe_stop(&probe);
	turn(f);

	assert_int_equal(c.size, 10);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
	connection_end(&other);
}

/* rota_stream_try_write(): empty buffers in front do not keep it from
 * writing. */
static void a_try_passes_over_empty_buffers(void **state)
{
	struct rota_const_buf bufs[1000] = { 0 };
	struct connection c;

	connection_open(&c, *state, NULL);
	bufs[999].data = "x";
	bufs[999].size = 1;

	assert_int_equal(rota_stream_try_write(&c.tcp.stream, bufs, 1000), 1);
	assert_int_equal(rota_stream_try_write(&c.tcp.stream, bufs, 999), 0);

	connection_end(&c);
}

static char much[4000000];

/* Open a stream that cannot write any more, with these watermarks. */
static void press(struct connection *c, struct fixture *f, size_t low,
		  size_t high)
{
	connection_open_small(c, f, "c");
	rota_stream_on_drain(&c->tcp.stream, count_drain);
	connection_block(c);
	assert_int_equal(rota_stream_set_watermarks(&c->tcp.stream, low, high),
			 0);
	c->drains = 0;
}

/* O8, on_drain: the bytes of the send have left, and the write behind it times
 * out. A program that waits for on_drain gets the error of the writing side. */
static void a_write_that_times_out_is_told_to_who_waits(void **state)
{
	struct fixture *f = *state;
	struct rota_deadline deadline;
	struct rota_write write;
	struct connection c;

	press(&c, f, 10, 20);
	assert_int_equal(connection_send(&c, 100), 1);
	pattern_fill(much, sizeof(much), c.produced);
	assert_int_equal(begin_write(&c, &write, "w", much, sizeof(much)), 0);
	RUN_UNTIL(f, (peer_takes(&c), c.taken > c.produced));
	assert_int_equal(c.drains, 0);

	assert_int_equal(rota_request_set_deadline(&write.request, &deadline,
						   rota_loop_now(f->loop)),
			 0);
	RUN_UNTIL(f, !rota_request_is_active(&write.request));
	turn(f);
	turn(f);

	assert_string_equal(journal_take(), "pending: w=ETIMEDOUT");
	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, ROTA_ETIMEDOUT);
	connection_end(&c);
}

/* on_drain: a cancel shrinks the queue, too. */
static void on_drain_comes_when_a_cancel_has_made_room(void **state)
{
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	size_t queued;

	press(&c, f, 0, 0);
	queued = rota_stream_queued(&c.tcp.stream);
	assert_int_equal(begin_write(&c, &write, "w", much, sizeof(much)), 0);
	assert_int_equal(rota_stream_set_watermarks(&c.tcp.stream, queued + 10,
						    queued + 10),
			 0);
	assert_int_equal(connection_send(&c, 5), 1);
	c.drains = 0;

	assert_int_equal(rota_request_cancel(&write.request), 0);
	turn(f);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, 0);
	/* The kernel may have taken a little more. */
	assert_in_range(rota_stream_queued(&c.tcp.stream), 1, queued + 5);
	journal_take();
	connection_end(&c);
}

/* The same with a higher low watermark. */
static void on_drain_comes_when_the_low_watermark_is_raised(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t queued;

	press(&c, f, 0, 0);
	assert_int_equal(connection_send(&c, 1), 1);
	queued = rota_stream_queued(&c.tcp.stream);
	turn(f);
	assert_int_equal(c.drains, 0);

	assert_int_equal(
		rota_stream_set_watermarks(&c.tcp.stream, queued, queued + 10),
		0);
	turn(f);
	turn(f);

	assert_int_equal(c.drains, 1);
	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

/* on_drain with status 0: at most the low watermark is queued when it is
 * called, not just when it became due. */
static void on_drain_is_not_told_of_room_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);
	rota_stream_set_watermarks(&c.tcp.stream, 10, 20);
	rota_stream_set_cork(&c.tcp.stream, 1);
	assert_int_equal(connection_send(&c, 100), 1);
	rota_stream_set_cork(&c.tcp.stream, 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	connection_block(&c);
	turn(f);
	assert_true(rota_stream_queued(&c.tcp.stream) > 10);
	assert_int_equal(c.drains, 0);

	peer_takes_until(f, &c, c.produced);
	RUN_UNTIL(f, c.drains == 1);

	assert_int_equal(c.drain_status, 0);
	connection_end(&c);
}

/* Forked children (F2). */

static const uint64_t LONG_ENOUGH_MS = 50;

static void stop_and_rebuild(void *arg)
{
	struct connection *c = arg;
	struct rota_loop *loop = rota_handle_loop(&c->tcp.handle);
	struct fixture child = { .loop = loop };

	rota_stream_read_stop(&c->tcp.stream);
	EXPECT(rota_loop_fork(loop) == 0);
	EXPECT(send(c->peer, "abc", 3, 0) == 3);
	EXPECT(waits_within(&child, (unsigned)LONG_ENOUGH_MS) < 10);
	EXPECT(c->size == 0);
}

/* F2: reading that was stopped in the child before the rebuild is still stopped
 * after it, and does not wake the loop. */
static void a_stop_in_a_child_holds_when_it_is_rebuilt(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	connection_read(&c);
	turn(f);

	in_a_child(stop_and_rebuild, &c);

	connection_end(&c);
}

static pid_t forked;
static int child_status;

/* Fork. The parent continues when the child has ended. */
static void fork_and_wait(void)
{
	forked = child_fork();
	if (forked > 0)
		assert_int_equal(waitpid(forked, &child_status, 0), forked);
}

static void fork_in_read(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	(void)buf;
	c->act = NULL;
	if (c->arg != NULL) {
		rota_stream_set_cork(&c->tcp.stream, 1);
		assert_int_equal(connection_send(c, 3), 0);
	}
	fork_and_wait();
}

static void fork_in_watch(struct probe *probe)
{
	probe->act = NULL;
	fork_and_wait();
}

/* Run until a callback forks. The child runs to the end of the turn and
 * ends. */
static void run_until_forked(struct fixture *f)
{
	forked = -1;
	RUN_UNTIL(f, forked != -1);
	if (forked == 0)
		child_ends();
	assert_int_equal(child_status, 0);
}

/* F2: only the parent reads the rest of the input, and that of other
 * streams. */
static void a_child_of_a_read_callback_reads_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c, other;

	connection_open(&c, f, NULL);
	connection_open(&other, f, NULL);
	connection_read(&c);
	connection_read(&other);
	turn(f);
	c.act = fork_in_read;
	peer_has_sent(&other, 10);
	while (peer_tries_to_send(&c, 1000000) > 0)
		;

	run_until_forked(f);

	RUN_UNTIL(f, c.size == c.sent && other.size == 10);
	assert_int_equal(c.wrong + other.wrong, 0);
	connection_end(&c);
	connection_end(&other);
}

/* The same if a watch of the same descriptor is called first. */
static void a_child_of_a_watch_reads_nothing(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct probe probe;

	connection_open(&c, f, NULL);
	probe_init(&probe, f, c.fd);
	probe.act = fork_in_watch;
	probe_start(&probe, ROTA_READABLE);
	connection_read(&c);
	peer_has_sent(&c, 10);

	run_until_forked(f);
	probe_stop(&probe);

	RUN_UNTIL(f, c.size == 10);
	connection_end(&c);
}

/* F2: only the parent writes what was corked at the fork. */
static void what_is_corked_at_a_fork_is_written_once(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, NULL);
	c.act = fork_in_read;
	c.arg = f;
	connection_read(&c);
	peer_has_sent(&c, 10);

	run_until_forked(f);
	connection_send(&c, 4);
	rota_stream_set_cork(&c.tcp.stream, 0);

	peer_takes_until(f, &c, 7); /* this compares with the pattern */
	assert_int_equal(c.taken, c.produced);
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_buffer_that_is_kept_stays_what_it_was),
	REAL(what_is_left_over_outlasts_a_watch),
	REAL(a_try_passes_over_empty_buffers),
	REAL(a_write_that_times_out_is_told_to_who_waits),
	REAL(on_drain_comes_when_a_cancel_has_made_room),
	REAL(on_drain_comes_when_the_low_watermark_is_raised),
	REAL(on_drain_is_not_told_of_room_that_is_gone),
	REAL(a_stop_in_a_child_holds_when_it_is_rebuilt),
	REAL(a_child_of_a_read_callback_reads_nothing),
	REAL(a_child_of_a_watch_reads_nothing),
	REAL(what_is_corked_at_a_fork_is_written_once),
};

FIXTURE_MAIN(tests)
