/* poller: none */
/*
 * The table of operations, row by row: what each row refuses, and how it
 * begins and ends with arguments that are good.
 */
#include "fs/ready.h"

#include "fs/table.h"
#include "rota/fs_data.h"
#include "rota/fs_directory.h"
#include "rota/fs_lock.h"
#include "support/child.h"

/* Arguments that every row accepts, and that change nothing that matters: the
 * path does not exist, the descriptor is a file in no directory. */
struct good {
	struct file_test t;
	struct rotai_fs_arguments a;
	FILE *file;
	union {
		size_t size; /* of an info */
		struct rota_file_info info;
		struct rota_file_system_info system_info;
		struct rota_dir dir;
		char pattern[sizeof(struct scratch)];
		struct rota_buf buf;
		struct rota_dir_entries entries;
	} target;
	struct rota_dir dir;
	char to[200];
};

static void set_target(struct good *g, uint32_t takes)
{
	memset(&g->target, 0, sizeof(g->target));
	g->a.options = 0;
	g->a.size = 1;
	g->a.length = 1;
	if ((takes & ROTAI_TAKES_PATTERN) != 0)
		snprintf(g->target.pattern, sizeof(g->target.pattern),
			 "%s/none/XXXXXX", g->t.s.directory);
	if ((takes & ROTAI_TAKES_INFO) != 0)
		g->target.size = sizeof(g->target.info);
	if ((takes & ROTAI_TAKES_SYSTEM_INFO) != 0)
		g->target.size = sizeof(g->target.system_info);
	if ((takes & ROTAI_TAKES_ENTRIES) != 0)
		rota_dir_entries_init(&g->target.entries, 10);
	if ((takes & ROTAI_TAKES_LOCK) != 0)
		g->a.options = ROTA_FS_LOCK_EXCLUSIVE;
}

static void good_begin(struct good *g, struct fixture *f)
{
	file_test_begin(&g->t, f);
	g->file = tmpfile();
	assert_non_null(g->file);
	path_in(&g->t.s, "none/to", g->to, sizeof(g->to));
	g->dir = (struct rota_dir){ 0 };
	g->a = (struct rotai_fs_arguments){
		.path = g->t.s.path,
		.to = g->to,
		.target = &g->target,
		.dir = &g->dir,
		.fd = fileno(g->file),
		.other_fd = fileno(g->file),
		.mode = 0600,
		.user = getuid(),
		.group = getgid(),
	};
}

static void good_end(struct good *g)
{
	fclose(g->file);
	file_test_end(&g->t);
}

static int start(struct good *g, int row)
{
	return rotai_fs_start(&g->t.op.fs, on_end, (enum rotai_fs_row)row,
			      &g->a);
}

/* A row takes at most one argument for each place in the request. */
static int places_overlap(uint32_t takes)
{
	static const uint32_t places[] = {
		ROTAI_TAKES_PATH | ROTAI_TAKES_DIR | ROTAI_TAKES_SIZE,
		ROTAI_TAKES_TO | ROTAI_TAKES_PATTERN | ROTAI_TAKES_TARGET |
			ROTAI_TAKES_INFO | ROTAI_TAKES_SYSTEM_INFO |
			ROTAI_TAKES_ENTRIES | ROTAI_TAKES_MEMORY,
		ROTAI_TAKES_PATH | ROTAI_TAKES_DIR | ROTAI_TAKES_MEMORY,
		ROTAI_TAKES_OTHER_FD | ROTAI_TAKES_OPTIONS,
		ROTAI_TAKES_OFFSET | ROTAI_TAKES_PLACE | ROTAI_TAKES_MODE |
			ROTAI_TAKES_OWNER | ROTAI_TAKES_TIMES,
		ROTAI_TAKES_LENGTH | ROTAI_TAKES_OTHER_PLACE |
			ROTAI_TAKES_SOME_LENGTH | ROTAI_TAKES_TIMES,
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint32_t here = takes & places[i];

		if ((here & (here - 1)) != 0)
			return 1;
	}
	return 0;
}

static void each_row_is_whole(void **state)
{
	(void)state;
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		const struct rotai_fs_operation *row = &rotai_fs_table[i];

		assert_non_null(row->class_.type);
		assert_ptr_equal(row->run, rotai_fs_run);
		assert_non_null(row->call);
		assert_int_equal(row->run_slowly != NULL,
				 row->call_slowly != NULL);
		assert_true(!row->makes_fd || row->discard != NULL);
		assert_int_equal(row->options != 0,
				 (row->takes & ROTAI_TAKES_OPTIONS) != 0);
		assert_int_not_equal(row->takes, 0);
		assert_false(places_overlap(row->takes));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(row->class_.type,
						rotai_fs_table[j].class_.type);
	}
}

/* Check that @row, which takes some of @takes, refuses the arguments, and that
 * the other rows do not. Restores @g->a. */
static void assert_refused(struct good *g, int row, uint32_t takes,
			   const struct rotai_fs_arguments *good, int error)
{
	if ((rotai_fs_table[row].takes & takes) != 0)
		assert_int_equal(start(g, row), error);
	g->a = *good;
}

