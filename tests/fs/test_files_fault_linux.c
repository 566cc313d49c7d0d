/* poller: none */
/*
 * Whole files and trees, with every system call in turn failing or interrupted,
 * and with a full disk. The lane has no threads, so the calls come from the
 * loop's thread, in the same order each time.
 *
 * After an error the old file is whole, no temporary file is left, and no
 * descriptor is open (the fixture counts them).
 */
#include "fs/tree.h"

#include <sched.h>
#include <sys/mount.h>

#include "support/child.h"

struct swept {
	struct scratch s;
	struct lane lane;
	struct operation op;
	char path[TREE_PATH];
	char other[TREE_PATH];
};

enum { MOST_CALLS = 400 };

static void begin(struct swept *t, struct fixture *f)
{
	scratch_begin_under(&t->s,
			    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
	lane_begin(&t->lane, f, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&t->op, t->lane.loop);
	snprintf(t->path, sizeof(t->path), "%s/file", t->s.directory);
	snprintf(t->other, sizeof(t->other), "%s/other", t->s.directory);
}

static void end(struct swept *t)
{
	lane_end(&t->lane);
	shell("rm -rf '%s'", t->s.directory);
}

/* Let @once begin an operation with the nth call failing, for all n. @check
 * looks at the result. */
static void sweep(struct swept *t, int error, void (*once)(struct swept *t),
		  void (*check)(struct swept *t, int error))
{
	unsigned nth = 0;
	unsigned struck;

	do {
		unsigned before = names_in("/proc/self/fd");

		assert_true(++nth < MOST_CALLS);
		once(t);
		fault_fail_any_file(nth, error);
		(void)outcome(&t->op);
		struck = fault_clear();
		if (error == EINTR && t->op.result < 0)
			fail_msg("EINTR at call %u is not retried: %lld", nth,
				 (long long)t->op.result);
		if (struck == 0)
			assert_true(t->op.result >= 0);
		check(t, error);
		assert_int_equal(names_in("/proc/self/fd"), before);
	} while (struck > 0);
	assert_true(nth > 3);
}

static const int errors[] = { EINTR, EIO, EMFILE, ENOSPC, EACCES };

#define EACH_ERROR(error)                                                      \
	for (const int *error = errors;                                        \
	     error < errors + sizeof(errors) / sizeof(errors[0]); error++)

/* --- atomic and plain writes --- */

static int write_flags;

static void begin_write(struct swept *t)
{
	assert_int_equal(rota_fs_write_file(&t->op.fs, on_end, t->path,
					    rota_bytes("new", 3), write_flags,
					    0600),
			 0);
}

static void begin_replacing(struct swept *t)
{
	(void)unlink(t->other);
	put_text(t->other, "old");
	(void)unlink(t->path);
	assert_int_equal(symlink("other", t->path), 0);
	begin_write(t);
}

/* The last fsync(2) may fail when the new file is there already; and a close of
 * a descriptor that was only read does not count. */
static void check_replaced(struct swept *t, int error)
{
	char found[8] = "";
	int fd = open(t->other, O_RDONLY | O_CLOEXEC);

	(void)error;
	assert_true(read(fd, found, sizeof(found) - 1) == 3);
	close(fd);
	assert_true(strcmp(found, "old") == 0 || strcmp(found, "new") == 0);
	if (t->op.result >= 0)
		assert_string_equal(found, "new");
	else if ((write_flags & ROTA_WRITE_DURABLE) == 0)
		assert_string_equal(found, "old");
	assert_int_equal(names_in(t->s.directory), 2);
}

static void an_atomic_write_is_whole_after_any_error(void **state)
{
	struct swept t;

	begin(&t, *state);
	EACH_ERROR(error)
	{
		write_flags = ROTA_WRITE_ATOMIC;
		sweep(&t, *error, begin_replacing, check_replaced);
		write_flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE;
		sweep(&t, *error, begin_replacing, check_replaced);
	}
	end(&t);
}

static void begin_new(struct swept *t)
{
	(void)unlink(t->path);
	begin_write(t);
}

static void check_new(struct swept *t, int error)
{
	(void)error;
	if (t->op.result >= 0)
		assert_text(t->path, "new");
	else if ((write_flags & ROTA_WRITE_DURABLE) == 0)
		assert_false(is_there(t->path));
	assert_true(names_in(t->s.directory) <= 1);
}

static void a_new_file_is_whole_or_not_there(void **state)
{
	struct swept t;

	begin(&t, *state);
	EACH_ERROR(error)
	{
		write_flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_EXCLUSIVE;
		sweep(&t, *error, begin_new, check_new);
		write_flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE;
		sweep(&t, *error, begin_new, check_new);
	}
	end(&t);
}

/* Where no call renames to a new name only, a link does it. */
static void a_link_makes_a_new_name(void **state)
{
	struct swept t;

	begin(&t, *state);
	write_flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_EXCLUSIVE;
	begin_new(&t);
	fault_fail("renameat", 1, EINVAL);
	assert_int_equal(outcome(&t.op), 3);
	assert_int_equal(fault_clear(), 1);
	assert_text(t.path, "new");
	assert_int_equal(names_in(t.s.directory), 1);
	end(&t);
}

static void check_plain(struct swept *t, int error)
{
	(void)error;
	if (t->op.result >= 0)
		assert_text(t->path, "new");
}

static void a_plain_write_leaks_nothing(void **state)
{
	struct swept t;

	begin(&t, *state);
	EACH_ERROR(error)
	{
		write_flags = 0;
		sweep(&t, *error, begin_write, check_plain);
		write_flags = ROTA_WRITE_DURABLE | ROTA_WRITE_APPEND;
		sweep(&t, *error, begin_new, check_plain);
		write_flags = ROTA_WRITE_EXCLUSIVE;
		sweep(&t, *error, begin_new, check_plain);
	}
	end(&t);
}

/* --- copies --- */

static void begin_copy(struct swept *t)
{
	int fd;

	(void)unlink(t->other);
	fd = open(t->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, 100000), 3);
	close(fd);
	assert_int_equal(rota_fs_copy_file(&t->op.fs, on_end, t->path, t->other,
					   ROTA_COPY_TIMES),
			 0);
}

