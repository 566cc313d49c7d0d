/* poller: none */
/*
 * Operations on names do what the plain calls do.
 */
#include "fs/ready.h"

#include <limits.h>

#include "rota/fs_path.h"

struct names {
	struct file_test t;
	char a[400], b[400];
	struct rota_deadline deadline;
};

static void begin(struct names *n, struct fixture *f)
{
	file_test_begin(&n->t, f);
	path_in(&n->t.s, "a", n->a, sizeof(n->a));
	path_in(&n->t.s, "b", n->b, sizeof(n->b));
}

static void end(struct names *n)
{
	file_test_end(&n->t);
}

static void a_link_is_another_name(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	struct stat status;

	begin(&n, *state);
	put_text(n.a, "text");

	assert_int_equal(DONE(&n.t.op, rota_fs_link(fs, on_end, n.a, n.b)), 0);
	assert_text(n.b, "text");
	assert_int_equal(stat(n.a, &status), 0);
	assert_int_equal(status.st_nlink, 2);
	assert_int_equal(DONE(&n.t.op, rota_fs_link(fs, on_end, n.a, n.b)),
			 ROTA_EEXIST);
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, n.a)), 0);
	assert_false(is_there(n.a));
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, n.a)),
			 ROTA_ENOENT);
	assert_int_equal(DONE(&n.t.op, rota_fs_link(fs, on_end, n.a, n.b)),
			 ROTA_ENOENT);
	end(&n);
}

static void a_symbolic_link_is_made_read_and_not_followed(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char text[PATH_MAX];

	begin(&n, *state);
	assert_int_equal(
		DONE(&n.t.op, rota_fs_symlink(fs, on_end, "x/\xff y", n.a)), 0);
	assert_int_equal(readlink(n.a, text, sizeof(text)), 5);
	assert_memory_equal(text, "x/\xff y", 5);

	assert_int_equal(DONE(&n.t.op, rota_fs_readlink(fs, on_end, n.a)), 5);
	assert_string_equal(fs->data, "x/\xff y");
	assert_int_equal(fs->size, 5);
	assert_int_equal(rota_fs_readlink(fs, on_end, n.a), ROTA_EBUSY);
	rota_fs_free(fs);
	assert_int_equal(DONE(&n.t.op, rota_fs_link(fs, on_end, n.a, n.b)), 0);
	assert_int_equal(readlink(n.b, text, sizeof(text)), 5);

	put_text(n.t.s.path, "");
	assert_int_equal(
		DONE(&n.t.op, rota_fs_readlink(fs, on_end, n.t.s.path)),
		ROTA_EINVAL);
	assert_null(fs->data);
	end(&n);
}

/* Its length is found by reading. */
static void a_long_link_is_read_whole(void **state)
{
	static const size_t lengths[] = { 255, 256, 257, 511, 512, 4000 };
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char text[4096];

	begin(&n, *state);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t length = lengths[i];

		memset(text, 'x', length);
		text[length] = '\0';
		assert_int_equal(symlink(text, n.a), 0);
		assert_int_equal(
			DONE(&n.t.op, rota_fs_readlink(fs, on_end, n.a)),
			length);
		assert_string_equal(fs->data, text);
		rota_fs_free(fs);
		assert_int_equal(unlink(n.a), 0);
	}
	end(&n);
}

/* F3 */
static void a_link_may_find_no_memory(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;

	begin(&n, *state);
	assert_int_equal(symlink("x", n.a), 0);
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, n.b)),
			 ROTA_ENOENT);

	fault_fail("malloc", 1, ENOMEM);
	assert_int_equal(DONE(&n.t.op, rota_fs_readlink(fs, on_end, n.a)),
			 ROTA_ENOMEM);
	assert_int_equal(fault_clear(), 1);
	assert_null(fs->data);
	end(&n);
}

