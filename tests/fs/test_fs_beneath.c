/* poller: none */
/*
 * Opening files beneath a directory: by openat2(2), where the system has it,
 * and name by name.
 */
#include "fs/scratch.h"

#include <pthread.h>

#include "rota/fs_beneath.h"
#include "support/fault.h"

/* In the directory: root/d/e/file, which has 2 bytes; root/link and others; and
 * file, of 7 bytes, which is outside of the root. */
struct beneath {
	struct scratch s;
	struct operation op;
	struct rota_file_info info;
	int root;
	char path[400];
};

static const char *in(struct beneath *t, const char *path)
{
	snprintf(t->path, sizeof(t->path), "%s/%s", t->s.directory, path);
	return t->path;
}

static void make_file(struct beneath *t, const char *path, const char *text)
{
	FILE *file = fopen(in(t, path), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_link(struct beneath *t, const char *path, const char *target)
{
	assert_int_equal(symlink(target, in(t, path)), 0);
}

static const char *const links[][2] = {
	{ "root/to_file", "d/e/file" },
	{ "root/d/up", "../d/e/../e/file" },
	{ "root/to_d", "d" },
	{ "root/d/e/out", "../../../file" },
	{ "root/up", ".." },
	{ "root/loop", "loop2" },
	{ "root/loop2", "loop" },
	{ "root/dangling", "nothing" },
	{ "root/slash", "d/e/file/" },
	{ "root/absolute", "/etc/passwd" },
};

enum { LINKS = sizeof(links) / sizeof(links[0]) };

static void begin(struct beneath *t, struct fixture *f)
{
	memset(t, 0, sizeof(*t));
	scratch_begin(&t->s);
	operation_init(&t->op, f->loop);
	t->info.size = sizeof(t->info);
	assert_int_equal(mkdir(in(t, "root"), 0700), 0);
	assert_int_equal(mkdir(in(t, "root/d"), 0700), 0);
	assert_int_equal(mkdir(in(t, "root/d/e"), 0700), 0);
	make_file(t, "root/d/e/file", "in");
	make_file(t, "file", "outside");
	assert_int_equal(mkfifo(in(t, "root/fifo"), 0600), 0);
	for (unsigned i = 0; i < LINKS; i++)
		make_link(t, links[i][0], links[i][1]);
	t->root = open(in(t, "root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->root >= 0);
}

static void end(struct beneath *t)
{
	close(t->root);
	for (unsigned i = 0; i < LINKS; i++)
		unlink(in(t, links[i][0]));
	unlink(in(t, "root/fifo"));
	unlink(in(t, "root/d/e/file"));
	assert_int_equal(rmdir(in(t, "root/d/e")), 0);
	assert_int_equal(rmdir(in(t, "root/d")), 0);
	assert_int_equal(rmdir(in(t, "root")), 0);
	scratch_end(&t->s);
}

static int64_t open_beneath(struct beneath *t, const char *path,
			    unsigned options)
{
	assert_int_equal(rota_fs_open_beneath(&t->op.fs, on_end, t->root, path,
					      options, &t->info),
			 0);
	return outcome(&t->op);
}

static const struct expectation {
	const char *path;
	unsigned options;
	int error; /* or 0: it is the file that is inside */
} expectations[] = {
	{ "d/e/file", 0, 0 },
	{ "d/e/file", ROTA_BENEATH_NO_SYMLINKS, 0 },
	{ "./d//e/./file", ROTA_BENEATH_NO_SYMLINKS, 0 },
	{ "d/../d/e/../e/file", 0, 0 },
	{ "to_file", 0, 0 },
	{ "to_file", ROTA_BENEATH_NO_SYMLINKS, ROTA_ELOOP },
	{ "d/up", 0, 0 },
	{ "to_d/e/file", 0, 0 },
	{ "to_d/e/file", ROTA_BENEATH_NO_SYMLINKS, ROTA_ELOOP },
	{ "to_d/../to_d/./e/file", 0, 0 },
	{ "..", ROTA_BENEATH_DIRECTORIES, ROTA_EXDEV },
	{ "../file", 0, ROTA_EXDEV },
	{ "d/../../file", 0, ROTA_EXDEV },
	{ "../root/d/e/file", 0, ROTA_EXDEV },
	{ "d/e/out", 0, ROTA_EXDEV },
	{ "up/file", 0, ROTA_EXDEV },
	{ "up", ROTA_BENEATH_DIRECTORIES, ROTA_EXDEV },
	{ "absolute", 0, ROTA_EXDEV },
	{ "/etc/passwd", 0, ROTA_EXDEV },
	{ "/", ROTA_BENEATH_DIRECTORIES, ROTA_EXDEV },
	{ "loop", 0, ROTA_ELOOP },
	{ "dangling", 0, ROTA_ENOENT },
	{ "nothing", 0, ROTA_ENOENT },
	{ "nothing/file", 0, ROTA_ENOENT },
	{ "", 0, ROTA_ENOENT },
	{ "d/e/file/", 0, ROTA_ENOTDIR },
	{ "d/e/file/x", 0, ROTA_ENOTDIR },
	{ "d/e/file/..", 0, ROTA_ENOTDIR },
	{ "to_file/", 0, ROTA_ENOTDIR },
	{ "slash", 0, ROTA_ENOTDIR },
	{ "d", 0, ROTA_EISDIR },
	{ "d/", 0, ROTA_EISDIR },
	{ ".", 0, ROTA_EISDIR },
	{ "to_d/", 0, ROTA_EISDIR },
	{ "fifo", 0, ROTA_EPERM },
};

static void expect_all(struct beneath *t)
{
	for (unsigned i = 0; i < sizeof(expectations) / sizeof(expectations[0]);
	     i++) {
		const struct expectation *e = &expectations[i];
		int64_t result = open_beneath(t, e->path, e->options);

		if (e->error < 0) {
			if (result != e->error)
				fail_msg("%s: %lld, not %d", e->path,
					 (long long)result, e->error);
			continue;
		}
		if (result < 0)
			fail_msg("%s: %lld", e->path, (long long)result);
		assert_int_equal(t->info.bytes, 2);
		assert_true(S_ISREG(t->info.mode));
		assert_int_equal(fcntl((int)result, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fcntl((int)result, F_GETFL) &
					 (O_NONBLOCK | O_ACCMODE),
				 0);
		close((int)result);
	}
}

static void a_path_does_not_lead_out(void **state)
{
	struct beneath t;

	begin(&t, *state);
	expect_all(&t);
	end(&t);
}

static void a_path_beneath_is_copied(void **state)
{
	struct fixture *f = *state;
	struct beneath t;
	char path[] = "d/e/file";

	begin(&t, f);
	assert_int_equal(open_beneath(&t, "nothing", 0), ROTA_ENOENT);
	rota_fs_set_copy_paths(&t.op.fs, 1);
	rota_fs_set_directory(&t.op.fs, 0); /* not used */
	f->memory.fail_at = f->memory.calls + 1;
	assert_int_equal(rota_fs_open_beneath(&t.op.fs, on_end, t.root, path, 0,
					      &t.info),
			 ROTA_ENOMEM);
	f->memory.fail_at = 0;
	t.info.bytes = 0;
	assert_int_equal(rota_fs_open_beneath(&t.op.fs, on_end, t.root, path, 0,
					      &t.info),
			 0);
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(close((int)outcome(&t.op)), 0);
	assert_int_equal(t.info.bytes, 2);
	end(&t);
}

/* On a system without openat2(2) this is the same once more. */
static void without_openat2_it_is_the_same(void **state)
{
	struct beneath t;

	begin(&t, *state);
	fault_fail_from("openat2", 1, ENOSYS);
	expect_all(&t);
	fault_clear();
	end(&t);
}

static void a_directory_is_opened_if_wanted(void **state)
{
	struct beneath t;

	begin(&t, *state);
	for (int i = 0; i < 2; i++) {
		int64_t fd = open_beneath(&t, "d", ROTA_BENEATH_DIRECTORIES);

		assert_true(fd > 2);
		assert_true(S_ISDIR(t.info.mode));
		close((int)fd);
		fault_fail_from("openat2", 1, ENOSYS);
	}
	fault_clear();
	end(&t);
}

static void a_deep_path_is_refused_by_the_walk(void **state)
{
	struct beneath t;
	char path[5000];

	begin(&t, *state);
	memset(path, '/', sizeof(path));
	path[0] = 'd';
	path[sizeof(path) - 1] = '\0';
	fault_fail_from("openat2", 1, ENOSYS);
	assert_int_equal(open_beneath(&t, path, 0), ROTA_ENAMETOOLONG);
	memset(path, 'x', 300);
	path[300] = '\0';
	assert_int_equal(open_beneath(&t, path, 0), ROTA_ENAMETOOLONG);
	fault_clear();
	end(&t);
}

static void wrong_arguments_are_refused(void **state)
{
	struct beneath t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_info small = { .size = 8 };

	begin(&t, *state);
	assert_int_equal(rota_fs_open_beneath(fs, on_end, -1, "d", 0, &t.info),
			 ROTA_EBADF);
	assert_int_equal(
		rota_fs_open_beneath(fs, on_end, t.root, NULL, 0, &t.info),
		ROTA_EINVAL);
	assert_int_equal(
		rota_fs_open_beneath(fs, on_end, t.root, "d", 4, &t.info),
		ROTA_EINVAL);
	assert_int_equal(rota_fs_open_beneath(fs, on_end, t.root, "d", 0, NULL),
			 ROTA_EINVAL);
	assert_int_equal(
		rota_fs_open_beneath(fs, on_end, t.root, "d", 0, &small),
		ROTA_EINVAL);
	assert_int_equal(
		rota_fs_open_beneath(fs, NULL, t.root, "d", 0, &t.info),
		ROTA_EINVAL);
	assert_int_equal(t.op.calls, 0);
	end(&t);
}

static void what_was_opened_too_late_is_closed(void **state)
{
	struct beneath t;
	struct rota_deadline deadline;

	begin(&t, *state);
	assert_int_equal(rota_fs_open_beneath(&t.op.fs, on_end, t.root,
					      "d/e/file", 0, &t.info),
			 0);
	assert_int_equal(
		rota_request_set_deadline(&t.op.fs.request, &deadline, 0), 0);
	poll(NULL, 0, 2);
	(void)outcome(&t.op); /* it is late, or the deadline is */
	if (t.op.result >= 0)
		close((int)t.op.result);
	else
		assert_int_equal(t.op.result, ROTA_ETIMEDOUT);
	end(&t);
}

struct mover {
	struct beneath *t;
	char inside[200];
	char outside[200];
	int stop;
};

/* Move d out of the root and back, so that ".." of it is now the root, now the
 * directory with the other file. */
static void *move(void *arg)
{
	struct mover *mover = arg;

	while (!__atomic_load_n(&mover->stop, __ATOMIC_RELAXED)) {
		(void)rename(mover->inside, mover->outside);
		(void)rename(mover->outside, mover->inside);
	}
	return NULL;
}

static void others_may_rename_meanwhile(void **state)
{
	enum { COUNT = 300 };
	struct beneath t;
	struct mover mover = { .t = &t };
	pthread_t thread;

	begin(&t, *state);
	snprintf(mover.inside, sizeof(mover.inside), "%s/root/d",
		 t.s.directory);
	snprintf(mover.outside, sizeof(mover.outside), "%s/moved",
		 t.s.directory);
	assert_int_equal(pthread_create(&thread, NULL, move, &mover), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		int64_t fd;

		if (i == COUNT / 2)
			fault_fail_from("openat2", 1, ENOSYS);
		fd = open_beneath(&t, i % 2 ? "d/../file" : "d/e/../../file",
				  0);
		if (fd >= 0)
			fail_msg("a file of %llu bytes was opened",
				 (unsigned long long)t.info.bytes);
	}
	fault_clear();
	__atomic_store_n(&mover.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(a_path_does_not_lead_out),
	REAL(a_path_beneath_is_copied),
	REAL(without_openat2_it_is_the_same),
	REAL(a_directory_is_opened_if_wanted),
	REAL(a_deep_path_is_refused_by_the_walk),
	REAL(wrong_arguments_are_refused),
	REAL(what_was_opened_too_late_is_closed),
	REAL(others_may_rename_meanwhile),
};

FIXTURE_MAIN(tests)
