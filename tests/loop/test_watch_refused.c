/*
 * The kernel refuses a change in the same wait in which it has events. Both are
 * reported to their watches, once. The poller is scripted.
 */
/* poller: none */
#include "support/fixture.h"

#include "support/probe.h"
#include "support/script_poller.h"

enum { READABLE = ROTA_READABLE, WRITABLE = ROTA_WRITABLE };

/* One watch whose change the kernel refuses, and one that has an event. */
struct scene {
	struct script s;
	struct probe refused, ready;
};

static void scene_begin(struct scene *scene, struct fixture *f)
{
	struct fixture scripted = { 0 };

	script_begin(&scene->s, f);
	scripted.loop = scene->s.loop;
	probe_init(&scene->refused, &scripted, 10);
	probe_init(&scene->ready, &scripted, 11);
	probe_start(&scene->refused, READABLE);
	probe_start(&scene->ready, READABLE);
	assert_int_equal(rota_loop_run(scene->s.loop, ROTA_RUN_NOWAIT), 1);
	probe_start(&scene->refused, READABLE | WRITABLE);
	scene->s.confirm_error = ROTA_ENOMEM;
}

static void scene_end(struct scene *scene)
{
	probe_stop(&scene->refused);
	probe_stop(&scene->ready);
	script_end(&scene->s);
}

/* D2, D4 */
static void a_refused_change_and_an_event_are_both_told(void **state)
{
	struct scene scene;
	uint64_t turns;

	scene_begin(&scene, *state);
	script_ready(&scene.s, 1, 11, READABLE);
	turns = stats_of(scene.s.loop).turns;
	script_take(&scene.s);

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_ONCE), 1);

	/* There is something to report, so the wait does not sleep. */
	assert_string_equal(script_take(&scene.s), "confirm 10 rw, wait 0");
	assert_int_equal(scene.refused.calls, 1);
	assert_int_equal(scene.refused.events, READABLE | WRITABLE);
	assert_int_equal(scene.ready.calls, 1);
	assert_int_equal(scene.ready.events, READABLE);
	assert_int_equal(stats_of(scene.s.loop).turns, turns + 1);
	assert_int_equal(stats_of(scene.s.loop).stale, 0);
	scene_end(&scene);
}

/* D2: the change is made again before the next wait, which has nothing to
 * report by itself, and sleeps. */
static void a_refused_change_is_made_again_and_the_loop_sleeps(void **state)
{
	struct scene scene;

	scene_begin(&scene, *state);
	script_ready(&scene.s, 1, 11, READABLE);
	script_ready(&scene.s, 3, 10, WRITABLE);
	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_ONCE), 1);
	script_take(&scene.s);

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_ONCE), 1);

	assert_string_equal(script_take(&scene.s),
			    "confirm 10 rw, wait -, wait -");
	assert_int_equal(scene.refused.calls, 2);
	assert_int_equal(scene.refused.events, WRITABLE);
	assert_int_equal(scene.ready.calls, 1);
	scene_end(&scene);
}

/* D4: nor does a host, who is told by the turn that it makes next. */
static void a_host_does_not_sleep_over_a_refused_change(void **state)
{
	int64_t timeout_ns = 1;
	struct scene scene;

	scene_begin(&scene, *state);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			rota_loop_next_timeout(scene.s.loop, &timeout_ns), 0);
		assert_int_equal(timeout_ns, 0);
		assert_int_equal(scene.refused.calls, 0);
	}

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(scene.refused.calls, 1);
	assert_int_equal(scene.refused.events, READABLE | WRITABLE);
	assert_int_equal(rota_loop_next_timeout(scene.s.loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, -1);
	scene_end(&scene);
}

/* The same where the poller learns of it as it submits: its next wait tells. */
static void a_host_does_not_sleep_over_what_a_submit_refuses(void **state)
{
	int64_t timeout_ns = 1;
	struct scene scene;

	scene_begin(&scene, *state);
	scene.s.confirm_error = 0;
	scene.s.submit_refuses = 1;
	script_take(&scene.s);

	assert_int_equal(rota_loop_next_timeout(scene.s.loop, &timeout_ns), 0);

	assert_int_equal(timeout_ns, 0);
	assert_string_equal(script_take(&scene.s), "confirm 10 rw, submit");
	assert_int_equal(rota_loop_next_timeout(scene.s.loop, &timeout_ns), 0);
	assert_int_equal(timeout_ns, -1);
	assert_string_equal(script_take(&scene.s), "submit");
	scene_end(&scene);
}

static void stop_other(struct probe *probe)
{
	probe_stop(probe->arg);
}

