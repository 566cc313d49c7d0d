/*
 * The contract of backend/poller.h, tested on each poller alone: adding,
 * changing and removing descriptors. Waits and wake-ups are tested in
 * test_poller_wait.c.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/poller.h"
#include "support/poller.h"

enum {
	READABLE = ROTAI_READABLE,
	WRITABLE = ROTAI_WRITABLE,
	PRIORITY = ROTAI_PRIORITY,
	DISCONNECT = ROTAI_DISCONNECT,
};

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void what_is_ready_is_reported_with_its_generation(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2];

	make_pipe(fds);
	assert_int_equal(poller_add(t, fds[0], 7, READABLE), 0);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);

	put_byte(fds[1]);

	assert_int_equal(poller_wait(t, -1, ready, 8), 1);
	assert_int_equal(ready[0].fd, fds[0]);
	assert_int_equal(ready[0].generation, 7);
	assert_int_equal(ready[0].events & READABLE, READABLE);
	poller_remove(t, fds[0]);
	close_both(fds);
}

/* The poller is level-triggered. */
static void what_is_not_consumed_is_reported_again(void **state)
{
	struct poller_test *t = *state;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE), 0);

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(poller_ready(t, fds[0]), READABLE);
	take_byte(fds[0]);
	assert_int_equal(poller_ready(t, fds[0]), 0);
	put_byte(fds[1]);
	assert_int_equal(poller_ready(t, fds[0]), READABLE);

	poller_remove(t, fds[0]);
	close_both(fds);
}

static void both_directions_are_reported_by_one_wait(void **state)
{
	struct poller_test *t = *state;
	int fds[2];

	make_socketpair(fds);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE | WRITABLE), 0);

	assert_int_equal(poller_ready(t, fds[0]), READABLE | WRITABLE);

	poller_remove(t, fds[0]);
	close_both(fds);
}

/* D2, D4: a descriptor changes from any mask to any other, with or without a
 * wait between. */
static void try_all_changes(struct poller_test *t, int waits)
{
	uint32_t generation = 0;
	int fds[2];

	make_socketpair(fds);
	put_byte(fds[1]);
	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
	for (unsigned change = 0; change < 16 * 16; change++) {
		unsigned from = change % 16, to = change / 16;

		if ((from | to) & PRIORITY)
			continue;
		assert_int_equal(poller_add(t, fds[0], ++generation, from), 0);
		if (waits)
			assert_int_equal(poller_ready(t, fds[0]) & from, from);
		assert_int_equal(poller_change(t, fds[0], generation, from, to),
				 0);
		assert_int_equal(poller_ready(t, fds[0]) & ~to, 0);
		assert_int_equal(poller_ready(t, fds[0]), to);
		if (to != 0)
			assert_int_equal(t->generation, generation);
		poller_remove(t, fds[0]);
		assert_int_equal(poller_ready(t, fds[0]), 0);
	}
	close_both(fds);
}

static void a_change_holds_by_the_next_wait(void **state)
{
	struct poller_test *t = *state;

	try_all_changes(t, 1);
	try_all_changes(t, 0);
}

/* D2: neither data nor a hang-up ends a sleep if the mask is empty. epoll(7)
 * cannot suppress a hang-up, so it may report it once. */
static void expect_silence(struct poller_test *t, int fd)
{
	const int64_t two_ms = 2000000;
	struct rotai_ready ready[8];
	unsigned reports = 0;
	uint64_t began = real_now();

	for (unsigned i = 0; i < 4; i++)
		if (poller_wait(t, two_ms, ready, 8) > 0) {
			assert_int_equal(ready[0].fd, fd);
			reports++;
		}

	assert_true(reports <= 1);
	assert_true(real_now() - began >= 3 * (uint64_t)two_ms);
}

static void what_wants_nothing_stays_silent(void **state)
{
	struct poller_test *t = *state;
	int quiet[2], paused[2];

	make_pipe(quiet);
	make_socketpair(paused);
	assert_int_equal(poller_add(t, quiet[0], 1, 0), 0);
	assert_int_equal(poller_add(t, paused[0], 1, READABLE), 0);
	put_byte(quiet[1]);
	put_byte(paused[1]);
	assert_int_equal(poller_ready(t, paused[0]), READABLE);
	assert_int_equal(poller_change(t, paused[0], 1, READABLE, 0), 0);

	close(paused[1]);
	expect_silence(t, paused[0]);
	close(quiet[1]);
	expect_silence(t, quiet[0]);

	assert_int_equal(poller_change(t, quiet[0], 1, 0, READABLE), 0);
	assert_int_equal(poller_ready(t, quiet[0]), READABLE);
	poller_remove(t, quiet[0]);
	poller_remove(t, paused[0]);
	close(quiet[0]);
	close(paused[0]);
}

static void expect_refused(struct poller_test *t, int fd, int error)
{
	struct rotai_ready ready[8];

	for (unsigned wanted = 0; wanted < 16; wanted++)
		if (!(wanted & PRIORITY))
			assert_int_equal(poller_add(t, fd, 1, wanted), error);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
}

