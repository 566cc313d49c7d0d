/*
 * What only Linux has: threads on one processor each, and listeners of which a
 * connection wakes one (EPOLLEXCLUSIVE).
 */
/* system: linux */
#include "support/fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "server/crew.h"
#include "server/group.h"
#include "support/fault.h"

/* --- processors ----------------------------------------------------------- */

static int processors[2];

static int look_at_processors(struct rota_loops *loops, unsigned index)
{
	cpu_set_t set;

	(void)loops;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	processors[index] = CPU_COUNT(&set);
	for (int i = 0; processors[index] == 1; i++)
		if (CPU_ISSET((size_t)i, &set))
			processors[index] = -i;
	return 0;
}

static void threads_can_be_pinned(void **state)
{
	struct rota_loops_options options;
	struct rota_loops *loops;
	cpu_set_t set;
	int first = 0, last = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET((size_t)first, &set))
		first++;
	for (int i = first, seen = 0; i < CPU_SETSIZE && seen < 2; i++)
		if (CPU_ISSET((size_t)i, &set)) {
			last = i;
			seen++;
		}
	rota_loops_options_init(&options);
	options.count = 2;
	options.is_pinned = 1;
	options.set_up = look_at_processors;
	assert_int_equal(rota_loops_start(&loops, &options), 0);
	assert_int_equal(rota_loops_stop(loops), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	assert_int_equal(processors[0], -first);
	assert_int_equal(processors[1], CPU_COUNT(&set) > 1 ? -last : -first);
}

/* --- exclusive listeners -------------------------------------------------- */

static struct crew crew;
static struct rota_loop *loops_of[2];

static void begin(struct fixture *f, size_t limit)
{
	if (!poller_is(f, "epoll"))
		skip_test("only epoll wakes one");
	crew_init(&crew, 2, ROTA_LISTEN_SHARED);
	crew.limit = limit;
	loops_of[0] = f->loop;
	assert_int_equal(rota_loop_new(&loops_of[1], NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(hand_init(&crew, i, loops_of[i]), 0);
	crew_open(&crew);
}

static void run_both(void)
{
	for (int i = 0; i < 2; i++)
		assert_true(rota_loop_run(loops_of[i], ROTA_RUN_NOWAIT) >= 0);
}

static void end(struct fixture *f)
{
	rota_listen_group_close(crew.group);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rota_loop_shutdown(loops_of[i], UINT64_MAX),
				 0);
	f->loop = NULL;
}

/* How many files the loop watches exclusively, and in *@all how many in all:
 * see proc(5). */
static unsigned count_exclusive(const struct rota_loop *loop, unsigned *all)
{
	const unsigned exclusive = 1u << 28; /* EPOLLEXCLUSIVE */
	unsigned count = 0, events;
	char path[64], line[256];
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 rota_loop_backend_fd((struct rota_loop *)(uintptr_t)loop));
	stream = fopen(path, "r");
	assert_non_null(stream);
	*all = 0;
	while (fgets(line, sizeof(line), stream) != NULL)
		if (sscanf(line, "tfd: %*d events: %x", &events) == 1) {
			++*all;
			count += (events & exclusive) != 0;
		}
	fclose(stream);
	return count;
}

static void assert_exclusive(unsigned index, unsigned expected,
			     unsigned expected_in_all)
{
	unsigned all;

	assert_int_equal(count_exclusive(loops_of[index], &all), expected);
	assert_int_equal(all, expected_in_all + 1); /* and the wake-ups */
}

static void a_connection_wakes_one_loop(void **state)
{
	struct fixture *f = *state;
	int fds[40];

	begin(f, 0);
	run_both();
	run_both();
	assert_exclusive(0, 1, 1);
	assert_exclusive(1, 1, 1);
	/* It stays so when a loop goes to the end of the line. */
	raw_clients(fds, 40, &crew.address);
	while (crew_accepted(&crew) < 40)
		run_both();
	run_both();
	assert_exclusive(0, 1, 1 + crew.hands[0].open);
	assert_exclusive(1, 1, 1 + crew.hands[1].open);
	raw_close_all(fds, 40);
	end(f);
}

