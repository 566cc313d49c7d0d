/*
 * The turn: its phases, their order, what runs in each of them, and how long
 * the wait in the middle is.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <unistd.h>

/* One of each thing that a turn can call. */
struct crew {
	struct recorder recorder;
	struct actor tick, microtask, timer, idle, prepare, watch, post, async,
		check, immediate;
	int fds[2];
};

static void crew_init(struct crew *c, struct rota_loop *loop)
{
	struct recorder *r = &c->recorder;

	recorder_init(r, loop);
	actor_init(&c->tick, r, "tick");
	actor_init(&c->microtask, r, "microtask");
	actor_init(&c->timer, r, "timer");
	actor_init(&c->idle, r, "idle");
	actor_init(&c->prepare, r, "prepare");
	actor_init(&c->watch, r, "watch");
	actor_init(&c->post, r, "post");
	actor_init(&c->async, r, "async");
	actor_init(&c->check, r, "check");
	actor_init(&c->immediate, r, "immediate");
	make_pipe(c->fds);
	put_byte(c->fds[1]);
}

/* Start everything that runs in a turn, in reverse order. */
static void crew_start(struct crew *c)
{
	actor_immediate(&c->immediate);
	actor_hook(&c->check, ROTA_HOOK_CHECK);
	actor_post(&c->post);
	actor_async(&c->async);
	assert_int_equal(rota_async_send(&c->async.async), 0);
	actor_watch(&c->watch, c->fds[0], ROTA_READABLE);
	actor_hook(&c->prepare, ROTA_HOOK_PREPARE);
	actor_hook(&c->idle, ROTA_HOOK_IDLE);
	actor_timer(&c->timer, 0);
}

static void crew_stop(struct crew *c)
{
	rota_hook_stop(&c->idle.hook);
	rota_hook_stop(&c->prepare.hook);
	rota_hook_stop(&c->check.hook);
	rota_async_stop(&c->async.async);
	rota_watch_stop(&c->watch.watch);
	rota_loop_trace(c->recorder.loop, NULL);
	close(c->fds[0]);
	close(c->fds[1]);
}

/* T1 */
static void a_turn_walks_its_phases_in_order(void **state)
{
	struct fixture *f = *state;
	struct crew c;

	crew_init(&c, f->loop);
	recorder_trace(&c.recorder);
	crew_start(&c);
	actor_microtask(&c.microtask);
	actor_tick(&c.tick);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);

	assert_string_equal(recorder_take(&c.recorder),
			    "tick microtask timers: timer pending: "
			    "prepare: idle prepare poll: watch post async "
			    "check: check immediate closing:");
	crew_stop(&c);
}

/* T1 */
static void every_turn_has_each_phase_once(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats = { .size = sizeof(stats) };
	struct crew c;

	crew_init(&c, f->loop);
	crew_start(&c);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	crew_stop(&c);

	assert_int_equal(rota_loop_stats(f->loop, &stats), 0);
	assert_int_equal(stats.turns, 3);
	for (int i = ROTA_PHASE_TIMERS; i <= ROTA_PHASE_CLOSING; i++)
		assert_int_equal(stats.phases[i], 3);
	assert_string_equal(recorder_take(&c.recorder),
			    "timer idle prepare watch post async check "
			    "immediate "
			    "idle prepare watch check "
			    "idle prepare watch check");
}

static void expect_phase(struct actor *a)
{
	assert_int_equal(rota_loop_phase(a->recorder->loop), a->number);
}

static void a_callback_can_ask_for_its_phase(void **state)
{
	struct fixture *f = *state;
	struct crew c;
	struct {
		struct actor *actor;
		enum rota_phase phase;
	} const cases[] = {
		{ &c.tick, ROTA_PHASE_NONE },
		{ &c.microtask, ROTA_PHASE_NONE },
		{ &c.timer, ROTA_PHASE_TIMERS },
		{ &c.idle, ROTA_PHASE_PREPARE },
		{ &c.prepare, ROTA_PHASE_PREPARE },
		{ &c.watch, ROTA_PHASE_POLL },
		{ &c.post, ROTA_PHASE_POLL },
		{ &c.async, ROTA_PHASE_POLL },
		{ &c.check, ROTA_PHASE_CHECK },
		{ &c.immediate, ROTA_PHASE_CHECK },
	};

	crew_init(&c, f->loop);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cases[i].actor->then = expect_phase;
		cases[i].actor->number = cases[i].phase;
	}
	crew_start(&c);
	actor_tick(&c.tick);
	actor_microtask(&c.microtask);
	assert_int_equal(rota_loop_phase(f->loop), ROTA_PHASE_NONE);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(rota_loop_phase(f->loop), ROTA_PHASE_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cases[i].actor->calls, 1);
	crew_stop(&c);
}

