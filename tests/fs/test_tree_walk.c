/* poller: none */
/*
 * Walking through trees. What a walk reports is compared with find(1).
 */
#include "fs/tree.h"

#include <pthread.h>

#include "support/child.h"

struct recorder {
	struct rota_tree_walk walk;
	struct rota_loop *loop;
	FILE *found;  /* a line for each entry */
	FILE *failed; /* for each error */
	char *texts[2];
	size_t sizes[2];
	size_t entries, batches, most;
	unsigned ends;
	int status;
	int pauses;        /* pause after each batch */
	int cancels;       /* after the first batch */
	const char *prune; /* a name that is not entered, or NULL */
	const struct rota_tree_entry *kept; /* of the last batch */
};

static void recorder_init(struct recorder *r, struct rota_loop *loop)
{
	memset(r, 0, sizeof(*r));
	r->loop = loop;
	r->found = open_memstream(&r->texts[0], &r->sizes[0]);
	r->failed = open_memstream(&r->texts[1], &r->sizes[1]);
	rota_tree_walk_init(&r->walk, loop);
}

static void recorder_end(struct recorder *r)
{
	fclose(r->found);
	fclose(r->failed);
	free(r->texts[0]);
	free(r->texts[1]);
}

static char letter_of(uint32_t type)
{
	switch (type) {
	case S_IFDIR:
		return 'd';
	case S_IFREG:
		return 'f';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	default:
		return '?';
	}
}

/* As find -printf '%y %d %P %s\n' prints it. */
static void note_entry(struct recorder *r, const struct rota_tree_entry *e)
{
	const char *slash = strrchr(e->path, '/');

	assert_string_equal(e->name, slash == NULL ? e->path : slash + 1);
	if (e->error < 0) {
		fprintf(r->failed, "%s %d\n", e->path, e->error);
		assert_null(e->info);
		return;
	}
	fprintf(r->found, "%c %zu %s", letter_of(e->type), e->depth,
		strcmp(e->path, ".") == 0 ? "" : e->path);
	if (e->info != NULL) {
		assert_int_equal(e->info->mode & S_IFMT, e->type);
		fprintf(r->found, " %llu", (unsigned long long)e->info->bytes);
	}
	fputc('\n', r->found);
}

static void on_batch(struct rota_tree_walk *walk,
		     const struct rota_tree_entry *entries, size_t count)
{
	struct recorder *r = rota_container_of(walk, struct recorder, walk);

	assert_int_equal(r->ends, 0);
	assert_true(count > 0);
	r->kept = entries;
	r->batches++;
	r->entries += count;
	if (count > r->most)
		r->most = count;
	for (size_t i = 0; i < count; i++)
		note_entry(r, &entries[i]);
	if (r->prune != NULL && strcmp(entries[count - 1].name, r->prune) == 0)
		assert_int_equal(rota_tree_walk_prune(walk), 0);
	if (r->pauses)
		assert_int_equal(rota_tree_walk_pause(walk), 0);
	if (r->cancels) {
		assert_int_equal(rota_request_cancel(&walk->request), 0);
		assert_int_equal(rota_request_cancel(&walk->request),
				 ROTA_EALREADY);
		assert_non_null(entries[0].path);
		assert_int_equal(rota_tree_walk_pause(walk), ROTA_EINVAL);
	}
}

static void on_walked(struct rota_tree_walk *walk, int status)
{
	struct recorder *r = rota_container_of(walk, struct recorder, walk);

	r->ends++;
	r->status = status;
}

static void start_walk(struct recorder *r, const char *path, int flags)
{
	assert_int_equal(rota_tree_walk_start(&r->walk, on_batch, on_walked,
					      path, flags),
			 0);
}