static void a_listener_that_pauses_is_not_woken(void **state)
{
	struct fixture *f = *state;
	int fds[2];

	begin(f, 1);
	run_both();
	raw_clients(fds, 2, &crew.address);
	while (crew_accepted(&crew) < 2)
		run_both();
	run_both();
	assert_exclusive(0, 0, 2);
	raw_close_all(fds, 2);
	while (crew.hands[0].open + crew.hands[1].open > 0)
		run_both();
	run_both();
	run_both();
	assert_exclusive(0, 1, 1);
	assert_exclusive(1, 1, 1);
	end(f);
}

/* The socket has other descriptors, so its close does not remove it. */
static void a_member_that_closes_leaves_the_kernel(void **state)
{
	struct fixture *f = *state;
	int fd;

	begin(f, 0);
	run_both();
	run_both();
	assert_int_equal(rota_server_stop(crew.servers[0], 0, NULL), 0);
	(void)rota_loop_run(loops_of[0], ROTA_RUN_NOWAIT);
	assert_exclusive(0, 0, 0);
	raw_clients(&fd, 1, &crew.address);
	while (crew.hands[1].accepted == 0)
		run_both();
	raw_close(fd);
	end(f);
}

/* A change removes the registration and adds it again. If that fails, the next
 * wait tries again. */
static void a_change_that_fails_is_tried_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned nth = 1; nth <= 2; nth++) {
		int fds[3];

		if (nth > 1)
			fixture_begin_real(state), f = *state;
		begin(f, 1);
		run_both();
		raw_clients(fds, 2, &crew.address);
		while (crew_accepted(&crew) < 2)
			run_both();
		raw_clients(fds + 2, 1, &crew.address);
		run_both();
		raw_close(fds[0]); /* a member resumes */
		fault_fail("epoll_ctl", nth, ENOMEM);
		while (crew_accepted(&crew) < 3)
			run_both();
		assert_int_equal(fault_clear(), 1);
		raw_close_all(fds + 1, 2);
		end(f);
		if (nth == 1)
			assert_int_equal(fixture_end(state), 0);
	}
}

static void take_lock(struct rota_loop *loop, void *arg)
{
	(void)loop;
	(void)arg;
}

static int has_look(unsigned index)
{
	return rota_task_is_queued(&crew.group->members[index].looking);
}

/* What another thread may do while the first loop waits. The second loop looks
 * at once, and there is nothing yet. */
static void stop_first(void *arg)
{
	(void)arg;
	assert_int_equal(rota_server_stop(crew.servers[0], 0, NULL), 0);
	assert_true(has_look(1));
	assert_true(rota_loop_run(loops_of[1], ROTA_RUN_NOWAIT) >= 0);
	assert_false(has_look(1));
}

static void a_member_that_leaves_in_a_wait_passes_on_what_woke_it(void **state)
{
	struct fixture *f = *state;
	int fd;

	begin(f, 0);
	assert_int_equal(
		rota_loop_set_lock(loops_of[0], take_lock, take_lock, NULL), 0);
	run_both();
	run_both();
	fault_call_before("epoll_wait", 1, stop_first, NULL);
	assert_true(rota_loop_run(loops_of[0], ROTA_RUN_NOWAIT) >= 0);
	assert_int_equal(fault_clear(), 1);
	assert_true(rota_loop_run(loops_of[0], ROTA_RUN_NOWAIT) >= 0);
	assert_true(has_look(1));
	raw_clients(&fd, 1, &crew.address);
	while (crew.hands[1].accepted == 0)
		run_both();
	raw_close(fd);
	end(f);
}

static const struct CMUnitTest tests[] = {
	REAL(threads_can_be_pinned),
	REAL(a_connection_wakes_one_loop),
	REAL(a_listener_that_pauses_is_not_woken),
	REAL(a_member_that_closes_leaves_the_kernel),
	REAL(a_member_that_leaves_in_a_wait_passes_on_what_woke_it),
	REAL(a_change_that_fails_is_tried_again),
};

FIXTURE_MAIN(tests)