static void move_clock(struct actor *a)
{
	rota_loop_advance(a->recorder->loop, a->number);
}

/* T7: not even a timer that the poll phase made due runs between. */
static void check_follows_poll_with_no_callback_between(void **state)
{
	struct fixture *f = *state;
	struct crew c;

	crew_init(&c, f->loop);
	recorder_trace(&c.recorder);
	c.watch.then = move_clock;
	c.watch.number = ROTA_MSEC(20);
	actor_watch(&c.watch, c.fds[0], ROTA_READABLE);
	actor_timer(&c.timer, ROTA_MSEC(10));
	actor_hook(&c.check, ROTA_HOOK_CHECK);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&c.recorder),
			    "timers: pending: prepare: poll: watch "
			    "check: check closing:");
	rota_watch_stop(&c.watch.watch);
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&c.recorder),
			    "timers: timer pending: prepare: poll: "
			    "check: check closing:");
	crew_stop(&c);
}

/* T7 */
static void a_timer_due_after_the_wait_runs_after_the_check_hooks(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, check;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&check, &r, "check");
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "check@10 timer@10 check@10");
	rota_hook_stop(&check.hook);
}

static void queue_other_tick(struct actor *a)
{
	actor_tick(a->other);
}

/* T10: it runs after the callback that queued it, before all later ones. */
static void a_tick_of_a_poll_callback_runs_before_the_check_hooks(void **state)
{
	struct fixture *f = *state;
	struct crew c;

	crew_init(&c, f->loop);
	c.post.then = queue_other_tick;
	c.post.other = &c.tick;
	actor_post(&c.post);
	actor_hook(&c.check, ROTA_HOOK_CHECK);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(recorder_take(&c.recorder), "post tick check");
	crew_stop(&c);
}

static void stop_hook_after_number(struct actor *a)
{
	assert_int_equal(rota_loop_now(a->recorder->loop),
			 a->recorder->start_ns);
	if (a->calls == a->number)
		rota_hook_stop(&a->hook);
}

/* L4 */
static void an_idle_hook_keeps_the_wait_at_zero(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, idle;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&idle, &r, "idle");
	idle.then = stop_hook_after_number;
	idle.number = 3;
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_timer(&timer, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r), "idle@0 idle@0 idle@0 timer@10");
}

/* L4: an idle hook that stopped itself does not count any more. */
static void
an_idle_hook_stopped_before_the_wait_does_not_shorten_it(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, idle;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&idle, &r, "idle");
	idle.then = stop_hook_after_number;
	idle.number = 1;
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_timer(&timer, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(recorder_take(&r), "idle@0 timer@10");
}

static void immediate_again_until_number(struct actor *a)
{
	assert_int_equal(rota_loop_now(a->recorder->loop),
			 a->recorder->start_ns);
	if (a->calls < a->number)
		actor_immediate(a);
}

/* L4 */
static void an_immediate_keeps_the_wait_at_zero(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, immediate;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&immediate, &r, "immediate");
	immediate.then = immediate_again_until_number;
	immediate.number = 3;
	actor_immediate(&immediate);
	actor_timer(&timer, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r),
			    "immediate@0 immediate@0 immediate@0 timer@10");
}

static void queue_other_immediate(struct actor *a)
{
	actor_immediate(a->other);
}