static void assert_same(struct swept *t)
{
	static char bytes[2][200000];
	size_t size[2] = { 0, 0 };
	const char *const paths[] = { t->path, t->other };

	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(paths[i], "r");

		assert_non_null(file);
		size[i] = fread(bytes[i], 1, sizeof(bytes[i]), file);
		fclose(file);
	}
	assert_int_equal(size[0], size[1]);
	assert_memory_equal(bytes[0], bytes[1], size[0]);
}

static void check_copy(struct swept *t, int error)
{
	(void)error;
	if (t->op.result < 0) {
		assert_int_equal(names_in(t->s.directory), 1);
		return;
	}
	assert_int_equal(t->op.result, 100003);
	assert_same(t);
}

static void a_copy_is_whole_or_not_there(void **state)
{
	struct swept t;

	begin(&t, *state);
	EACH_ERROR(error)
	sweep(&t, *error, begin_copy, check_copy);
	end(&t);
}

/* The three ways of copying, chosen by what the system refuses. */
static void each_way_of_copying_copies(void **state)
{
	struct swept t;

	begin(&t, *state);
	for (int error = EINVAL; error != 0;
	     error = error == EINVAL ? ENOSYS : 0) {
		begin_copy(&t);
		fault_fail_from("copy_file_range", 1, error);
		assert_int_equal(outcome(&t.op), 100003);
		assert_true(fault_clear() > 0);
		check_copy(&t, 0);
	}
	begin_copy(&t);
	fault_fail_from("lseek", 1, EINVAL); /* no holes are found */
	assert_int_equal(outcome(&t.op), 100003);
	assert_true(fault_clear() > 0);
	check_copy(&t, 0);
	end(&t);
}

