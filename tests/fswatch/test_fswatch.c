/*
 * What a watcher of a directory reports, by the kernel's events and by looks.
 */
#include "watching.h"

static void what_happens_in_a_directory_is_reported(struct fixture *f,
						    unsigned flags)
{
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = flags;
	put_text(&w, "old", "x");
	watch_ready(&w, "");

	put_text(&w, "new", "");
	until_log(&w, "created new\n");
	put_text(&w, "new", "some");
	until_log(&w, "changed new\n");
	assert_int_equal(chmod(below(&w, "new"), 0400), 0);
	until_log(&w, "attributes new\n");
	make_dir(&w, "sub");
	until_log(&w, "created sub/\n");
	put_text(&w, "sub/deep", "x");
	assert_int_equal(unlink(below(&w, "old")), 0);
	until_log(&w, "removed old\n");
	assert_not_logged(&w, "deep");
	assert_int_equal(w.wrong, 1); /* the first listing is not told */

	watching_end(&w);
}

static void the_kernel_reports_a_directory(void **state)
{
	what_happens_in_a_directory_is_reported(*state, 0);
}

static void looks_report_a_directory(void **state)
{
	what_happens_in_a_directory_is_reported(*state, ROTA_FSWATCH_POLL);
}

static void a_tree_is_reported(struct fixture *f, unsigned flags)
{
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = flags | ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	make_dir(&w, "a/b");
	watch_ready(&w, "");

	put_text(&w, "a/b/file", "x");
	until_log(&w, "created a/b/file\n");
	make_dir(&w, "a/b/c");
	make_dir(&w, "a/b/c/d");
	put_text(&w, "a/b/c/d/e", "x");
	until_log(&w, "created a/b/c/d/e\n");
	assert_logged(&w, "created a/b/c/\ncreated a/b/c/d/\n");
	put_text(&w, "a/b/c/d/e", "more");
	until_log(&w, "changed a/b/c/d/e\n");
	remove_tree(below(&w, "a/b/c"));
	until_log(&w, "removed a/b/c/\n");
	assert_logged(&w, "removed a/b/c/d/e\nremoved a/b/c/d/\n");
	assert_int_equal(w.wrong, 0);

	watching_end(&w);
}

static void the_kernel_reports_a_tree(void **state)
{
	a_tree_is_reported(*state, 0);
}

static void looks_report_a_tree(void **state)
{
	a_tree_is_reported(*state, ROTA_FSWATCH_POLL);
}

/* From the start on, without waiting for the listing. */
static void what_happens_after_the_start_is_reported(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	put_text(&w, "old", "x");
	assert_int_equal(watch_it(&w, w.root), 0);
	put_text(&w, "new", "x");
	assert_int_equal(unlink(below(&w, "old")), 0);
	if (!has_looks(&w)) {
		until_log(&w, "created new\n");
		until_log(&w, "removed old\n");
	}
	until(&w, ROTA_FSWATCH_READY);

	watching_end(&w);
}

/* Equal changes that follow each other are one event; others are not lost. */
static void changes_in_turn_are_all_reported(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	put_text(&w, "a", "x");
	put_text(&w, "b", "x");
	watch_ready(&w, "");
	put_text(&w, "a", "more");
	put_text(&w, "a", "more");
	put_text(&w, "b", "more");
	until_log(&w, "changed b\n");
	until_log(&w, "changed a\n"); /* looks may come in another order */
	assert_not_logged(&w, "changed a\nchanged a\n");

	watching_end(&w);
}

static void a_rename_is_one_event(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	watch_ready(&w, "");
	if (has_looks(&w)) {
		watching_end(&w);
		skip_test("looks find no renames");
	}
	make_dir(&w, "a");
	make_dir(&w, "a/b");
	put_text(&w, "a/b/file", "x");
	until_log(&w, "created a/b/file\n");

	move_to(&w, "a/b/file", "a/other");
	until_log(&w, "renamed a/b/file -> a/other\n");
	move_to(&w, "a", "z");
	until_log(&w, "renamed a -> z/\n");
	put_text(&w, "z/b/more", "x"); /* later events have the new name */
	until_log(&w, "created z/b/more\n");
	assert_not_logged(&w, "created z/b\n");
	assert_not_logged(&w, "removed");
	assert_int_equal(w.wrong, 0);

	watching_end(&w);
}

