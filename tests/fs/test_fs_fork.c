/* poller: none */
/*
 * File operations and forks (F2): a child does not have the parent's threads.
 * When its loop is rebuilt, operations in flight complete with ROTA_ECANCELED.
 * Later operations run on threads of the child.
 */
#include "fs/scratch.h"

#include "rota/fs_directory.h"
#include "rota/fs_path.h"
#include "support/child.h"

struct forked {
	struct scratch s;
	struct lane lane;
	struct operation holds; /* blocks the lane's only thread */
	struct operation op;
	struct holder holder;
	int fd; /* the number of a closed descriptor, in use again */
	char byte;
	char pattern[200];
	struct rota_dir dir;
};

static void begin(struct forked *t, struct fixture *f)
{
	scratch_begin(&t->s);
	lane_begin(&t->lane, f, ROTA_CLOCK_MONOTONIC, 1);
	operation_init(&t->holds, t->lane.loop);
	operation_init(&t->op, t->lane.loop);
	holder_begin(&t->holder);
}

static void hold(struct forked *t)
{
	holder_hold(&t->holder, &t->holds, &t->byte);
	until_running(&t->lane);
}

static void end(struct forked *t)
{
	lane_end(&t->lane);
	holder_end(&t->holder);
	scratch_end(&t->s);
}

static void begin_nothing(void *arg)
{
	struct forked *t = arg;
	struct rota_file_info info = { .size = sizeof(info) };
	struct rota_fs *fs = &t->op.fs;

	EXPECT(rota_fs_open(fs, on_end, "/", 0, 0) == ROTA_ECHILD);
	EXPECT(rota_fs_close(fs, on_end, 0) == ROTA_ECHILD);
	EXPECT(rota_fs_read(fs, on_end, 0, buf_of(NULL, 0), 0) == ROTA_ECHILD);
	EXPECT(rota_fs_write(fs, on_end, 0, rota_bytes(NULL, 0), 0) ==
	       ROTA_ECHILD);
	EXPECT(rota_fs_stat(fs, on_end, "/", &info) == ROTA_ECHILD);
	EXPECT(rota_fs_lstat(fs, on_end, "/", &info) == ROTA_ECHILD);
	EXPECT(rota_fs_fstat(fs, on_end, 0, &info) == ROTA_ECHILD);
	EXPECT(rota_fs_read_file(fs, on_end, "/", 1) == ROTA_ECHILD);
	EXPECT(rota_request_cancel(&t->holds.fs.request) == ROTA_ECHILD);
	EXPECT(t->op.calls == 0);
}

/* F2 */
static void a_forked_child_begins_nothing(void **state)
{
	struct forked t;

	begin(&t, *state);
	hold(&t);

	in_a_child(begin_nothing, &t);

	holder_let_go(&t.holder);
	assert_int_equal(outcome(&t.holds), 1);
	end(&t);
}

static void go_on(void *arg)
{
	struct forked *t = arg;
	struct operation more;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->holds.calls == 1);
	EXPECT(t->holds.result == ROTA_ECANCELED);
	EXPECT(t->op.calls == 1);
	EXPECT(t->op.result == ROTA_ECANCELED);

	operation_init(&more, t->lane.loop);
	EXPECT(rota_fs_read_file(&more.fs, on_end, t->s.path, 100) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(more.result == 10);
	rota_fs_free(&more.fs);
	EXPECT(rota_loop_close(t->lane.loop) == 0);
}

/* F2: of the operations in flight, one is running and one is queued. */
static void what_is_in_flight_ends_in_the_child(void **state)
{
	struct forked t;

	begin(&t, *state);
	put_file(&t.s, 10);
	hold(&t);
	assert_int_equal(rota_fs_read_file(&t.op.fs, on_end, t.s.path, 100), 0);

	in_a_child(go_on, &t);

	holder_let_go(&t.holder);
	assert_int_equal(rota_loop_run(t.lane.loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(t.holds.result, 1);
	assert_int_equal(t.op.result, 10);
	rota_fs_free(&t.op.fs);
	end(&t);
}

/* Whether any descriptor refers to the file @path. */
static int is_open_anywhere(const char *path)
{
	enum { HIGHEST = 1024 };
	struct stat wanted, found;

	if (stat(path, &wanted) < 0)
		return 1;
	for (int fd = 0; fd < HIGHEST; fd++)
		if (fstat(fd, &found) == 0 && found.st_dev == wanted.st_dev &&
		    found.st_ino == wanted.st_ino)
			return 1;
	return 0;
}

static void find_it_canceled(void *arg)
{
	struct forked *t = arg;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->op.calls == 1);
	EXPECT(t->op.result == ROTA_ECANCELED);
	EXPECT(t->op.fs.data == NULL);
}

static void find_nothing_left(void *arg)
{
	struct forked *t = arg;

	find_it_canceled(arg);
	EXPECT(!is_open_anywhere(t->s.path));
}

/* The child does not close the descriptor: the number may already belong to
 * another file. */
static void find_it_open(void *arg)
{
	struct forked *t = arg;

	find_it_canceled(arg);
	EXPECT(is_open_anywhere(t->s.path));
}

/* A thread of the parent has finished the operation, but its callback has not
 * run. */
static void what_was_done_is_undone_in_the_child(void **state)
{
	struct forked t;

	begin(&t, *state);
	put_file(&t.s, 10);
	assert_int_equal(rota_fs_open(&t.op.fs, on_end, t.s.path, O_RDONLY, 0),
			 0);
	until_done(&t.lane, 1);

	in_a_child(find_it_open, &t);

	assert_true(outcome(&t.op) > 2);
	close((int)t.op.result);
	t.op.calls = 0;
	assert_int_equal(rota_fs_read_file(&t.op.fs, on_end, t.s.path, 100), 0);
	until_done(&t.lane, 2);

	in_a_child(find_nothing_left, &t);

	assert_int_equal(outcome(&t.op), 10);
	rota_fs_free(&t.op.fs);
	end(&t);
}

static void find_it_closed(void *arg)
{
	struct forked *t = arg;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->op.calls == 1);
	EXPECT(t->op.result == ROTA_ECANCELED);
	EXPECT(!is_open_anywhere(t->s.path));
}

