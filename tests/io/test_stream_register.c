/*
 * Streams and the poller: a first registration that fails (D2, F3), and a
 * descriptor that is also watched by a watch (D4).
 */
#include "support/fixture.h"

#include <errno.h>

#include "support/fault.h"
#include "support/streams.h"

/* Make the next registration of a descriptor fail. Returns the error to expect:
 * poll(2) cannot refuse one, but it may lack memory. */
static int refuse(struct fixture *f)
{
	f->memory.failed = 0;
	if (poller_is(f, "poll")) {
		f->memory.fail_at = f->memory.calls + 1;
		return ROTA_ENOMEM;
	}
	fault_fail(poller_is(f, "epoll") ? "epoll_ctl" : "kevent", 1, ENOSPC);
	return ROTA_ENOSPC;
}

static void expect_refused(struct fixture *f)
{
	unsigned refused = fault_clear();

	f->memory.fail_at = 0;
	assert_int_equal(refused + f->memory.failed, 1);
}

/* Write directly to the socket until it is full; raw_drop() reads from it. */
static size_t raw_fill(int fd)
{
	static const char zeros[10000];
	size_t sum = 0;
	ptrdiff_t n;

	while ((n = raw_try_send(fd, zeros, sizeof(zeros))) > 0)
		sum += (size_t)n;
	return sum;
}

static void raw_drop(int fd, size_t size)
{
	char byte;

	while (size-- > 0)
		raw_read(fd, &byte, 1);
}

/* rota_stream_read_start() and rota_stream_read() return the error, no callback
 * comes, and the stream is unchanged. */
static void reading_may_be_refused_by_the_poller(void **state)
{
	struct fixture *f = *state;
	struct rota_read read;
	struct connection c;
	char bytes[10];
	int error;

	connection_open(&c, f, NULL);
	peer_has_sent(&c, 10);

	error = refuse(f);
	assert_int_equal(rota_stream_read_start(&c.tcp.stream, collect), error);
	expect_refused(f);
	assert_false(rota_handle_is_active(&c.tcp.handle));
	error = refuse(f);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 10, 10), error);
	expect_refused(f);
	assert_false(rota_loop_alive(f->loop));
	turn(f);
	assert_int_equal(begin_read(&c, &read, "r", bytes, 5, 5), 0);
	turn(f);
	assert_string_equal(journal_take(), "poll: r=5");
	c.size = 5;
	connection_read(&c);
	RUN_UNTIL(f, c.size == 10);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* rota_stream_send(): no byte has left, so it returns the error and has taken
 * nothing. */
static void a_send_may_be_refused_by_the_poller(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	size_t sent;
	int error;

	connection_open_small(&c, f, NULL);
	sent = raw_fill(c.fd);

	error = refuse(f);
	assert_int_equal(connection_send(&c, 10), error);
	expect_refused(f);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_int_equal(connection_send(&c, 10), 0);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 10);
	raw_drop(c.peer, sent);
	peer_takes_until(f, &c, 10);

	connection_end(&c);
}

/* rota_stream_send(): a part has left, so the writing side has failed. */
static void a_send_may_be_refused_half_way(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	int error;

	connection_open_small(&c, f, NULL);
	rota_stream_on_drain(&c.tcp.stream, count_drain);

	error = refuse(f);
	assert_int_equal(connection_send(&c, (size_t)2 * CONNECTION_HOLDS), 0);
	expect_refused(f);
	assert_int_equal(connection_send(&c, 1), ROTA_EPIPE);
	RUN_UNTIL(f, c.drains == 1);

	assert_int_equal(c.drain_status, error);
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	assert_false(rota_loop_alive(f->loop));
	connection_end(&c);
}

/* rota_stream_write(): either the callback gets the error, as a part may have
 * left, or the call returns it and no callback comes. Never both, and never
 * neither. */
static void a_write_may_be_refused_by_the_poller(void **state)
{
	enum { MUCH = 2 * CONNECTION_HOLDS };
	struct fixture *f = *state;
	struct rota_write write;
	struct connection c;
	char *bytes;
	const char *told;
	int status, error;

	bytes = test_calloc(MUCH, 1);
	connection_open_small(&c, f, NULL);
	error = refuse(f);
	status = begin_write(&c, &write, "w", bytes, MUCH);
	expect_refused(f);
	run_to_the_end(f);

	told = journal_take();
	if (status < 0) {
		assert_int_equal(status, error);
		assert_string_equal(told, "");
	} else {
		assert_string_equal(told, error == ROTA_ENOSPC
						  ? "pending: w=ENOSPC"
						  : "pending: w=ENOMEM");
	}
	assert_int_equal(rota_stream_queued(&c.tcp.stream), 0);
	test_free(bytes);
	connection_end(&c);
}