static void a_move_out_is_a_removal_and_a_move_in_a_creation(void **state)
{
	struct watching w;
	struct watching outside;

	watching_begin(&w, *state);
	watching_begin(&outside, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	put_text(&w, "a/file", "x");
	watch_ready(&w, "");
	w.wrong = 0;

	assert_int_equal(rename(below(&w, "a"), below(&outside, "a")), 0);
	until_log(&w, "removed a/file\nremoved a/\n");
	put_text(&outside, "a/second", "x"); /* not ours */
	assert_int_equal(rename(below(&outside, "a"), below(&w, "b")), 0);
	until_log(&w, "created b/second\n");
	until_log(&w, "created b/file\n");
	assert_logged(&w, "created b/\n");
	assert_not_logged(&w, "a/second");

	watching_end(&w);
	watching_end(&outside);
}

static void a_watched_directory_that_goes_is_reported_once(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	make_dir(&w, "a");
	watch_ready(&w, "a");
	assert_int_equal(rmdir(below(&w, "a")), 0);
	until(&w, ROTA_FSWATCH_GONE);
	assert_string_equal(w.log, "gone \n");
	assert_false(rota_handle_is_active(&w.watcher.handle));
	assert_null(rota_fswatch_path(&w.watcher));

	/* It can watch something else. */
	make_dir(&w, "b");
	watch_ready(&w, "b");
	move_to(&w, "b", "c");
	until(&w, ROTA_FSWATCH_GONE);
	assert_string_equal(w.log, "gone \n");
	assert_int_equal(rota_loop_run(w.f->loop, ROTA_RUN_DEFAULT), 0);

	watching_end(&w);
}

static void a_file_is_watched(struct fixture *f, unsigned flags)
{
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = flags;
	put_text(&w, "file", "x");
	watch_ready(&w, "file");
	put_text(&w, "file", "y");
	until_log(&w, "changed \n");
	assert_int_equal(chmod(below(&w, "file"), 0400), 0);
	until_log(&w, "attributes \n");
	assert_int_equal(unlink(below(&w, "file")), 0);
	until(&w, ROTA_FSWATCH_GONE);

	watching_end(&w);
}

static void the_kernel_reports_a_file(void **state)
{
	a_file_is_watched(*state, 0);
}

static void looks_report_a_file(void **state)
{
	a_file_is_watched(*state, ROTA_FSWATCH_POLL);
}

/* A file that is open elsewhere stays, without a name. */
static void a_file_without_its_name_is_gone(void **state)
{
	struct watching w;
	int fd;

	watching_begin(&w, *state);
	put_text(&w, "file", "x");
	fd = open(below(&w, "file"), O_RDONLY);
	watch_ready(&w, "file");
	assert_int_equal(unlink(below(&w, "file")), 0);
	until(&w, ROTA_FSWATCH_GONE);
	close(fd);

	watching_end(&w);
}

/* Another link of the file, in a directory that is not watched. */
static void a_change_by_another_link_is_reported(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	put_text(&w, "file", "x");
	assert_int_equal(link(below(&w, "file"), below(&w, "other")), 0);
	watch_ready(&w, "file");
	put_text(&w, "other", "y");
	until_log(&w, "changed \n");
	assert_int_equal(unlink(below(&w, "other")), 0);
	until_log(&w, "attributes \n");

	watching_end(&w);
}

static void a_path_is_followed(struct fixture *f, unsigned flags)
{
	struct watching w;

	watching_begin(&w, f);
	w.options.flags = flags | ROTA_FSWATCH_FOLLOW;
	watch_ready(&w, "file"); /* nothing is there yet */
	put_text(&w, "file", "x");
	until_log(&w, "created \n");
	forget_log(&w);

	/* As an editor saves. */
	put_text(&w, "file.new", "y");
	move_to(&w, "file.new", "file");
	until_log(&w, "created \n");
	put_text(&w, "file", "z");
	until_log(&w, "changed \n");
	assert_int_equal(unlink(below(&w, "file")), 0);
	forget_log(&w);
	until_log(&w, "removed \n");
	put_text(&w, "file", "x");
	until_log(&w, "created \n");
	assert_true(rota_handle_is_active(&w.watcher.handle));

	watching_end(&w);
}

static void the_kernel_reports_what_a_path_leads_to(void **state)
{
	a_path_is_followed(*state, 0);
}

static void looks_report_what_a_path_leads_to(void **state)
{
	a_path_is_followed(*state, ROTA_FSWATCH_POLL);
}

static void a_followed_directory_may_be_made_again(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_FOLLOW | ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "a");
	put_text(&w, "a/x", "");
	watch_ready(&w, "a");
	remove_tree(below(&w, "a"));
	until_log(&w, "removed /\n");
	assert_logged(&w, "removed x\n");
	make_dir(&w, "a");
	make_dir(&w, "a/b");
	put_text(&w, "a/b/y", "");
	until_log(&w, "created b/y\n");
	put_text(&w, "a/b/z", "");
	until_log(&w, "created b/z\n");

	watching_end(&w);
}

/* A link is changed to lead elsewhere, as orchestrators publish files. */
static void a_followed_link_may_lead_elsewhere(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_FOLLOW;
	make_dir(&w, "one");
	make_dir(&w, "two");
	put_text(&w, "one/file", "1");
	put_text(&w, "two/file", "2");
	assert_int_equal(symlink("one", below(&w, "now")), 0);
	assert_int_equal(symlink("now/file", below(&w, "file")), 0);
	watch_ready(&w, "file");
	assert_int_equal(symlink("two", below(&w, "next")), 0);
	move_to(&w, "next", "now");
	until_log(&w, "removed \ncreated \n");
	put_text(&w, "two/file", "3");
	until_log(&w, "changed \n");

	watching_end(&w);
}

