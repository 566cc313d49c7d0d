/* poller: none */
/*
 * Removing trees. No link, and no race, leads out of a tree.
 */
#include "fs/tree.h"

#include <pthread.h>
#include <sys/wait.h>

#include "support/child.h"

static void a_random_tree_is_removed(void **state)
{
	struct file_test t;
	uint64_t seed = random_seed() | 1;
	char tree[TREE_PATH];

	tree_test_begin(&t, *state);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	for (int i = 0; i < 5; i++) {
		FILE *find;
		unsigned count = 0;

		grow_tree(tree, &seed, 4);
		shell("find '%s' | wc -l >'%s'", tree, t.s.path);
		find = fopen(t.s.path, "r");
		assert_int_equal(fscanf(find, "%u", &count), 1);
		fclose(find);

		assert_int_equal(
			do_remove(&t.op, i % 2 ? tree : path_in(&t.s, "tree//"),
				  0),
			count);
		assert_false(is_there(tree));
	}
	tree_test_end(&t);
}

static void links_are_removed_and_not_followed(void **state)
{
	struct file_test t;

	tree_test_begin(&t, *state);
	assert_int_equal(mkdir(path_in(&t.s, "out"), 0700), 0);
	assert_int_equal(mkdir(path_in(&t.s, "tree"), 0700), 0);
	put_text(path_in(&t.s, "out/precious"), "x");
	assert_int_equal(symlink("../out", path_in(&t.s, "tree/link")), 0);
	assert_int_equal(symlink("out", path_in(&t.s, "top")), 0);

	assert_int_equal(do_remove(&t.op, path_in(&t.s, "tree"), 0), 2);
	assert_int_equal(do_remove(&t.op, path_in(&t.s, "top/"), 0), 1);

	assert_text(path_in(&t.s, "out/precious"), "x");
	assert_int_equal(names_in(t.s.directory), 1);
	assert_int_equal(do_remove(&t.op, path_in(&t.s, "out/precious"), 0), 1);
	assert_int_equal(do_remove(&t.op, path_in(&t.s, "out"), 0), 1);
	tree_test_end(&t);
}

static void a_missing_tree_is_an_error_unless_it_may_miss(void **state)
{
	struct file_test t;

	tree_test_begin(&t, *state);

	assert_int_equal(do_remove(&t.op, t.s.path, 0), ROTA_ENOENT);
	assert_int_equal(do_remove(&t.op, t.s.path, ROTA_REMOVE_MISSING), 0);
	assert_int_equal(
		do_remove(&t.op, path_in(&t.s, "no/tree"), ROTA_REMOVE_MISSING),
		0);
	tree_test_end(&t);
}

static void wrong_arguments_are_refused(void **state)
{
	static const char *const wrong[] = { NULL, "",    "/",    "//", ".",
					     "..", "a/.", "a/..", "../" };
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;

	tree_test_begin(&t, *state);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(rota_fs_remove_tree(fs, on_end, wrong[i], 0,
						     buf_of(NULL, 0)),
				 ROTA_EINVAL);
	assert_int_equal(
		rota_fs_remove_tree(fs, NULL, t.s.path, 0, buf_of(NULL, 0)),
		ROTA_EINVAL);
	assert_int_equal(
		rota_fs_remove_tree(fs, on_end, t.s.path, 8, buf_of(NULL, 0)),
		ROTA_EINVAL);
	assert_int_equal(
		rota_fs_remove_tree(fs, on_end, t.s.path, 0, buf_of(NULL, 1)),
		ROTA_EINVAL);
	tree_test_end(&t);
}

/* Deeper than a path may be long, and than descriptors may be open. */
static void a_deep_tree_is_removed(void **state)
{
	unsigned depth;
	struct file_test t;

	tree_test_begin(&t, *state);
	assert_int_equal(mkdir(path_in(&t.s, "tree"), 0700), 0);
	depth = make_chain(path_in(&t.s, "tree"));

	assert_int_equal(do_remove(&t.op, path_in(&t.s, "tree"), 0), depth + 1);

	assert_int_equal(names_in(t.s.directory), 0);
	tree_test_end(&t);
}

