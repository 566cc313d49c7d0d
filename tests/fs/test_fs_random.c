/* poller: none */
/*
 * Operations of the table, chosen at random, many in flight, some of them
 * cancelled or with a deadline that passes. Each calls back once, and nothing
 * is left: no descriptor, no memory, no file under a name of the library's.
 */
#include "fs/ready.h"

#include "fs/table.h"
#include "rota/fs_data.h"
#include "rota/fs_directory.h"
#include "rota/fs_lock.h"

enum { REQUESTS = 24, NAMES = 4, STEPS = 3000 };

struct one {
	struct operation op;
	enum rotai_fs_row row;
	struct rota_deadline deadline;
	struct rota_dir dir;
	struct rota_file_info info;
	struct rota_file_system_info room;
	struct rota_dir_entries entries;
	struct rota_buf buf;
	char byte;
	char pattern[200];
	unsigned begun;
};

struct crowd {
	struct scratch s;
	struct lane lane;
	char names[NAMES][200];
	int fds[2];
	int directory;
	uint64_t seed;
	struct one ones[REQUESTS];
};

static unsigned at_random(struct crowd *c, unsigned below)
{
	c->seed = c->seed * UINT64_C(6364136223846793005) + 1442695;
	return (unsigned)(c->seed >> 33) % below;
}

static void set_target(struct one *one, uint32_t takes,
		       struct rotai_fs_arguments *a)
{
	if ((takes & ROTAI_TAKES_PATTERN) != 0)
		a->target = one->pattern;
	if ((takes & ROTAI_TAKES_INFO) != 0)
		a->target = &one->info;
	if ((takes & ROTAI_TAKES_SYSTEM_INFO) != 0)
		a->target = &one->room;
	if ((takes & ROTAI_TAKES_ENTRIES) != 0)
		a->target = &one->entries;
	if ((takes & ROTAI_TAKES_MEMORY) != 0)
		a->target = &one->buf;
	if ((takes & ROTAI_TAKES_TARGET) != 0)
		a->target = &one->dir;
}

static struct rotai_fs_arguments arguments(struct crowd *c, struct one *one)
{
	uint32_t takes = rotai_fs_table[one->row].takes;
	struct rotai_fs_arguments a = {
		.path = c->names[at_random(c, NAMES)],
		.to = c->names[at_random(c, NAMES)],
		.dir = &one->dir,
		.size = 1,
		.offset = at_random(c, 3),
		.length = at_random(c, 3) + 1,
		.fd = c->fds[at_random(c, 2)],
		.other_fd = c->fds[at_random(c, 2)],
		.mode = 0700,
		.user = getuid(),
		.group = getgid(),
	};

	if ((takes & ROTAI_TAKES_LOCK) != 0)
		a.options = 1u << at_random(c, 3);
	set_target(one, takes, &a);
	return a;
}

/* Free what the last operation has left to the caller. */
static void put_away(struct crowd *c, struct one *one)
{
	int64_t result = one->op.result;

	rota_fs_free(&one->op.fs);
	if (one->begun == 0 || result < 0)
		return;
	if (one->row == ROTAI_FS_MKSTEMP) {
		close((int)result);
		assert_int_equal(unlinkat(c->directory, one->pattern, 0), 0);
	}
	if (one->row == ROTAI_FS_MKDTEMP)
		assert_int_equal(
			unlinkat(c->directory, one->pattern, AT_REMOVEDIR), 0);
	strcpy(one->pattern, "new-XXXXXX");
}

/* An open directory is closed before another may be opened there. */
static enum rotai_fs_row choose_row(struct crowd *c, const struct one *one)
{
	enum rotai_fs_row row;

	do {
		row = (enum rotai_fs_row)at_random(c, ROTAI_FS_ROWS);
	} while (row == ROTAI_FS_CLOSE || row == ROTAI_FS_SENDFILE ||
		 (row == ROTAI_FS_OPENDIR && one->dir.internal.stream != NULL));
	return row;
}

