/*
 * A loop's statistics, and its tracer.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct rota_stats stats_of(struct rota_loop *loop)
{
	struct rota_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_loop_stats(loop, &stats), 0);
	return stats;
}

static void a_new_loop_has_done_nothing(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats, nothing;

	memset(&nothing, 0, sizeof(nothing));
	nothing.size = sizeof(nothing);

	stats = stats_of(f->loop);

	assert_memory_equal(&stats, &nothing, sizeof(stats));
}

static void tick_other(struct actor *a)
{
	actor_tick(a->other);
}

static void drain_and_stop(struct actor *a)
{
	take_byte((int)a->number);
	rota_watch_stop(&a->watch);
}

/* One turn with one callback of each kind except a timer, and one turn for the
 * timer, whose callback queues a tick. */
static void a_scripted_run_adds_up(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats;
	struct recorder r;
	struct actor outside, timer, tick, watch, post, async, idle, immediate;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	actor_init(&outside, &r, "outside");
	actor_init(&timer, &r, "timer");
	actor_init(&tick, &r, "tick");
	actor_init(&watch, &r, "watch");
	actor_init(&post, &r, "post");
	actor_init(&async, &r, "async");
	actor_init(&idle, &r, "idle");
	actor_init(&immediate, &r, "immediate");
	actor_tick(&outside);
	timer.then = tick_other;
	timer.other = &tick;
	actor_timer(&timer, ROTA_MSEC(1));
	watch.then = drain_and_stop;
	watch.number = (uint64_t)fds[0];
	actor_watch(&watch, fds[0], ROTA_READABLE);
	actor_post(&post);
	rota_async_unref(&async.async);
	actor_async(&async);
	rota_async_send(&async.async);
	rota_async_send(&async.async); /* does not cause another call */
	rota_hook_unref(&idle.hook);
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_immediate(&immediate);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
	rota_loop_advance(f->loop, ROTA_MSEC(1));
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r),
			    "outside idle watch post async immediate "
			    "timer tick idle");
	stats = stats_of(f->loop);
	assert_int_equal(stats.turns, 2);
	assert_int_equal(stats.waits, 2);
	assert_int_equal(stats.sleeps, 0);
	assert_int_equal(stats.events, 1);
	assert_int_equal(stats.stale, 0);
	assert_int_equal(stats.posts, 2);
	assert_int_equal(stats.tick_deferrals, 0);
	assert_int_equal(stats.callbacks[ROTA_PHASE_NONE], 1);
	assert_int_equal(stats.callbacks[ROTA_PHASE_TIMERS], 2);
	assert_int_equal(stats.callbacks[ROTA_PHASE_PENDING], 0);
	assert_int_equal(stats.callbacks[ROTA_PHASE_PREPARE], 2);
	assert_int_equal(stats.callbacks[ROTA_PHASE_POLL], 3);
	assert_int_equal(stats.callbacks[ROTA_PHASE_CHECK], 1);
	assert_int_equal(stats.callbacks[ROTA_PHASE_CLOSING], 0);
	for (int i = ROTA_PHASE_TIMERS; i <= ROTA_PHASE_CLOSING; i++)
		assert_int_equal(stats.phases[i], 2);
	assert_int_equal(stats.lateness[0], 1);
	rota_hook_stop(&idle.hook);
	rota_async_stop(&async.async);
	close(fds[0]);
	close(fds[1]);
}

static unsigned turns_of_events;

/* In a callback of the phase a->number: those that this turn has come to, and
 * no others. */
static void expect_begun(struct actor *a, uint64_t turns, unsigned phase)
{
	struct rota_stats stats = stats_of(a->recorder->loop);

	assert_int_equal(stats.turns, turns);
	for (unsigned i = ROTA_PHASE_TIMERS; i <= ROTA_PHASE_CLOSING; i++) {
		uint64_t begun = i <= phase ? turns : turns - 1;

		if (i == ROTA_PHASE_POLL)
			begun += turns_of_events;
		assert_int_equal(stats.phases[i], begun);
	}
}

static void look_in_turn(struct actor *a)
{
	expect_begun(a, a->calls, (unsigned)a->number);
}