static void refuse_pointers(struct good *g, int row)
{
	const struct rotai_fs_arguments good = g->a;

	g->a.path = NULL;
	assert_refused(g, row, ROTAI_TAKES_PATH, &good, ROTA_EINVAL);
	g->a.to = NULL;
	assert_refused(g, row, ROTAI_TAKES_TO, &good, ROTA_EINVAL);
	g->a.target = NULL;
	assert_refused(g, row,
		       ROTAI_TAKES_PATTERN | ROTAI_TAKES_TARGET |
			       ROTAI_TAKES_INFO | ROTAI_TAKES_SYSTEM_INFO |
			       ROTAI_TAKES_ENTRIES | ROTAI_TAKES_MEMORY,
		       &good, ROTA_EINVAL);
	g->a.dir = NULL;
	assert_refused(g, row, ROTAI_TAKES_DIR, &good, ROTA_EINVAL);
}

static void refuse_numbers(struct good *g, int row)
{
	const struct rotai_fs_arguments good = g->a;

	g->a.fd = -1;
	assert_refused(g, row, ROTAI_TAKES_FD, &good, ROTA_EBADF);
	g->a.other_fd = INT32_MIN;
	assert_refused(g, row, ROTAI_TAKES_OTHER_FD, &good, ROTA_EBADF);
	g->a.offset = -1;
	assert_refused(g, row, ROTAI_TAKES_OFFSET, &good, ROTA_EINVAL);
	g->a.offset = -2;
	assert_refused(g, row, ROTAI_TAKES_PLACE, &good, ROTA_EINVAL);
	g->a.length = -1;
	assert_refused(g, row, ROTAI_TAKES_LENGTH, &good, ROTA_EINVAL);
	g->a.length = -2;
	assert_refused(g, row, ROTAI_TAKES_OTHER_PLACE, &good, ROTA_EINVAL);
	g->a.length = 0;
	assert_refused(g, row, ROTAI_TAKES_SOME_LENGTH, &good, ROTA_EINVAL);
	g->a.length = INT64_MIN;
	assert_refused(g, row,
		       ROTAI_TAKES_LENGTH | ROTAI_TAKES_OTHER_PLACE |
			       ROTAI_TAKES_SOME_LENGTH,
		       &good, ROTA_EINVAL);
}

static void refuse_options(struct good *g, int row)
{
	const struct rotai_fs_arguments good = g->a;

	for (unsigned bit = 1; bit != 0; bit <<= 1) {
		g->a.options |= bit;
		if ((rotai_fs_table[row].options & bit) == 0)
			assert_refused(g, row, ROTAI_TAKES_OPTIONS, &good,
				       ROTA_EINVAL);
		g->a = good;
	}
	g->a.options = rotai_fs_table[row].options;
	assert_refused(g, row, ROTAI_TAKES_ONE_OPTION | ROTAI_TAKES_LOCK, &good,
		       ROTA_EINVAL);
	g->a.options = 0;
	assert_refused(g, row, ROTAI_TAKES_LOCK, &good, ROTA_EINVAL);
	g->a.options = ROTA_FS_LOCK_TRY;
	assert_refused(g, row, ROTAI_TAKES_LOCK, &good, ROTA_EINVAL);
}

static void refuse_targets(struct good *g, int row)
{
	static char *const patterns[] = { "", "XXXXX", "XXXXXXx", "/tmp/x" };
	const struct rotai_fs_arguments good = g->a;
	uint32_t takes = rotai_fs_table[row].takes;

	for (int i = 0; i < 4; i++) {
		g->a.target = patterns[i];
		assert_refused(g, row, ROTAI_TAKES_PATTERN, &good, ROTA_EINVAL);
	}
	g->target.size--;
	if ((takes & ROTAI_TAKES_SYSTEM_INFO) != 0)
		assert_int_equal(start(g, row), ROTA_EINVAL);
	g->target.size = 0;
	assert_refused(g, row, ROTAI_TAKES_INFO | ROTAI_TAKES_SYSTEM_INFO,
		       &good, ROTA_EINVAL);
	set_target(g, takes);
	g->target.entries.limit = 0;
	assert_refused(g, row, ROTAI_TAKES_ENTRIES, &good, ROTA_EINVAL);
	set_target(g, takes);
	g->t.op.fs.data = g->to;
	assert_refused(g, row, ROTAI_TAKES_DATA, &good, ROTA_EBUSY);
	g->t.op.fs.data = NULL;
}

/* O7 */
static void each_row_refuses_what_means_nothing(void **state)
{
	struct good g;

	good_begin(&g, *state);
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		set_target(&g, rotai_fs_table[i].takes);
		assert_int_equal(rotai_fs_start(NULL, on_end,
						(enum rotai_fs_row)i, &g.a),
				 ROTA_EINVAL);
		assert_int_equal(rotai_fs_start(&g.t.op.fs, NULL,
						(enum rotai_fs_row)i, &g.a),
				 ROTA_EINVAL);
		refuse_pointers(&g, i);
		refuse_numbers(&g, i);
		refuse_options(&g, i);
		refuse_targets(&g, i);
	}
	assert_false(rota_loop_alive(g.t.f->loop));
	assert_int_equal(g.t.op.calls, 0);
	good_end(&g);
}

