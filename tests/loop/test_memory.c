/*
 * The memory that a loop keeps. In a steady state it does not grow, and after a
 * burst it is freed, except for what docs/ownership.md lists.
 */
#include "support/fixture.h"
#include "support/probe.h"

#include <fcntl.h>
#include <unistd.h>

#include "loop/quick_items.h"

enum {
	KEPT_ITEMS = 1024, /* and as many buckets */
	BURST = 10000,
	CYCLES = 1000,
};

static const size_t kept_bytes =
	KEPT_ITEMS * (sizeof(struct rotai_quick_item) + sizeof(void *));

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void run_to_the_end(struct fixture *f)
{
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);
}

/* Set @number quick timers of each kind, clear half of them, and run the
 * others. */
static void set_some(struct fixture *f, unsigned number)
{
	uint64_t ids[3];
	unsigned calls = 0;

	for (unsigned i = 0; i < number; i++) {
		ids[0] = rota_set_timeout(f->loop, count, &calls, i % 7);
		ids[1] = rota_set_immediate(f->loop, count, &calls);
		ids[2] = rota_set_interval(f->loop, count, &calls, 1);
		for (unsigned k = 0; k < 3; k++)
			assert_true(ids[k] != 0);
		rota_clear(f->loop, ids[2]);
		if (i % 2)
			rota_clear(f->loop, ids[i / 2 % 2]);
	}
	run_to_the_end(f);
	assert_int_equal(calls, 2 * number - number / 2);
}

static void quick_timers_in_a_steady_state_allocate_nothing(void **state)
{
	struct fixture *f = *state;
	size_t bytes, calls;

	set_some(f, 500);
	bytes = f->memory.bytes;
	calls = f->memory.calls;

	for (unsigned i = 0; i < CYCLES; i++)
		set_some(f, i % 500);

	assert_int_equal(f->memory.bytes, bytes);
	assert_int_equal(f->memory.calls, calls);
}

/* More are in use than are kept at rest, and half of them are set again and
 * again. */
static void many_quick_timers_in_a_steady_state_allocate_nothing(void **state)
{
	enum { STANDING = 4000 };
	struct fixture *f = *state;
	static uint64_t ids[STANDING];
	unsigned calls = 0;
	size_t allocated;

	for (unsigned i = 0; i < STANDING; i++)
		ids[i] = rota_set_timeout(f->loop, count, &calls, ROTA_SEC(9));
	allocated = f->memory.calls;

	for (unsigned cycle = 0; cycle < 100; cycle++) {
		for (unsigned i = 0; i < STANDING / 2; i++)
			rota_clear(f->loop, ids[i]);
		for (unsigned i = 0; i < STANDING / 2; i++)
			ids[i] = rota_set_timeout(f->loop, count, &calls,
						  ROTA_SEC(9));
	}

	assert_int_equal(f->memory.calls, allocated);
	run_to_the_end(f);
	assert_int_equal(calls, STANDING);
}

static void a_burst_of_quick_timers_gives_its_memory_back(void **state)
{
	struct fixture *f = *state;
	size_t before = f->memory.bytes;
	unsigned calls = 0;
	size_t after;

	for (unsigned burst = 0; burst < 3; burst++) {
		for (unsigned i = 0; i < BURST; i++)
			assert_true(rota_set_timeout(f->loop, count, &calls,
						     i * 3 % 5000) != 0);
		assert_true(f->memory.bytes - before > BURST * sizeof(void *));
		run_to_the_end(f);
		assert_int_equal(calls, (burst + 1) * BURST);

		after = f->memory.bytes - before;
		assert_in_range(after, 1, kept_bytes);
	}
}

/* As many as are kept may be unused before anything is given back: the items
 * beyond, and half of the buckets. */
static void what_is_kept_at_rest_is_kept_whole(void **state)
{
	enum { STANDING = 100, COUNT = KEPT_ITEMS + STANDING };
	const size_t item = sizeof(struct rotai_quick_item);
	struct fixture *f = *state;
	static uint64_t ids[COUNT];
	size_t grown;

	for (unsigned i = 0; i < COUNT; i++)
		ids[i] = rota_set_timeout(f->loop, count, f, 1);
	grown = f->memory.bytes;

	for (unsigned i = STANDING; i < COUNT; i++)
		rota_clear(f->loop, ids[i]);
	assert_int_equal(f->memory.bytes, grown);

	rota_clear(f->loop, ids[0]);
	assert_int_equal(f->memory.bytes,
			 grown - item - KEPT_ITEMS * sizeof(void *));
	for (unsigned i = 1; i < STANDING; i++) {
		rota_clear(f->loop, ids[i]);
		assert_int_equal(f->memory.bytes,
				 grown - (i + 1) * item -
					 KEPT_ITEMS * sizeof(void *));
	}
}

/* They are cleared in order, or in reverse order. */
static void cleared_quick_timers_give_their_memory_back(void **state)
{
	struct fixture *f = *state;
	size_t before = f->memory.bytes;
	static uint64_t ids[BURST];

	for (unsigned order = 0; order < 2; order++) {
		for (unsigned i = 0; i < BURST; i++)
			ids[i] = rota_set_interval(f->loop, count, f, 5);
		for (unsigned i = 0; i < BURST; i++)
			rota_clear(f->loop, ids[order ? BURST - 1 - i : i]);

		assert_in_range(f->memory.bytes - before, 1, kept_bytes);
		assert_int_equal(rota_loop_alive(f->loop), 0);
	}
}

