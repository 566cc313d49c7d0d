/* poller: none */
/*
 * Writing whole files: plain and atomic. The files are compared with what the
 * same calls of the system would make.
 */
#include "fs/tree.h"

#include "fs/write_file.h"
#include "support/child.h"

static void a_file_is_created(void **state)
{
	struct file_test t;
	mode_t mask = umask(027);

	file_test_begin(&t, *state);

	assert_int_equal(do_write_file(&t.op, t.s.path, "hello", 0, 0666), 5);

	assert_text(t.s.path, "hello");
	assert_int_equal(mode_at(t.s.path), 0640);
	assert_int_equal(do_write_file(&t.op, t.s.path, "", 0, 0666), 0);
	assert_text(t.s.path, "");
	umask(mask);
	tree_test_end(&t);
}

static void the_flags_do_what_those_of_open_do(void **state)
{
	struct file_test t;

	file_test_begin(&t, *state);
	put_text(t.s.path, "old content");
	assert_int_equal(symlink("file", path_in(&t.s, "link")), 0);

	assert_int_equal(do_write_file(&t.op, t.s.path, "new", 0, 0600), 3);
	assert_text(t.s.path, "new");
	assert_int_equal(do_write_file(&t.op, path_in(&t.s, "link"), "er",
				       ROTA_WRITE_APPEND | ROTA_WRITE_DURABLE,
				       0600),
			 2);
	assert_text(t.s.path, "newer");
	assert_int_equal(
		do_write_file(&t.op, t.s.path, "x", ROTA_WRITE_EXCLUSIVE, 0600),
		ROTA_EEXIST);
	assert_int_equal(do_write_file(&t.op, path_in(&t.s, "link"), "x",
				       ROTA_WRITE_EXCLUSIVE, 0600),
			 ROTA_EEXIST);
	assert_text(t.s.path, "newer");
	assert_int_equal(do_write_file(&t.op, path_in(&t.s, "fresh"), "x",
				       ROTA_WRITE_EXCLUSIVE, 0600),
			 1);
	assert_int_equal(do_write_file(&t.op, t.s.directory, "x", 0, 0600),
			 ROTA_EISDIR);
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, "no/file"), "x", 0, 0600),
		ROTA_ENOENT);
	tree_test_end(&t);
}

static void wrong_arguments_are_refused(void **state)
{
	static const struct {
		int flags;
		unsigned mode;
	} wrong[] = {
		{ 1 << 5, 0600 },
		{ -1, 0600 },
		{ 0, 010000 },
		{ ROTA_WRITE_APPEND | ROTA_WRITE_ATOMIC, 0600 },
		{ ROTA_WRITE_APPEND | ROTA_WRITE_EXCLUSIVE, 0600 },
		{ ROTA_WRITE_NO_SYNC, 0600 },
		{ ROTA_WRITE_NO_SYNC | ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE,
		  0600 },
	};
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_const_buf buf = rota_bytes("x", 1);

	file_test_begin(&t, *state);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(rota_fs_write_file(fs, on_end, t.s.path, buf,
						    wrong[i].flags,
						    wrong[i].mode),
				 ROTA_EINVAL);
	assert_int_equal(rota_fs_write_file(fs, NULL, t.s.path, buf, 0, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write_file(fs, on_end, NULL, buf, 0, 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write_file(NULL, on_end, t.s.path, buf, 0, 0),
			 ROTA_EINVAL);
	buf.data = NULL;
	assert_int_equal(rota_fs_write_file(fs, on_end, t.s.path, buf, 0, 0),
			 ROTA_EINVAL);
	assert_false(is_there(t.s.path));
	tree_test_end(&t);
}

static void an_atomic_write_replaces_the_file(void **state)
{
	struct file_test t;
	struct stat before, after;

	file_test_begin(&t, *state);
	put_text(t.s.path, "a long old content");
	assert_int_equal(chmod(t.s.path, 04641), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(t.s.path, 7, 8) | chmod(t.s.path, 04641),
				 0);
	assert_int_equal(stat(t.s.path, &before), 0);

	assert_int_equal(do_write_file(&t.op, t.s.path, "new",
				       ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE,
				       0777),
			 3);

	assert_text(t.s.path, "new");
	assert_int_equal(stat(t.s.path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(before.st_uid, after.st_uid);
	assert_int_equal(before.st_gid, after.st_gid);
	assert_int_equal(names_in(t.s.directory), 1);
	tree_test_end(&t);
}

static void an_atomic_write_creates_a_file(void **state)
{
	struct file_test t;
	mode_t mask = umask(022);
	int flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_NO_SYNC;

	file_test_begin(&t, *state);

	assert_int_equal(do_write_file(&t.op, t.s.path, "new", flags, 0666), 3);

	assert_text(t.s.path, "new");
	assert_int_equal(mode_at(t.s.path), 0644);
	flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_EXCLUSIVE;
	assert_int_equal(do_write_file(&t.op, t.s.path, "x", flags, 0666),
			 ROTA_EEXIST);
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, "two"), "2", flags, 0600),
		1);
	assert_text(t.s.path, "new");
	assert_text(path_in(&t.s, "two"), "2");
	assert_int_equal(names_in(t.s.directory), 2);
	umask(mask);
	tree_test_end(&t);
}

/* Links stay, and what they lead to is replaced or made. */
static void an_atomic_write_follows_links(void **state)
{
	struct file_test t;
	int flags = ROTA_WRITE_ATOMIC | ROTA_WRITE_NO_SYNC;

	file_test_begin(&t, *state);
	assert_int_equal(mkdir(path_in(&t.s, "d"), 0700), 0);
	put_text(path_in(&t.s, "d/real"), "old");
	assert_int_equal(symlink("real", path_in(&t.s, "d/second")), 0);
	assert_int_equal(symlink("d/second", path_in(&t.s, "first")), 0);
	assert_int_equal(symlink(path_in(&t.s, "d/none"), path_in(&t.s, "abs")),
			 0);
	assert_int_equal(symlink("round", path_in(&t.s, "round")), 0);

	assert_int_equal(do_write_file(&t.op, path_in(&t.s, "first"), "new",
				       flags, 0600),
			 3);
	assert_text(path_in(&t.s, "d/real"), "new");
	shell("test -h '%s' && test -h '%s'", path_in(&t.s, "first"),
	      path_in(&t.s, "d/second"));
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, "abs"), "made", flags, 0600),
		4);
	assert_text(path_in(&t.s, "d/none"), "made");
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, "round"), "x", flags, 0600),
		ROTA_ELOOP);
	assert_int_equal(names_in(t.s.directory), 4);
	assert_int_equal(names_in(path_in(&t.s, "d")), 3);
	tree_test_end(&t);
}

