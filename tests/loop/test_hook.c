/*
 * Hooks: idle, prepare and check.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdlib.h>

static const enum rota_hook_kind kinds[] = {
	ROTA_HOOK_IDLE,
	ROTA_HOOK_PREPARE,
	ROTA_HOOK_CHECK,
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void turn(struct fixture *f)
{
	assert_true(rota_loop_run(f->loop, ROTA_RUN_NOWAIT) >= 0);
}

static void stop_self(struct actor *a)
{
	rota_hook_stop(&a->hook);
}

static void stop_other(struct actor *a)
{
	rota_hook_stop(&a->other->hook);
}

static void start_other(struct actor *a)
{
	actor_hook(a->other, (enum rota_hook_kind)a->number);
}

static void restart_self(struct actor *a)
{
	rota_hook_stop(&a->hook);
	actor_hook(a, (enum rota_hook_kind)a->number);
}

static void start_four(struct recorder *r, struct actor actors[4],
		       enum rota_hook_kind kind)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < 4; i++) {
		actor_init(&actors[i], r, names[i]);
		actors[i].number = kind;
		actor_hook(&actors[i], kind);
	}
}

static void stop_four(struct actor actors[4])
{
	for (size_t i = 0; i < 4; i++)
		rota_hook_stop(&actors[i].hook);
}

/* T9 */
static void hooks_run_in_the_order_they_were_started_every_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		rota_hook_stop(&actors[1].hook);
		turn(f);
		assert_string_equal(recorder_take(&r), "a c d");

		actor_hook(&actors[1], kinds[i]);
		turn(f);
		turn(f);
		assert_string_equal(recorder_take(&r), "a c d b a c d b");
		stop_four(actors);
	}
}

/* O7: no node is called from inside the call that started it. */
static void no_hook_runs_inside_its_start(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		assert_int_equal(rota_loop_alive(f->loop), 0);
		start_four(&r, actors, kinds[i]);
		assert_string_equal(recorder_take(&r), "");
		assert_int_equal(rota_hook_is_active(&actors[0].hook), 1);
		stop_four(actors);
		assert_int_equal(rota_hook_is_active(&actors[0].hook), 0);
	}
}

/* T8 */
static void
a_hook_started_by_one_of_its_phase_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		rota_hook_stop(&actors[3].hook);
		actors[0].then = start_other;
		actors[0].other = &actors[3];

		turn(f);
		assert_string_equal(recorder_take(&r), "a b c");
		turn(f);
		assert_string_equal(recorder_take(&r), "a b c d");
		stop_four(actors);
	}
}

/* T8: a hook that was stopped and started again counts as new. */
static void
a_taken_hook_that_is_started_anew_runs_in_the_next_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		actors[1].then = restart_self;
		turn(f);
		assert_string_equal(recorder_take(&r), "a b c d");
		turn(f);
		assert_string_equal(recorder_take(&r), "a c d b");
		turn(f);
		assert_string_equal(recorder_take(&r), "a c d b");
		stop_four(actors);
	}
}

/* T8 */
static void a_hook_stopped_by_the_one_before_it_does_not_run(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		actors[1].then = stop_other;
		actors[1].other = &actors[2];
		turn(f);
		assert_string_equal(recorder_take(&r), "a b d");
		turn(f);
		assert_string_equal(recorder_take(&r), "a b d");
		stop_four(actors);
	}
}

/* T8 */
static void a_hook_stopped_by_the_one_behind_it_does_not_run_again(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		actors[1].then = stop_other;
		actors[1].other = &actors[0];
		turn(f);
		assert_string_equal(recorder_take(&r), "a b c d");
		turn(f);
		assert_string_equal(recorder_take(&r), "b c d");
		stop_four(actors);
	}
}

static void a_hook_that_stops_itself_runs_once(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		for (size_t j = 0; j < 4; j++)
			actors[j].then = stop_self;

		turn(f);
		assert_int_equal(rota_loop_alive(f->loop), 0);
		turn(f);

		assert_string_equal(recorder_take(&r), "a b c d");
	}
}

static void other_callback(struct rota_hook *hook)
{
	struct actor *a = rota_container_of(hook, struct actor, hook);

	record(a->recorder, "other");
}

static void
starting_a_started_hook_replaces_its_callback_in_its_place(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < KINDS; i++) {
		start_four(&r, actors, kinds[i]);
		assert_int_equal(rota_hook_start(&actors[1].hook,
						 other_callback, kinds[i]),
				 0);
		turn(f);
		assert_string_equal(recorder_take(&r), "a other c d");
		stop_four(actors);
	}
}

static void
starting_a_started_hook_with_another_kind_moves_it_there_last(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[4];
	struct actor check;

	recorder_init(&r, f->loop);
	actor_init(&check, &r, "check");
	actor_hook(&check, ROTA_HOOK_CHECK);
	start_four(&r, actors, ROTA_HOOK_PREPARE);
	actor_hook(&actors[1], ROTA_HOOK_CHECK);

	turn(f);

	assert_string_equal(recorder_take(&r), "a c d check b");
	stop_four(actors);
	rota_hook_stop(&check.hook);
	assert_int_equal(rota_loop_alive(f->loop), 0);
}

