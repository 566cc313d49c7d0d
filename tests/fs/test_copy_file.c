/* poller: none */
/*
 * Copying files. cmp(1) compares the copies with their sources.
 */
#include "fs/tree.h"

#include "fs/write_file.h"
#include "support/fault.h"

struct copying {
	struct file_test t;
	char to[TREE_PATH];
};

static void begin(struct copying *c, struct fixture *f)
{
	file_test_begin(&c->t, f);
	snprintf(c->to, sizeof(c->to), "%s", path_in(&c->t.s, "copy"));
}

static void end(struct copying *c)
{
	tree_test_end(&c->t);
}

static void assert_same(const struct copying *c)
{
	shell("cmp '%s' '%s'", c->t.s.path, c->to);
}

static void a_copy_is_like_its_source(void **state)
{
	static const size_t sizes[] = { 0, 1, 4096, 300001 };
	struct copying c;
	struct stat from, to;

	begin(&c, *state);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put_file(&c.t.s, sizes[i]);
		assert_int_equal(chmod(c.t.s.path, 04751), 0);
		shell("touch -d '2001-02-03T04:05:06' '%s'", c.t.s.path);

		assert_int_equal(
			do_copy(&c.t.op, c.t.s.path, c.to, ROTA_COPY_TIMES),
			sizes[i]);

		assert_same(&c);
		assert_int_equal(mode_at(c.to), 0751);
		assert_int_equal(stat(c.t.s.path, &from), 0);
		assert_int_equal(stat(c.to, &to), 0);
		assert_int_equal(from.st_mtime, to.st_mtime);
	}
	end(&c);
}

static void a_destination_is_replaced_unless_exclusive(void **state)
{
	struct copying c;

	begin(&c, *state);
	put_text(c.t.s.path, "new");
	put_text(c.to, "a long old content");
	assert_int_equal(symlink("copy", path_in(&c.t.s, "link")), 0);
	assert_int_equal(symlink("none", path_in(&c.t.s, "dangling")), 0);

	assert_int_equal(
		do_copy(&c.t.op, c.t.s.path, c.to, ROTA_COPY_EXCLUSIVE),
		ROTA_EEXIST);
	assert_text(c.to, "a long old content");
	assert_int_equal(
		do_copy(&c.t.op, c.t.s.path, path_in(&c.t.s, "link"), 0), 3);
	assert_text(c.to, "new");
	assert_int_equal(do_copy(&c.t.op, c.t.s.path,
				 path_in(&c.t.s, "dangling"),
				 ROTA_COPY_EXCLUSIVE),
			 ROTA_EEXIST);
	assert_int_equal(
		do_copy(&c.t.op, c.t.s.path, path_in(&c.t.s, "dangling"), 0),
		3);
	assert_text(path_in(&c.t.s, "none"), "new");
	assert_int_equal(do_copy(&c.t.op, c.t.s.path, path_in(&c.t.s, "two"),
				 ROTA_COPY_EXCLUSIVE),
			 3);
	end(&c);
}