static void look_in_turn_of_events(struct actor *a)
{
	expect_begun(a, 3, ROTA_PHASE_CLOSING);
}

static void a_phase_counts_once_it_has_begun(void **state)
{
	struct rota_run events = { .size = sizeof(events),
				   .mode = ROTA_RUN_NOWAIT,
				   .flags = ROTA_RUN_ONLY_EVENTS };
	struct fixture *f = *state;
	struct recorder r;
	struct actor timer, idle, prepare, watch, check, immediate;
	int fds[2];

	turns_of_events = 0;
	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	actor_init(&timer, &r, "timer");
	actor_init(&idle, &r, "idle");
	actor_init(&prepare, &r, "prepare");
	actor_init(&watch, &r, "watch");
	actor_init(&check, &r, "check");
	actor_init(&immediate, &r, "immediate");
	timer.number = ROTA_PHASE_TIMERS;
	idle.number = prepare.number = ROTA_PHASE_PREPARE;
	watch.number = ROTA_PHASE_POLL;
	check.number = immediate.number = ROTA_PHASE_CHECK;
	timer.then = idle.then = prepare.then = look_in_turn;
	watch.then = check.then = immediate.then = look_in_turn;
	actor_hook(&idle, ROTA_HOOK_IDLE);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_watch(&watch, fds[0], ROTA_READABLE);

	for (unsigned turn = 1; turn <= 3; turn++) {
		actor_timer(&timer, 0);
		actor_immediate(&immediate);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
		assert_string_equal(recorder_take(&r),
				    "timer idle prepare watch check immediate");
		expect_begun(&timer, turn, ROTA_PHASE_CLOSING);
	}
	watch.then = look_in_turn_of_events;
	while (turns_of_events++ < 2) {
		assert_int_equal(rota_loop_run_with(f->loop, &events), 1);
		assert_string_equal(recorder_take(&r), "watch");
	}

	rota_hook_stop(&idle.hook);
	rota_hook_stop(&prepare.hook);
	rota_hook_stop(&check.hook);
	rota_watch_stop(&watch.watch);
	close(fds[0]);
	close(fds[1]);
}

/* The bucket of a call is a power of two of microseconds. */
static void lateness_is_counted_by_powers_of_two(void **state)
{
	static const struct {
		uint64_t late_ns;
		unsigned bucket;
	} cases[] = {
		{ 0, 0 },
		{ 999, 0 },
		{ 1000, 1 },
		{ 1999, 1 },
		{ 2000, 2 },
		{ 3999, 2 },
		{ 4000, 3 },
		{ ROTA_MSEC(1), 10 },
		{ ROTA_SEC(1), 20 },
		{ ROTA_SEC(1000), 30 },
		{ ROTA_SEC(3600), 31 },
		{ ROTA_SEC(86400), 31 },
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rota_stats before = stats_of(f->loop);
		struct rota_stats after;

		actor_timer(&a, ROTA_MSEC(5));
		rota_loop_advance(f->loop, ROTA_MSEC(5) + cases[i].late_ns);
		rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

		after = stats_of(f->loop);
		for (unsigned j = 0; j < ROTA_LATENESS_BUCKETS; j++)
			assert_int_equal(after.lateness[j] - before.lateness[j],
					 j == cases[i].bucket);
	}
}

static void be_busy_until_number(struct actor *a)
{
	uint64_t until_ns = real_now() + a->number;

	while (real_now() < until_ns)
		;
}

static void run_busy_then_sleep(struct rota_loop *loop)
{
	struct recorder r;
	struct actor timer, check;

	recorder_init(&r, loop);
	actor_init(&timer, &r, "timer");
	actor_init(&check, &r, "check");
	timer.then = be_busy_until_number;
	timer.number = ROTA_MSEC(2);
	check.then = be_busy_until_number;
	check.number = ROTA_MSEC(1);
	rota_hook_unref(&check.hook);
	actor_hook(&check, ROTA_HOOK_CHECK);
	actor_timer(&timer, ROTA_MSEC(4));
	assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT), 0);
	rota_hook_stop(&check.hook);
}