/* T1: a hook of a later phase is called in this turn. */
static void
a_check_hook_started_by_an_idle_hook_runs_in_the_same_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor idle, check;

	recorder_init(&r, f->loop);
	actor_init(&idle, &r, "idle");
	actor_init(&check, &r, "check");
	idle.then = start_other;
	idle.other = &check;
	idle.number = ROTA_HOOK_CHECK;
	actor_hook(&idle, ROTA_HOOK_IDLE);

	turn(f);

	assert_string_equal(recorder_take(&r), "idle check");
	rota_hook_stop(&idle.hook);
	rota_hook_stop(&check.hook);
}

static void a_hook_without_sense_is_refused(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	assert_int_equal(rota_hook_start(&a.hook, NULL, ROTA_HOOK_IDLE),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_hook_start(&a.hook, actor_on_hook,
				(enum rota_hook_kind)ROTA_HOOK_KIND_COUNT),
		ROTA_EINVAL);
	assert_int_equal(
		rota_hook_start(&a.hook, actor_on_hook, (enum rota_hook_kind)0),
		ROTA_EINVAL);
	assert_int_equal(rota_hook_is_active(&a.hook), 0);

	actor_hook(&a, ROTA_HOOK_CHECK);
	assert_int_equal(rota_hook_start(&a.hook, NULL, ROTA_HOOK_IDLE),
			 ROTA_EINVAL);
	turn(f);
	assert_string_equal(recorder_take(&r), "a");
	rota_hook_stop(&a.hook);
}

/* L4: the prepare hook was the last thing alive; the rest of the turn does not
 * sleep. */
static void
a_prepare_hook_that_leaves_nothing_alive_is_not_slept_on(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	a.then = stop_self;
	actor_hook(&a, ROTA_HOOK_PREPARE);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a");
}

/* An idle hook does not starve the other phases. */
static void an_idle_hook_leaves_every_phase_its_turn(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor idle, timer, check, immediate;

	recorder_init(&r, f->loop);
	actor_init(&idle, &r, "idle");
	actor_init(&timer, &r, "timer");
	actor_init(&check, &r, "check");
	actor_init(&immediate, &r, "immediate");
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(1));
	actor_immediate(&immediate);
	turn(f);
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	turn(f);

	assert_string_equal(recorder_take(&r),
			    "idle check immediate timer idle check");
	rota_hook_stop(&idle.hook);
	rota_hook_stop(&check.hook);
}

struct chain {
	struct rota_hook hook;
	struct chain *next;
	unsigned *calls;
};

static void free_chain(struct rota_hook *hook)
{
	struct chain *link = rota_container_of(hook, struct chain, hook);

	(*link->calls)++;
	while (link != NULL) {
		struct chain *next = link->next;

		rota_hook_stop(&link->hook);
		free(link);
		link = next;
	}
}

/* O4 */
static void a_hook_frees_itself_and_all_others(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;

	for (size_t i = 0; i < KINDS; i++) {
		struct chain *before = NULL;

		/* The first one frees itself, and the second one all behind
		 * it. */
		for (size_t j = 0; j < 5; j++) {
			struct chain *link = malloc(sizeof(*link));

			assert_non_null(link);
			link->next = NULL;
			link->calls = &calls;
			rota_hook_init(&link->hook, f->loop);
			rota_hook_start(&link->hook, free_chain, kinds[i]);
			if (before != NULL && j != 1)
				before->next = link;
			before = link;
		}
		turn(f);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}

	assert_int_equal(calls, 2 * KINDS);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(hooks_run_in_the_order_they_were_started_every_turn),
	VIRTUAL(no_hook_runs_inside_its_start),
	VIRTUAL(a_hook_started_by_one_of_its_phase_runs_in_the_next_turn),
	VIRTUAL(a_taken_hook_that_is_started_anew_runs_in_the_next_turn),
	VIRTUAL(a_hook_stopped_by_the_one_before_it_does_not_run),
	VIRTUAL(a_hook_stopped_by_the_one_behind_it_does_not_run_again),
	VIRTUAL(a_hook_that_stops_itself_runs_once),
	VIRTUAL(starting_a_started_hook_replaces_its_callback_in_its_place),
	VIRTUAL(starting_a_started_hook_with_another_kind_moves_it_there_last),
	VIRTUAL(a_check_hook_started_by_an_idle_hook_runs_in_the_same_turn),
	VIRTUAL(a_hook_without_sense_is_refused),
	REAL(a_prepare_hook_that_leaves_nothing_alive_is_not_slept_on),
	VIRTUAL(an_idle_hook_leaves_every_phase_its_turn),
	VIRTUAL(a_hook_frees_itself_and_all_others),
};
FIXTURE_MAIN(tests)
