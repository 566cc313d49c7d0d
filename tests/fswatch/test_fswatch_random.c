/*
 * Random operations on files beside a program that keeps a picture of the tree
 * from the events alone. The loop runs in between, or not for a while. In the
 * end the picture must equal the tree.
 */
#include "watching.h"

#include <poll.h>

#include "base/filesystem.h"
#include "rota/fs_path.h"

struct world {
	struct watching w;
	struct watching outside; /* a directory that is not watched */
	uint64_t seed;
	unsigned depth;
	int exchanges;
};

/* A random path: one of few, so that operations meet. */
static const char *some_path(struct world *world, const struct watching *w)
{
	char name[64] = "";
	size_t parts = 1 + random_below(&world->seed, world->depth);

	for (size_t i = 0; i < parts; i++)
		snprintf(name + strlen(name), sizeof(name) - strlen(name),
			 "%s%c", i > 0 ? "/" : "",
			 (char)('a' + random_below(&world->seed, 3)));
	return below(w, name);
}

static const char *some_place(struct world *world)
{
	return random_below(&world->seed, 8) == 0
		       ? some_path(world, &world->outside)
		       : some_path(world, &world->w);
}

/* Most of them fail, because nothing is there. */
static void do_something(struct world *world)
{
	const char *path = some_place(world);
	int fd;

	switch (random_below(&world->seed, world->exchanges ? 10 : 8)) {
	case 0:
	case 1:
		(void)mkdir(path, 0700);
		break;
	case 2:
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		if (fd >= 0) {
			(void)!write(fd, "x", 1);
			close(fd);
		}
		break;
	case 3:
		(void)unlink(path);
		break;
	case 4:
		(void)rmdir(path);
		break;
	case 5:
		(void)link(path, some_place(world));
		break;
	case 8:
	case 9:
		(void)rotai_rename_with(AT_FDCWD, path, some_place(world),
					ROTA_FS_RENAME_EXCHANGE);
		break;
	default:
		(void)rename(path, some_place(world));
	}
}

static const struct watching *compared;
static size_t real_count, real_missing;

static int compare_one(const char *path, const struct stat *status, int type,
		       struct FTW *ftw)
{
	(void)status;
	(void)type;
	if (ftw->level == 0)
		return 0;
	real_count++;
	path += strlen(compared->root) + 1;
	real_missing += find_name(compared, path) == compared->count;
	return 0;
}

static int is_equal(const struct watching *w)
{
	compared = w;
	real_count = 0;
	real_missing = 0;
	assert_int_equal(nftw(w->root, compare_one, 16, FTW_PHYS), 0);
	return real_missing == 0 && real_count == w->count;
}

static void until_equal(struct watching *w)
{
	unsigned turns = 0;

	while (!is_equal(w)) {
		if (turns++ == 2000) {
			for (size_t i = 0; i < w->count; i++)
				print_message("picture: %s\n", w->names[i]);
			fail_msg("%zu names, %zu files, %zu missing:\n%s",
				 w->count, real_count, real_missing, w->log);
		}
		rota_loop_run(w->f->loop, ROTA_RUN_NOWAIT);
		poll(NULL, 0, 1);
	}
}

static void play(struct fixture *f, unsigned flags, unsigned rounds,
		 int exchanges)
{
	struct world world = { .seed = random_seed(), .exchanges = exchanges };
	struct watching *w = &world.w;

	watching_begin(w, f);
	watching_begin(&world.outside, f);
	w->options.flags = ROTA_FSWATCH_RECURSIVE | flags;
	w->options.interval_ns = ROTA_MSEC(1);
	world.depth = 1 + (unsigned)random_below(&world.seed, 4);
	watch_ready(w, "");
	for (unsigned i = 0; i < rounds; i++) {
		size_t count = random_below(&world.seed, 24);

		forget_log(w);
		for (size_t n = 0; n < count; n++)
			do_something(&world);
		if (random_below(&world.seed, 3) == 0)
			until_equal(w);
		else
			rota_loop_run(f->loop, ROTA_RUN_NOWAIT);
	}
	until_equal(w);
	if (!has_looks(w))
		assert_int_equal(w->wrong, 0);
	assert_true(rota_handle_is_active(&w->watcher.handle));
	watching_end(w);
	watching_end(&world.outside);
}

static unsigned rounds_of(unsigned usual)
{
	return getenv("ROTA_TEST_FULL") != NULL ? 20 * usual : usual;
}

static void the_picture_equals_the_tree(void **state)
{
	play(*state, 0, rounds_of(150), 0);
}

static void the_picture_of_a_storm_of_exchanges_equals_the_tree(void **state)
{
	play(*state, 0, rounds_of(60), 1);
}

static void the_picture_by_looks_equals_the_tree(void **state)
{
	play(*state, ROTA_FSWATCH_POLL, rounds_of(40), 0);
}

/* Exchange two names, and see that what is in them is watched. */
static void exchange(struct watching *w, const char *one, const char *other)
{
	int error = rotai_rename_with(AT_FDCWD, below(w, one), below(w, other),
				      ROTA_FS_RENAME_EXCHANGE);

	if (error == ROTA_ENOTSUP || error == ROTA_EINVAL)
		skip_test("there is no exchange of names here");
	assert_int_equal(error, 0);
	until_equal(w);
	(void)mkdir(below(w, "a/new"), 0700);
	(void)mkdir(below(w, "b/new"), 0700);
	until_equal(w);
	(void)rmdir(below(w, "a/new"));
	(void)rmdir(below(w, "b/new"));
	until_equal(w);
}

static void an_exchange_is_told(void **state)
{
	struct watching w, outside;

	watching_begin(&w, *state);
	watching_begin(&outside, *state);
	w.options.flags = ROTA_FSWATCH_RECURSIVE;
	w.options.interval_ns = ROTA_MSEC(1);
	watch_ready(&w, "");
	make_dir(&w, "a");
	make_dir(&w, "a/x");
	make_dir(&w, "b");
	put_text(&w, "b/y", "");
	put_text(&w, "f", "");
	make_dir(&outside, "o");
	put_text(&outside, "o/z", "");
	until_equal(&w);

	exchange(&w, "a", "b"); /* two directories, there and back */
	exchange(&w, "a", "b");
	exchange(&w, "f", "b"); /* a file and a directory */
	exchange(&w, "b", "f");
	exchange(&w, "a/x", "b"); /* in different directories */
	exchange(&w, "a/x/y", "f");
	assert_int_equal(rotai_rename_with(AT_FDCWD, below(&w, "a"),
					   below(&outside, "o"),
					   ROTA_FS_RENAME_EXCHANGE),
			 0);
	until_equal(&w);
	assert_int_equal(rotai_rename_with(AT_FDCWD, below(&outside, "o"),
					   below(&w, "a"),
					   ROTA_FS_RENAME_EXCHANGE),
			 0);
	until_equal(&w);
	if (!has_looks(&w))
		assert_int_equal(w.wrong, 0);
	watching_end(&w);
	watching_end(&outside);
}

static const struct CMUnitTest tests[] = {
	REAL(an_exchange_is_told),
	REAL(the_picture_equals_the_tree),
	REAL(the_picture_of_a_storm_of_exchanges_equals_the_tree),
	REAL(the_picture_by_looks_equals_the_tree),
};
FIXTURE_MAIN(tests)