static void with_measure_each_phase_has_its_time(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_stats stats;
	struct rota_loop *loop;
	uint64_t began_ns, elapsed_ns, sum_ns;

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	options.measure = 1;
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	began_ns = real_now();

	run_busy_then_sleep(loop);

	elapsed_ns = real_now() - began_ns;
	stats = stats_of(loop);
	sum_ns = stats.idle_ns;
	for (int i = ROTA_PHASE_TIMERS; i <= ROTA_PHASE_CLOSING; i++)
		sum_ns += stats.phase_ns[i];
	assert_in_range(stats.phase_ns[ROTA_PHASE_TIMERS], ROTA_MSEC(2),
			elapsed_ns);
	assert_in_range(stats.phase_ns[ROTA_PHASE_CHECK], ROTA_MSEC(2),
			elapsed_ns);
	/* If the sleep began late, it is shorter than 4 ms. */
	assert_in_range(stats.idle_ns, ROTA_MSEC(1), elapsed_ns);
	assert_in_range(sum_ns, ROTA_MSEC(6), elapsed_ns);
	assert_int_equal(rota_loop_close(loop), 0);
}

static void without_measure_no_time_is_taken(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats;

	run_busy_then_sleep(f->loop);

	stats = stats_of(f->loop);
	assert_int_equal(stats.idle_ns, 0);
	for (int i = 0; i < ROTA_PHASE_COUNT; i++)
		assert_int_equal(stats.phase_ns[i], 0);
}