static int walk_all(struct recorder *r, const char *path, int flags)
{
	start_walk(r, path, flags);
	assert_int_equal(rota_loop_run(r->loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(r->ends, 1);
	fflush(r->found);
	fflush(r->failed);
	return r->status;
}

/* Not all systems have one that prints in a form of one's own. */
static void need_find(void)
{
	if (system("find . -maxdepth 0 -printf '' >/dev/null 2>&1") != 0)
		skip_test("find has no -printf");
}

/* Compare what was found, in its order, with the output of find(1), whose order
 * is that of the file system too, and which may end with an error. */
static void assert_find(struct recorder *r, struct file_test *t,
			const char *path, const char *before, const char *after)
{
	char ours[TREE_PATH], theirs[TREE_PATH];
	FILE *file;

	snprintf(ours, sizeof(ours), "%s", path_in(&t->s, "ours"));
	snprintf(theirs, sizeof(theirs), "%s", path_in(&t->s, "theirs"));
	file = fopen(ours, "w");
	assert_non_null(file);
	fwrite(r->texts[0], 1, r->sizes[0], file);
	fclose(file);
	shell("find %s '%s' %s >'%s' 2>/dev/null; cmp '%s' '%s'", before, path,
	      after, theirs, ours, theirs);
}

static void it_finds_what_find_finds(void **state)
{
	static const struct {
		int flags;
		const char *before, *after;
	} ways[] = {
		{ 0, "", "-printf '%y %d %P\\n'" },
		{ ROTA_WALK_PRUNE, "", "-printf '%y %d %P\\n'" },
		{ ROTA_WALK_POST, "", "-depth -printf '%y %d %P\\n'" },
		{ ROTA_WALK_MOUNTS, "", "-printf '%y %d %P\\n'" },
		{ ROTA_WALK_INFO, "", "-printf '%y %d %P %s\\n'" },
		{ ROTA_WALK_INFO | ROTA_WALK_POST, "",
		  "-depth -printf '%y %d %P %s\\n'" },
	};
	struct file_test t;
	uint64_t seed = random_seed() | 1;
	char tree[TREE_PATH];

	need_find();
	tree_test_begin(&t, *state);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	grow_tree(tree, &seed, 5);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct recorder r;

		recorder_init(&r, t.f->loop);
		assert_int_equal(walk_all(&r, tree, ways[i].flags), 0);
		assert_find(&r, &t, tree, ways[i].before, ways[i].after);
		assert_int_equal(r.sizes[1], 0);
		recorder_end(&r);
	}
	tree_test_end(&t);
}

/* The tree has links to "/": it would be a long walk. */
static void links_are_followed_on_request(void **state)
{
	struct file_test t;
	struct recorder r;
	char tree[TREE_PATH];

	tree_test_begin(&t, *state);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	shell("mkdir -p '%s/a/b' '%s/c/d'; cd '%s'; touch a/b/x c/d/y; "
	      "ln -s ../../c a/b/to; ln -s .. c/up; ln -s none c/none; "
	      "ln -s self c/self; ln -s a/b/x file; ln -s tree ../top",
	      tree, tree, tree);

	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, tree, ROTA_WALK_FOLLOW), 0);
	assert_non_null(strstr(r.texts[0], "f 5 a/b/to/d/y\n"));
	assert_non_null(strstr(r.texts[0], "l 2 c/none\n"));
	assert_non_null(strstr(r.texts[0], "l 2 c/self\n"));
	assert_non_null(strstr(r.texts[0], "f 1 file\n"));
	assert_non_null(strstr(r.texts[1], "c/up -40\n"));
	assert_null(strstr(r.texts[0], "up/"));
	recorder_end(&r);

	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, path_in(&t.s, "top"), 0), 0);
	assert_string_equal(r.texts[0], "l 0 \n");
	recorder_end(&r);
	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, path_in(&t.s, "top/"), 0), 0);
	assert_non_null(strstr(r.texts[0], "f 3 a/b/x\n"));
	recorder_end(&r);
	tree_test_end(&t);
}

static void a_tree_may_be_a_file_or_missing(void **state)
{
	struct file_test t;
	struct recorder r;

	tree_test_begin(&t, *state);
	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, t.s.path, 0), ROTA_ENOENT);
	assert_int_equal(r.batches, 0);
	recorder_end(&r);
	put_text(t.s.path, "12345");
	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, t.s.path, ROTA_WALK_INFO), 0);
	assert_string_equal(r.texts[0], "f 0  5\n");
	recorder_end(&r);
	tree_test_end(&t);
}

