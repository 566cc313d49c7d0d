/*
 * What keeps a loop alive, and rota_loop_dump(), which lists it. Handles and
 * requests have tests of their own.
 */
#include "support/fixture.h"
#include "support/recorder.h"

#include <string.h>
#include <unistd.h>

/* One row for each way in which an object can be started or queued. */
struct way {
	const char *type;
	const char *sort; /* the name in a dump */
	void (*begin)(struct actor *a);
	void (*end)(struct actor *a);
	void (*unref)(struct actor *a);
	void (*ref)(struct actor *a);
	int (*has_ref)(const struct actor *a);
};

static void begin_timer(struct actor *a)
{
	actor_timer(a, ROTA_MSEC(1));
}

static void end_timer(struct actor *a)
{
	rota_timer_stop(&a->timer);
}

static void unref_timer(struct actor *a)
{
	rota_timer_unref(&a->timer);
}

static void ref_timer(struct actor *a)
{
	rota_timer_ref(&a->timer);
}

static int timer_has_ref(const struct actor *a)
{
	return rota_timer_has_ref(&a->timer);
}

static void begin_idle(struct actor *a)
{
	actor_hook(a, ROTA_HOOK_IDLE);
}

static void begin_prepare(struct actor *a)
{
	actor_hook(a, ROTA_HOOK_PREPARE);
}

static void begin_check(struct actor *a)
{
	actor_hook(a, ROTA_HOOK_CHECK);
}

static void end_hook(struct actor *a)
{
	rota_hook_stop(&a->hook);
}

static void unref_hook(struct actor *a)
{
	rota_hook_unref(&a->hook);
}

static void ref_hook(struct actor *a)
{
	rota_hook_ref(&a->hook);
}

static int hook_has_ref(const struct actor *a)
{
	return rota_hook_has_ref(&a->hook);
}

static void end_async(struct actor *a)
{
	rota_async_stop(&a->async);
}

static void unref_async(struct actor *a)
{
	rota_async_unref(&a->async);
}

static void ref_async(struct actor *a)
{
	rota_async_ref(&a->async);
}

static int async_has_ref(const struct actor *a)
{
	return rota_async_has_ref(&a->async);
}

static void begin_watch(struct actor *a)
{
	assert_int_equal(
		rota_watch_start(&a->watch, actor_on_watch, ROTA_READABLE), 0);
}

static void end_watch(struct actor *a)
{
	rota_watch_stop(&a->watch);
}

static void unref_watch(struct actor *a)
{
	rota_watch_unref(&a->watch);
}

static void ref_watch(struct actor *a)
{
	rota_watch_ref(&a->watch);
}

static int watch_has_ref(const struct actor *a)
{
	return rota_watch_has_ref(&a->watch);
}

static void end_task(struct actor *a)
{
	assert_int_equal(rota_task_cancel(&a->task), 0);
}

static void unref_task(struct actor *a)
{
	rota_task_unref(&a->task);
}

static void ref_task(struct actor *a)
{
	rota_task_ref(&a->task);
}

static int task_has_ref(const struct actor *a)
{
	return rota_task_has_ref(&a->task);
}

static const struct way ways[] = {
	{ "timer", NULL, begin_timer, end_timer, unref_timer, ref_timer,
	  timer_has_ref },
	{ "hook", "idle", begin_idle, end_hook, unref_hook, ref_hook,
	  hook_has_ref },
	{ "hook", "prepare", begin_prepare, end_hook, unref_hook, ref_hook,
	  hook_has_ref },
	{ "hook", "check", begin_check, end_hook, unref_hook, ref_hook,
	  hook_has_ref },
	{ "async", NULL, actor_async, end_async, unref_async, ref_async,
	  async_has_ref },
	{ "watch", NULL, begin_watch, end_watch, unref_watch, ref_watch,
	  watch_has_ref },
	{ "task", "immediate", actor_immediate, end_task, unref_task, ref_task,
	  task_has_ref },
	{ "task", "post", actor_post, end_task, unref_task, ref_task,
	  task_has_ref },
	{ "task", "tick", actor_tick, end_task, unref_task, ref_task,
	  task_has_ref },
	{ "task", "microtask", actor_microtask, end_task, unref_task, ref_task,
	  task_has_ref },
};

enum { WAY_COUNT = sizeof(ways) / sizeof(ways[0]) };

/* Prepare an actor whose watch is for @fd. */
static void prepare_actor(struct actor *a, struct recorder *r, int fd)
{
	actor_init(a, r, "a");
	rota_watch_init(&a->watch, r->loop, fd);
}

/* L1 */
static void a_loop_with_nothing_started_is_not_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	assert_int_equal(rota_loop_alive(f->loop), 0);
	recorder_init(&r, f->loop);
	prepare_actor(&a, &r, STDIN_FILENO);

	assert_int_equal(rota_loop_alive(f->loop), 0);
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