static void stats_shorter_than_any_of_ours_are_refused(void **state)
{
	struct fixture *f = *state;
	struct rota_stats stats = { .size = 0 };

	assert_int_equal(rota_loop_stats(f->loop, NULL), ROTA_EINVAL);
	assert_int_equal(rota_loop_stats(f->loop, &stats), ROTA_EINVAL);
	stats.size = sizeof(stats.size) - 1;
	assert_int_equal(rota_loop_stats(f->loop, &stats), ROTA_EINVAL);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

/* A program with a longer header gets zeros in the unknown members. */
static void stats_longer_than_ours_are_filled_as_far_as_we_know(void **state)
{
	struct fixture *f = *state;
	struct {
		struct rota_stats stats;
		unsigned char tail[16];
		unsigned char beyond;
	} longer;
	size_t size = (size_t)(&longer.beyond - (unsigned char *)&longer);

	memset(&longer, 0xaa, sizeof(longer));
	longer.stats.size = size;
	rota_set_immediate(f->loop, do_nothing, NULL);
	rota_loop_run(f->loop, ROTA_RUN_DEFAULT);

	assert_int_equal(rota_loop_stats(f->loop, &longer.stats), 0);

	assert_int_equal(longer.stats.size, size);
	assert_int_equal(longer.stats.turns, 1);
	for (size_t i = 0; i < sizeof(longer.tail); i++)
		assert_int_equal(longer.tail[i], 0);
	assert_int_equal(longer.beyond, 0xaa);
}

/* All calls of a tracer, as text: "<" and ">" are the begin and the end of a
 * phase, "(" and ")" those of a callback. */
struct witness {
	struct rota_tracer tracer;
	const void *object;
	enum rota_phase phase;
	unsigned depth;
	char text[1024];
};

static void add(struct witness *w, const char *mark, const char *what)
{
	size_t length = strlen(w->text);

	assert_true(length + strlen(mark) + strlen(what) < sizeof(w->text));
	snprintf(w->text + length, sizeof(w->text) - length, "%s%s", mark,
		 what);
}

static void see_phase_begin(struct rota_tracer *tracer, enum rota_phase phase)
{
	static const char *const names[ROTA_PHASE_COUNT] = {
		"none", "timers", "pending", "prepare",
		"poll", "check",  "closing",
	};
	struct witness *w = tracer->data;

	assert_int_equal(w->phase, ROTA_PHASE_NONE);
	w->phase = phase;
	add(w, "<", names[phase]);
}

static void see_phase_end(struct rota_tracer *tracer, enum rota_phase phase)
{
	struct witness *w = tracer->data;

	assert_int_equal(w->phase, phase);
	assert_int_equal(w->depth, 0);
	w->phase = ROTA_PHASE_NONE;
	add(w, ">", "");
}

static void see_callback_begin(struct rota_tracer *tracer, const char *type,
			       const char *name, const void *object)
{
	struct witness *w = tracer->data;

	assert_null(name);
	assert_int_equal(w->depth, 0);
	w->depth = 1;
	w->object = object;
	add(w, "(", type);
}

static void see_callback_end(struct rota_tracer *tracer, const char *type,
			     const void *object)
{
	struct witness *w = tracer->data;

	(void)type;
	assert_int_equal(w->depth, 1);
	assert_ptr_equal(w->object, object);
	w->depth = 0;
	add(w, ")", "");
}

static void witness_init(struct witness *w)
{
	memset(w, 0, sizeof(*w));
	w->tracer.size = sizeof(w->tracer);
	w->tracer.data = w;
	w->tracer.phase_begin = see_phase_begin;
	w->tracer.phase_end = see_phase_end;
	w->tracer.callback_begin = see_callback_begin;
	w->tracer.callback_end = see_callback_end;
}

/* T1, T10: a tick is a callback of its own. It is not nested in the callback
 * that queued it. */
static void a_tracer_sees_every_phase_and_callback_begin_and_end(void **state)
{
	struct fixture *f = *state;
	struct witness w;
	struct recorder r;
	struct actor a, b, tick;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_init(&b, &r, "b");
	actor_init(&tick, &r, "tick");
	b.then = tick_other;
	b.other = &tick;
	actor_timer(&b, 0);
	actor_hook(&a, ROTA_HOOK_PREPARE);
	actor_watch(&a, fds[0], ROTA_READABLE);
	actor_async(&a);
	rota_async_send(&a.async);
	actor_immediate(&a);
	witness_init(&w);
	rota_loop_trace(f->loop, &w.tracer);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_string_equal(w.text,
			    "<timers(timer)(task)><pending><prepare(hook)>"
			    "<poll(watch)(async)><check(task)><closing>");
	assert_ptr_equal(w.object, &a.task);
	assert_int_equal(w.phase, ROTA_PHASE_NONE);

	rota_loop_trace(f->loop, NULL);
	w.text[0] = '\0';
	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(w.text, "");
	rota_hook_stop(&a.hook);
	rota_async_stop(&a.async);
	rota_watch_stop(&a.watch);
	close(fds[0]);
	close(fds[1]);
}

/* T3: this includes a turn that ends after its timers phase. */
static void a_turn_that_is_cut_short_ends_its_phase(void **state)
{
	struct fixture *f = *state;
	struct witness w;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_every(&a, ROTA_MSEC(1), ROTA_REPEAT_RATE);
	witness_init(&w);
	rota_loop_trace(f->loop, &w.tracer);

	rota_loop_run(f->loop, ROTA_RUN_ONCE);

	assert_string_equal(w.text, "<timers><pending><prepare><poll><check>"
				    "<closing><timers(timer)>");
	rota_timer_stop(&a.timer);
	rota_loop_trace(f->loop, NULL);
}

static void all_functions_of_a_tracer_may_be_null(void **state)
{
	struct fixture *f = *state;
	struct rota_tracer tracer = { .size = sizeof(tracer) };
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	actor_timer(&a, 0);
	actor_immediate(&a);
	rota_loop_trace(f->loop, &tracer);

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);

	assert_int_equal(a.calls, 2);
	rota_loop_trace(f->loop, NULL);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_new_loop_has_done_nothing),
	VIRTUAL(a_scripted_run_adds_up),
	VIRTUAL(a_phase_counts_once_it_has_begun),
	VIRTUAL(lateness_is_counted_by_powers_of_two),
	REAL(with_measure_each_phase_has_its_time),
	REAL(without_measure_no_time_is_taken),
	VIRTUAL(stats_shorter_than_any_of_ours_are_refused),
	VIRTUAL(stats_longer_than_ours_are_filled_as_far_as_we_know),
	VIRTUAL(a_tracer_sees_every_phase_and_callback_begin_and_end),
	VIRTUAL(a_turn_that_is_cut_short_ends_its_phase),
	VIRTUAL(all_functions_of_a_tracer_may_be_null),
};
FIXTURE_MAIN(tests)