static void batches_are_bounded(void **state)
{
	enum { FILES = 1500 };
	struct file_test t;
	struct recorder r;

	tree_test_begin(&t, *state);
	shell("cd '%s'; seq 1 %d | xargs touch", t.s.directory, FILES);
	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, t.s.directory, 0), 0);
	assert_int_equal(r.entries, FILES + 1);
	assert_in_range(r.most, 200, 256);
	recorder_end(&r);
	tree_test_end(&t);
}

static void a_directory_can_be_pruned(void **state)
{
	struct file_test t;
	struct recorder r;
	char tree[TREE_PATH];

	need_find();
	tree_test_begin(&t, *state);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	shell("mkdir -p '%s/a/.git/c' '%s/.git' '%s/b'; touch '%s/a/.git/x'",
	      tree, tree, tree, tree);
	recorder_init(&r, t.f->loop);
	r.prune = ".git";
	assert_int_equal(walk_all(&r, tree, ROTA_WALK_PRUNE), 0);
	assert_find(&r, &t, tree, "",
		    "-name .git -prune -printf '%y %d %P\\n' "
		    "-o -printf '%y %d %P\\n'");
	recorder_end(&r);
	recorder_init(&r, t.f->loop);
	r.prune = ".";
	assert_int_equal(walk_all(&r, path_in(&t.s, "tree/."), ROTA_WALK_PRUNE),
			 0);
	assert_int_equal(r.entries, 1);
	recorder_end(&r);
	tree_test_end(&t);
}