/* L4: this includes an immediate that a prepare hook queues. */
static void an_immediate_of_a_prepare_hook_runs_without_a_wait(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, prepare, immediate;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&timer, &r, "timer");
	actor_init(&prepare, &r, "prepare");
	actor_init(&immediate, &r, "immediate");
	prepare.then = queue_other_immediate;
	prepare.other = &immediate;
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_timer(&timer, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(recorder_take(&r), "prepare@0 immediate@0");
	rota_hook_stop(&prepare.hook);
	rota_timer_stop(&timer.timer);
}

/* L4 */
static void a_check_hook_does_not_shorten_the_wait(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats = { .size = sizeof(stats) };
	struct recorder r;
	struct actor timer, check;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&check, &r, "check");
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(2));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);

	rota_loop_stats(f->loop, &stats);
	assert_string_equal(recorder_take(&r), "check timer");
	assert_int_equal(stats.turns, 2);
	assert_in_range(stats.sleeps, 0, 1);
	rota_hook_stop(&check.hook);
}

static void start_other_timer_once(struct actor *a)
{
	if (a->calls == 1)
		actor_timer(a->other, a->number);
}

/* L4, C4 */
static void a_prepare_hook_may_shorten_the_coming_wait(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor sooner, later, prepare;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&sooner, &r, "sooner");
	actor_init(&later, &r, "later");
	actor_init(&prepare, &r, "prepare");
	prepare.then = start_other_timer_once;
	prepare.other = &sooner;
	prepare.number = ROTA_MSEC(3);
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_timer(&later, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_string_equal(recorder_take(&r),
			    "prepare@0 sooner@3 prepare@3 later@10 prepare@10");
	rota_hook_stop(&prepare.hook);
}

/* L4: if a timer became due in the prepare phase, the loop does not sleep. */
static void a_timer_of_0_of_a_prepare_hook_makes_the_wait_zero(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor zero, later, prepare;

	recorder_init(&r, f->loop);
	r.times = 1;
	actor_init(&zero, &r, "zero");
	actor_init(&later, &r, "later");
	actor_init(&prepare, &r, "prepare");
	prepare.then = start_other_timer_once;
	prepare.other = &zero;
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_timer(&later, ROTA_MSEC(10));

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(recorder_take(&r), "prepare@0 zero@0");
	rota_hook_stop(&prepare.hook);
	rota_timer_stop(&later.timer);
}

static void stop_loop_after_number(struct actor *a)
{
	if (a->calls == a->number)
		rota_loop_stop(a->recorder->loop);
}

/* L4: every turn asks the kernel, and none sleeps. */
static void with_an_idle_hook_no_turn_sleeps(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats = { .size = sizeof(stats) };
	struct recorder r;
	struct actor timer, idle;

	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&idle, &r, "idle");
	idle.then = stop_loop_after_number;
	idle.number = 100;
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_timer(&timer, ROTA_SEC(50));

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);

	rota_loop_stats(f->loop, &stats);
	assert_int_equal(stats.turns, 100);
	assert_int_equal(stats.waits, 100);
	assert_int_equal(stats.sleeps, 0);
	rota_hook_stop(&idle.hook);
	rota_timer_stop(&timer.timer);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_turn_walks_its_phases_in_order),
	REAL(a_turn_walks_its_phases_in_order),
	VIRTUAL(every_turn_has_each_phase_once),
	VIRTUAL(a_callback_can_ask_for_its_phase),
	VIRTUAL(check_follows_poll_with_no_callback_between),
	VIRTUAL(a_timer_due_after_the_wait_runs_after_the_check_hooks),
	VIRTUAL(a_tick_of_a_poll_callback_runs_before_the_check_hooks),
	VIRTUAL(an_idle_hook_keeps_the_wait_at_zero),
	VIRTUAL(an_idle_hook_stopped_before_the_wait_does_not_shorten_it),
	VIRTUAL(an_immediate_keeps_the_wait_at_zero),
	VIRTUAL(an_immediate_of_a_prepare_hook_runs_without_a_wait),
	REAL(a_check_hook_does_not_shorten_the_wait),
	VIRTUAL(a_prepare_hook_may_shorten_the_coming_wait),
	VIRTUAL(a_timer_of_0_of_a_prepare_hook_makes_the_wait_zero),
	REAL(with_an_idle_hook_no_turn_sleeps),
};
FIXTURE_MAIN(tests)