/* D4: a stop is effective for the other event of the same wait. */
static void the_callback_of_a_refused_change_may_stop_the_other(void **state)
{
	struct scene scene;

	scene_begin(&scene, *state);
	script_ready(&scene.s, 1, 11, READABLE);
	scene.refused.act = stop_other;
	scene.refused.arg = &scene.ready;
	scene.ready.act = stop_other;
	scene.ready.arg = &scene.refused;

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);

	/* The order is not specified. */
	assert_int_equal(scene.refused.calls + scene.ready.calls, 1);
	scene_end(&scene);
}

static void stop_self(struct probe *probe)
{
	probe_stop(probe);
}

/* D4: the same descriptor may have an event, too. */
static void a_watch_may_be_refused_and_ready_at_once(void **state)
{
	struct scene scene;

	scene_begin(&scene, *state);
	script_ready(&scene.s, 1, 10, READABLE);
	scene.refused.act = stop_self;

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(scene.refused.calls, 1);
	assert_int_equal(scene.ready.calls, 0);
	scene_end(&scene);
}

/* F3: the wait fails after the change was refused. Events are level-triggered,
 * so the next wait reports them. The change is made, too. */
static void a_wait_that_fails_after_a_refusal_loses_nothing(void **state)
{
	struct scene scene;

	scene_begin(&scene, *state);
	scene.s.wait_error = ROTA_ENOMEM;
	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT),
			 ROTA_ENOMEM);
	assert_int_equal(scene.refused.calls + scene.ready.calls, 0);
	script_ready(&scene.s, 1, 10, WRITABLE);
	script_ready(&scene.s, 1, 11, READABLE);

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(scene.refused.calls, 1);
	assert_true(scene.refused.events & WRITABLE);
	assert_int_equal(scene.ready.calls, 1);
	assert_true(scene.s.fds[10].wanted == (READABLE | WRITABLE));
	scene_end(&scene);
}

/* F3: an error that is reported only once is not lost either. */
static void a_wait_that_fails_after_a_dead_number_loses_nothing(void **state)
{
	struct scene scene;

	scene_begin(&scene, *state);
	scene.s.confirm_error = ROTA_EBADF;
	scene.s.wait_error = ROTA_ENOMEM;
	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT),
			 ROTA_ENOMEM);
	assert_int_equal(scene.refused.calls, 0);

	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(scene.refused.calls, 1);
	assert_int_equal(scene.refused.events, READABLE | WRITABLE);
	assert_int_equal(rota_loop_run(scene.s.loop, ROTA_RUN_NOWAIT), 1);

	assert_int_equal(scene.refused.calls, 1);
	scene_end(&scene);
}

enum { MANY = SCRIPT_EVENTS };

/* Many of both: all are reported, and no event goes to the wrong watch. */
static void many_refusals_and_many_events_are_all_told(void **state)
{
	static struct probe refused[MANY], ready[MANY];
	struct fixture scripted = { 0 };
	struct script s;

	script_begin(&s, *state);
	scripted.loop = s.loop;
	for (int i = 0; i < MANY; i++) {
		probe_init(&refused[i], &scripted, 10 + i);
		probe_init(&ready[i], &scripted, 200 + i);
		probe_start(&refused[i], READABLE);
		probe_start(&ready[i], READABLE);
	}
	for (int i = 0; i < MANY; i++)
		probe_start(&refused[i], WRITABLE);
	for (int i = 0; i < MANY; i++)
		script_ready(&s, 1, 200 + i, READABLE);
	s.refuse_changes = ROTA_ENOMEM;

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_NOWAIT), 1);

	for (int i = 0; i < MANY; i++) {
		assert_int_equal(refused[i].calls, 1);
		assert_int_equal(refused[i].events, WRITABLE);
		assert_int_equal(ready[i].calls, 1);
		probe_stop(&refused[i]);
		probe_stop(&ready[i]);
	}
	script_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_refused_change_and_an_event_are_both_told),
	REAL(a_refused_change_is_made_again_and_the_loop_sleeps),
	REAL(a_host_does_not_sleep_over_a_refused_change),
	REAL(a_host_does_not_sleep_over_what_a_submit_refuses),
	REAL(the_callback_of_a_refused_change_may_stop_the_other),
	REAL(a_watch_may_be_refused_and_ready_at_once),
	REAL(a_wait_that_fails_after_a_refusal_loses_nothing),
	REAL(a_wait_that_fails_after_a_dead_number_loses_nothing),
	REAL(many_refusals_and_many_events_are_all_told),
};

FIXTURE_MAIN(tests)
