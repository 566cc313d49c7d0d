/*
 * rota_loop_dump() from inside callbacks: it has each thing once that is
 * started or queued then, wherever the loop has it at that moment.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <unistd.h>

enum { ACTORS = 32 };

/* Actors, each with one node in use. */
struct cast {
	struct recorder r;
	struct actor actors[ACTORS];
	int expected[ACTORS]; /* it is started or queued */
	unsigned found[ACTORS];
	unsigned strangers;
	unsigned count;
	unsigned looks;
};

static struct cast cast;

static void find(void *arg, const struct rota_dump_entry *entry)
{
	(void)arg;
	for (unsigned i = 0; i < cast.count; i++) {
		const struct actor *a = &cast.actors[i];

		if (entry->object == &a->timer || entry->object == &a->task ||
		    entry->object == &a->hook || entry->object == &a->async ||
		    entry->object == &a->watch) {
			cast.found[i]++;
			return;
		}
	}
	cast.strangers++;
}

static void look(void)
{
	size_t expected = 0;

	for (unsigned i = 0; i < cast.count; i++)
		cast.found[i] = 0;
	cast.strangers = 0;
	cast.looks++;

	assert_int_equal(rota_loop_dump(cast.r.loop, NULL, NULL),
			 rota_loop_dump(cast.r.loop, find, NULL));

	for (unsigned i = 0; i < cast.count; i++) {
		assert_int_equal(cast.found[i], cast.expected[i]);
		expected += cast.found[i];
	}
	assert_int_equal(cast.strangers, 0);
	assert_int_equal(rota_loop_dump(cast.r.loop, NULL, NULL), expected);
}

static void look_once(struct actor *a)
{
	cast.expected[a - cast.actors] = 0;
	look();
}

static void look_again(struct actor *a)
{
	(void)a;
	look();
}

/* It is due already, and waits for the next turn (T8). */
static void start_other_and_look(struct actor *a)
{
	look_once(a);
	actor_timer(a->other, 0);
	cast.expected[a->other - cast.actors] = 1;
	look();
}

static struct actor *add(void (*then)(struct actor *a))
{
	struct actor *a = &cast.actors[cast.count];

	assert_in_range(cast.count, 0, ACTORS - 1);
	actor_init(a, &cast.r, "a");
	a->then = then;
	cast.expected[cast.count++] = 1;
	return a;
}

static void a_dump_has_each_thing_once_in_every_phase(void **state)
{
	static const enum rota_hook_kind kinds[] = { ROTA_HOOK_IDLE,
						     ROTA_HOOK_PREPARE,
						     ROTA_HOOK_CHECK };
	struct fixture *f = *state;
	struct actor *starter, *late, *async, *watch;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	cast = (struct cast){ .count = 0 };
	recorder_init(&cast.r, f->loop);
	starter = add(start_other_and_look);
	actor_timer(starter, 0);
	late = add(look_once);
	cast.expected[late - cast.actors] = 0;
	starter->other = late;
	for (unsigned i = 0; i < 2; i++) {
		actor_timer(add(look_once), 0);
		actor_every(add(look_again), 1, ROTA_REPEAT_RATE);
		actor_tick(add(look_once));
		actor_microtask(add(look_once));
		actor_immediate(add(look_once));
		actor_post(add(look_once));
	}
	actor_timer(add(look_once), ROTA_SEC(3600));
	for (unsigned i = 0; i < 3; i++) {
		actor_hook(add(look_again), kinds[i]);
		actor_hook(add(look_again), kinds[i]);
	}
	async = add(look_again);
	actor_async(async);
	rota_async_send(&async->async);
	watch = add(look_again);
	actor_watch(watch, fds[0], ROTA_READABLE);
	rota_loop_advance(f->loop, 5);
	look();

	for (unsigned turn = 1; turn <= 3; turn++) {
		rota_loop_advance(f->loop, 5);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_NOWAIT), 1);
		look();
	}

	assert_int_equal(late->calls, 1);
	assert_true(cast.looks > 40);
	for (unsigned i = 0; i < cast.count; i++) {
		rota_timer_stop(&cast.actors[i].timer);
		rota_hook_stop(&cast.actors[i].hook);
		rota_async_stop(&cast.actors[i].async);
	}
	rota_watch_stop(&watch->watch);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}

static unsigned works;

static void count_works(void *arg, const struct rota_dump_entry *entry)
{
	assert_ptr_equal(entry->object, arg);
	assert_string_equal(entry->type, "work");
	assert_int_equal(entry->alive, 1);
	works++;
}

static int do_nothing(struct rota_work *work)
{
	(void)work;
	return 0;
}

static void note_end(struct rota_work *work, int status)
{
	assert_int_equal(status, ROTA_ECANCELED);
	assert_int_equal(
		rota_loop_dump(work->request.internal.loop, NULL, NULL), 0);
	works = 0;
}

/* O8: it keeps the loop alive from its begin to its call. */
static void a_dump_has_a_request_until_it_is_called(void **state)
{
	struct rota_loop_options options;
	struct rota_pool_options threads;
	struct fixture *f = *state;
	struct rota_pool *pool;
	struct rota_work work;

	rota_pool_options_init(&threads);
	threads.lanes[ROTA_LANE_IO].max_threads = 0; /* it waits for a turn */
	assert_int_equal(rota_pool_new(&pool, &threads), 0);
	assert_int_equal(rota_loop_close(f->loop), 0);
	fixture_options(f, ROTA_CLOCK_VIRTUAL, &options);
	options.pool = pool;
	assert_int_equal(rota_loop_new(&f->loop, &options), 0);
	rota_pool_unref(pool);
	works = 0;
	rota_work_init(&work, f->loop);
	assert_int_equal(
		rota_work_queue(&work, ROTA_LANE_IO, do_nothing, note_end), 0);
	assert_int_equal(rota_loop_dump(f->loop, count_works, &work), 1);
	assert_int_equal(works, 1);

	assert_int_equal(rota_request_cancel(&work.request), 0);
	assert_int_equal(rota_loop_dump(f->loop, count_works, &work), 1);
	assert_int_equal(works, 2);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(works, 0);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_dump_has_each_thing_once_in_every_phase),
	VIRTUAL(a_dump_has_a_request_until_it_is_called),
};

FIXTURE_MAIN(tests)
