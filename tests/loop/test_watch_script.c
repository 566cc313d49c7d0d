/*
 * Watches with a scripted poller: which calls the loop makes and when, and what
 * it does with answers that no kernel gives on demand.
 */
/* poller: none */
#include "support/fixture.h"

#include "support/probe.h"
#include "support/script_poller.h"

enum {
	READABLE = ROTA_READABLE,
	WRITABLE = ROTA_WRITABLE,
	DISCONNECT = ROTA_DISCONNECT,
};

/* Init a probe of probe.h on the scripted loop. */
static void init(struct probe *probe, struct script *s, int fd)
{
	struct fixture f = { .loop = s->loop };

	probe_init(probe, &f, fd);
}

static void turn_of(struct script *s)
{
	assert_true(rota_loop_run(s->loop, ROTA_RUN_NOWAIT) >= 0);
}

/* D2 */
static void the_first_start_asks_the_kernel_at_once(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);

	probe_start(&probe, READABLE);
	assert_string_equal(script_take(&s), "add 10 r");
	turn_of(&s);
	assert_string_equal(script_take(&s), "wait 0");
	probe_stop(&probe);
	assert_string_equal(script_take(&s), "remove 10");

	script_end(&s);
}

/* D2 */
static void what_the_kernel_refuses_is_returned(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	s.add_error = ROTA_ENOSPC;

	assert_int_equal(probe_try_start(&probe, READABLE), ROTA_ENOSPC);
	assert_false(rota_watch_is_active(&probe.watch));
	assert_false(rota_loop_alive(s.loop));
	probe_start(&probe, WRITABLE);

	assert_string_equal(script_take(&s), "add 10 r, add 10 w");
	probe_stop(&probe);
	script_end(&s);
}

/* D2, D4: changes are batched, with one call for each descriptor and wait,
 * however many starts there were. A stop that changes nothing makes no call.
 * The start of a second watch makes its call at once, because it can return an
 * error. */
static void changes_are_made_just_before_the_wait(void **state)
{
	struct script s;
	struct probe first, second, third;

	script_begin(&s, *state);
	init(&first, &s, 10);
	init(&second, &s, 10);
	init(&third, &s, 11);
	probe_start(&first, READABLE);
	probe_start(&third, WRITABLE);
	script_take(&s);

	probe_start(&first, WRITABLE);
	probe_start(&first, READABLE | WRITABLE);
	probe_start(&second, DISCONNECT);
	probe_start(&third, READABLE);
	probe_start(&third, WRITABLE);
	assert_string_equal(script_take(&s), "confirm 10 rwd");
	turn_of(&s);
	assert_string_equal(script_take(&s), "confirm 11 w, wait 0");
	probe_stop(&first);
	assert_string_equal(script_take(&s), "");
	turn_of(&s);
	assert_string_equal(script_take(&s), "change 10 d, wait 0");
	turn_of(&s);
	assert_string_equal(script_take(&s), "wait 0");

	probe_stop(&second);
	probe_stop(&third);
	assert_string_equal(script_take(&s), "remove 10, remove 11");
	script_end(&s);
}

/* D2: a change that was not made yet is dropped with the descriptor. */
static void a_removal_forgets_the_change(void **state)
{
	struct script s;
	struct probe probes[3];

	script_begin(&s, *state);
	for (int i = 0; i < 3; i++) {
		init(&probes[i], &s, 10 + i);
		probe_start(&probes[i], READABLE);
	}
	for (int i = 0; i < 3; i++)
		probe_start(&probes[i], WRITABLE);
	script_take(&s);

	probe_stop(&probes[0]);
	probe_stop(&probes[2]);
	probe_start(&probes[2], READABLE);
	turn_of(&s);

	assert_string_equal(script_take(&s),
			    "remove 10, remove 12, add 12 r, confirm 11 w, "
			    "wait 0");
	probe_stop(&probes[1]);
	probe_stop(&probes[2]);
	script_end(&s);
}

/* D4: a pause is a change like any other. */
static void a_pause_wants_nothing_of_the_kernel(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	probe_start(&probe, 0);
	turn_of(&s);
	probe_start(&probe, READABLE);
	turn_of(&s);
	probe_start(&probe, 0);
	turn_of(&s);

	assert_string_equal(script_take(&s),
			    "add 10 -, wait 0, confirm 10 r, wait 0, "
			    "confirm 10 -, wait 0");
	probe_stop(&probe);
	script_end(&s);
}

/* D2: if the poller has no space, it is asked to submit, and then gets the
 * change. */