static void a_real_path_is_that_of_the_system(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char here[PATH_MAX], *real;
	int fd;

	begin(&n, *state);
	put_text(n.t.s.path, "");
	assert_int_equal(symlink("file", n.a), 0);
	real = realpath(n.t.s.path, NULL);
	assert_non_null(real);

	assert_int_equal(DONE(&n.t.op, rota_fs_realpath(fs, on_end, n.a)),
			 strlen(real));
	assert_string_equal(fs->data, real);
	rota_fs_free(fs);
	assert_int_equal(DONE(&n.t.op, rota_fs_realpath(fs, on_end, n.b)),
			 ROTA_ENOENT);
	assert_null(fs->data);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(DONE(&n.t.op, rota_fs_realpath(fs, on_end, ".")),
			 strlen(here));
	assert_string_equal(fs->data, here);
	rota_fs_free(fs);

	fd = open(n.t.s.directory, O_RDONLY | O_CLOEXEC);
	rota_fs_set_directory(fs, fd);
	if (DONE(&n.t.op, rota_fs_realpath(fs, on_end, "./a")) !=
	    ROTA_ENOTSUP) {
		assert_int_equal(n.t.op.result, strlen(real));
		assert_string_equal(fs->data, real);
		rota_fs_free(fs);
	}
	assert_int_equal(DONE(&n.t.op, rota_fs_realpath(fs, on_end, "")),
			 ROTA_ENOENT);
	assert_int_equal(DONE(&n.t.op, rota_fs_realpath(fs, on_end, "/")), 1);
	rota_fs_free(fs);
	close(fd);
	free(real);
	end(&n);
}

static void a_rename_replaces_exchanges_or_fails(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;

	begin(&n, *state);
	put_text(n.a, "a");
	put_text(n.b, "b");

	(void)DONE(&n.t.op, rota_fs_rename(fs, on_end, n.a, n.b,
					   ROTA_FS_RENAME_NO_REPLACE));
	if (n.t.op.result != ROTA_ENOTSUP && n.t.op.result != ROTA_EINVAL) {
		assert_int_equal(n.t.op.result, ROTA_EEXIST);
		assert_int_equal(
			DONE(&n.t.op, rota_fs_rename(fs, on_end, n.a, n.b,
						     ROTA_FS_RENAME_EXCHANGE)),
			0);
		assert_text(n.a, "b");
		assert_text(n.b, "a");
		assert_int_equal(
			DONE(&n.t.op, rota_fs_rename(fs, on_end, n.a, n.b,
						     ROTA_FS_RENAME_EXCHANGE)),
			0);
	}
	assert_int_equal(DONE(&n.t.op, rota_fs_rename(fs, on_end, n.a, n.b, 0)),
			 0);
	assert_text(n.b, "a");
	assert_false(is_there(n.a));
	assert_int_equal(DONE(&n.t.op, rota_fs_rename(fs, on_end, n.a, n.b, 0)),
			 ROTA_ENOENT);
	assert_int_equal(rota_fs_rename(fs, on_end, n.a, n.b, 3), ROTA_EINVAL);
	assert_int_equal(rota_fs_rename(fs, on_end, n.a, n.b, 4), ROTA_EINVAL);
	end(&n);
}

static void a_directory_is_made_and_removed(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	struct stat status;
	mode_t before = umask(027);

	begin(&n, *state);
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, n.a, 0777)),
			 0);
	assert_int_equal(stat(n.a, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0750);
	assert_true(S_ISDIR(status.st_mode));
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, n.a, 0777)),
			 ROTA_EEXIST);
	assert_int_equal(DONE(&n.t.op, rota_fs_rmdir(fs, on_end, n.a)), 0);
	assert_false(is_there(n.a));
	put_text(n.a, "");
	assert_int_equal(DONE(&n.t.op, rota_fs_rmdir(fs, on_end, n.a)),
			 ROTA_ENOTDIR);
	umask(before);
	end(&n);
}

/* The longest name that the system takes, of bytes that are no UTF-8. */
static void names_are_bytes_and_never_cut(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char path[600], name[NAME_MAX + 2], *far;

	begin(&n, *state);
	memset(name, 0xe9, sizeof(name));
	name[NAME_MAX] = '\0';
	path_in(&n.t.s, name, path, sizeof(path));
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, path, 0700)),
			 0);
	assert_true(is_there(path));
	assert_int_equal(DONE(&n.t.op, rota_fs_rmdir(fs, on_end, path)), 0);
	strcat(path, "\xe9");
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, path, 0700)),
			 ROTA_ENAMETOOLONG);

	far = malloc(2 * PATH_MAX + 1);
	assert_non_null(far);
	memset(far, '/', 2 * PATH_MAX);
	far[2 * PATH_MAX] = '\0';
	rota_fs_set_copy_paths(fs, 1);
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, far, 0700)),
			 ROTA_ENAMETOOLONG);
	assert_int_equal(DONE(&n.t.op, rota_fs_symlink(fs, on_end, far, n.a)),
			 ROTA_ENAMETOOLONG);
	free(far);
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, "", 0700)),
			 ROTA_ENOENT);
	end(&n);
}

