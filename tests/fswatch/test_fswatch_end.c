/*
 * How watchers end: in their callbacks, while a thread lists, with the loop;
 * and in forked children. And what happens when there is too much to tell.
 */
#include "watching.h"

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

static void close_now_in_callback(struct watching *w,
				  const struct rota_fswatch_event *event)
{
	unsigned *at = w->arg;

	(void)event;
	if (w->events == *at)
		assert_int_equal(rota_handle_close_now(&w->watcher.handle), 0);
}

/* O4: after any event of a batch. */
static void a_callback_may_close_its_watcher(void **state)
{
	for (unsigned n = 1; n <= 6; n++) {
		struct watching w;

		watching_begin(&w, *state);
		w.options.flags = ROTA_FSWATCH_RECURSIVE;
		watch_ready(&w, "");
		w.act = close_now_in_callback;
		w.arg = &n;
		for (int i = 0; i < 3; i++)
			make_dir(&w, (const char *[]){ "a", "a/b", "a/c" }[i]);
		put_text(&w, "a/b/x", "");
		put_text(&w, "a/b/y", "");
		put_text(&w, "a/c/z", "");
		while (rota_loop_alive(w.f->loop))
			rota_loop_run(w.f->loop, ROTA_RUN_ONCE);
		assert_int_equal(w.events, n);
		assert_int_equal(w.wrong, 0);
		watching_end(&w);
	}
}

static void close_the_other(struct watching *w,
			    const struct rota_fswatch_event *event)
{
	struct watching *other = w->arg;

	(void)event;
	if (!rota_handle_is_closing(&other->watcher.handle))
		assert_int_equal(
			rota_handle_close(&other->watcher.handle, NULL), 0);
}

static void a_callback_may_close_another_watcher(void **state)
{
	struct watching w[2];

	for (int i = 0; i < 2; i++)
		watching_begin(&w[i], *state);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rota_fswatch_start(&w[i].watcher, on_watched,
						    w[0].root, NULL),
				 0);
		until(&w[i], ROTA_FSWATCH_READY);
		forget_log(&w[i]);
		w[i].act = close_the_other;
		w[i].arg = &w[1 - i];
	}
	put_text(&w[0], "x", "");
	put_text(&w[0], "y", "");
	while (w[0].events + w[1].events == 0)
		rota_loop_run(w[0].f->loop, ROTA_RUN_ONCE);
	assert_int_equal(rota_handle_is_closing(&w[0].watcher.handle) +
				 rota_handle_is_closing(&w[1].watcher.handle),
			 1);
	watching_end(&w[0]);
	watching_end(&w[1]);
}

/* At each moment of the first listing. */
static void a_watcher_may_stop_while_a_thread_lists(void **state)
{
	for (int turns = 0; turns < 12; turns++) {
		struct watching w;

		watching_begin(&w, *state);
		w.options.flags = ROTA_FSWATCH_RECURSIVE |
				  (turns % 2 ? ROTA_FSWATCH_POLL : 0);
		make_dir(&w, "a");
		make_dir(&w, "a/b");
		make_dir(&w, "a/b/c");
		assert_int_equal(watch_it(&w, w.root), 0);
		for (int i = 0; i < turns / 2; i++)
			rota_loop_run(w.f->loop, ROTA_RUN_NOWAIT);
		rota_fswatch_stop(&w.watcher);
		rota_fswatch_stop(&w.watcher);
		assert_false(rota_handle_is_active(&w.watcher.handle));
		forget_log(&w);
		assert_int_equal(watch_it(&w, w.root), 0);
		until(&w, ROTA_FSWATCH_READY);
		assert_int_equal(w.events, 1);
		watching_end(&w);
	}
}

static void an_unreferenced_watcher_does_not_hold_the_loop(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	watch_ready(&w, "");
	rota_handle_unref(&w.watcher.handle);
	assert_int_equal(rota_loop_run(w.f->loop, ROTA_RUN_DEFAULT), 0);
	assert_string_equal(rota_handle_type(&w.watcher.handle), "fswatch");
	watching_end(&w);
}

/* An idle watcher of the kernel's events costs no time. */
static void an_idle_watcher_lets_the_loop_sleep(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	watch_ready(&w, "");
	if (has_looks(&w)) {
		watching_end(&w);
		skip_test("it looks at its interval");
	}
	rota_handle_unref(&w.watcher.handle);
	assert_in_range(waits_within(w.f, 20), 1, 3);
	watching_end(&w);
}