static void an_atomic_write_replaces_only_files(void **state)
{
	struct file_test t;
	int flags = ROTA_WRITE_ATOMIC;

	file_test_begin(&t, *state);
	assert_int_equal(mkfifo(t.s.path, 0600), 0);

	assert_int_equal(do_write_file(&t.op, t.s.path, "x", flags, 0600),
			 ROTA_EPERM);
	assert_int_equal(do_write_file(&t.op, t.s.directory, "x", flags, 0600),
			 ROTA_EISDIR);
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, ""), "x", flags, 0600),
		ROTA_EISDIR);
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, ".."), "x", flags, 0600),
		ROTA_EISDIR);
	assert_int_equal(do_write_file(&t.op, "", "x", flags, 0600),
			 ROTA_ENOENT);
	assert_int_equal(
		do_write_file(&t.op, path_in(&t.s, "file/x"), "x", flags, 0600),
		ROTA_ENOTDIR);
	assert_int_equal(names_in(t.s.directory), 1);
	tree_test_end(&t);
}

/* A name without a directory is in the current one. */
static void a_name_alone_is_a_path(void **state)
{
	struct file_test t;
	int here = open(".", O_RDONLY | O_CLOEXEC);

	file_test_begin(&t, *state);
	assert_int_equal(chdir(t.s.directory), 0);

	assert_int_equal(do_write_file(&t.op, "alone", "x",
				       ROTA_WRITE_ATOMIC | ROTA_WRITE_DURABLE,
				       0600),
			 1);

	assert_text(path_in(&t.s, "alone"), "x");
	assert_int_equal(fchdir(here), 0);
	close(here);
	tree_test_end(&t);
}

static void a_fifo_is_written_in_the_blocking_lane(void **state)
{
	struct file_test t;
	char text[6] = "";
	int fd;

	file_test_begin(&t, *state);
	assert_int_equal(mkfifo(t.s.path, 0600), 0);
	fd = put_open(&t.s, O_RDONLY | O_NONBLOCK);

	assert_int_equal(do_write_file(&t.op, t.s.path, "hello", 0, 0600), 5);

	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close(fd);
	rota_fs_set_files_only(&t.op.fs, 1);
	assert_int_equal(do_write_file(&t.op, t.s.path, "x", 0, 0600),
			 ROTA_EPERM);
	tree_test_end(&t);
}

/* A FIFO without a reader, and one whose reader does not read. */
static void a_deadline_ends_the_write_of_a_fifo(void **state)
{
	struct file_test t;
	struct rota_deadline deadline;
	char *much = calloc(1, 1 << 20);
	int fd = -1;

	file_test_begin(&t, *state);
	assert_int_equal(mkfifo(t.s.path, 0600), 0);
	for (int reads = 0; reads < 2; reads++) {
		if (reads)
			fd = put_open(&t.s, O_RDONLY | O_NONBLOCK);
		assert_int_equal(rota_fs_write_file(&t.op.fs, on_end, t.s.path,
						    rota_bytes(much, 1 << 20),
						    0, 0),
				 0);
		assert_int_equal(
			rota_request_set_deadline(&t.op.fs.request, &deadline,
						  rota_loop_now(t.f->loop) +
							  ROTA_MSEC(30)),
			0);
		assert_int_equal(outcome(&t.op), ROTA_ETIMEDOUT);
	}
	close(fd);
	free(much);
	tree_test_end(&t);
}