static void changes_that_do_not_fit_are_submitted(void **state)
{
	struct script s;
	struct probe probes[5];
	unsigned changed = 0;

	script_begin(&s, *state);
	s.room = 2;
	for (int i = 0; i < 5; i++) {
		init(&probes[i], &s, 10 + i);
		probe_start(&probes[i], 0);
	}
	script_take(&s);
	for (int i = 0; i < 5; i++)
		probe_start(&probes[i], READABLE);

	turn_of(&s);

	for (int i = 0; i < 5; i++)
		changed += s.fds[10 + i].wanted == READABLE;
	assert_int_equal(changed, 5);
	for (int i = 0; i < 5; i++)
		probe_stop(&probes[i]);
	script_end(&s);
}

/* D2: an error that the call can no longer return is reported as all requested
 * events, so that the next read or write gets it. The change is tried again. */
static void a_change_that_is_refused_reports_everything(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	probe_start(&probe, READABLE);
	probe_start(&probe, READABLE | WRITABLE);
	s.confirm_error = ROTA_ENOMEM;

	turn_of(&s);
	assert_int_equal(probe.calls, 1);
	assert_int_equal(probe.events, READABLE | WRITABLE);
	script_take(&s);
	turn_of(&s);

	assert_string_equal(script_take(&s), "confirm 10 rw, wait 0");
	assert_int_equal(probe.calls, 1);
	probe_stop(&probe);
	script_end(&s);
}

/* D4: who refuses a change may have another file under the number, and is asked
 * for that; only if that is refused as well there is something to tell. */
static void a_change_that_is_refused_is_confirmed(void **state)
{
	struct script s;
	struct probe first, second;

	script_begin(&s, *state);
	init(&first, &s, 10);
	init(&second, &s, 10);
	probe_start(&first, READABLE);
	probe_start(&second, WRITABLE);
	turn_of(&s);
	script_take(&s);

	probe_stop(&first);
	s.change_error = ROTA_ENOENT;
	turn_of(&s);
	assert_string_equal(script_take(&s),
			    "change 10 w, confirm 10 w, wait 0");
	assert_int_equal(second.calls, 0);
	turn_of(&s);
	assert_string_equal(script_take(&s), "wait 0");

	probe_start(&first, READABLE);
	turn_of(&s);
	probe_stop(&first);
	script_take(&s);
	s.change_error = ROTA_ENOENT;
	s.confirm_error = ROTA_EBADF;
	turn_of(&s);
	assert_string_equal(script_take(&s),
			    "change 10 w, confirm 10 w, wait 0");
	assert_int_equal(second.calls, 1);
	assert_int_equal(second.events, WRITABLE);
	probe_stop(&second);
	script_end(&s);
}

/* D1: the generation says for which registration an event is. */
static void an_event_of_another_generation_is_dropped(void **state)
{
	struct script s;
	struct probe probe;
	uint32_t old;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	probe_start(&probe, READABLE);
	old = script_generation(&s, 10);
	probe_stop(&probe);
	probe_start(&probe, READABLE);
	assert_int_not_equal(script_generation(&s, 10), old);
	script_ready_as(&s, 1, 10, READABLE, old);
	script_ready_as(&s, 1, 10, READABLE, script_generation(&s, 10) + 1);

	turn_of(&s);

	assert_int_equal(probe.calls, 0);
	assert_int_equal(stats_of(s.loop).events, 2);
	assert_int_equal(stats_of(s.loop).stale, 2);
	probe_stop(&probe);
	script_end(&s);
}

static void stop_the_other(struct probe *probe)
{
	struct probe *other = probe->arg;

	probe_stop(other);
}

static void restart_the_other(struct probe *probe)
{
	struct probe *other = probe->arg;

	probe_stop(other);
	probe_start(other, READABLE);
}

/* D1, D4: the script fixes the order of the events. */
static void an_event_of_a_watch_that_was_stopped_is_dropped(void **state)
{
	struct script s;
	struct probe first, second, third;

	script_begin(&s, *state);
	init(&first, &s, 10);
	init(&second, &s, 11);
	init(&third, &s, 12);
	probe_start(&first, READABLE);
	probe_start(&second, READABLE);
	probe_start(&third, READABLE);
	first.act = stop_the_other;
	first.arg = &second;
	script_ready(&s, 1, 10, READABLE);
	script_ready(&s, 1, 11, READABLE);
	script_ready(&s, 1, 12, READABLE);

	turn_of(&s);

	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
	assert_int_equal(third.calls, 1);
	assert_int_equal(stats_of(s.loop).stale, 1);
	probe_stop(&first);
	probe_stop(&third);
	script_end(&s);
}

/* D1: the event was for the earlier descriptor of that number. Events of the
 * new one come with the next wait. */