static void find_it_reused(void *arg)
{
	struct forked *t = arg;

	find_it_closed(arg);
	EXPECT(fcntl(t->fd, F_GETFD) != -1);
}

/* First a close that is queued; then a close that is done, whose number is in
 * use again. */
static void a_close_is_made_once_in_the_child(void **state)
{
	struct forked t;
	int fd, again;

	begin(&t, *state);
	put_file(&t.s, 10);
	hold(&t);
	fd = put_open(&t.s, O_RDONLY);
	assert_int_equal(rota_fs_close(&t.op.fs, on_end, fd), 0);

	in_a_child(find_it_closed, &t);

	holder_let_go(&t.holder);
	assert_int_equal(outcome(&t.op), 0);
	assert_false(is_open_anywhere(t.s.path));
	t.op.calls = 0;
	fd = put_open(&t.s, O_RDONLY);
	assert_int_equal(rota_fs_close(&t.op.fs, on_end, fd), 0);
	until_done(&t.lane, 3);
	again = dup(t.holder.fds[0]);
	assert_int_equal(again, fd);
	t.fd = again;

	in_a_child(find_it_reused, &t);

	assert_int_equal(outcome(&t.op), 0);
	close(again);
	end(&t);
}

static void find_it_there(void *arg)
{
	struct forked *t = arg;

	find_it_canceled(arg);
	EXPECT(access(t->pattern, F_OK) == 0);
}

/* What a thread has made is the parent's: the child does not remove it. */
static void what_the_parent_has_made_stays(void **state)
{
	struct forked t;

	begin(&t, *state);
	snprintf(t.pattern, sizeof(t.pattern), "%s/XXXXXX", t.s.directory);
	assert_int_equal(rota_fs_mkstemp(&t.op.fs, on_end, t.pattern), 0);
	until_done(&t.lane, 1);
	in_a_child(find_it_there, &t);
	assert_true(outcome(&t.op) > 2);
	close((int)t.op.result);
	assert_int_equal(access(t.pattern, F_OK), 0);

	snprintf(t.pattern, sizeof(t.pattern), "%s/XXXXXX", t.s.directory);
	t.op.calls = 0;
	assert_int_equal(rota_fs_mkdtemp(&t.op.fs, on_end, t.pattern), 0);
	until_done(&t.lane, 2);
	in_a_child(find_it_there, &t);
	assert_int_equal(outcome(&t.op), 0);
	assert_int_equal(rmdir(t.pattern), 0);

	t.op.calls = 0;
	assert_int_equal(
		rota_fs_opendir(&t.op.fs, on_end, t.s.directory, &t.dir), 0);
	until_done(&t.lane, 3);
	in_a_child(find_it_canceled, &t);
	assert_int_equal(outcome(&t.op), 0);
	assert_int_equal(rota_fs_closedir(&t.op.fs, on_end, &t.dir), 0);
	assert_int_equal(outcome(&t.op), 0);
	end(&t);
}

static void find_no_copy(void *arg)
{
	struct forked *t = arg;

	EXPECT(rota_loop_fork(t->lane.loop) == 0);
	EXPECT(rota_loop_run(t->lane.loop, ROTA_RUN_DEFAULT) == 0);
	EXPECT(t->op.result == ROTA_ECANCELED);
	EXPECT(t->op.fs.internal.copy == NULL);
	EXPECT(rota_loop_close(t->lane.loop) == 0);
}

/* Copied paths, of an operation that is queued. */
static void a_copy_of_the_paths_is_freed_in_both(void **state)
{
	struct forked t;

	begin(&t, *state);
	put_file(&t.s, 10);
	hold(&t);
	rota_fs_set_copy_paths(&t.op.fs, 1);
	assert_int_equal(rota_fs_unlink(&t.op.fs, on_end, t.s.path), 0);
	assert_non_null(t.op.fs.internal.copy);

	in_a_child(find_no_copy, &t);

	holder_let_go(&t.holder);
	assert_int_equal(rota_loop_run(t.lane.loop, ROTA_RUN_DEFAULT), 0);
	assert_int_equal(t.op.result, 0);
	assert_null(t.op.fs.internal.copy);
	end(&t);
}

static const struct CMUnitTest tests[] = {
	REAL(a_forked_child_begins_nothing),
	REAL(what_is_in_flight_ends_in_the_child),
	REAL(what_was_done_is_undone_in_the_child),
	REAL(a_close_is_made_once_in_the_child),
	REAL(what_the_parent_has_made_stays),
	REAL(a_copy_of_the_paths_is_freed_in_both),
};

FIXTURE_MAIN(tests)