static void begin_one(struct crowd *c, struct one *one)
{
	struct rotai_fs_arguments a;

	put_away(c, one);
	one->row = choose_row(c, one);
	a = arguments(c, one);
	rota_fs_set_copy_paths(&one->op.fs, (int)at_random(c, 2));
	assert_int_equal(rotai_fs_start(&one->op.fs, on_end, one->row, &a), 0);
	one->begun++;
	if (at_random(c, 4) == 0)
		assert_int_equal(rota_request_set_deadline(
					 &one->op.fs.request, &one->deadline,
					 rota_loop_now(c->lane.loop) +
						 at_random(c, 300000)),
				 0);
}

static void crowd_begin(struct crowd *c, struct fixture *f, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->seed = seed;
	scratch_begin(&c->s);
	lane_begin(&c->lane, f, ROTA_CLOCK_MONOTONIC, 3);
	c->directory = open(c->s.directory, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < NAMES; i++)
		snprintf(c->names[i], sizeof(c->names[i]), "name-%d", i);
	for (int i = 0; i < 2; i++)
		c->fds[i] = put_open(&c->s, O_RDWR | O_CREAT);
	for (int i = 0; i < REQUESTS; i++) {
		struct one *one = &c->ones[i];

		operation_init(&one->op, c->lane.loop);
		rota_fs_set_directory(&one->op.fs, c->directory);
		one->info.size = sizeof(one->info);
		one->room.size = sizeof(one->room);
		one->buf = buf_of(&one->byte, 1);
		strcpy(one->pattern, "new-XXXXXX");
		rota_dir_entries_init(&one->entries, 3);
	}
}

static void crowd_end(struct crowd *c)
{
	struct rota_dir_entries left;
	struct operation op;

	for (int i = 0; i < REQUESTS; i++) {
		struct one *one = &c->ones[i];

		assert_int_equal(one->op.calls, one->begun);
		put_away(c, one);
		rota_dir_entries_free(&one->entries);
		if (one->dir.internal.stream != NULL)
			closedir(one->dir.internal.stream);
	}
	for (int i = 0; i < NAMES; i++) {
		(void)unlinkat(c->directory, c->names[i], 0);
		(void)unlinkat(c->directory, c->names[i], AT_REMOVEDIR);
	}
	operation_init(&op, c->lane.loop);
	rota_dir_entries_init(&left, 10);
	assert_int_equal(DONE(&op, rota_fs_scandir(&op.fs, on_end,
						   c->s.directory, &left, 0)),
			 1);
	assert_string_equal(left.items[0].name, "file");
	rota_dir_entries_free(&left);
	for (int i = 0; i < 2; i++)
		close(c->fds[i]);
	close(c->directory);
	lane_end(&c->lane);
	scratch_end(&c->s);
}

static void each_calls_back_once_and_leaves_nothing(void **state)
{
	static struct crowd c;

	for (uint64_t seed = 1; seed <= 3; seed++) {
		crowd_begin(&c, *state, seed);
		for (int step = 0; step < STEPS; step++) {
			struct one *one = &c.ones[at_random(&c, REQUESTS)];

			if (!rota_request_is_active(&one->op.fs.request))
				begin_one(&c, one);
			else if (at_random(&c, 3) == 0)
				(void)rota_request_cancel(&one->op.fs.request);
			if (at_random(&c, 4) == 0)
				rota_loop_run(c.lane.loop, ROTA_RUN_NOWAIT);
		}
		/* A lock may be waited for that nobody will release. */
		for (int i = 0; i < REQUESTS; i++)
			(void)rota_request_cancel(&c.ones[i].op.fs.request);
		assert_int_equal(rota_loop_run(c.lane.loop, ROTA_RUN_DEFAULT),
				 0);
		crowd_end(&c);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(each_calls_back_once_and_leaves_nothing),
};

FIXTURE_MAIN(tests)
