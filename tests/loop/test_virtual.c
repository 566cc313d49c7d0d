/*
 * Virtual time: a clock that jumps where the loop would sleep.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <pthread.h>
#include <unistd.h>

/* C10 */
static void virtual_time_begins_at_one_second(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_now(f->loop), ROTA_SEC(1));
	assert_int_equal(rota_loop_update_now(f->loop), ROTA_SEC(1));
}

static void start_self_until_number(struct actor *a)
{
	a->recorder->size = 0;
	if (a->calls < a->number)
		actor_timer(a, ROTA_SEC(1));
}

/* C10 */
static void an_hour_of_timers_takes_no_time(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	uint64_t began_ns = cpu_now();

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = start_self_until_number;
	a.number = 3600;
	actor_timer(&a, ROTA_SEC(1));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(a.calls, 3600);
	assert_int_equal(rota_loop_now(f->loop), f->start_ns + ROTA_SEC(3600));
	assert_true(cpu_now() - began_ns < ROTA_SEC(5));
}

/* C10 */
static void virtual_time_stands_still_while_callbacks_run(void **state)
{
	struct fixture *f = *state;
	uint64_t until_ns = real_now() + ROTA_MSEC(2);

	while (real_now() < until_ns)
		;

	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
}

/* C10: rota_loop_update_now() and the next turn show it, but rota_loop_now()
 * does not. */
static void advance_moves_the_clock_not_the_reading(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_advance(f->loop, ROTA_MSEC(3)), 0);
	assert_int_equal(rota_loop_advance(f->loop, 0), 0);

	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
	assert_int_equal(rota_loop_update_now(f->loop),
			 f->start_ns + ROTA_MSEC(3));
	assert_int_equal(rota_loop_now(f->loop), f->start_ns + ROTA_MSEC(3));
}

/* C8 */
static void advance_stops_short_of_the_end_of_time(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_advance(f->loop, UINT64_MAX), 0);
	assert_true(rota_loop_update_now(f->loop) == UINT64_MAX - 1);
	assert_int_equal(rota_loop_advance(f->loop, 1), 0);
	assert_true(rota_loop_update_now(f->loop) == UINT64_MAX - 1);
}

/* C10 */
static void
timers_that_advance_made_due_run_in_the_next_timers_phase(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, c;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&c, &r, "c");
	actor_timer(&c, ROTA_MSEC(30));
	actor_timer(&a, ROTA_MSEC(10));
	actor_timer(&b, ROTA_MSEC(20));
	rota_loop_advance(f->loop, ROTA_MSEC(25));
	assert_string_equal(recorder_take(&r), "");

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_string_equal(recorder_take(&r), "a@25 b@25");
	rota_timer_stop(&c.timer);
}

/* C10 */
static void a_turn_that_does_not_wait_does_not_jump(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, ROTA_MSEC(10));

	for (int i = 0; i < 5; i++)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(a.calls, 0);
	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
	rota_timer_stop(&a.timer);
}

static void drain_and_stop(struct actor *a)
{
	take_byte((int)a->number);
	if (a->calls == 3)
		rota_watch_stop(&a->watch);
}

/* C10: the clock jumps only if nothing is ready. */
static void what_is_ready_comes_before_time_jumps(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor watch, timer;
	int fds[2];

	make_pipe(fds);
	for (int i = 0; i < 3; i++)
		put_byte(fds[1]);
	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&watch, &r, "watch");
	actor_init(&timer, &r, "timer");
	watch.then = drain_and_stop;
	watch.number = (uint64_t)fds[0];
	actor_timer(&timer, ROTA_MSEC(10));
	actor_watch(&watch, fds[0], ROTA_READABLE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "watch@0 watch@0 watch@0 timer@10");
	close(fds[0]);
	close(fds[1]);
}

static void put_byte_for_other(struct actor *a)
{
	put_byte((int)a->number);
}

/* C10 */
static void a_watch_that_is_not_ready_does_not_hold_time_back(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor watch, timer, late;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&watch, &r, "watch");
	actor_init(&timer, &r, "timer");
	actor_init(&late, &r, "late");
	timer.then = put_byte_for_other;
	timer.number = (uint64_t)fds[1];
	watch.then = drain_and_stop;
	watch.number = (uint64_t)fds[0];
	watch.calls = 2;
	actor_watch(&watch, fds[0], ROTA_READABLE);
	actor_timer(&timer, ROTA_SEC(10));
	actor_timer(&late, ROTA_SEC(20));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "timer@10000 watch@10000 late@20000");
	close(fds[0]);
	close(fds[1]);
}

/* C10: posts that are being made come first as well. */
static void a_post_comes_before_time_jumps(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor post, timer;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&post, &r, "post");
	actor_init(&timer, &r, "timer");
	actor_timer(&timer, ROTA_MSEC(10));
	actor_post(&post);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "post@0 timer@10");
}

static void *send_async(void *arg)
{
	struct rota_async *async = arg;

	rota_async_send(async);
	return NULL;
}

static void stop_self(struct actor *a)
{
	rota_async_stop(&a->async);
}

/* C10: without a due time to jump to, the loop waits in real time. */
static void without_a_timer_the_loop_waits_for_real(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	pthread_t thread;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = stop_self;
	actor_async(&a);
	rota_loop_ref(f->loop);
	assert_int_equal(pthread_create(&thread, NULL, send_async, &a.async),
			 0);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	pthread_join(thread, NULL);
	rota_loop_unref(f->loop);
	assert_string_equal(recorder_take(&r), "a");
	assert_int_equal(rota_loop_now(f->loop), f->start_ns);
}

/* C10, L2: an unreferenced timer is due like any other, but it does not keep
 * the loop alive. */
static void time_does_not_jump_when_nothing_is_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	rota_timer_unref(&a.timer);
	actor_timer(&a, ROTA_MSEC(10));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(rota_loop_update_now(f->loop), f->start_ns);
	rota_timer_stop(&a.timer);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(virtual_time_begins_at_one_second),
	VIRTUAL(an_hour_of_timers_takes_no_time),
	VIRTUAL(virtual_time_stands_still_while_callbacks_run),
	VIRTUAL(advance_moves_the_clock_not_the_reading),
	VIRTUAL(advance_stops_short_of_the_end_of_time),
	VIRTUAL(timers_that_advance_made_due_run_in_the_next_timers_phase),
	VIRTUAL(a_turn_that_does_not_wait_does_not_jump),
	VIRTUAL(what_is_ready_comes_before_time_jumps),
	VIRTUAL(a_watch_that_is_not_ready_does_not_hold_time_back),
	VIRTUAL(a_post_comes_before_time_jumps),
	VIRTUAL(without_a_timer_the_loop_waits_for_real),
	VIRTUAL(time_does_not_jump_when_nothing_is_alive),
};
FIXTURE_MAIN(tests)