static void append_more(void *arg)
{
	int fd = open(arg, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
}

static void cut_short(void *arg)
{
	assert_int_equal(truncate(arg, 3), 0);
}

static void a_source_that_changes_is_copied_as_it_is(void **state)
{
	struct swept t;

	begin(&t, *state);
	begin_copy(&t);
	fault_call_before("copy_file_range", 2, append_more, t.path);
	assert_int_equal(outcome(&t.op), 100007);
	assert_int_equal(fault_clear(), 1);
	assert_same(&t);
	assert_int_equal(unlink(t.path), 0);

	begin_copy(&t);
	fault_call_before("copy_file_range", 1, cut_short, t.path);
	assert_int_equal(outcome(&t.op), 3);
	assert_int_equal(fault_clear(), 1);
	assert_same(&t);
	end(&t);
}

/* A thread is held in the middle of the copy. (O6, O8) */
static void a_copy_that_is_cut_short_is_removed(void **state)
{
	for (int with_deadline = 0; with_deadline < 2; with_deadline++) {
		struct swept t;
		struct holder holder;
		struct rota_deadline deadline;
		struct rota_request *request = &t.op.fs.request;

		scratch_begin(&t.s);
		lane_begin(&t.lane, *state, ROTA_CLOCK_VIRTUAL, 1);
		operation_init(&t.op, t.lane.loop);
		snprintf(t.path, sizeof(t.path), "%s/file", t.s.directory);
		snprintf(t.other, sizeof(t.other), "%s/other", t.s.directory);
		holder_begin(&holder);
		fault_count_reset();
		fault_call_before("copy_file_range", 1, holder_wait, &holder);
		begin_copy(&t);
		while (fault_count("copy_file_range") < 1)
			poll(NULL, 0, 1);
		assert_int_equal(names_in(t.s.directory), 2);

		if (!with_deadline) {
			assert_int_equal(rota_request_cancel(request),
					 ROTA_EBUSY);
		} else {
			assert_int_equal(rota_request_set_deadline(
						 request, &deadline,
						 rota_loop_now(t.lane.loop)),
					 0);
			rota_loop_run(t.lane.loop, ROTA_RUN_NOWAIT);
		}
		holder_let_go(&holder);

		assert_int_equal(outcome(&t.op), with_deadline
							 ? ROTA_ETIMEDOUT
							 : ROTA_ECANCELED);
		assert_int_equal(names_in(t.s.directory), 1);
		end(&t);
		holder_end(&holder);
	}
}

/* --- trees --- */

/* Some of it may be there. */
static void make_tree(struct swept *t)
{
	static const char *const directories[] = { "", "a", "a/b", "c" };
	static const char *const files[] = { "z", "a/x", "a/b/y" };
	char path[2 * TREE_PATH];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", t->path, directories[i]);
		(void)mkdir(path, 0700);
	}
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", t->path, files[i]);
		put_text(path, "");
	}
}

static void begin_removal(struct swept *t)
{
	make_tree(t);
	assert_int_equal(rota_fs_remove_tree(&t->op.fs, on_end, t->path, 0,
					     buf_of(NULL, 0)),
			 0);
}

static void check_removal(struct swept *t, int error)
{
	(void)error;
	assert_int_equal(is_there(t->path), t->op.result < 0);
}

static void a_removal_reports_what_it_leaves(void **state)
{
	struct swept t;

	begin(&t, *state);
	for (const int *error = errors; error < errors + 3; error++)
		sweep(&t, *error, begin_removal, check_removal);
	end(&t);
}

static unsigned entries_found, errors_found, walks_ended;
static int walk_status;

static void count_batch(struct rota_tree_walk *walk,
			const struct rota_tree_entry *entries, size_t count)
{
	(void)walk;
	for (size_t i = 0; i < count; i++) {
		entries_found += entries[i].error == 0;
		errors_found += entries[i].error < 0;
	}
}

static void note_end(struct rota_tree_walk *walk, int status)
{
	(void)walk;
	walks_ended++;
	walk_status = status;
}