/* A wide tree whose every level has files before and after the directory. */
static void a_directory_is_read_on_after_it_was_closed(void **state)
{
	enum { DEPTH = 80 };
	struct file_test t;
	int64_t removed;
	char *path = calloc(1, 4096);
	size_t size;

	tree_test_begin(&t, *state);
	size = (size_t)sprintf(path, "%s/tree", t.s.directory);
	for (int i = 0; i < DEPTH; i++) {
		assert_int_equal(mkdir(path, 0700), 0);
		for (int j = 0; j < 9; j++) {
			snprintf(path + size, 16, "/%d", j);
			if (j != 4)
				put_text(path, "");
		}
		size += (size_t)sprintf(path + size, "/4");
	}

	removed = do_remove(&t.op, path_in(&t.s, "tree"), 0);

	assert_int_equal(removed, DEPTH * 9);
	free(path);
	tree_test_end(&t);
}

/* As another user: what cannot be removed stays, and the rest goes. The parent
 * cannot change its user without all of its threads doing it. */
struct other_user {
	struct file_test *t;
	int flags;
	int64_t result;
	const char *failed; /* the end of the path */
	char *expected;
};

static void remove_as_nobody(void *arg)
{
	struct other_user *u = arg;
	struct rota_loop *loop;
	struct operation op;
	char failed[TREE_PATH];
	char little[8];

	if (geteuid() == 0)
		EXPECT(setgid(65534) == 0 && setuid(65534) == 0);
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	operation_init(&op, loop);
	EXPECT(rota_fs_remove_tree(&op.fs, on_end, path_in(&u->t->s, "tree"),
				   u->flags,
				   buf_of(little, sizeof(little))) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_EACCES);
	EXPECT(strlen(little) == 7 &&
	       strcmp(little, u->failed + strlen(u->failed) - 7) == 0);
	EXPECT(rota_fs_remove_tree(&op.fs, on_end, path_in(&u->t->s, "tree"),
				   u->flags,
				   buf_of(failed, sizeof(failed))) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(strcmp(failed, u->failed) == 0);
	EXPECT(rota_loop_close(loop) == 0);
}

static void what_cannot_be_removed_stays(void **state)
{
	struct file_test t;
	struct other_user u = { .t = &t };
	const char *tree;

	tree_test_begin(&t, *state);
	assert_int_equal(chmod(t.s.directory, 0777), 0);
	tree = path_in(&t.s, "tree");
	shell("umask 0; mkdir -p '%s/a/locked' '%s/b/c'; "
	      "touch '%s/a/locked/file' '%s/a/x' '%s/b/c/y'; "
	      "chmod 555 '%s/a/locked'; mkdir -m 0 '%s/a/empty'",
	      tree, tree, tree, tree, tree, tree, tree);
	u.failed = path_in(&t.s, "tree/a/locked/file");

	in_a_child(remove_as_nobody, &u);

	shell("test \"$(find '%s' | wc -l)\" = 4", tree);
	assert_true(is_there(u.failed));
	shell("chmod 755 '%s/a/locked'", tree);
	tree_test_end(&t);
}

/* --- races --- */

struct swapper {
	char directory[TREE_PATH], link[TREE_PATH], tree[TREE_PATH];
	int stop;
};

/* Make a directory in the tree, with a file, and swap it with a link that leads
 * out of it, over and over. */
static void *swap_names(void *arg)
{
	struct swapper *s = arg;
	char other[TREE_PATH + 8];

	snprintf(other, sizeof(other), "%s.old", s->directory);
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		(void)mkdir(s->tree, 0700);
		(void)mkdir(s->directory, 0700);
		(void)rename(s->directory, other);
		(void)rename(s->link, s->directory);
		(void)rename(s->directory, s->link);
		(void)rename(other, s->directory);
	}
	return NULL;
}

static void no_race_leads_out_of_the_tree(void **state)
{
	struct file_test t;
	struct swapper s = { .stop = 0 };
	pthread_t thread;

	tree_test_begin(&t, *state);
	assert_int_equal(mkdir(path_in(&t.s, "out"), 0700), 0);
	put_text(path_in(&t.s, "out/precious"), "x");
	snprintf(s.tree, sizeof(s.tree), "%s/tree", t.s.directory);
	snprintf(s.directory, sizeof(s.directory), "%s/tree/d", t.s.directory);
	snprintf(s.link, sizeof(s.link), "%s/link", t.s.directory);
	assert_int_equal(symlink("../out", s.link), 0);
	assert_int_equal(pthread_create(&thread, NULL, swap_names, &s), 0);

	for (int i = 0; i < 200; i++) {
		(void)do_remove(&t.op, s.tree, ROTA_REMOVE_MISSING);
		assert_true(is_there(path_in(&t.s, "out/precious")));
		(void)symlink("../out", s.link);
	}

	__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(do_remove(&t.op, s.tree, ROTA_REMOVE_MISSING) >= 0);
	assert_false(is_there(s.tree));
	tree_test_end(&t);
}