static void the_root_may_be_a_link(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	make_dir(&w, "real");
	make_dir(&w, "real/sub");
	assert_int_equal(symlink("real", below(&w, "link")), 0);
	assert_int_equal(symlink("..", below(&w, "real/up")), 0);
	watch_ready(&w, "link");
	put_text(&w, "real/sub/file", "");
	until_log(&w, "created sub/file\n");
	assert_not_logged(&w, "up/");

	watching_end(&w);
}

static void two_watchers_of_a_directory_have_their_own_masks(void **state)
{
	struct watching w, other;

	watching_begin(&w, *state);
	watching_begin(&other, *state);
	remove_tree(other.root);
	strcpy(other.root, w.root);
	w.options.events = ROTA_FSWATCH_CREATED;
	other.options.events = ROTA_FSWATCH_REMOVED | ROTA_FSWATCH_CHANGED;
	watch_ready(&w, "");
	watch_ready(&other, "");
	put_text(&w, "file", "");
	until_log(&w, "created file\n");
	/* The other one may not have looked yet: then there is no change. */
	while (strstr(other.log, "changed file\n") == NULL) {
		put_text(&w, "file", "x");
		rota_loop_run(w.f->loop, ROTA_RUN_NOWAIT);
	}
	assert_not_logged(&w, "changed");
	assert_not_logged(&other, "created");

	/* One stops, the other goes on. */
	rota_fswatch_stop(&other.watcher);
	put_text(&w, "second", "");
	until_log(&w, "created second\n");

	assert_int_equal(rota_handle_close(&w.watcher.handle, NULL), 0);
	watching_end(&w);
	other.root[0] = '\0';
	close_watcher(&other);
	while (other.count > 0)
		drop_name(&other, 0);
}

static int no_modules(struct rota_fswatch *watcher, const char *path,
		      int is_directory)
{
	const char *name = strrchr(path, '/');

	(void)watcher;
	name = name != NULL ? name + 1 : path;
	return is_directory ? strcmp(name, "modules") == 0
			    : strcmp(name, "secret") == 0;
}

static void a_filter_leaves_names_out(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	w.options.filter = no_modules;
	make_dir(&w, "a");
	make_dir(&w, "a/modules");
	watch_ready(&w, "");
	put_text(&w, "a/modules/x", "");
	make_dir(&w, "modules");
	put_text(&w, "modules/x", "");
	put_text(&w, "a/secret", "");
	put_text(&w, "a/last", "");
	until_log(&w, "created a/last\n");
	assert_not_logged(&w, "modules");
	assert_not_logged(&w, "secret");
	if (!has_looks(&w)) {
		move_to(&w, "a/secret", "a/known");
		until_log(&w, "created a/known\n");
		move_to(&w, "a/known", "a/secret");
		until_log(&w, "removed a/known\n");
		move_to(&w, "modules", "m");
		until_log(&w, "created m/x\n");
		assert_int_equal(w.wrong, 0);
	}

	watching_end(&w);
}

static void names_are_bytes(void **state)
{
	struct watching w;
	char longest[256];
	char line[300];

	watching_begin(&w, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	watch_ready(&w, "");
	memset(longest, 'n', 255);
	longest[255] = '\0';
	make_dir(&w, longest);
	snprintf(line, sizeof(line), "created %s/\n", longest);
	until_log(&w, line);
	put_text(&w, "\xff\xfe \x01", "");
	until_log(&w, "created \xff\xfe \x01\n");

	watching_end(&w);
}

static void writes_that_end_are_reported_if_wanted(void **state)
{
	struct watching w;

	watching_begin(&w, *state);
	w.options.events = ROTA_FSWATCH_CLOSED;
	watch_ready(&w, "");
	if (has_looks(&w)) {
		watching_end(&w);
		skip_test("looks do not show it");
	}
	put_text(&w, "file", "x");
	until_log(&w, "closed file\n");
	assert_string_equal(w.log, "closed file\n");

	watching_end(&w);
}

static const struct CMUnitTest tests[] = {
	REAL(the_kernel_reports_a_directory),
	REAL(looks_report_a_directory),
	REAL(the_kernel_reports_a_tree),
	REAL(looks_report_a_tree),
	REAL(what_happens_after_the_start_is_reported),
	REAL(changes_in_turn_are_all_reported),
	REAL(a_rename_is_one_event),
	REAL(a_move_out_is_a_removal_and_a_move_in_a_creation),
	REAL(a_watched_directory_that_goes_is_reported_once),
	REAL(the_kernel_reports_a_file),
	REAL(looks_report_a_file),
	REAL(a_file_without_its_name_is_gone),
	REAL(a_change_by_another_link_is_reported),
	REAL(the_kernel_reports_what_a_path_leads_to),
	REAL(looks_report_what_a_path_leads_to),
	REAL(a_followed_directory_may_be_made_again),
	REAL(a_followed_link_may_lead_elsewhere),
	REAL(the_root_may_be_a_link),
	REAL(two_watchers_of_a_directory_have_their_own_masks),
	REAL(a_filter_leaves_names_out),
	REAL(names_are_bytes),
	REAL(writes_that_end_are_reported_if_wanted),
};
FIXTURE_MAIN(tests)