static void walk_once(struct swept *t, unsigned nth, int error, int flags)
{
	struct rota_tree_walk walk;

	entries_found = errors_found = walks_ended = 0;
	rota_tree_walk_init(&walk, t->lane.loop);
	assert_int_equal(rota_tree_walk_start(&walk, count_batch, note_end,
					      t->path, flags),
			 0);
	fault_fail_any_file(nth, error);
	assert_int_equal(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(walks_ended, 1);
}

static void a_walk_reports_what_it_misses(void **state)
{
	static const int ways[] = { 0, ROTA_WALK_POST | ROTA_WALK_INFO,
				    ROTA_WALK_PRUNE };
	struct swept t;

	begin(&t, *state);
	make_tree(&t);
	for (size_t i = 0; i < 3; i++) {
		for (const int *error = errors; error < errors + 3; error++)
			for (unsigned nth = 1, struck = 1; struck > 0; nth++) {
				unsigned before = names_in("/proc/self/fd");

				assert_true(nth < MOST_CALLS);
				walk_once(&t, nth, *error, ways[i]);
				struck = fault_clear();
				assert_int_equal(names_in("/proc/self/fd"),
						 before);
				if (*error == EINTR || struck == 0)
					assert_int_equal(errors_found, 0);
				if (errors_found == 0 && walk_status == 0)
					assert_int_equal(entries_found, 7);
			}
	}
	end(&t);
}

/* No memory: at any of the allocations of a walk. */
static void a_walk_without_memory_ends(void **state)
{
	static const char *const calls[] = { "malloc", "calloc", "realloc" };
	struct swept t;

	begin(&t, *state);
	make_chain((assert_int_equal(mkdir(t.path, 0700), 0), t.path));
	for (size_t i = 0; i < 3; i++)
		for (unsigned nth = 1; nth < 12; nth++) {
			struct rota_tree_walk walk;
			int error;

			walks_ended = 0;
			rota_tree_walk_init(&walk, t.lane.loop);
			fault_fail(calls[i], nth, 0);
			error = rota_tree_walk_start(&walk, count_batch,
						     note_end, t.path,
						     ROTA_WALK_INFO);
			if (error == 0)
				assert_int_equal(
					rota_loop_run(t.lane.loop,
						      ROTA_RUN_DEFAULT),
					0);
			else
				assert_int_equal(error, ROTA_ENOMEM);
			assert_int_equal(walks_ended, error == 0);
			if (walks_ended && walk_status < 0)
				assert_int_equal(walk_status, ROTA_ENOMEM);
			fault_clear();
		}
	end(&t);
}

/* --- a full disk, and what is mounted: in a private mount namespace --- */

static int mount_memory(const char *path, const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return mount("none", path, "tmpfs", 0, options) < 0 ? -errno : 0;
}

static void need_mounts(void)
{
	if (geteuid() != 0)
		skip_test("only root can mount a small file system");
}

static struct rota_loop *loop_of_child(struct operation *op)
{
	struct rota_loop *loop;

	EXPECT(rota_loop_new(&loop, NULL) == 0);
	operation_init(op, loop);
	return loop;
}

static void fill_disk(void *arg)
{
	enum { MUCH = 4 << 20 };
	const char *directory = arg;
	struct operation op;
	struct rota_loop *loop;
	char path[TREE_PATH], other[TREE_PATH];
	char *much = calloc(1, MUCH);
	struct stat status;

	if (mount_memory(directory, "size=1m,mode=755") < 0)
		child_skips();
	loop = loop_of_child(&op);
	snprintf(path, sizeof(path), "%s/file", directory);
	snprintf(other, sizeof(other), "%s/copy", directory);
	EXPECT(rota_fs_write_file(&op.fs, on_end, path, rota_bytes("old", 3), 0,
				  0600) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 && op.result == 3);

	EXPECT(rota_fs_write_file(&op.fs, on_end, path, rota_bytes(much, MUCH),
				  ROTA_WRITE_ATOMIC, 0600) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_ENOSPC);
	EXPECT(stat(path, &status) == 0 && status.st_size == 3);
	EXPECT(names_in(directory) == 1);

	EXPECT(rota_fs_write_file(&op.fs, on_end, path,
				  rota_bytes(much, 700 * 1024),
				  ROTA_WRITE_ATOMIC, 0600) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0 &&
	       op.result == 700 * 1024);
	EXPECT(rota_fs_copy_file(&op.fs, on_end, path, other, 0) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_ENOSPC);
	EXPECT(names_in(directory) == 1);
	EXPECT(rota_loop_close(loop) == 0);
	free(much);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	struct scratch s;
	int ran;

	(void)state;
	need_mounts();
	scratch_begin(&s);
	ran = in_a_child_or_skip(fill_disk, s.directory);
	scratch_end(&s);
	if (!ran)
		skip_test("mounting is not allowed");
}

static void count_all(struct rota_loop *loop, const char *path, int flags)
{
	struct rota_tree_walk walk;

	entries_found = errors_found = 0;
	rota_tree_walk_init(&walk, loop);
	EXPECT(rota_tree_walk_start(&walk, count_batch, note_end, path,
				    flags) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(walk_status == 0 && errors_found == 0);
}

/* A mount that leads back to the tree is left, with that error. */
static void remove_what_leads_back(struct rota_loop *loop, struct operation *op,
				   const char *tree)
{
	char back[TREE_PATH], file[TREE_PATH], failed[TREE_PATH];

	snprintf(back, sizeof(back), "%s/back", tree);
	snprintf(file, sizeof(file), "%s/file", tree);
	EXPECT(mkdir(back, 0700) == 0);
	EXPECT(mount(tree, back, NULL, MS_BIND, NULL) == 0);
	put_text(file, "x");
	EXPECT(rota_fs_remove_tree(&op->fs, on_end, tree, ROTA_REMOVE_MOUNTS,
				   buf_of(failed, sizeof(failed))) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op->result == ROTA_ELOOP && strcmp(failed, back) == 0);
	EXPECT(access(file, F_OK) != 0 && access(back, F_OK) == 0);
	EXPECT(umount(back) == 0);
}

/* A file system of its own, and a directory of the same one: only openat2(2)
 * recognises the second. */
static void stay_on_mount(void *arg)
{
	const char *directory = arg;
	char tree[TREE_PATH], mounted[TREE_PATH], bound[TREE_PATH],
		out[TREE_PATH], file[TREE_PATH];
	struct operation op;
	struct rota_loop *loop;

	snprintf(tree, sizeof(tree), "%s/tree", directory);
	snprintf(mounted, sizeof(mounted), "%s/tree/m", directory);
	snprintf(bound, sizeof(bound), "%s/tree/b", directory);
	snprintf(out, sizeof(out), "%s/out", directory);
	snprintf(file, sizeof(file), "%s/out/precious", directory);
	EXPECT(mkdir(tree, 0700) == 0 && mkdir(mounted, 0700) == 0 &&
	       mkdir(bound, 0700) == 0 && mkdir(out, 0700) == 0);
	put_text(file, "x");
	if (mount_memory(mounted, "size=1m") < 0)
		child_skips();
	EXPECT(mount(out, bound, NULL, MS_BIND, NULL) == 0);
	snprintf(file, sizeof(file), "%s/tree/m/x", directory);
	put_text(file, "x");
	loop = loop_of_child(&op);

	count_all(loop, tree, 0);
	EXPECT(entries_found == 3);
	count_all(loop, tree, ROTA_WALK_POST);
	EXPECT(entries_found == 3);
	count_all(loop, tree, ROTA_WALK_MOUNTS);
	EXPECT(entries_found == 5);
	EXPECT(rota_fs_remove_tree(&op.fs, on_end, tree, 0, buf_of(NULL, 0)) ==
	       0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_EXDEV);
	count_all(loop, tree, ROTA_WALK_MOUNTS);
	EXPECT(entries_found == 5);
	EXPECT(umount(bound) == 0);
	EXPECT(rota_fs_remove_tree(&op.fs, on_end, tree, ROTA_REMOVE_MOUNTS,
				   buf_of(NULL, 0)) == 0);
	EXPECT(rota_loop_run(loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(op.result == ROTA_EBUSY);
	EXPECT(names_in(mounted) == 0);
	EXPECT(umount(mounted) == 0);
	remove_what_leads_back(loop, &op, tree);
	EXPECT(rota_loop_close(loop) == 0);
}

static void mounts_are_not_crossed_unless_asked(void **state)
{
	struct scratch s;
	int ran;

	(void)state;
	need_mounts();
	scratch_begin(&s);
	ran = in_a_child_or_skip(stay_on_mount, s.directory);
	assert_text(path_in(&s, "out/precious"), "x");
	shell("rm -r '%s'", s.directory);
	if (!ran)
		skip_test("mounting is not allowed");
}

static const struct CMUnitTest tests[] = {
	REAL(an_atomic_write_is_whole_after_any_error),
	REAL(a_new_file_is_whole_or_not_there),
	REAL(a_link_makes_a_new_name),
	REAL(a_plain_write_leaks_nothing),
	REAL(a_copy_is_whole_or_not_there),
	REAL(each_way_of_copying_copies),
	REAL(a_source_that_changes_is_copied_as_it_is),
	REAL(a_copy_that_is_cut_short_is_removed),
	REAL(a_removal_reports_what_it_leaves),
	REAL(a_walk_reports_what_it_misses),
	REAL(a_walk_without_memory_ends),
	REAL(a_full_disk_leaves_the_old_file),
	REAL(mounts_are_not_crossed_unless_asked),
};
FIXTURE_MAIN(tests)