/* --- cancel, deadline and fork: the thread is held at an unlinkat() --- */

struct held {
	struct scratch s;
	struct lane lane;
	struct operation op;
	struct rota_deadline deadline;
	struct holder holder;
};

static void hold_removal(struct held *h, struct fixture *f)
{
	scratch_begin(&h->s);
	lane_begin(&h->lane, f, ROTA_CLOCK_VIRTUAL, 1);
	operation_init(&h->op, h->lane.loop);
	holder_begin(&h->holder);
	shell("mkdir '%s/tree'; cd '%s/tree'; touch 1 2 3 4 5 6 7 8",
	      h->s.directory, h->s.directory);
	fault_count_reset();
	fault_call_before("unlinkat", 5, holder_wait, &h->holder);
	assert_int_equal(rota_fs_remove_tree(&h->op.fs, on_end,
					     path_in(&h->s, "tree"), 0,
					     buf_of(NULL, 0)),
			 0);
	while (fault_count("unlinkat") < 5)
		poll(NULL, 0, 1);
}

static void end_held(struct held *h, unsigned left)
{
	assert_int_equal(names_in(path_in(&h->s, "tree")), left);
	lane_end(&h->lane);
	holder_end(&h->holder);
	shell("rm -rf '%s'", h->s.directory);
}

static void a_cancel_stops_before_the_next_entry(void **state)
{
	struct held h;

	hold_removal(&h, *state);
	assert_int_equal(rota_request_cancel(&h.op.fs.request), ROTA_EBUSY);
	holder_let_go(&h.holder);
	assert_int_equal(outcome(&h.op), ROTA_ECANCELED);
	end_held(&h, 3);
}

static void a_deadline_stops_before_the_next_entry(void **state)
{
	struct held h;

	hold_removal(&h, *state);
	assert_int_equal(rota_request_set_deadline(
				 &h.op.fs.request, &h.deadline,
				 rota_loop_now(h.lane.loop) + ROTA_MSEC(5)),
			 0);
	assert_int_equal(rota_loop_advance(h.lane.loop, ROTA_MSEC(5)), 0);
	rota_loop_run(h.lane.loop, ROTA_RUN_NOWAIT);
	holder_let_go(&h.holder);
	assert_int_equal(outcome(&h.op), ROTA_ETIMEDOUT);
	end_held(&h, 3);
}

static void forked_child(void *arg)
{
	struct held *h = arg;

	fault_clear();
	EXPECT(rota_loop_fork(h->lane.loop) == 0);
	EXPECT(rota_loop_run(h->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(h->op.calls == 1 && h->op.result == ROTA_ECANCELED);
	EXPECT(rota_fs_remove_tree(&h->op.fs, on_end, path_in(&h->s, "tree"), 0,
				   buf_of(NULL, 0)) == 0);
	EXPECT(rota_loop_run(h->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(h->op.result == 5);
	EXPECT(rota_loop_close(h->lane.loop) == 0);
}

/* F2. The child removes the rest; the parent finds that it has vanished. */
static void a_fork_leaves_the_removal_to_the_parent(void **state)
{
	struct held h;

	hold_removal(&h, *state);
	in_a_child(forked_child, &h);
	holder_let_go(&h.holder);
	assert_int_equal(outcome(&h.op), 4);
	assert_int_equal(mkdir(path_in(&h.s, "tree"), 0700), 0);
	end_held(&h, 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_random_tree_is_removed),
	REAL(links_are_removed_and_not_followed),
	REAL(a_missing_tree_is_an_error_unless_it_may_miss),
	REAL(wrong_arguments_are_refused),
	REAL(a_deep_tree_is_removed),
	REAL(a_directory_is_read_on_after_it_was_closed),
	REAL(what_cannot_be_removed_stays),
	REAL(no_race_leads_out_of_the_tree),
	REAL(a_cancel_stops_before_the_next_entry),
	REAL(a_deadline_stops_before_the_next_entry),
	REAL(a_fork_leaves_the_removal_to_the_parent),
};
FIXTURE_MAIN(tests)