static void a_shutdown_closes_watchers(void **state)
{
	struct fixture *f = *state;
	struct watching w;

	watching_begin(&w, f);
	watch_ready(&w, "");
	put_text(&w, "x", "");
	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;
	assert_int_equal(w.events, 0);
	remove_tree(w.root);
}

static void use_in_child(void *arg)
{
	struct watching *w = arg;
	struct rota_fswatch another;

	EXPECT(rota_fswatch_init(&another, w->f->loop) == ROTA_ECHILD);
	EXPECT(rota_handle_close(&w->watcher.handle, NULL) == ROTA_ECHILD);
	rota_fswatch_stop(&w->watcher); /* does nothing */
	EXPECT(rota_loop_fork(w->f->loop) == 0);
	while ((w->seen & ROTA_FSWATCH_RESCAN) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	EXPECT(strstr(w->log, "created before\n") != NULL);
	EXPECT(mkdir(below(w, "a/b/c"), 0700) == 0);
	while (strstr(w->log, "created a/b/c/\n") == NULL)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	EXPECT(rota_handle_close_now(&w->watcher.handle) == 0);
	for (int i = 0; i < 8 && rota_loop_alive(w->f->loop); i++)
		rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(rota_loop_close(w->f->loop) == 0);
}

/* F2: both report what happens, and neither takes events from the other. */
static void a_child_watches_for_itself(struct fixture *f, unsigned flags)
{
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = ROTA_FSWATCH_RECURSIVE | flags;
	make_dir(&w, "a");
	make_dir(&w, "a/b");
	watch_ready(&w, "");
	put_text(&w, "before", "");
	in_a_child(use_in_child, &w);
	until_log(&w, "created before\n");
	until_log(&w, "created a/b/c/\n");
	put_text(&w, "a/b/c/x", "");
	until_log(&w, "created a/b/c/x\n");
	watching_end(&w);
}

static void a_child_watches(void **state)
{
	a_child_watches_for_itself(*state, 0);
}

static void a_child_looks(void **state)
{
	a_child_watches_for_itself(*state, ROTA_FSWATCH_POLL);
}

static void fork_while_listing(void *arg)
{
	struct watching *w = arg;

	EXPECT(rota_loop_fork(w->f->loop) == 0);
	while ((w->seen & ROTA_FSWATCH_READY) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	EXPECT(rota_handle_close_now(&w->watcher.handle) == 0);
	for (int i = 0; i < 8 && rota_loop_alive(w->f->loop); i++)
		rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
	EXPECT(rota_loop_close(w->f->loop) == 0);
}

/* The thread waits here until the parent has written a byte. */
static void wait_for_byte(void *arg)
{
	const int *fds = arg;
	char byte;

	assert_int_equal(write(fds[3], "x", 1), 1);
	assert_int_equal(read(fds[0], &byte, 1), 1);
}

static void make_blocking_pipe(int fds[2])
{
	make_pipe(fds);
	fcntl(fds[0], F_SETFL, fcntl(fds[0], F_GETFL) & ~O_NONBLOCK);
}

static void a_fork_may_come_while_a_thread_lists(void **state)
{
	struct watching w;
	int fds[4]; /* two pipes: to go on, and that the thread waits */
	char byte;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	make_dir(&w, "a/b");
	make_blocking_pipe(fds);
	make_blocking_pipe(fds + 2);
	fault_call_before("stat", 1, wait_for_byte, fds);
	assert_int_equal(watch_it(&w, w.root), 0);
	assert_int_equal(read(fds[2], &byte, 1), 1);
	fault_clear();
	in_a_child(fork_while_listing, &w);
	put_byte(fds[1]);
	until(&w, ROTA_FSWATCH_READY);
	watching_end(&w);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* More than the kernel's queue holds, in one callback. */
static void an_overflow_is_told_and_repaired(void **state)
{
	struct watching w;
	const char *names[2];

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	put_text(&w, "a/x", "");
	put_text(&w, "a/y", "");
	watch_ready(&w, "");
	if (has_looks(&w)) {
		watching_end(&w);
		skip_test("there is no queue");
	}
	names[0] = below(&w, "a/x");
	names[1] = below(&w, "a/y");
	/* The kernel merges equal events: take turns. */
	for (int i = 0; i < 20000; i++)
		assert_int_equal(chmod(names[i % 2], 0600), 0);
	make_dir(&w, "a/late");
	put_text(&w, "a/late/file", "");
	assert_int_equal(unlink(below(&w, "a/y")), 0);
	until(&w, ROTA_FSWATCH_OVERFLOW);
	assert_false(w.seen & ROTA_FSWATCH_RESCAN);
	forget_log(&w);
	until(&w, ROTA_FSWATCH_RESCAN);
	assert_logged(&w, "created a/late/\n");
	assert_logged(&w, "created a/late/file\n");
	assert_logged(&w, "removed a/y\n");
	put_text(&w, "a/late/more", "");
	until_log(&w, "created a/late/more\n");
	watching_end(&w);
}

/* A turn calls no more than its share. */
static void many_events_take_several_turns(void **state)
{
	struct watching w;
	char name[32];

	watching_begin(&w, *state);
	w.options.interval_ns = ROTA_SEC(1);
	watch_ready(&w, "");
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		put_text(&w, name, "");
	}
	while (w.events < 600) {
		unsigned before = w.events;

		rota_loop_run(w.f->loop, ROTA_RUN_NOWAIT);
		assert_in_range(w.events - before, 0,
				ROTA_FSWATCH_EVENTS_PER_TURN);
	}
	watching_end(&w);
}

static void many_directories_are_watched(void **state)
{
	unsigned count = getenv("ROTA_TEST_FULL") != NULL ? 10000 : 100;
	struct watching w;
	char name[64];

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	w.options.interval_ns = ROTA_SEC(1);
	if (poller_is(w.f, "kqueue"))
		count = 100; /* each takes a descriptor */
	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%u", i / 100);
		if (i % 100 == 0)
			make_dir(&w, name);
		snprintf(name, sizeof(name), "%u/%u", i / 100, i % 100);
		make_dir(&w, name);
	}
	watch_ready(&w, "");
	snprintf(name, sizeof(name), "%u/99/file", count / 100 - 1);
	put_text(&w, name, "");
	until_log(&w, name);
	assert_int_equal(w.wrong, 0);
	watching_end(&w);
}

/* The loop itself lists, in its pending phase. */
static void a_pool_without_threads_is_enough(void **state)
{
	struct fixture *f = *state;
	struct fixture own = { .loop = NULL };
	struct rota_pool_options pool;
	struct rota_loop_options options;
	struct watching w;

	rota_pool_options_init(&pool);
	pool.lanes[ROTA_LANE_IO].max_threads = 0;
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_pool_new(&options.pool, &pool), 0);
	assert_int_equal(rota_loop_new(&own.loop, &options), 0);
	watching_begin(&w, &own);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	watch_ready(&w, "");
	put_text(&w, "a/file", "");
	until_log(&w, "created a/file\n");
	watching_end(&w);
	assert_int_equal(rota_loop_close(own.loop), 0);
	rota_pool_unref(options.pool);
}