static void a_restart_in_the_batch_begins_anew(void **state)
{
	struct script s;
	struct probe first, second;

	script_begin(&s, *state);
	init(&first, &s, 10);
	init(&second, &s, 11);
	probe_start(&first, READABLE);
	probe_start(&second, READABLE);
	first.act = restart_the_other;
	first.arg = &second;
	script_ready(&s, 1, 10, READABLE);
	script_ready(&s, 1, 11, READABLE);
	script_ready(&s, 2, 11, READABLE);

	turn_of(&s);
	assert_int_equal(second.calls, 0);
	turn_of(&s);

	assert_int_equal(second.calls, 1);
	probe_stop(&first);
	probe_stop(&second);
	script_end(&s);
}

/* D4: a watch gets no events that it did not request, even if another watch
 * requested them. */
static void an_event_goes_to_those_who_asked_for_it(void **state)
{
	struct script s;
	struct probe reader, writer, paused;

	script_begin(&s, *state);
	init(&reader, &s, 10);
	init(&writer, &s, 10);
	init(&paused, &s, 10);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE | DISCONNECT);
	probe_start(&paused, 0);
	script_ready(&s, 1, 10, READABLE);
	script_ready(&s, 2, 10, WRITABLE);
	script_ready(&s, 3, 10, ROTAI_EVERYTHING);

	turn_of(&s);
	assert_int_equal(reader.events, READABLE);
	assert_int_equal(writer.calls, 0);
	turn_of(&s);
	assert_int_equal(reader.calls, 1);
	assert_int_equal(writer.events, WRITABLE);
	turn_of(&s);
	assert_int_equal(reader.events, READABLE);
	assert_int_equal(writer.events, WRITABLE | DISCONNECT);

	assert_int_equal(paused.calls, 0);
	probe_stop(&reader);
	probe_stop(&writer);
	probe_stop(&paused);
	script_end(&s);
}

enum { MANY = ROTA_EVENTS_PER_WAIT };

struct crowd {
	struct script s;
	struct probe probes[MANY];
};

static struct crowd *crowd_begin(struct fixture *f)
{
	struct crowd *crowd = test_malloc(sizeof(*crowd));

	script_begin(&crowd->s, f);
	for (int i = 0; i < MANY; i++) {
		init(&crowd->probes[i], &crowd->s, 100 + i);
		probe_start(&crowd->probes[i], READABLE);
		crowd->s.size = 0;
	}
	crowd->s.full_from = 100;
	return crowd;
}

static void crowd_end(struct crowd *crowd)
{
	for (int i = 0; i < MANY; i++) {
		probe_stop(&crowd->probes[i]);
		crowd->s.size = 0;
	}
	script_end(&crowd->s);
	test_free(crowd);
}

/* T11: a full wait is followed by another one, which does not sleep. It reports
 * level-triggered events again, and their watches are not called again. As
 * there is nothing new, no third wait follows. */
static void a_further_wait_tells_nothing_twice(void **state)
{
	struct crowd *crowd = crowd_begin(*state);

	crowd->s.full_to = 1000;
	turn_of(&crowd->s);

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(crowd->probes[i].calls, 1);
	assert_string_equal(script_take(&crowd->s), "wait 0, wait 0");
	turn_of(&crowd->s);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(crowd->probes[i].calls, 2);
	crowd_end(crowd);
}

/* T11 */
static void a_wait_that_is_not_full_is_the_last_of_its_turn(void **state)
{
	struct crowd *crowd = crowd_begin(*state);

	crowd->s.full_to = 1;
	script_ready(&crowd->s, 2, 100, READABLE);
	turn_of(&crowd->s);
	assert_int_equal(crowd->s.waits, 2);
	assert_int_equal(crowd->probes[0].calls, 1);
	script_ready(&crowd->s, 1, 100, READABLE);
	turn_of(&crowd->s);

	assert_int_equal(crowd->s.waits, 3);
	assert_int_equal(crowd->probes[0].calls, 2);
	crowd_end(crowd);
}

/* D2: a change that found no space is made before the next wait that has
 * some. */
static void a_change_without_room_is_tried_again(void **state)
{
	static const int errors[] = { ROTA_ENOMEM, ROTA_ENOSPC, ROTA_EAGAIN };
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	for (int i = 0; i < 3; i++) {
		probe_start(&probe, READABLE);
		turn_of(&s);
		probe_start(&probe, WRITABLE);
		s.refuse_changes = errors[i];
		turn_of(&s);
		assert_int_equal(s.fds[10].wanted, READABLE);
		s.refuse_changes = 0;
		turn_of(&s);
		assert_int_equal(s.fds[10].wanted, WRITABLE);
	}
	probe_stop(&probe);
	script_end(&s);
}

