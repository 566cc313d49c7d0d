/* poller: none */
/*
 * How file operations of all kinds begin and complete: which arguments are
 * refused, what a callback may do, and many operations at once.
 */
#include "fs/scratch.h"

#include "support/probe.h"

static void a_request_keeps_to_its_budget(void **state)
{
	(void)state;

	if (sizeof(void *) == 8)
		assert_in_range(sizeof(struct rota_fs), 1, 216);
}

/* O7: the call returns errors in its arguments, and then no callback
 * follows. */
static void arguments_that_mean_nothing_are_refused(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_info info = { .size = sizeof(info) };
	struct rota_buf none = { NULL, 1 };
	char data[4];
	struct rota_buf buf = buf_of(data, 4);

	file_test_begin(&t, *state);

	assert_int_equal(rota_fs_open(NULL, on_end, "/", 0, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_open(fs, NULL, "/", 0, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_open(fs, on_end, NULL, 0, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_close(NULL, on_end, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_close(fs, NULL, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_close(fs, on_end, -1), ROTA_EBADF);
	assert_int_equal(rota_fs_read(NULL, on_end, 0, buf, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_read(fs, NULL, 0, buf, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_read(fs, on_end, -1, buf, 0), ROTA_EBADF);
	assert_int_equal(rota_fs_read(fs, on_end, 0, none, 0), ROTA_EINVAL);
	assert_int_equal(rota_fs_read(fs, on_end, 0, buf, -2), ROTA_EINVAL);
	assert_int_equal(rota_fs_read(fs, on_end, 0, buf, INT64_MIN),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write(NULL, on_end, 0, rota_bytes(data, 4), 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write(fs, NULL, 0, rota_bytes(data, 4), 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write(fs, on_end, -9, rota_bytes(data, 4), 0),
			 ROTA_EBADF);
	assert_int_equal(rota_fs_write(fs, on_end, 0, rota_bytes(NULL, 1), 0),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_write(fs, on_end, 0, rota_bytes(data, 4), -2),
			 ROTA_EINVAL);
	assert_int_equal(rota_fs_stat(NULL, on_end, "/", &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_stat(fs, NULL, "/", &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_stat(fs, on_end, NULL, &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_stat(fs, on_end, "/", NULL), ROTA_EINVAL);
	assert_int_equal(rota_fs_lstat(NULL, on_end, "/", &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_lstat(fs, on_end, NULL, &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_lstat(fs, on_end, "/", NULL), ROTA_EINVAL);
	assert_int_equal(rota_fs_fstat(NULL, on_end, 0, &info), ROTA_EINVAL);
	assert_int_equal(rota_fs_fstat(fs, on_end, -1, &info), ROTA_EBADF);
	assert_int_equal(rota_fs_fstat(fs, on_end, 0, NULL), ROTA_EINVAL);
	assert_int_equal(rota_fs_read_file(NULL, on_end, "/", 1), ROTA_EINVAL);
	assert_int_equal(rota_fs_read_file(fs, NULL, "/", 1), ROTA_EINVAL);
	assert_int_equal(rota_fs_read_file(fs, on_end, NULL, 1), ROTA_EINVAL);

	assert_false(rota_loop_alive(t.f->loop));
	turn(t.f);
	assert_int_equal(t.op.calls, 0);
	file_test_end(&t);
}

/* O1, O7 */
static void what_is_in_flight_is_busy(void **state)
{
	struct file_test t;
	struct rota_fs *fs = &t.op.fs;
	struct rota_file_info info = { .size = sizeof(info) };
	char data[4];
	struct rota_buf buf = buf_of(data, 4);

	file_test_begin(&t, *state);
	put_file(&t.s, 10);
	assert_int_equal(rota_fs_open(fs, on_end, t.s.path, O_RDONLY, 0), 0);
	assert_true(rota_request_is_active(&fs->request));

	assert_int_equal(rota_fs_open(fs, on_end, "/", 0, 0), ROTA_EBUSY);
	assert_int_equal(rota_fs_close(fs, on_end, 0), ROTA_EBUSY);
	assert_int_equal(rota_fs_read(fs, on_end, 0, buf, 0), ROTA_EBUSY);
	assert_int_equal(rota_fs_write(fs, on_end, 0, rota_bytes(data, 4), 0),
			 ROTA_EBUSY);
	assert_int_equal(rota_fs_stat(fs, on_end, "/", &info), ROTA_EBUSY);
	assert_int_equal(rota_fs_lstat(fs, on_end, "/", &info), ROTA_EBUSY);
	assert_int_equal(rota_fs_fstat(fs, on_end, 0, &info), ROTA_EBUSY);
	assert_int_equal(rota_fs_read_file(fs, on_end, "/", 1), ROTA_EBUSY);

	assert_true(outcome(&t.op) > 2);
	assert_false(rota_request_is_active(&fs->request));
	assert_int_equal(do_close(&t.op, (int)t.op.result), 0);
	file_test_end(&t);
}

/* O1: the caller owns the request again when its callback begins. */
static void close_in_callback(struct rota_fs *fs, int64_t result)
{
	assert_true(result > 2);
	assert_int_equal(rota_fs_close(fs, on_end, (int)result), 0);
}

static void a_callback_may_begin_the_next(void **state)
{
	struct file_test t;

	file_test_begin(&t, *state);
	put_file(&t.s, 10);

	assert_int_equal(rota_fs_open(&t.op.fs, close_in_callback, t.s.path,
				      O_RDONLY, 0),
			 0);
	assert_int_equal(outcome(&t.op), 0);

	file_test_end(&t);
}

static unsigned freed;

static void free_in_callback(struct rota_fs *fs, int64_t result)
{
	assert_int_equal(result, ROTA_ENOENT);
	free(fs);
	freed++;
}

/* O4 */
static void a_callback_may_free_its_request(void **state)
{
	struct file_test t;
	struct rota_fs *fs = malloc(sizeof(*fs));

	file_test_begin(&t, *state);
	assert_non_null(fs);
	rota_fs_init(fs, t.f->loop);
	freed = 0;

	assert_int_equal(
		rota_fs_open(fs, free_in_callback, t.s.path, O_RDONLY, 0), 0);
	assert_int_equal(rota_loop_run(t.f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(freed, 1);
	file_test_end(&t);
}

/* There are more operations than threads. They may complete in any order. */
static void many_at_once_each_get_their_own(void **state)
{
	enum { COUNT = 64, SIZE = 100 };
	static struct operation ops[COUNT];
	static char data[COUNT][SIZE];
	struct file_test t;
	int fd;

	file_test_begin(&t, *state);
	put_file(&t.s, COUNT * SIZE);
	fd = put_open(&t.s, O_RDONLY);
	for (int i = 0; i < COUNT; i++) {
		operation_init(&ops[i], t.f->loop);
		assert_int_equal(rota_fs_read(&ops[i].fs, on_end, fd,
					      buf_of(data[i], SIZE), i * SIZE),
				 0);
	}
	assert_int_equal(ops[0].calls, 0);

	assert_int_equal(rota_loop_run(t.f->loop, ROTA_RUN_DEFAULT), 0);

	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(ops[i].calls, 1);
		assert_int_equal(ops[i].result, SIZE);
		assert_int_equal(ops[i].phase, ROTA_PHASE_POLL);
	}
	assert_bytes(data[0], sizeof(data));
	close(fd);
	file_test_end(&t);
}

/* rota_fs_init() makes any memory a request that was never begun. */
static void an_init_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct rota_fs fs;

	memset(&fs, 0xa5, sizeof(fs));
	rota_fs_init(&fs, f->loop);

	assert_null(fs.data);
	assert_int_equal(fs.size, 0);
	assert_false(rota_request_is_active(&fs.request));
	assert_int_equal(rota_request_cancel(&fs.request), ROTA_EALREADY);
}

static const struct CMUnitTest tests[] = {
	REAL(an_init_leaves_nothing_behind),
	cmocka_unit_test(a_request_keeps_to_its_budget),
	REAL(arguments_that_mean_nothing_are_refused),
	REAL(what_is_in_flight_is_busy),
	REAL(a_callback_may_begin_the_next),
	REAL(a_callback_may_free_its_request),
	REAL(many_at_once_each_get_their_own),
};

FIXTURE_MAIN(tests)