/* --- while a thread is at work: it is held at its second write --- */

struct held {
	struct scratch s;
	struct lane lane;
	struct operation op;
	struct rota_deadline deadline;
	struct holder holder;
	char *much;
};

enum { MUCH = 3 * ROTAI_FS_STEP };

static void hold_write(struct held *h, struct fixture *f, int flags)
{
	scratch_begin(&h->s);
	lane_begin(&h->lane, f, ROTA_CLOCK_VIRTUAL, 1);
	operation_init(&h->op, h->lane.loop);
	holder_begin(&h->holder);
	h->much = calloc(1, MUCH);
	if ((flags & ROTA_WRITE_EXCLUSIVE) == 0)
		put_text(h->s.path, "old");
	fault_call_before("write", 2, holder_wait, &h->holder);
	assert_int_equal(rota_fs_write_file(&h->op.fs, on_end, h->s.path,
					    rota_bytes(h->much, MUCH), flags,
					    0600),
			 0);
	until_running(&h->lane);
	while (fault_count("write") < 2)
		poll(NULL, 0, 1);
}

static void end_held(struct held *h)
{
	lane_end(&h->lane);
	holder_end(&h->holder);
	free(h->much);
	shell("rm -rf '%s'", h->s.directory);
}

static void a_cancel_keeps_the_old_file(void **state)
{
	struct held h;

	fault_count_reset();
	hold_write(&h, *state, ROTA_WRITE_ATOMIC);

	assert_int_equal(rota_request_cancel(&h.op.fs.request), ROTA_EBUSY);
	holder_let_go(&h.holder);

	assert_int_equal(outcome(&h.op), ROTA_ECANCELED);
	assert_text(h.s.path, "old");
	assert_int_equal(names_in(h.s.directory), 1);
	end_held(&h);
}

static void a_deadline_removes_what_was_made(void **state)
{
	struct held h;

	fault_count_reset();
	hold_write(&h, *state, ROTA_WRITE_EXCLUSIVE);
	assert_int_equal(rota_request_set_deadline(
				 &h.op.fs.request, &h.deadline,
				 rota_loop_now(h.lane.loop) + ROTA_MSEC(5)),
			 0);

	assert_int_equal(rota_loop_advance(h.lane.loop, ROTA_MSEC(5)), 0);
	rota_loop_run(h.lane.loop, ROTA_RUN_NOWAIT);
	holder_let_go(&h.holder);

	assert_int_equal(outcome(&h.op), ROTA_ETIMEDOUT);
	assert_int_equal(names_in(h.s.directory), 0);
	end_held(&h);
}

static void forked_child(void *arg)
{
	struct held *h = arg;

	EXPECT(rota_loop_fork(h->lane.loop) == 0);
	EXPECT(rota_loop_run(h->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(h->op.calls == 1);
	EXPECT(h->op.result == ROTA_ECANCELED);
	fault_clear();
	EXPECT(rota_fs_write_file(&h->op.fs, on_end, path_in(&h->s, "child"),
				  rota_bytes("x", 1), ROTA_WRITE_ATOMIC,
				  0600) == 0);
	EXPECT(rota_loop_run(h->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(h->op.result == 1);
	EXPECT(rota_loop_close(h->lane.loop) == 0);
}

/* F2: the write goes on in the parent, and only there. */
static void a_fork_leaves_the_write_to_the_parent(void **state)
{
	struct held h;
	struct stat status;

	fault_count_reset();
	hold_write(&h, *state, ROTA_WRITE_ATOMIC | ROTA_WRITE_NO_SYNC);

	in_a_child(forked_child, &h);
	assert_text(h.s.path, "old");
	assert_text(path_in(&h.s, "child"), "x");
	holder_let_go(&h.holder);

	assert_int_equal(outcome(&h.op), MUCH);
	assert_int_equal(stat(h.s.path, &status), 0);
	assert_int_equal(status.st_size, MUCH);
	assert_int_equal(names_in(h.s.directory), 2);
	end_held(&h);
}

static const struct CMUnitTest tests[] = {
	REAL(a_file_is_created),
	REAL(the_flags_do_what_those_of_open_do),
	REAL(wrong_arguments_are_refused),
	REAL(an_atomic_write_replaces_the_file),
	REAL(an_atomic_write_creates_a_file),
	REAL(an_atomic_write_follows_links),
	REAL(an_atomic_write_replaces_only_files),
	REAL(a_name_alone_is_a_path),
	REAL(a_fifo_is_written_in_the_blocking_lane),
	REAL(a_deadline_ends_the_write_of_a_fifo),
	REAL(a_cancel_keeps_the_old_file),
	REAL(a_deadline_removes_what_was_made),
	REAL(a_fork_leaves_the_write_to_the_parent),
};
FIXTURE_MAIN(tests)