/* L1 */
static void what_is_started_or_queued_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	prepare_actor(&a, &r, fds[0]);
	for (size_t i = 0; i < WAY_COUNT; i++) {
		ways[i].begin(&a);
		assert_int_equal(rota_loop_alive(f->loop), 1);

		ways[i].end(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* L2 */
static void ref_and_unref_are_flags(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	for (size_t i = 0; i < WAY_COUNT; i++) {
		prepare_actor(&a, &r, fds[0]);
		assert_int_equal(ways[i].has_ref(&a), 1);
		ways[i].begin(&a);
		ways[i].unref(&a);
		ways[i].unref(&a);
		assert_int_equal(ways[i].has_ref(&a), 0);
		assert_int_equal(rota_loop_alive(f->loop), 0);

		ways[i].ref(&a);
		assert_int_equal(ways[i].has_ref(&a), 1);
		assert_int_equal(rota_loop_alive(f->loop), 1);
		ways[i].ref(&a);
		ways[i].unref(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);

		ways[i].end(&a);
		assert_int_equal(ways[i].has_ref(&a), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* L2: the flag survives a stop and takes effect at the next start. */
static void what_was_unreferenced_while_stopped_starts_so(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	for (size_t i = 0; i < WAY_COUNT; i++) {
		prepare_actor(&a, &r, fds[0]);
		ways[i].unref(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
		ways[i].begin(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
		ways[i].end(&a);

		ways[i].ref(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
		ways[i].begin(&a);
		assert_int_equal(rota_loop_alive(f->loop), 1);
		ways[i].end(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* L1: stopping an object that has ended or never begun leaves the count
 * unchanged. */
static void stopping_twice_does_not_count_twice(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, keeper;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	actor_init(&keeper, &r, "keeper");
	prepare_actor(&a, &r, fds[0]);
	actor_timer(&keeper, ROTA_MSEC(1));
	for (size_t i = 0; i < WAY_COUNT; i++) {
		rota_timer_stop(&a.timer);
		rota_hook_stop(&a.hook);
		rota_async_stop(&a.async);
		rota_watch_stop(&a.watch);
		ways[i].begin(&a);
		ways[i].end(&a);
		assert_int_equal(rota_loop_alive(f->loop), 1);
	}
	rota_timer_stop(&keeper.timer);
	assert_int_equal(rota_loop_alive(f->loop), 0);
	close(fds[0]);
	close(fds[1]);
}

/* L1: an object that is started twice counts once. */
static void starting_twice_does_not_count_twice(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	prepare_actor(&a, &r, fds[0]);
	for (size_t i = 0; i < WAY_COUNT; i++) {
		if (strcmp(ways[i].type, "task") == 0)
			continue; /* ROTA_EALREADY */
		ways[i].begin(&a);
		ways[i].begin(&a);
		ways[i].end(&a);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}
	close(fds[0]);
	close(fds[1]);
}

/* L2 */
static void an_unreferenced_timer_that_is_alone_does_not_fire(void **state)
{
	static const enum rota_run_mode modes[] = {
		ROTA_RUN_DEFAULT,
		ROTA_RUN_ONCE,
		ROTA_RUN_NOWAIT,
	};
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;

	recorder_init(&r, f->loop);
	actor_init(&a, &r, "a");
	rota_timer_unref(&a.timer);
	actor_timer(&a, ROTA_MSEC(1));
	rota_loop_advance(f->loop, ROTA_MSEC(5));

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(rota_loop_run(f->loop, modes[i]), 0);
		assert_string_equal(recorder_take(&r), "");
	}
	rota_timer_stop(&a.timer);
}

/* L2 */
static void
what_is_unreferenced_calls_back_while_something_else_is_alive(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a, b, keeper;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	recorder_init(&r, f->loop);
	r.times = 1;
	prepare_actor(&a, &r, fds[0]);
	actor_init(&b, &r, "late");
	actor_init(&keeper, &r, "keeper");
	unref_timer(&a);
	begin_timer(&a);
	unref_watch(&a);
	begin_watch(&a);
	unref_async(&a);
	actor_async(&a);
	rota_async_send(&a.async);
	unref_task(&a);
	actor_immediate(&a);
	unref_timer(&b);
	actor_timer(&b, ROTA_MSEC(3));
	actor_timer(&keeper, ROTA_MSEC(2));

	rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	assert_string_equal(recorder_take(&r), "a@0 a@0 a@0");
	rota_watch_stop(&a.watch);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_string_equal(recorder_take(&r), "a@1 keeper@2");
	rota_timer_stop(&b.timer);
	rota_async_stop(&a.async);
	close(fds[0]);
	close(fds[1]);
}

static void unref_other_hook(struct actor *a)
{
	rota_hook_unref(&a->other->hook);
}

/* L2 */
static void unref_in_a_prepare_hook_ends_the_run(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor prepare, check;

	recorder_init(&r, f->loop);
	actor_init(&prepare, &r, "prepare");
	actor_init(&check, &r, "check");
	prepare.then = unref_other_hook;
	prepare.other = &check;
	rota_hook_unref(&prepare.hook);
	actor_hook(&prepare, ROTA_HOOK_PREPARE);
	actor_hook(&check, ROTA_HOOK_CHECK);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(prepare.calls, 1);
	rota_hook_stop(&prepare.hook);
	rota_hook_stop(&check.hook);
}

struct found {
	const void *object;
	const void *data;
	struct rota_dump_entry entry;
	size_t count;
};

static void find(void *arg, const struct rota_dump_entry *entry)
{
	struct found *found = arg;

	found->count++;
	if (entry->object == found->object)
		found->entry = *entry;
}

static const void *object_of(const struct actor *a, const char *type)
{
	if (strcmp(type, "timer") == 0)
		return &a->timer;
	if (strcmp(type, "hook") == 0)
		return &a->hook;
	if (strcmp(type, "async") == 0)
		return &a->async;
	if (strcmp(type, "watch") == 0)
		return &a->watch;
	return &a->task;
}

/* L6 */
static void a_dump_tells_of_every_kind_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct recorder r;
	struct actor a;
	int fds[2];

	make_pipe(fds);
	recorder_init(&r, f->loop);
	prepare_actor(&a, &r, fds[0]);
	for (size_t i = 0; i < WAY_COUNT; i++) {
		const char *type = ways[i].type;
		int timer = strcmp(type, "timer") == 0;
		int watch = strcmp(type, "watch") == 0;
		struct found found = { .object = object_of(&a, type) };

		/* Every struct of the library begins with `data`. */
		memcpy(&found.data, found.object, sizeof(found.data));
		ways[i].begin(&a);
		assert_int_equal(rota_loop_dump(f->loop, find, &found), 1);
		assert_int_equal(found.count, 1);
		assert_ptr_equal(found.entry.object, found.object);
		assert_string_equal(found.entry.type, type);
		if (ways[i].sort == NULL)
			assert_null(found.entry.name);
		else
			assert_string_equal(found.entry.name, ways[i].sort);
		assert_ptr_equal(found.entry.data, found.data);
		assert_int_equal(found.entry.fd, watch ? fds[0] : -1);
		assert_true(found.entry.due_ns ==
			    (timer ? f->start_ns + ROTA_MSEC(1) : UINT64_MAX));
		assert_int_equal(found.entry.alive, 1);

		ways[i].unref(&a);
		assert_int_equal(rota_loop_dump(f->loop, find, &found), 1);
		assert_int_equal(found.entry.alive, 0);

		ways[i].ref(&a);
		ways[i].end(&a);
		assert_int_equal(rota_loop_dump(f->loop, find, &found), 0);
		assert_int_equal(found.count, 2);
	}
	close(fds[0]);
	close(fds[1]);
}

/* L6: with NULL the dump only counts. It finds all objects. */
static void a_dump_counts_all_that_is_open(void **state)
{
	enum { COUNT = 100 };
	struct fixture *f = *state;
	struct recorder r;
	struct actor actors[COUNT];
	struct actor quiet;
	struct found found = { .object = &actors[COUNT - 1].timer };

	recorder_init(&r, f->loop);
	for (size_t i = 0; i < COUNT; i++) {
		actor_init(&actors[i], &r, "a");
		actor_timer(&actors[i], UINT64_C(1) << (i % 63));
		actor_hook(&actors[i], (enum rota_hook_kind)(i % 3 + 1));
		actor_async(&actors[i]);
	}
	actor_init(&quiet, &r, "quiet");
	actor_timer(&quiet, UINT64_MAX);

	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 3 * COUNT + 1);
	assert_int_equal(rota_loop_dump(f->loop, find, &found), 3 * COUNT + 1);
	assert_int_equal(found.count, 3 * COUNT + 1);
	assert_string_equal(found.entry.type, "timer");

	rota_timer_stop(&quiet.timer);
	for (size_t i = 0; i < COUNT; i++) {
		rota_timer_stop(&actors[i].timer);
		rota_hook_stop(&actors[i].hook);
		rota_async_stop(&actors[i].async);
	}
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_loop_with_nothing_started_is_not_alive),
	VIRTUAL(what_is_started_or_queued_keeps_the_loop_alive),
	VIRTUAL(ref_and_unref_are_flags),
	VIRTUAL(what_was_unreferenced_while_stopped_starts_so),
	VIRTUAL(stopping_twice_does_not_count_twice),
	VIRTUAL(starting_twice_does_not_count_twice),
	VIRTUAL(an_unreferenced_timer_that_is_alone_does_not_fire),
	VIRTUAL(what_is_unreferenced_calls_back_while_something_else_is_alive),
	VIRTUAL(unref_in_a_prepare_hook_ends_the_run),
	VIRTUAL(a_dump_tells_of_every_kind_what_it_is),
	VIRTUAL(a_dump_counts_all_that_is_open),
};
FIXTURE_MAIN(tests)