/* Timers that are still set after a burst keep working, and old ids find
 * nothing. */
static void what_outlives_a_burst_can_be_cleared(void **state)
{
	enum { LEFT = BURST / 100 };
	struct fixture *f = *state;
	size_t before = f->memory.bytes;
	static uint64_t ids[BURST];
	unsigned calls = 0;

	for (unsigned i = 0; i < BURST; i++)
		ids[i] = rota_set_timeout(f->loop, count, &calls,
					  i % 100 == 99 ? 50 : 1);
	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	assert_int_equal(calls, BURST - LEFT);
	assert_true(f->memory.bytes - before <= 2 * kept_bytes);

	for (unsigned i = 0; i < BURST; i++)
		if (i % 200 != 199)
			rota_clear(f->loop, ids[i]);
	run_to_the_end(f);
	assert_int_equal(calls, BURST - LEFT / 2);
}

static uint64_t other_id;

static void clear_other(void *arg)
{
	rota_clear(arg, other_id);
}

/* A shutdown clears all of them, and their callbacks would clear each other. */
static void a_shutdown_takes_back_a_burst(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;

	for (unsigned i = 0; i < BURST; i++) {
		other_id = rota_set_timeout(f->loop, count, &calls, i);
		assert_true(rota_set_immediate(f->loop, clear_other, f->loop) !=
			    0);
	}

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);
	f->loop = NULL;

	assert_int_equal(calls, 0);
	assert_int_equal(f->memory.bytes, 0);
}

/* F3: if the smaller bucket array cannot be allocated, the old one stays. */
static void a_burst_ends_well_without_memory(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;

	for (unsigned i = 0; i < BURST; i++)
		assert_true(rota_set_timeout(f->loop, count, &calls, 0) != 0);
	f->memory.fail_at = f->memory.calls + 1;
	run_to_the_end(f);

	assert_int_equal(f->memory.failed, 1);
	assert_int_equal(calls, BURST);
	assert_true(rota_set_timeout(f->loop, count, &calls, 0) != 0);
	run_to_the_end(f);
	assert_int_equal(calls, BURST + 1);
}

/* Tables grow by half. They take 20 bytes for each descriptor; poll(2) takes 16
 * more, and kqueue none. */
static void tables_grow_with_the_highest_descriptor_and_no_further(void **state)
{
	enum { COUNT = 300, A_DESCRIPTOR = 20 + 16 };
	struct fixture *f = *state;
	size_t before = f->memory.bytes, grown;
	struct probe probes[COUNT];
	int fds[2], copies[COUNT];

	need_descriptors(COUNT);
	make_pipe(fds);
	for (unsigned i = 0; i < COUNT; i++) {
		copies[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		assert_int_not_equal(copies[i], -1);
		probe_init(&probes[i], f, copies[i]);
	}
	for (unsigned cycle = 0; cycle < 50; cycle++) {
		for (unsigned i = 0; i < COUNT; i++)
			probe_start(&probes[i], ROTA_READABLE);
		turn(f);
		if (cycle == 0)
			grown = f->memory.bytes;
		assert_int_equal(f->memory.bytes, grown);
		for (unsigned i = 0; i < COUNT; i++)
			probe_stop(&probes[i]);
		turn(f);
	}

	assert_int_equal(f->memory.bytes, grown);
	assert_true(grown - before <=
		    (size_t)(copies[COUNT - 1] + 8) * A_DESCRIPTOR * 3 / 2);
	for (unsigned i = 0; i < COUNT; i++)
		close(copies[i]);
	close(fds[0]);
	close(fds[1]);
}

static void count_task(struct rota_task *task)
{
	++*(unsigned *)task->data;
}

/* Nodes are memory of the caller: using them allocates nothing. */
static void nodes_allocate_nothing(void **state)
{
	struct fixture *f = *state;
	size_t calls = f->memory.calls;
	struct rota_task tasks[4];
	struct rota_timer timer;
	unsigned counted = 0;

	rota_timer_init(&timer, f->loop);
	for (unsigned i = 0; i < 4; i++) {
		rota_task_init(&tasks[i], f->loop);
		tasks[i].data = &counted;
	}
	for (unsigned i = 0; i < CYCLES; i++) {
		rota_task_next_tick(&tasks[0], count_task);
		rota_task_microtask(&tasks[1], count_task);
		rota_task_immediate(&tasks[2], count_task);
		rota_task_post(&tasks[3], count_task);
		turn(f);
	}

	assert_int_equal(counted, 4 * CYCLES);
	assert_int_equal(f->memory.calls, calls);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(quick_timers_in_a_steady_state_allocate_nothing),
	VIRTUAL(many_quick_timers_in_a_steady_state_allocate_nothing),
	VIRTUAL(a_burst_of_quick_timers_gives_its_memory_back),
	VIRTUAL(what_is_kept_at_rest_is_kept_whole),
	VIRTUAL(cleared_quick_timers_give_their_memory_back),
	VIRTUAL(what_outlives_a_burst_can_be_cleared),
	VIRTUAL(a_shutdown_takes_back_a_burst),
	VIRTUAL(a_burst_ends_well_without_memory),
	REAL(tables_grow_with_the_highest_descriptor_and_no_further),
	REAL(nodes_allocate_nothing),
};
FIXTURE_MAIN(tests)