/* Nothing goes by the current directory while one is set. */
static void a_path_begins_at_the_directory(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	struct rota_file_info info = { .size = sizeof(info) };
	int fd;

	begin(&n, *state);
	fd = open(n.t.s.directory, O_RDONLY | O_CLOEXEC);
	rota_fs_set_directory(fs, fd);

	assert_int_equal(DONE(&n.t.op, rota_fs_mkdir(fs, on_end, "a", 0700)),
			 0);
	assert_true(is_there(n.a));
	assert_int_equal(DONE(&n.t.op, rota_fs_rename(fs, on_end, "a", "b", 0)),
			 0);
	assert_true(is_there(n.b));
	assert_int_equal(DONE(&n.t.op, rota_fs_rmdir(fs, on_end, "b")), 0);
	assert_int_equal(DONE(&n.t.op, rota_fs_symlink(fs, on_end, "b", "a")),
			 0);
	assert_int_equal(DONE(&n.t.op, rota_fs_readlink(fs, on_end, "a")), 1);
	rota_fs_free(fs);
	assert_int_equal(DONE(&n.t.op, rota_fs_link(fs, on_end, "a", "b")), 0);
	assert_int_equal(DONE(&n.t.op, rota_fs_lstat(fs, on_end, "b", &info)),
			 0);
	assert_int_equal(info.links, 2);
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, "a")), 0);
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, n.b)), 0);

	put_text(n.t.s.path, "text");
	assert_int_equal(
		DONE(&n.t.op, rota_fs_read_file(fs, on_end, "file", 100)), 4);
	rota_fs_free(fs);
	assert_true(DONE(&n.t.op,
			 rota_fs_open(fs, on_end, "file", O_RDONLY, 0)) > 2);
	close((int)n.t.op.result);
	rota_fs_set_directory(fs, -1);
	assert_int_equal(DONE(&n.t.op, rota_fs_stat(fs, on_end, "file", &info)),
			 ROTA_ENOENT);
	close(fd);
	end(&n);
}

static void the_paths_may_change_once_they_are_copied(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	size_t bytes;

	begin(&n, *state);
	put_text(n.t.s.path, "text");
	assert_int_equal(DONE(&n.t.op, rota_fs_unlink(fs, on_end, n.a)),
			 ROTA_ENOENT);
	bytes = n.t.f->memory.bytes;
	rota_fs_set_copy_paths(fs, 1);

	assert_int_equal(rota_fs_rename(fs, on_end, n.t.s.path, n.b, 0), 0);
	assert_true(n.t.f->memory.bytes > bytes);
	n.t.s.path[0] = n.b[0] = '?';
	assert_int_equal(outcome(&n.t.op), 0);
	assert_int_equal(n.t.f->memory.bytes, bytes);
	n.b[0] = '/';
	assert_text(n.b, "text");

	assert_int_equal(rota_fs_read_file(fs, on_end, n.b, 100), 0);
	n.b[0] = '?';
	assert_int_equal(outcome(&n.t.op), 4);
	rota_fs_free(fs);
	n.b[0] = '/';
	assert_int_equal(rota_fs_open(fs, on_end, n.b, O_RDONLY, 0), 0);
	n.b[0] = '?';
	assert_true(outcome(&n.t.op) > 2);
	close((int)n.t.op.result);
	n.b[0] = '/';
	n.t.s.path[0] = '/';
	assert_int_equal(n.t.f->memory.bytes, bytes);
	end(&n);
}

static int pattern_is_used(const char *pattern)
{
	return strstr(pattern, "XXXXXX") == NULL;
}

