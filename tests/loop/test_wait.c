/*
 * How long the loop sleeps, to the nanosecond, with a scripted poller and a
 * scripted clock.
 */
/* poller: none */
#include "support/fixture.h"

#include "support/probe.h"
#include "support/recorder.h"
#include "support/script_poller.h"

/* C4: changes are submitted before the wait, and that takes time. */
static void a_wait_is_shorter_by_what_the_changes_took(void **state)
{
	struct script s;
	struct recorder r;
	struct actor timer, watch;

	script_begin(&s, *state);
	recorder_init(&r, s.loop);
	actor_init(&timer, &r, "timer");
	actor_init(&watch, &r, "watch");
	actor_watch(&watch, 10, ROTA_READABLE);
	script_take(&s);
	s.change_ns = ROTA_MSEC(5);

	actor_timer(&timer, ROTA_MSEC(20));
	rota_watch_start(&watch.watch, actor_on_watch, ROTA_WRITABLE);
	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(script_take(&s), "confirm 10 w, wait 15000000");
	assert_string_equal(recorder_take(&r), "timer");
	rota_watch_stop(&watch.watch);
	script_end(&s);
}

static void expect_a_day_at_most(struct script *s, int64_t timeout_ns)
{
	assert_true(timeout_ns >= 0);
	assert_true(timeout_ns <= (int64_t)ROTA_SEC(24 * 3600));
	script_take(s);
}

/* C8: a kernel may refuse to sleep for years. So each wait is at most a day,
 * and the timer comes when it is due. */
static void no_wait_is_longer_than_a_day(void **state)
{
	const uint64_t delay_ns = UINT64_MAX / 4; /* 146 years */
	struct script s;
	struct recorder r;
	struct actor timer;
	uint64_t began_ns;

	script_begin(&s, *state);
	recorder_init(&r, s.loop);
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, delay_ns);
	began_ns = s.now_ns;
	s.on_wait = expect_a_day_at_most;

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 0);

	assert_string_equal(recorder_take(&r), "timer");
	assert_true(s.now_ns - began_ns == delay_ns);
	assert_in_range(s.waits, 53375, 53377);
	script_end(&s);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_wait_is_shorter_by_what_the_changes_took),
	VIRTUAL(no_wait_is_longer_than_a_day),
};
FIXTURE_MAIN(tests)