/* rota_stream_end(): after an error it closes at once. */
static void an_end_that_cannot_wait_closes(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "closed");
	refuse(f);
	assert_int_equal(rota_stream_end(&c.tcp.stream, note_closed), 0);
	expect_refused(f);
	run_to_the_end(f);

	assert_string_equal(journal_take(), "closing: closed");
	peer_close(&c);
}

/* Discarding input needs no memory. */
static void an_end_needs_no_memory(void **state)
{
	struct fixture *f = *state;
	struct connection c;

	connection_open(&c, f, "closed");
	peer_has_sent(&c, 10);
	assert_int_equal(rota_stream_end(&c.tcp.stream, note_closed), 0);
	f->memory.fail_at = f->memory.calls + 1;
	turn(f);
	turn(f);
	peer_close(&c);
	run_to_the_end(f);

	assert_int_equal(f->memory.failed, 1);
	assert_string_equal(journal_take(), "closing: closed");
}

/* D4: both are called, and each reads and writes as if it were alone. */
static void a_stream_may_be_watched_by_somebody_else(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct probe probe;

	connection_open(&c, f, NULL);
	probe_init(&probe, f, c.fd);
	connection_read(&c);
	turn(f);
	peer_has_sent(&c, 10);
	probe_start(&probe, ROTA_READABLE);
	RUN_UNTIL(f, c.size == 10);
	probe_stop(&probe);
	peer_has_sent(&c, 10);
	RUN_UNTIL(f, c.size == 20);

	rota_stream_read_stop(&c.tcp.stream);
	probe_start(&probe, ROTA_READABLE | ROTA_WRITABLE);
	peer_has_sent(&c, 10);
	assert_int_equal(told(f, &probe), ROTA_READABLE | ROTA_WRITABLE);
	assert_int_equal(c.size, 20);
	connection_read(&c);
	probe_stop(&probe);
	RUN_UNTIL(f, c.size == 30);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
}

/* The same at random, with output blocked and input left over when the watch
 * starts and stops. Each change turns level-triggered events into
 * edge-triggered ones, or back, and must not lose an event. */
static void a_watcher_that_comes_and_goes_loses_no_event(void **state)
{
	enum { MUCH = 300000 };
	uint64_t seed = random_seed();
	struct fixture own;
	struct connection c;
	struct probe probe;

	(void)state;
	small_loop_begin(&own, ROTA_LEAST_BUFFER_SIZE);
	connection_open_small(&c, &own, NULL);
	probe_init(&probe, &own, c.fd);
	for (unsigned i = 0; i < 1000; i++) {
		switch (random_below(&seed, 8)) {
		case 0:
			probe_start(&probe,
				    (unsigned)random_below(&seed, 2) *
						    ROTA_READABLE |
					    (unsigned)random_below(&seed, 2) *
						    ROTA_WRITABLE);
			break;
		case 1:
			probe_stop(&probe);
			break;
		case 2:
			rota_stream_read_stop(&c.tcp.stream);
			break;
		case 3:
			connection_read(&c);
			break;
		case 4:
			peer_tries_to_send(&c, random_below(&seed, 20000));
			break;
		case 5:
			if (rota_stream_queued(&c.tcp.stream) < MUCH)
				connection_send(&c, random_below(&seed, 50000));
			break;
		case 6:
			peer_takes(&c);
			break;
		default:
			turn(&own);
		}
	}
	probe_stop(&probe);
	connection_read(&c);
	RUN_UNTIL(&own, c.size == c.sent);
	peer_takes_until(&own, &c, c.produced);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
	small_loop_end(&own);
}

static const struct CMUnitTest tests[] = {
	REAL(reading_may_be_refused_by_the_poller),
	REAL(a_send_may_be_refused_by_the_poller),
	REAL(a_send_may_be_refused_half_way),
	REAL(a_write_may_be_refused_by_the_poller),
	REAL(an_end_that_cannot_wait_closes),
	REAL(an_end_needs_no_memory),
	REAL(a_stream_may_be_watched_by_somebody_else),
	REAL(a_watcher_that_comes_and_goes_loses_no_event),
};

FIXTURE_MAIN(tests)