/* O1 */
static void each_row_is_busy_while_it_is_in_flight(void **state)
{
	struct good g;

	good_begin(&g, *state);
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		set_target(&g, rotai_fs_table[i].takes);
		if (i == ROTAI_FS_CLOSE)
			g.a.fd = dup(fileno(g.file));
		assert_int_equal(start(&g, i), 0);
		assert_true(rota_request_is_active(&g.t.op.fs.request));
		for (int j = 0; j < ROTAI_FS_ROWS; j++)
			assert_int_equal(start(&g, j), ROTA_EBUSY);
		(void)outcome(&g.t.op);
		assert_int_equal(g.t.op.phase, ROTA_PHASE_POLL);
		rota_fs_free(&g.t.op.fs);
		g.a.fd = fileno(g.file);
	}
	good_end(&g);
}

/* O6: what no thread has begun. A close closes all the same. */
static void each_row_is_cancelled_before_it_began(void **state)
{
	struct lane lane;
	struct good g;

	good_begin(&g, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&g.t.op, lane.loop);
	rota_fs_set_copy_paths(&g.t.op.fs, 1);
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		set_target(&g, rotai_fs_table[i].takes);
		if (i == ROTAI_FS_CLOSE)
			g.a.fd = dup(fileno(g.file));
		assert_int_equal(start(&g, i), 0);
		assert_int_equal(rota_request_cancel(&g.t.op.fs.request), 0);
		assert_int_equal(outcome(&g.t.op), ROTA_ECANCELED);
		assert_int_equal(g.t.op.phase, ROTA_PHASE_PENDING);
		if (i == ROTAI_FS_CLOSE)
			assert_int_equal(fcntl(g.a.fd, F_GETFD), -1);
		g.a.fd = fileno(g.file);
	}
	lane_end(&lane);
	good_end(&g);
}

/* O7: a lane without threads does it in the pending phase. */
static void each_row_works_without_threads(void **state)
{
	struct lane lane;
	struct good g;

	good_begin(&g, *state);
	lane_begin(&lane, *state, ROTA_CLOCK_MONOTONIC, 0);
	operation_init(&g.t.op, lane.loop);
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		set_target(&g, rotai_fs_table[i].takes);
		if (i == ROTAI_FS_CLOSE)
			g.a.fd = dup(fileno(g.file));
		assert_int_equal(start(&g, i), 0);
		assert_int_equal(g.t.op.calls, i);
		(void)outcome(&g.t.op);
		assert_int_equal(g.t.op.phase, ROTA_PHASE_PENDING);
		assert_true(g.t.op.result > -4000);
		assert_int_not_equal(g.t.op.result, ROTA_EINVAL);
		assert_int_not_equal(g.t.op.result, ROTA_EFAULT);
		rota_fs_free(&g.t.op.fs);
		g.a.fd = fileno(g.file);
	}
	lane_end(&lane);
	good_end(&g);
}

/* F3 */
static void each_row_may_find_no_memory_for_its_paths(void **state)
{
	struct good g;
	unsigned copied = 0;

	good_begin(&g, *state);
	set_target(&g, ROTAI_TAKES_INFO);
	assert_int_equal(start(&g, ROTAI_FS_STAT), 0); /* the first job */
	(void)outcome(&g.t.op);
	rota_fs_set_copy_paths(&g.t.op.fs, 1);
	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		if ((rotai_fs_table[i].takes & ROTAI_TAKES_PATH) == 0)
			continue;
		set_target(&g, rotai_fs_table[i].takes);
		g.t.f->memory.fail_at = g.t.f->memory.calls + 1;
		assert_int_equal(start(&g, i), ROTA_ENOMEM);
		assert_false(rota_request_is_active(&g.t.op.fs.request));
		g.t.f->memory.fail_at = 0;
		copied++;
	}
	assert_true(copied > 15);
	good_end(&g);
}

static void begin_no_row(void *arg)
{
	struct good *g = arg;

	for (int i = 0; i < ROTAI_FS_ROWS; i++) {
		set_target(g, rotai_fs_table[i].takes);
		EXPECT(start(g, i) == ROTA_ECHILD);
	}
}

/* F2 */
static void a_forked_child_begins_no_row(void **state)
{
	struct good g;

	good_begin(&g, *state);
	in_a_child(begin_no_row, &g);
	good_end(&g);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_row_is_whole),
	REAL(each_row_refuses_what_means_nothing),
	REAL(each_row_is_busy_while_it_is_in_flight),
	REAL(each_row_is_cancelled_before_it_began),
	REAL(each_row_works_without_threads),
	REAL(each_row_may_find_no_memory_for_its_paths),
	REAL(a_forked_child_begins_no_row),
};

FIXTURE_MAIN(tests)