static void what_cannot_be_copied_is_refused(void **state)
{
	struct copying c;
	struct rota_fs *fs = &c.t.op.fs;
	const char *link_name;

	begin(&c, *state);
	put_text(c.t.s.path, "text");
	link_name = path_in(&c.t.s, "link");
	assert_int_equal(link(c.t.s.path, c.to), 0);
	assert_int_equal(symlink("file", link_name), 0);

	assert_int_equal(do_copy(&c.t.op, c.t.s.path, c.t.s.path, 0),
			 ROTA_EINVAL);
	assert_int_equal(do_copy(&c.t.op, c.t.s.path, c.to, 0), ROTA_EINVAL);
	assert_int_equal(do_copy(&c.t.op, c.t.s.path, link_name, 0),
			 ROTA_EINVAL);
	assert_text(c.t.s.path, "text");
	assert_int_equal(do_copy(&c.t.op, c.t.s.directory, c.to, 0),
			 ROTA_EISDIR);
	assert_int_equal(do_copy(&c.t.op, c.t.s.path, c.t.s.directory, 0),
			 ROTA_EISDIR);
	assert_int_equal(unlink(c.to), 0);
	assert_int_equal(mkfifo(c.to, 0600), 0);
	assert_int_equal(do_copy(&c.t.op, c.t.s.path, c.to, 0), ROTA_EPERM);
	assert_int_equal(do_copy(&c.t.op, c.to, c.t.s.path, 0), ROTA_EPERM);
	assert_int_equal(do_copy(&c.t.op, "/dev/null", c.t.s.path, 0),
			 ROTA_EPERM);
	assert_int_equal(do_copy(&c.t.op, path_in(&c.t.s, "none"), c.to, 0),
			 ROTA_ENOENT);
	assert_text(c.t.s.path, "text");
	assert_int_equal(rota_fs_copy_file(fs, on_end, NULL, c.to, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_copy_file(fs, on_end, c.to, NULL, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_copy_file(fs, NULL, c.to, c.to, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_copy_file(fs, on_end, c.to, c.to, 8),
			 ROTA_EINVAL);
	end(&c);
}

static void a_file_without_a_size_is_copied(void **state)
{
	struct copying c;

	if (!is_there("/proc/mounts"))
		skip_test("no /proc");
	begin(&c, *state);

	assert_true(do_copy(&c.t.op, "/proc/cpuinfo", c.to, 0) > 0);

	shell("grep -c processor '%s' >/dev/null", c.to);
	assert_int_equal(chmod(c.to, 0600), 0);
	end(&c);
}

/* SEEK_DATA of this file says that it has no data. */
static void a_file_that_denies_its_data_is_copied(void **state)
{
	struct copying c;

	if (!is_there("/proc/self/auxv"))
		skip_test("no /proc");
	begin(&c, *state);

	assert_true(do_copy(&c.t.op, "/proc/self/auxv", c.to, 0) > 0);

	shell("cmp '%s' /proc/%d/auxv", c.to, (int)getpid());
	assert_int_equal(chmod(c.to, 0600), 0);
	end(&c);
}

/* The file grows. */
static void grow(void *arg)
{
	int fd = open(arg, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "more", 4), 4);
	close(fd);
}

/* Whenever that is: what has been added is copied or not, and is no hole. */
static void what_a_file_grows_by_is_no_hole(void **state)
{
	struct copying c;
	unsigned nth = 0;
	unsigned struck;

	begin(&c, *state);
	do {
		int64_t copied;

		put_text(c.t.s.path, "text");
		fault_call_before("lseek", ++nth, grow, c.t.s.path);
		copied = do_copy(&c.t.op, c.t.s.path, c.to, 0);
		struck = fault_clear();

		assert_true(copied == 4 || copied == 8);
		assert_text(c.to, copied == 4 ? "text" : "textmore");
	} while (struck > 0);
	end(&c);
}

/* A mebibyte at 16 MiB, a mebibyte at 32 MiB, and a hole at the end. */
static void holes_stay_holes(void **state)
{
	enum { MIB = 1 << 20 };
	struct copying c;
	struct stat from, to;
	int fd;

	begin(&c, *state);
	fd = put_open(&c.t.s, O_WRONLY | O_CREAT);
	for (int i = 1; i <= 2; i++)
		for (int j = 0; j < MIB; j += 4096)
			assert_int_equal(pwrite(fd, &i, sizeof(i),
						(off_t)i * 16 * MIB + j),
					 sizeof(i));
	assert_int_equal(ftruncate(fd, (off_t)48 * MIB), 0);
	close(fd);

	assert_int_equal(do_copy(&c.t.op, c.t.s.path, c.to, 0), 48 * MIB);

	assert_int_equal(stat(c.t.s.path, &from), 0);
	assert_int_equal(stat(c.to, &to), 0);
	if (from.st_blocks * 512 < 10 * MIB)
		assert_true(to.st_blocks * 512 < 10 * MIB);
	assert_same(&c);
	end(&c);
}

/* The file systems of most machines refuse this. */
static void a_clone_is_made_or_refused(void **state)
{
	struct copying c;
	int64_t result;

	begin(&c, *state);
	put_text(c.t.s.path, "text");

	result = do_copy(&c.t.op, c.t.s.path, c.to, ROTA_COPY_CLONE);

	if (result == 4)
		assert_same(&c);
	else
		assert_true(result < 0 && !is_there(c.to));
	end(&c);
}

static const struct CMUnitTest tests[] = {
	REAL(a_copy_is_like_its_source),
	REAL(a_destination_is_replaced_unless_exclusive),
	REAL(what_cannot_be_copied_is_refused),
	REAL(a_file_without_a_size_is_copied),
	REAL(a_file_that_denies_its_data_is_copied),
	REAL(what_a_file_grows_by_is_no_hole),
	REAL(holes_stay_holes),
	REAL(a_clone_is_made_or_refused),
};
FIXTURE_MAIN(tests)
