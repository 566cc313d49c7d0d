/*
 * The read budget: a stream with much to read does not delay others. The rest
 * of its input is read in later turns without a new event. The loop has the
 * smallest possible buffer, so that little data takes many reads.
 */
#include "support/fixture.h"

#include "support/streams.h"

enum {
	BUFFER = ROTA_LEAST_BUFFER_SIZE,
	BYTES_PER_TURN = ROTA_READS_PER_EVENT * BUFFER,
	MUCH = 5 * BYTES_PER_TURN + 100,
};

static void give_up(struct rota_timer *timer)
{
	*(int *)timer->data = 1;
}

/* Run one turn with callbacks. It may sleep, but not for an event that does not
 * come. */
static void run_once(struct fixture *f)
{
	struct rota_timer timer;
	int gave_up = 0;

	rota_timer_init(&timer, f->loop);
	timer.data = &gave_up;
	assert_int_equal(rota_timer_start(&timer, give_up, ROTA_SEC(5)), 0);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	rota_timer_stop(&timer);
	assert_false(gave_up);
}

/* T11: there is a limit of reads per event. The rest is read in the next turns,
 * whose waits do not sleep. */
static void what_is_left_comes_in_later_turns_without_an_event(void **state)
{
	struct fixture own;
	struct connection c;
	unsigned turns = 0;

	(void)state;
	small_loop_begin(&own, BUFFER);
	connection_open(&c, &own, NULL);
	peer_has_sent(&c, MUCH);
	connection_read(&c);

	while (c.size < MUCH) {
		size_t before = c.size;

		run_once(&own);
		turns++;
		assert_true(c.size > before);
		assert_true(c.size - before <= BYTES_PER_TURN);
	}

	assert_true(turns >= 6);
	if (poller_is(&own, "epoll")) /* other pollers report it again */
		assert_int_equal(stats_of(own.loop).sleeps, 1);
	assert_int_equal(c.wrong, 0);
	connection_end(&c);
	small_loop_end(&own);
}

/* T11: both streams make progress in every turn. */
static void a_full_stream_does_not_starve_another(void **state)
{
	struct fixture own;
	struct connection busy, quiet;

	(void)state;
	small_loop_begin(&own, BUFFER);
	connection_open(&busy, &own, NULL);
	connection_open(&quiet, &own, NULL);
	peer_has_sent(&busy, MUCH);
	connection_read(&busy);
	connection_read(&quiet);

	for (unsigned i = 1; i <= 5; i++) {
		peer_has_sent(&quiet, 1);
		turn(&own);
		assert_int_equal(quiet.size, i);
		assert_true(busy.size <= (size_t)i * BYTES_PER_TURN);
		assert_true(busy.size > (size_t)(i - 1) * BYTES_PER_TURN);
	}

	assert_true(busy.size < MUCH);
	connection_end(&busy);
	connection_end(&quiet);
	small_loop_end(&own);
}

static void refill(struct connection *c, int status, struct rota_buf buf)
{
	(void)status;
	peer_tries_to_send(c, buf.size);
}

/* The limit is ROTA_BYTES_PER_EVENT, or one buffer more, with buffers of the
 * default size. A turn may have two events: one of the kernel, and one for the
 * rest. */
static void a_stream_that_never_runs_dry_does_not_hold_the_turn(void **state)
{
	struct fixture *f = *state;
	struct connection busy, quiet;
	size_t before;

	connection_open(&busy, f, NULL);
	connection_open(&quiet, f, NULL);
	busy.act = refill;
	peer_has_sent(&busy, ROTA_BUFFER_SIZE);
	connection_read(&busy);
	connection_read(&quiet);

	for (unsigned i = 1; i <= 6; i++) {
		peer_has_sent(&quiet, 1);
		before = busy.size;
		turn(f);
		assert_true(busy.size - before <=
			    2 * (ROTA_BYTES_PER_EVENT + ROTA_BUFFER_SIZE));
		assert_int_equal(quiet.size, i);
	}
	busy.act = NULL;
	RUN_UNTIL(f, busy.size == busy.sent);

	assert_int_equal(busy.wrong, 0);
	connection_end(&busy);
	connection_end(&quiet);
}

/* If reading is stopped meanwhile, the rest is not delivered until it starts
 * again, and does not keep the loop awake. */
static void what_is_left_over_waits_while_reading_is_stopped(void **state)
{
	struct fixture own;
	struct connection c;
	size_t before;

	(void)state;
	small_loop_begin(&own, BUFFER);
	connection_open(&c, &own, NULL);
	peer_has_sent(&c, MUCH);
	connection_read(&c);
	turn(&own);
	before = c.size;
	assert_true(before < MUCH);

	rota_stream_read_stop(&c.tcp.stream);
	assert_true(waits_within(&own, 5) <= 5);
	assert_int_equal(c.size, before);
	connection_read(&c);
	while (c.size < MUCH)
		run_once(&own);

	assert_int_equal(c.wrong, 0);
	connection_end(&c);
	small_loop_end(&own);
}

/* The end comes after the rest, and has no event of its own either. */
static void an_end_behind_what_is_left_over_is_told(void **state)
{
	struct fixture own;
	struct connection c;

	(void)state;
	small_loop_begin(&own, BUFFER);
	connection_open(&c, &own, NULL);
	peer_sends(&c, MUCH);
	raw_shutdown(c.peer);
	await_end(c.fd);
	connection_read(&c);

	while (c.ends == 0)
		run_once(&own);

	assert_int_equal(c.size, MUCH);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(c.status, ROTA_EOF);
	connection_end(&c);
	small_loop_end(&own);
}

/* O4: a stream with unread input may be closed and freed. */
static void a_stream_with_something_left_over_may_go(void **state)
{
	struct fixture own;
	struct connection *c = test_malloc(sizeof(*c));

	(void)state;
	small_loop_begin(&own, BUFFER);
	connection_open(c, &own, NULL);
	peer_has_sent(c, MUCH);
	connection_read(c);
	turn(&own);

	connection_end(c);
	test_free(c);
	turn(&own);
	turn(&own);

	assert_false(rota_loop_alive(own.loop));
	small_loop_end(&own);
}

/* The budget is per event, and limits read requests, too. */
static void requests_keep_to_the_budget(void **state)
{
	enum { COUNT = 100 };
	struct fixture *f = *state;
	struct rota_read reads[COUNT];
	struct connection c;
	char bytes[COUNT];
	unsigned turns = 0;

	connection_open(&c, f, NULL);
	peer_has_sent(&c, COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(
			begin_read(&c, &reads[i], "r", &bytes[i], 1, 1), 0);

	while (rota_request_is_active(&reads[COUNT - 1].request)) {
		run_once(f);
		journal_take();
		turns++;
	}

	assert_true(turns >= COUNT / ROTA_READS_PER_EVENT);
	assert_true(pattern_is(bytes, COUNT, 0));
	connection_end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(what_is_left_comes_in_later_turns_without_an_event),
	REAL(a_full_stream_does_not_starve_another),
	REAL(a_stream_that_never_runs_dry_does_not_hold_the_turn),
	REAL(what_is_left_over_waits_while_reading_is_stopped),
	REAL(an_end_behind_what_is_left_over_is_told),
	REAL(a_stream_with_something_left_over_may_go),
	REAL(requests_keep_to_the_budget),
};

FIXTURE_MAIN(tests)