/* D4 */
static void files_and_directories_are_refused(void **state)
{
	struct poller_test *t = *state;
	char name[] = "/tmp/rota-test-XXXXXX";
	int file = mkstemp(name);
	int directory = open("/", O_RDONLY | O_CLOEXEC);

	expect_refused(t, file, ROTA_EPERM);
	expect_refused(t, directory, ROTA_EPERM);

	unlink(name);
	close(file);
	close(directory);
}

static void what_is_not_open_is_refused(void **state)
{
	struct poller_test *t = *state;
	int fds[2];

	make_pipe(fds);
	close_both(fds);

	expect_refused(t, -1, ROTA_EBADF);
	expect_refused(t, fds[0], ROTA_EBADF);
	expect_refused(t, INT_MAX, ROTA_EBADF);
}

/* The kernel tracks the open file: a duplicate under another number could still
 * be reported. */
static void what_was_removed_has_left_the_kernel(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2], copy;

	make_pipe(fds);
	copy = dup(fds[0]);
	put_byte(fds[1]);
	assert_int_equal(poller_add(t, fds[0], 1, READABLE), 0);
	assert_int_equal(poller_ready(t, fds[0]), READABLE);

	poller_remove(t, fds[0]);
	close(fds[0]);

	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
	assert_int_equal(poller_wait(t, 2000000, ready, 8), 0);
	close(copy);
	close(fds[1]);
}

/* This includes a change that was not submitted to the kernel yet. */
static void a_removal_drops_a_change_that_waits(void **state)
{
	struct poller_test *t = *state;
	struct rotai_ready ready[8];
	int fds[2];

	make_socketpair(fds);
	assert_int_equal(poller_add(t, fds[0], 1, 0), 0);
	assert_int_equal(poller_ready(t, fds[0]), 0);
	assert_int_equal(poller_change(t, fds[0], 1, 0, WRITABLE), 0);
	poller_remove(t, fds[0]);
	close_both(fds);

	assert_int_equal(t->ops->submit(t->poller), 0);
	assert_int_equal(poller_wait(t, 0, ready, 8), 0);
}

/* D1: the earlier registration of that number is forgotten. */
static void a_number_in_use_again_has_its_new_generation(void **state)
{
	struct poller_test *t = *state;
	int old[2], fresh[2];

	make_pipe(old);
	make_pipe(fresh);
	put_byte(old[1]);
	assert_int_equal(poller_add(t, old[0], 1, READABLE), 0);
	assert_int_equal(poller_ready(t, old[0]), READABLE);
	poller_remove(t, old[0]);

	assert_int_equal(dup2(fresh[0], old[0]), old[0]);
	assert_int_equal(poller_add(t, old[0], 2, READABLE), 0);

	assert_int_equal(poller_ready(t, old[0]), 0);
	put_byte(fresh[1]);
	assert_int_equal(poller_ready(t, old[0]), READABLE);
	assert_int_equal(t->generation, 2);
	poller_remove(t, old[0]);
	close_both(old);
	close_both(fresh);
}

/* D4: the caller gets the error from its own read or write. */
static void a_hang_up_counts_as_everything_wanted(void **state)
{
	struct poller_test *t = *state;
	int pipes[2], sockets[2];

	make_pipe(pipes);
	make_socketpair(sockets);
	close(pipes[0]);
	close(sockets[1]);

	for (unsigned wanted = 1; wanted < 16; wanted++) {
		if (wanted & PRIORITY)
			continue;
		assert_int_equal(poller_add(t, sockets[0], 1, wanted), 0);
		assert_int_equal(poller_ready(t, sockets[0]), wanted);
		poller_remove(t, sockets[0]);
	}
	assert_int_equal(poller_add(t, pipes[1], 1, WRITABLE), 0);
	assert_int_equal(poller_ready(t, pipes[1]), WRITABLE);

	poller_remove(t, pipes[1]);
	close(pipes[1]);
	close(sockets[0]);
}

/* What the poller says of @fd, which is not reported if it is silent. */
static unsigned report_of(struct poller_test *t, int fd, uint32_t generation)
{
	struct rotai_ready ready[8];
	int n = poller_wait(t, 0, ready, 8);

	assert_in_range(n, 0, 1);
	if (n == 0)
		return 0;
	assert_int_equal(ready[0].fd, fd);
	assert_int_equal(ready[0].generation, generation);
	return ready[0].events;
}

/* At once by an error, or by the next wait as everything wanted: again with
 * each wait, or with ROTAI_ONCE and then no more. */