/* D2: there are more refusals than one wait reports. */
static void refusals_may_fill_the_wait(void **state)
{
	struct crowd *crowd = crowd_begin(*state);
	struct probe last;

	init(&last, &crowd->s, 100 + MANY);
	probe_start(&last, READABLE);
	for (int i = 0; i < MANY; i++)
		probe_start(&crowd->probes[i], WRITABLE);
	probe_start(&last, WRITABLE);
	crowd->s.refuse_changes = ROTA_ENOMEM;
	turn_of(&crowd->s);
	crowd->s.refuse_changes = 0;
	crowd->s.size = 0;
	turn_of(&crowd->s);

	for (int i = 0; i < MANY; i++)
		assert_true(crowd->s.fds[100 + i].wanted == WRITABLE);
	assert_true(crowd->s.fds[100 + MANY].wanted == WRITABLE);
	crowd->s.size = 0;
	probe_stop(&last);
	crowd_end(crowd);
}

/* D2: the same for closed files. Each is reported once. */
static void as_many_as_are_gone_are_told_so(void **state)
{
	struct crowd *crowd = crowd_begin(*state);

	for (int i = 0; i < MANY; i++)
		probe_start(&crowd->probes[i], WRITABLE);
	crowd->s.refuse_changes = ROTA_EBADF;
	for (int i = 0; i < 4; i++) {
		crowd->s.size = 0;
		turn_of(&crowd->s);
		crowd->s.refuse_changes = 0;
	}

	for (int i = 0; i < MANY; i++)
		assert_int_equal(crowd->probes[i].calls, 1);
	crowd->s.size = 0;
	crowd_end(crowd);
}

static void stop_the_run(struct rota_timer *timer)
{
	rota_loop_stop(timer->data);
}

/* Limits: what is left over waits for the next turn, whose wait is zero. */
static void what_is_left_over_keeps_the_next_wait_at_zero(void **state)
{
	struct crowd *crowd = crowd_begin(*state);
	struct rota_timer timer;

	rota_timer_init(&timer, crowd->s.loop);
	timer.data = crowd->s.loop;
	assert_int_equal(rota_timer_start(&timer, stop_the_run, ROTA_MSEC(5)),
			 0);
	crowd->s.full_to = ROTA_WAITS_PER_TURN;
	assert_int_equal(rota_loop_run(crowd->s.loop, ROTA_RUN_DEFAULT), 1);

	assert_string_equal(script_take(&crowd->s),
			    "wait 5000000, wait 0, wait 0, wait 0, wait 0, "
			    "wait 5000000, wait 0");
	crowd_end(crowd);
}

/* F3: a wait that fails ends the run. The next run continues, and nothing is
 * lost. */
static void a_wait_that_fails_ends_the_run(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	probe_start(&probe, READABLE);
	script_ready(&s, 2, 10, READABLE);
	s.wait_error = ROTA_ENOMEM;

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), ROTA_ENOMEM);
	assert_int_equal(probe.calls, 0);
	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(probe.calls, 1);
	probe_stop(&probe);
	script_end(&s);
}

/* T3: a wait that returns early, or without events, does not end the run. */
static void run_once_goes_on_after_an_empty_wait(void **state)
{
	struct script s;
	struct probe probe;

	script_begin(&s, *state);
	init(&probe, &s, 10);
	probe_start(&probe, READABLE);
	script_ready(&s, 4, 10, READABLE);

	assert_int_equal(rota_loop_run(s.loop, ROTA_RUN_ONCE), 1);

	assert_int_equal(probe.calls, 1);
	assert_int_equal(s.waits, 4);
	probe_stop(&probe);
	script_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(the_first_start_asks_the_kernel_at_once),
	REAL(what_the_kernel_refuses_is_returned),
	REAL(changes_are_made_just_before_the_wait),
	REAL(a_removal_forgets_the_change),
	REAL(a_pause_wants_nothing_of_the_kernel),
	REAL(changes_that_do_not_fit_are_submitted),
	REAL(a_change_that_is_refused_is_confirmed),
	REAL(a_change_that_is_refused_reports_everything),
	REAL(an_event_of_another_generation_is_dropped),
	REAL(an_event_of_a_watch_that_was_stopped_is_dropped),
	REAL(a_restart_in_the_batch_begins_anew),
	REAL(an_event_goes_to_those_who_asked_for_it),
	REAL(a_further_wait_tells_nothing_twice),
	REAL(a_wait_that_is_not_full_is_the_last_of_its_turn),
	REAL(refusals_may_fill_the_wait),
	REAL(a_change_without_room_is_tried_again),
	REAL(as_many_as_are_gone_are_told_so),
	REAL(what_is_left_over_keeps_the_next_wait_at_zero),
	REAL(a_wait_that_fails_ends_the_run),
	REAL(run_once_goes_on_after_an_empty_wait),
};

FIXTURE_MAIN(tests)