static void a_temporary_file_has_a_new_name(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char one[200], two[200];
	struct stat status;
	int fd;

	begin(&n, *state);
	path_in(&n.t.s, "x-XXXXXX", one, sizeof(one));
	strcpy(two, one);
	fd = (int)DONE(&n.t.op, rota_fs_mkstemp(fs, on_end, one));
	assert_true(fd > 2);
	assert_true(pattern_is_used(one));
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	assert_int_equal(stat(one, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(status.st_size, 1);

	assert_int_equal(DONE(&n.t.op, rota_fs_mkdtemp(fs, on_end, two)), 0);
	assert_true(pattern_is_used(two));
	assert_string_not_equal(one, two);
	assert_int_equal(stat(two, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(rmdir(two), 0);

	strcpy(two, "/nonexistent/XXXXXX");
	assert_int_equal(DONE(&n.t.op, rota_fs_mkdtemp(fs, on_end, two)),
			 ROTA_ENOENT);
	assert_string_equal(two, "/nonexistent/XXXXXX");
	end(&n);
}

/* A name that is in use is not taken, and an interrupted call is repeated. */
static void a_temporary_file_is_tried_again(void **state)
{
	struct names n;
	struct rota_fs *fs = &n.t.op.fs;
	char pattern[200];

	begin(&n, *state);
	path_in(&n.t.s, "XXXXXX", pattern, sizeof(pattern));

	fault_fail_from("open", 1, EEXIST);
	assert_int_equal(DONE(&n.t.op, rota_fs_mkstemp(fs, on_end, pattern)),
			 ROTA_EEXIST);
	assert_true(fault_clear() > 100);
	assert_false(pattern_is_used(pattern));
	fault_fail("open", 1, EEXIST);
	assert_true(DONE(&n.t.op, rota_fs_mkstemp(fs, on_end, pattern)) > 2);
	assert_int_equal(fault_clear(), 1);
	close((int)n.t.op.result);
	path_in(&n.t.s, "XXXXXX", pattern, sizeof(pattern));
	fault_fail("open", 1, EINTR);
	assert_true(DONE(&n.t.op, rota_fs_mkstemp(fs, on_end, pattern)) > 2);
	assert_int_equal(fault_clear(), 1);
	close((int)n.t.op.result);
	fault_fail("open", 1, EMFILE);
	path_in(&n.t.s, "XXXXXX", pattern, sizeof(pattern));
	assert_int_equal(DONE(&n.t.op, rota_fs_mkstemp(fs, on_end, pattern)),
			 ROTA_EMFILE);
	assert_int_equal(fault_clear(), 1);
	end(&n);
}

/* O8: a thread has made it, and the deadline passes before the callback. */
static void what_is_made_too_late_is_removed(void **state)
{
	struct names n;
	struct lane lane;
	char pattern[200];

	begin(&n, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_VIRTUAL, 1);
	operation_init(&n.t.op, lane.loop);
	path_in(&n.t.s, "XXXXXX", pattern, sizeof(pattern));
	for (int i = 0; i < 2; i++) {
		struct rota_fs *fs = &n.t.op.fs;

		assert_int_equal(i == 0 ? rota_fs_mkstemp(fs, on_end, pattern)
					: rota_fs_mkdtemp(fs, on_end, pattern),
				 0);
		assert_int_equal(
			rota_request_set_deadline(&fs->request, &n.deadline,
						  rota_loop_now(lane.loop) +
							  ROTA_MSEC(10)),
			0);
		until_done(&lane, (uint64_t)i + 1);
		assert_true(pattern_is_used(pattern));
		assert_int_equal(rota_loop_advance(lane.loop, ROTA_MSEC(10)),
				 0);
		assert_int_equal(outcome(&n.t.op), ROTA_ETIMEDOUT);
		assert_false(pattern_is_used(pattern));
	}
	lane_end(&lane);
	assert_int_equal(rmdir(n.t.s.directory), 0); /* it is empty */
	assert_int_equal(mkdir(n.t.s.directory, 0700), 0);
	end(&n);
}

static const struct CMUnitTest tests[] = {
	REAL(a_link_is_another_name),
	REAL(a_symbolic_link_is_made_read_and_not_followed),
	REAL(a_long_link_is_read_whole),
	REAL(a_link_may_find_no_memory),
	REAL(a_real_path_is_that_of_the_system),
	REAL(a_rename_replaces_exchanges_or_fails),
	REAL(a_directory_is_made_and_removed),
	REAL(names_are_bytes_and_never_cut),
	REAL(a_path_begins_at_the_directory),
	REAL(the_paths_may_change_once_they_are_copied),
	REAL(a_temporary_file_has_a_new_name),
	REAL(a_temporary_file_is_tried_again),
	REAL(what_is_made_too_late_is_removed),
};

FIXTURE_MAIN(tests)