static void wrong_arguments_are_refused(void **state)
{
	struct file_test t;
	struct rota_tree_walk walk = { 0 };

	tree_test_begin(&t, *state);
	assert_true(sizeof(walk) <= 160); /* docs/ownership.md */
	rota_tree_walk_resume(&walk);
	assert_int_equal(rota_tree_walk_pause(&walk), ROTA_EINVAL);
	assert_int_equal(rota_tree_walk_prune(&walk), ROTA_EINVAL);
	assert_int_equal(rota_request_cancel(&walk.request), ROTA_EALREADY);
	rota_tree_walk_init(&walk, t.f->loop);
	assert_int_equal(rota_tree_walk_start(&walk, NULL, on_walked, "/", 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_tree_walk_start(&walk, on_batch, NULL, "/", 0),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_tree_walk_start(&walk, on_batch, on_walked, NULL, 0),
		ROTA_EINVAL);
	assert_int_equal(
		rota_tree_walk_start(&walk, on_batch, on_walked, "", 0),
		ROTA_EINVAL);
	assert_int_equal(
		rota_tree_walk_start(&walk, on_batch, on_walked, "/", 1 << 5),
		ROTA_EINVAL);
	assert_int_equal(rota_tree_walk_start(&walk, on_batch, on_walked, "/",
					      ROTA_WALK_POST | ROTA_WALK_PRUNE),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_tree_walk_start(NULL, on_batch, on_walked, "/", 0),
		ROTA_EINVAL);
	tree_test_end(&t);
}

static void a_deep_tree_is_walked(void **state)
{
	unsigned depth;
	struct file_test t;
	struct recorder r;

	tree_test_begin(&t, *state);
	depth = make_chain(t.s.directory);
	for (int post = 0; post < 2; post++) {
		recorder_init(&r, t.f->loop);
		assert_int_equal(
			walk_all(&r, t.s.directory, post ? ROTA_WALK_POST : 0),
			0);
		assert_int_equal(r.entries, depth + 1);
		assert_int_equal(r.sizes[1], 0);
		recorder_end(&r);
	}
	tree_test_end(&t);
}

/* Files before and after the directory in which the walk is for long. */
static void a_directory_is_read_on_after_it_was_closed(void **state)
{
	struct file_test t;
	struct recorder r;

	need_find();
	tree_test_begin(&t, *state);
	shell("cd '%s'; mkdir tree; cd tree; for i in $(seq 1 70); do "
	      "touch 1 2 3 5 6 7 8; mkdir 4; cd 4; done",
	      t.s.directory);
	recorder_init(&r, t.f->loop);
	assert_int_equal(walk_all(&r, path_in(&t.s, "tree"), 0), 0);
	assert_find(&r, &t, path_in(&t.s, "tree"), "", "-printf '%y %d %P\\n'");
	recorder_end(&r);
	tree_test_end(&t);
}

/* --- pause, cancel, shutdown, fork --- */

/* What the path leads to meanwhile does not matter. */
static void a_walk_begins_at_an_open_directory(void **state)
{
	struct file_test t;
	struct recorder r;
	char tree[TREE_PATH];
	int fd;

	tree_test_begin(&t, *state);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	shell("mkdir -p '%s/a/b'; touch '%s/a/b/x'", tree, tree);
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	shell("mv '%s' '%s-2'; mkdir -p '%s/other'", tree, tree, tree);

	recorder_init(&r, t.f->loop);
	rota_tree_walk_set_directory(&r.walk, fd);
	assert_int_equal(walk_all(&r, ".", 0), 0);
	assert_string_equal(r.texts[0], "d 0 \nd 1 a\nd 2 a/b\nf 3 a/b/x\n");
	recorder_end(&r);

	recorder_init(&r, t.f->loop);
	rota_tree_walk_set_directory(&r.walk, fd);
	assert_int_equal(walk_all(&r, "a/", ROTA_WALK_POST), 0);
	assert_string_equal(r.texts[0], "f 2 b/x\nd 1 b\nd 0 \n");
	recorder_end(&r);

	recorder_init(&r, t.f->loop);
	rota_tree_walk_set_directory(&r.walk, fd);
	rota_tree_walk_set_directory(&r.walk, -1);
	assert_int_equal(walk_all(&r, tree, 0), 0);
	assert_string_equal(r.texts[0], "d 0 \nd 1 other\n");
	recorder_end(&r);
	close(fd);

	recorder_init(&r, t.f->loop);
	rota_tree_walk_set_directory(&r.walk, fd);
	assert_int_equal(walk_all(&r, "a", 0), ROTA_EBADF);
	recorder_end(&r);
	tree_test_end(&t);
}

static void begin_big(struct file_test *t, struct fixture *f)
{
	tree_test_begin(t, f);
	shell("cd '%s'; mkdir d; seq 1 600 | xargs touch", t->s.directory);
}

/* Run until the walk is paused, or has ended. */
static void run_until_paused(struct recorder *r, size_t batches)
{
	while (r->batches < batches && r->ends == 0)
		assert_true(rota_loop_run(r->loop, ROTA_RUN_ONCE) >= 0);
}

static void a_walk_that_is_paused_reads_nothing(void **state)
{
	struct file_test t;
	struct recorder r;
	size_t batches = 0;

	begin_big(&t, *state);
	recorder_init(&r, t.f->loop);
	r.pauses = 1;
	start_walk(&r, t.s.directory, 0);
	assert_int_equal(
		rota_tree_walk_start(&r.walk, on_batch, on_walked, "/", 0),
		ROTA_EBUSY);
	while (r.ends == 0) {
		run_until_paused(&r, ++batches);
		for (int i = 0; i < 5; i++)
			rota_loop_run(r.loop, ROTA_RUN_NOWAIT);
		if (r.ends > 0)
			break;
		assert_int_equal(r.batches, batches);
		assert_string_equal(r.kept[0].name,
				    strrchr(r.kept[0].path, '/') == NULL
					    ? r.kept[0].path
					    : strrchr(r.kept[0].path, '/') + 1);
		assert_int_equal(rota_tree_walk_pause(&r.walk), ROTA_EINVAL);
		rota_tree_walk_resume(&r.walk);
		rota_tree_walk_resume(&r.walk);
	}
	assert_int_equal(r.status, 0);
	assert_int_equal(r.entries, 602);
	assert_in_range(batches, 3, 5);
	recorder_end(&r);
	tree_test_end(&t);
}

static void a_cancel_ends_it_at_each_stage(void **state)
{
	struct file_test t;
	struct recorder r;

	begin_big(&t, *state);
	for (int stage = 0; stage < 4; stage++) {
		recorder_init(&r, t.f->loop);
		r.pauses = stage == 2;
		r.cancels = stage == 1;
		start_walk(&r, t.s.directory, ROTA_WALK_INFO);
		if (stage == 2)
			run_until_paused(&r, 1);
		if (stage == 3) /* a thread reads, or has read */
			rota_loop_run(r.loop, ROTA_RUN_NOWAIT);
		if (stage != 1)
			assert_int_equal(rota_request_cancel(&r.walk.request),
					 0);
		assert_int_equal(r.ends, 0);
		assert_int_equal(rota_loop_run(r.loop, ROTA_RUN_DEFAULT), 0);
		assert_int_equal(r.ends, 1);
		assert_int_equal(r.status, ROTA_ECANCELED);
		if (stage == 3) /* the thread may have been quick */
			assert_true(r.batches <= 1);
		else
			assert_int_equal(r.batches, stage == 1 || stage == 2);
		recorder_end(&r);
	}
	tree_test_end(&t);
}

static void a_deadline_ends_a_paused_walk(void **state)
{
	struct file_test t;
	struct recorder r;
	struct rota_deadline deadline;

	begin_big(&t, *state);
	recorder_init(&r, t.f->loop);
	r.pauses = 1;
	start_walk(&r, t.s.directory, 0);
	run_until_paused(&r, 1);
	assert_int_equal(rota_request_set_deadline(&r.walk.request, &deadline,
						   rota_loop_now(r.loop) +
							   ROTA_MSEC(10)),
			 0);
	assert_int_equal(rota_loop_run(r.loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(r.status, ROTA_ETIMEDOUT);
	recorder_end(&r);
	tree_test_end(&t);
}

static void a_shutdown_ends_it(void **state)
{
	struct file_test t;
	struct recorder r;

	begin_big(&t, *state);
	recorder_init(&r, t.f->loop);
	r.pauses = 1;
	start_walk(&r, t.s.directory, 0);
	run_until_paused(&r, 1);
	assert_int_equal(rota_loop_shutdown(r.loop, UINT64_MAX), 0);
	assert_int_equal(r.status, ROTA_ECANCELED);
	t.f->loop = NULL;
	recorder_end(&r);
	tree_test_end(&t);
}

/* A thread may be reading: see run_until_paused(). */
static void walk_in_child(void *arg)
{
	struct recorder *r = arg;

	EXPECT(rota_tree_walk_start(&r->walk, on_batch, on_walked, "/", 0) ==
	       ROTA_ECHILD);
	rota_tree_walk_resume(&r->walk);
	EXPECT(rota_loop_fork(r->loop) == 0);
	EXPECT(rota_loop_run(r->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(r->ends == 1 && r->status == ROTA_ECANCELED);
	r->pauses = 0;
	r->ends = 0;
	EXPECT(rota_tree_walk_start(&r->walk, on_batch, on_walked, "/dev", 0) ==
	       0);
	EXPECT(rota_loop_run(r->loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(r->ends == 1 && r->status == 0);
}

/* F2 */
static void a_walk_ends_in_a_forked_child(void **state)
{
	struct file_test t;
	struct recorder r;

	begin_big(&t, *state);
	for (int paused = 0; paused < 2; paused++) {
		recorder_init(&r, t.f->loop);
		r.pauses = paused;
		start_walk(&r, t.s.directory, 0);
		if (paused)
			run_until_paused(&r, 1);
		in_a_child(walk_in_child, &r);
		r.pauses = 0;
		rota_tree_walk_resume(&r.walk);
		assert_int_equal(rota_loop_run(r.loop, ROTA_RUN_DEFAULT), 0);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.entries, 602);
		recorder_end(&r);
	}
	tree_test_end(&t);
}

/* --- a tree that changes, and one that cannot be read --- */

struct changer {
	char directory[TREE_PATH];
	int stop;
};

/* Move directories into each other and back, and make links that lead to where
 * they are: all within the tree. */
static void *change_tree(void *arg)
{
	struct changer *c = arg;
	char a[TREE_PATH + 32], b[TREE_PATH + 32];
	uint64_t seed = 77;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		unsigned from = (unsigned)random_below(&seed, 12);
		unsigned to = (unsigned)random_below(&seed, 12);

		snprintf(a, sizeof(a), "%s/%u", c->directory, from);
		snprintf(b, sizeof(b), "%s/%u/%u", c->directory, to, from);
		switch (random_below(&seed, 4)) {
		case 0:
			(void)rename(a, b);
			break;
		case 1:
			(void)rename(b, a);
			break;
		case 2:
			(void)unlink(b);
			break;
		default:
			(void)symlink(".", b);
		}
	}
	return NULL;
}

static void a_tree_that_changes_is_walked_to_an_end(void **state)
{
	struct file_test t;
	struct changer c = { .stop = 0 };
	pthread_t thread;

	tree_test_begin(&t, *state);
	snprintf(c.directory, sizeof(c.directory), "%s", t.s.directory);
	shell("cd '%s'; mkdir 0 1 2 3 4 5 6 7 8 9 10 11", t.s.directory);
	assert_int_equal(pthread_create(&thread, NULL, change_tree, &c), 0);
	for (int i = 0; i < 60; i++) {
		struct recorder r;
		int flags = i % 3 == 0   ? ROTA_WALK_POST
			    : i % 3 == 1 ? ROTA_WALK_PRUNE
					 : ROTA_WALK_FOLLOW | ROTA_WALK_INFO;

		recorder_init(&r, t.f->loop);
		assert_int_equal(walk_all(&r, t.s.directory, flags), 0);
		recorder_end(&r);
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	tree_test_end(&t);
}

static void walk_as_nobody(void *arg)
{
	const char *tree = arg;
	struct rota_loop *loop;
	struct recorder r;
	static const int ways[] = { 0, ROTA_WALK_PRUNE, ROTA_WALK_POST };

	if (geteuid() == 0)
		EXPECT(setgid(65534) == 0 && setuid(65534) == 0);
	EXPECT(rota_loop_new(&loop, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		recorder_init(&r, loop);
		EXPECT(rota_tree_walk_start(&r.walk, on_batch, on_walked, tree,
					    ways[i]) == 0);
		EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
		fflush(r.found);
		fflush(r.failed);
		EXPECT(r.status == 0);
		EXPECT(strcmp(r.texts[1], "a/locked -13\n") == 0);
		EXPECT(r.entries == 7);
		EXPECT(strstr(r.texts[0], "d 2 a/locked\n") != NULL);
		EXPECT(strstr(r.texts[0], "f 2 b/x\n") != NULL);
		recorder_end(&r);
	}
	EXPECT(rota_loop_close(loop) == 0);
}

static void what_cannot_be_read_is_reported_and_skipped(void **state)
{
	struct file_test t;
	char tree[TREE_PATH];

	tree_test_begin(&t, *state);
	assert_int_equal(chmod(t.s.directory, 0755), 0);
	snprintf(tree, sizeof(tree), "%s", path_in(&t.s, "tree"));
	shell("umask 0; mkdir -p '%s/a/locked' '%s/b'; cd '%s'; "
	      "touch a/locked/x a/y b/x; chmod 0 a/locked",
	      tree, tree, tree);
	in_a_child(walk_as_nobody, tree);
	shell("chmod 700 '%s/a/locked'", tree);
	tree_test_end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(it_finds_what_find_finds),
	REAL(a_walk_begins_at_an_open_directory),
	REAL(links_are_followed_on_request),
	REAL(a_tree_may_be_a_file_or_missing),
	REAL(batches_are_bounded),
	REAL(a_directory_can_be_pruned),
	REAL(wrong_arguments_are_refused),
	REAL(a_deep_tree_is_walked),
	REAL(a_directory_is_read_on_after_it_was_closed),
	REAL(a_walk_that_is_paused_reads_nothing),
	REAL(a_cancel_ends_it_at_each_stage),
	REAL(a_deadline_ends_a_paused_walk),
	REAL(a_shutdown_ends_it),
	REAL(a_walk_ends_in_a_forked_child),
	REAL(a_tree_that_changes_is_walked_to_an_end),
	REAL(what_cannot_be_read_is_reported_and_skipped),
};
FIXTURE_MAIN(tests)