/* C10: an hour between two looks takes no time. */
static void looks_are_made_in_virtual_time(void **state)
{
	struct fixture *f = *state;
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = ROTA_FSWATCH_POLL;
	w.options.interval_ns = ROTA_SEC(3600);
	watch_ready(&w, "");
	put_text(&w, "file", "");
	until_log(&w, "created file\n");
	assert_true(rota_loop_now(f->loop) - f->start_ns >= ROTA_SEC(3600));
	watching_end(&w);
}

static const struct CMUnitTest tests[] = {
	REAL(a_callback_may_close_its_watcher),
	REAL(a_callback_may_close_another_watcher),
	REAL(a_watcher_may_stop_while_a_thread_lists),
	REAL(an_unreferenced_watcher_does_not_hold_the_loop),
	REAL(an_idle_watcher_lets_the_loop_sleep),
	REAL(a_shutdown_closes_watchers),
	REAL(a_child_watches),
	REAL(a_child_looks),
	REAL(a_fork_may_come_while_a_thread_lists),
	REAL(an_overflow_is_told_and_repaired),
	REAL(many_events_take_several_turns),
	REAL(many_directories_are_watched),
	REAL(a_pool_without_threads_is_enough),
	VIRTUAL(looks_are_made_in_virtual_time),
};
FIXTURE_MAIN(tests)