static void a_change_that_the_kernel_refuses_is_told(void **state)
{
	struct poller_test *t = *state;
	unsigned refused = 0, reported = 0;

	for (unsigned wanted = 1; wanted < 16; wanted++) {
		unsigned events;
		int fds[2];

		if (wanted & PRIORITY)
			continue;
		make_socketpair(fds);
		assert_int_equal(poller_add(t, fds[0], wanted, 0), 0);
		assert_int_equal(report_of(t, fds[0], wanted), 0);
		close_both(fds);
		if (poller_change(t, fds[0], wanted, 0, wanted) < 0) {
			refused++;
		} else {
			events = report_of(t, fds[0], wanted);
			assert_int_equal(events & wanted, wanted);
			assert_int_equal(report_of(t, fds[0], wanted),
					 events & ROTAI_ONCE ? 0 : events);
			reported++;
		}
		poller_remove(t, fds[0]);
	}

	assert_int_equal(refused + reported, 7);
	assert_int_equal(refused, poller_test_is(t, "epoll") ? 7 : 0);
}

/* F3: the fixture closes the poller while all these are registered. */
static void a_poller_can_be_closed_with_all_in_it(void **state)
{
	struct poller_test *t = *state;
	int fds[40][2];

	for (unsigned i = 0; i < 40; i++) {
		make_pipe(fds[i]);
		put_byte(fds[i][1]);
		assert_int_equal(poller_add(t, fds[i][0], i, READABLE), 0);
	}

	poller_reopen(t);

	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(poller_ready(t, fds[i][0]), 0);
		close_both(fds[i]);
	}
}

enum { CHANNELS = 48 };

struct channel {
	int fds[2];
	uint32_t generation;
	unsigned wanted;
	int added;
	int full;    /* a byte can be read */
	int settled; /* no change since the last wait */
};

/* @generation is for a descriptor that is added. A change keeps the old one. */
static void do_something(struct poller_test *t, struct channel *c,
			 uint64_t *seed, uint32_t generation)
{
	unsigned wanted = (unsigned)random_below(seed, 2) ? READABLE : 0;

	switch (random_below(seed, 4)) {
	case 0:
		if (c->added)
			poller_remove(t, c->fds[0]);
		else
			assert_int_equal(
				poller_add(t, c->fds[0], generation, wanted),
				0);
		c->added = !c->added;
		c->wanted = wanted;
		c->generation = generation;
		break;
	case 1:
		if (!c->added || c->wanted == wanted || !c->settled)
			break;
		assert_int_equal(poller_change(t, c->fds[0], generation,
					       c->wanted, wanted),
				 0);
		c->wanted = wanted;
		c->generation = generation;
		c->settled = 0;
		break;
	default:
		if (c->full)
			take_byte(c->fds[0]);
		else
			put_byte(c->fds[1]);
		c->full = !c->full;
	}
}

static void expect_all_ready(struct poller_test *t, struct channel *channels)
{
	struct rotai_ready ready[CHANNELS * 2];
	int n = poller_wait(t, 0, ready, CHANNELS * 2);
	int expected = 0;

	for (unsigned i = 0; i < CHANNELS; i++) {
		struct channel *c = &channels[i];
		int found = 0;

		c->settled = 1;
		for (int k = 0; k < n; k++)
			if (ready[k].fd == c->fds[0]) {
				assert_int_equal(ready[k].generation,
						 c->generation);
				assert_int_equal(ready[k].events, READABLE);
				found++;
			}
		assert_int_equal(found, c->added && c->full && c->wanted != 0);
		expected += found;
	}
	assert_int_equal(n, expected);
}

/* Descriptors are added, changed and removed in random order. What is reported
 * is exactly what is wanted and ready. */
static void random_changes_are_kept_track_of(void **state)
{
	struct poller_test *t = *state;
	struct channel channels[CHANNELS] = { 0 };
	uint64_t seed = random_seed();
	uint32_t generation = 0;

	for (unsigned i = 0; i < CHANNELS; i++) {
		make_pipe(channels[i].fds);
		channels[i].settled = 1;
	}

	for (unsigned round = 0; round < 1000; round++) {
		for (uint64_t n = random_below(&seed, 12); n > 0; n--)
			do_something(t,
				     &channels[random_below(&seed, CHANNELS)],
				     &seed, ++generation);
		expect_all_ready(t, channels);
	}

	for (unsigned i = 0; i < CHANNELS; i++) {
		if (channels[i].added)
			poller_remove(t, channels[i].fds[0]);
		close_both(channels[i].fds);
	}
}

static const struct CMUnitTest tests[] = {
	POLLER(what_is_ready_is_reported_with_its_generation),
	POLLER(what_is_not_consumed_is_reported_again),
	POLLER(both_directions_are_reported_by_one_wait),
	POLLER(a_change_holds_by_the_next_wait),
	POLLER(what_wants_nothing_stays_silent),
	POLLER(files_and_directories_are_refused),
	POLLER(what_is_not_open_is_refused),
	POLLER(what_was_removed_has_left_the_kernel),
	POLLER(a_removal_drops_a_change_that_waits),
	POLLER(a_number_in_use_again_has_its_new_generation),
	POLLER(a_hang_up_counts_as_everything_wanted),
	POLLER(a_change_that_the_kernel_refuses_is_told),
	POLLER(a_poller_can_be_closed_with_all_in_it),
	POLLER(random_changes_are_kept_track_of),
};

FIXTURE_MAIN(tests)
