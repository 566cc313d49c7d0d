/*
 * Failures (F3): a tree is watched, and the first system call of a kind fails,
 * then the second, and so on, until all succeeds; and the same with
 * allocations. Every error is returned by the start or told by the event
 * FAILED; nothing hangs, nothing leaks, and nothing is lost silently.
 */
#include "watching.h"

#include <limits.h>

#include "support/fault.h"

/* Returns whether everything has succeeded. */
static int play(struct watching *w)
{
	int error = watch_it(w, w->root);

	if (error < 0) {
		w->status = error;
		return 0;
	}
	while ((w->seen & (ROTA_FSWATCH_READY | ROTA_FSWATCH_FAILED)) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	if (w->seen & ROTA_FSWATCH_FAILED)
		return 0;
	make_dir(w, "a/c");
	put_text(w, "a/c/new", "");
	while (strstr(w->log, "created a/c/new\n") == NULL &&
	       (w->seen & ROTA_FSWATCH_FAILED) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	if (!has_looks(w))
		move_to(w, "a/c", "a/d");
	while (!has_looks(w) &&
	       strstr(w->log, "renamed a/c -> a/d/\n") == NULL &&
	       (w->seen & ROTA_FSWATCH_FAILED) == 0)
		rota_loop_run(w->f->loop, ROTA_RUN_ONCE);
	return (w->seen & ROTA_FSWATCH_FAILED) == 0;
}

static void begin(struct watching *w, struct fixture *f, unsigned flags)
{
	watching_begin(w, f);
	w->options.flags = ROTA_FSWATCH_RECURSIVE | flags;
	make_dir(w, "a");
	make_dir(w, "a/b");
	make_dir(w, "e");
	put_text(w, "a/file", "");
}

/* Play with the nth call of @name failing, for all n. */
static unsigned fail_each(struct fixture *f, const char *name, int error,
			  unsigned flags)
{
	int descriptors = count_descriptors();

	for (unsigned n = 1;; n++) {
		struct watching w;
		int succeeded, failed;

		begin(&w, f, flags);
		fault_fail(name, n, error);
		succeeded = play(&w);
		failed = (int)fault_clear();
		if (!failed)
			assert_int_equal(succeeded, 1);
		if (!succeeded) {
			assert_int_equal(w.status, -error);
			assert_false(rota_handle_is_active(&w.watcher.handle));
			assert_int_equal(count_descriptors(), descriptors);
		}
		watching_end(&w);
		if (!failed)
			return n - 1;
		assert_in_range(n, 1, 400);
	}
}

static void every_system_call_may_fail(void **state)
{
	static const char *const calls[] = {
		"inotify_init1", "inotify_add_watch", "stat", "kqueue", "open",
	};
	unsigned failures = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		failures += fail_each(*state, calls[i], ENOMEM, 0);
	failures += fail_each(*state, "inotify_add_watch", ENOSPC,
			      ROTA_FSWATCH_FOLLOW);
	assert_in_range(failures, 3, 1000);
}

static void every_allocation_may_fail(void **state)
{
	assert_in_range(fail_each(*state, "malloc", ENOMEM, 0), 5, 400);
	assert_in_range(fail_each(*state, "calloc", ENOMEM, 0), 5, 400);
	assert_in_range(fail_each(*state, "realloc", ENOMEM, 0), 1, 400);
}

static void looks_may_fail(void **state)
{
	(void)fail_each(*state, "malloc", ENOMEM, ROTA_FSWATCH_POLL);
	(void)fail_each(*state, "calloc", ENOMEM, ROTA_FSWATCH_POLL);
	(void)fail_each(*state, "stat", EMFILE, ROTA_FSWATCH_POLL);
}

/* What else is watched is not affected. */
static void a_limit_of_the_system_ends_one_watcher(void **state)
{
	struct watching w, other;

	watching_begin(&other, *state);
	watch_ready(&other, "");
	begin(&w, *state, 0);
	if (has_looks(&w)) {
		watching_end(&w);
		watching_end(&other);
		skip_test("it is a limit of inotify");
	}
	fault_fail("inotify_add_watch", 3, ENOSPC);
	assert_int_equal(watch_it(&w, w.root), 0);
	until(&w, ROTA_FSWATCH_FAILED);
	fault_clear();
	assert_int_equal(w.status, ROTA_ENOSPC);
	assert_int_equal(w.events, 1);
	fault_fail("inotify_add_watch", 1, ENOSPC);
	assert_int_equal(watch_it(&w, w.root), ROTA_ENOSPC);
	fault_clear();
	put_text(&other, "file", "");
	until_log(&other, "created file\n");

	watching_end(&w);
	watching_end(&other);
}

static void an_unreadable_directory_is_told(void **state)
{
	struct watching w;

	begin(&w, *state, 0);
	if (has_looks(&w)) {
		watching_end(&w);
		skip_test("the calls are others");
	}
	fault_fail("open", 2, EACCES);
	assert_int_equal(watch_it(&w, w.root), 0);
	until(&w, ROTA_FSWATCH_READY);
	fault_clear();
	assert_int_equal(w.seen & ROTA_FSWATCH_UNREADABLE,
			 ROTA_FSWATCH_UNREADABLE);
	assert_int_equal(w.status, ROTA_EACCES);

	watching_end(&w);
}

static void an_interrupted_listing_goes_on(void **state)
{
	struct watching w;

	begin(&w, *state, ROTA_FSWATCH_POLL);
	fault_fail("readdir", 1, EINTR);
	assert_int_equal(watch_it(&w, w.root), 0);
	until(&w, ROTA_FSWATCH_READY);
	assert_int_equal(fault_clear(), 1);
	assert_int_equal(w.seen & ROTA_FSWATCH_UNREADABLE, 0);

	watching_end(&w);
}

static void bad_arguments_are_refused(void **state)
{
	struct watching w;
	char longest[PATH_MAX + 1];

	watching_begin(&w, *state);
	assert_int_equal(rota_fswatch_start(&w.watcher, NULL, "/", NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_fswatch_start(&w.watcher, on_watched, NULL, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_fswatch_start(&w.watcher, on_watched, "", NULL),
			 ROTA_EINVAL);
	w.options.flags = 8;
	assert_int_equal(watch_it(&w, w.root), ROTA_EINVAL);
	w.options.flags = 0;
	w.options.events = ROTA_FSWATCH_READY;
	assert_int_equal(watch_it(&w, w.root), ROTA_EINVAL);
	w.options.events = 0;
	w.options.size = 8;
	assert_int_equal(watch_it(&w, w.root), ROTA_EINVAL);
	w.options.size = sizeof(w.options);
	memset(longest, 'x', PATH_MAX);
	longest[PATH_MAX] = '\0';
	assert_int_equal(watch_it(&w, longest), ROTA_ENAMETOOLONG);
	assert_int_equal(watch_it(&w, below(&w, "nothing")), ROTA_ENOENT);
	put_text(&w, "file", "");
	assert_int_equal(watch_it(&w, below(&w, "file/x")), ROTA_ENOTDIR);
	assert_int_equal(watch_it(&w, w.root), 0);
	assert_int_equal(watch_it(&w, w.root), ROTA_EALREADY);
	assert_string_equal(rota_fswatch_path(&w.watcher), w.root);
	close_watcher(&w);
	assert_int_equal(watch_it(&w, w.root), ROTA_EINVAL);
	assert_int_equal(rota_fswatch_init(&w.watcher, w.f->loop), 0);
	w.options.flags = ROTA_FSWATCH_POLL;
	assert_int_equal(watch_it(&w, below(&w, "nothing")), 0);
	until(&w, ROTA_FSWATCH_FAILED);
	assert_int_equal(w.status, ROTA_ENOENT);

	watching_end(&w);
}

static const struct CMUnitTest tests[] = {
	REAL(every_system_call_may_fail),
	REAL(every_allocation_may_fail),
	REAL(looks_may_fail),
	REAL(a_limit_of_the_system_ends_one_watcher),
	REAL(an_unreadable_directory_is_told),
	REAL(an_interrupted_listing_goes_on),
	REAL(bad_arguments_are_refused),
};
FIXTURE_MAIN(tests)
