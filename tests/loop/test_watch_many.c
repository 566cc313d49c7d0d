/*
 * Many watches at a time: more than one wait reports, more than one turn
 * handles, and all of them stopped, closed and reopened in one batch. If waits
 * are full, an event that is not consumed may be reported by several waits of a
 * turn.
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/probe.h"

enum {
	READABLE = ROTA_READABLE,
	A_TURN = ROTA_EVENTS_PER_WAIT * ROTA_WAITS_PER_TURN,
	MANY = A_TURN + 300,
};

/* Duplicates of one pipe's reading end. Each of them is watched. */
struct crowd {
	struct fixture *f;
	struct probe probes[MANY];
	unsigned count;
	int fds[2];
};

static struct crowd *crowd_begin(struct fixture *f, unsigned count)
{
	struct crowd *crowd = test_malloc(sizeof(*crowd));

	need_descriptors(MANY);
	crowd->f = f;
	crowd->count = count;
	make_pipe(crowd->fds);
	for (unsigned i = 0; i < count; i++) {
		int fd = fcntl(crowd->fds[0], F_DUPFD_CLOEXEC, 0);

		assert_int_not_equal(fd, -1);
		probe_init(&crowd->probes[i], f, fd);
		crowd->probes[i].arg = crowd;
		probe_start(&crowd->probes[i], READABLE);
	}
	return crowd;
}

static void crowd_end(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->count; i++) {
		probe_stop(&crowd->probes[i]);
		close(rota_watch_fd(&crowd->probes[i].watch));
	}
	close(crowd->fds[0]);
	close(crowd->fds[1]);
	test_free(crowd);
}

static unsigned sum(const struct crowd *crowd)
{
	unsigned calls = 0;

	for (unsigned i = 0; i < crowd->count; i++)
		calls += crowd->probes[i].calls;
	return calls;
}

static unsigned least(const struct crowd *crowd)
{
	unsigned calls = crowd->probes[0].calls;

	for (unsigned i = 1; i < crowd->count; i++)
		if (crowd->probes[i].calls < calls)
			calls = crowd->probes[i].calls;
	return calls;
}

/* T11: events that one wait cannot report come with the next wait of the same
 * turn. */
static void more_than_one_wait_reports_come_in_one_turn(void **state)
{
	enum { COUNT = ROTA_EVENTS_PER_WAIT * 2 + 50 };
	struct crowd *crowd = crowd_begin(*state, COUNT);

	turn(crowd->f);
	assert_int_equal(sum(crowd), 0);
	put_byte(crowd->fds[1]);
	turn(crowd->f);

	assert_int_equal(least(crowd), 1);
	assert_true(sum(crowd) <= A_TURN);
	crowd_end(crowd);
}

/* T11: events that one turn cannot handle are not dropped, and no watch
 * starves. */
static void more_than_one_turn_handles_are_not_dropped(void **state)
{
	struct crowd *crowd = crowd_begin(*state, MANY);

	put_byte(crowd->fds[1]);
	turn(crowd->f);
	assert_int_equal(sum(crowd), A_TURN);
	turn(crowd->f);
	assert_int_equal(least(crowd), 1);
	for (unsigned i = 0; i < 8; i++)
		turn(crowd->f);

	assert_true(least(crowd) >= 10 * A_TURN / MANY - 1);
	crowd_end(crowd);
}

static void stop_all(struct probe *probe)
{
	struct crowd *crowd = probe->arg;

	for (unsigned i = 0; i < crowd->count; i++)
		probe_stop(&crowd->probes[i]);
}

/* D4: this happens in the middle of a full batch. */
static void one_callback_may_stop_them_all(void **state)
{
	struct crowd *crowd = crowd_begin(*state, 600);

	for (unsigned i = 0; i < crowd->count; i++)
		crowd->probes[i].act = stop_all;
	put_byte(crowd->fds[1]);

	assert_int_equal(rota_loop_run(crowd->f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(sum(crowd), 1);
	crowd_end(crowd);
}

/* Let all the numbers refer to a pipe that is not ready. */
static void reopen_all(struct probe *probe)
{
	struct crowd *crowd = probe->arg;
	int quiet[2];

	make_pipe(quiet);
	for (unsigned i = 0; i < crowd->count; i++) {
		int fd = rota_watch_fd(&crowd->probes[i].watch);

		crowd->probes[i].act = NULL;
		probe_stop(&crowd->probes[i]);
		assert_int_equal(dup2(quiet[0], fd), fd);
		probe_start(&crowd->probes[i], READABLE);
	}
	/* Otherwise all of them would be ready because of the hang-up. */
	assert_int_equal(dup2(quiet[1], crowd->fds[1]), crowd->fds[1]);
	close(quiet[0]);
	close(quiet[1]);
}

/* D1 */
static void one_callback_may_reopen_them_all(void **state)
{
	struct crowd *crowd = crowd_begin(*state, 600);

	for (unsigned i = 0; i < crowd->count; i++)
		crowd->probes[i].act = reopen_all;
	put_byte(crowd->fds[1]);

	turn(crowd->f);
	turn(crowd->f);
	assert_int_equal(sum(crowd), 1);
	put_byte(crowd->fds[1]);
	turn(crowd->f);

	assert_true(least(crowd) >= 1);
	crowd_end(crowd);
}

static void close_it(struct probe *probe)
{
	probe->act = NULL;
	close(rota_watch_fd(&probe->watch));
	probe_start(probe, READABLE);
}

/* D4: if a callback closes its own descriptor, the watch is called once more,
 * even if a later wait of the same turn detects that. */
static void what_is_reported_once_is_not_lost_among_many(void **state)
{
	struct crowd *crowd = crowd_begin(*state, 600);

	crowd->probes[0].act = close_it;
	put_byte(crowd->fds[1]);
	for (unsigned i = 0; i < 5; i++)
		turn(crowd->f);

	assert_int_equal(crowd->probes[0].calls, 2);
	assert_true(least(crowd) >= 2);
	crowd_end(crowd);
}

/* D2: more descriptors change than a poller takes at a time. */
static void all_of_them_change_between_two_waits(void **state)
{
	struct crowd *crowd = crowd_begin(*state, 600);

	put_byte(crowd->fds[1]);
	for (unsigned round = 1; round <= 3; round++) {
		unsigned calls = sum(crowd);

		for (unsigned i = 0; i < crowd->count; i++)
			probe_start(&crowd->probes[i], 0);
		turn(crowd->f);
		assert_int_equal(sum(crowd), calls);
		for (unsigned i = 0; i < crowd->count; i++)
			probe_start(&crowd->probes[i], READABLE);
		turn(crowd->f);
		assert_true(least(crowd) >= round);
	}
	crowd_end(crowd);
}

/* A ready descriptor is found among many that are not ready. */
static void one_among_many_is_found(void **state)
{
	struct crowd *crowd = crowd_begin(*state, 1000);
	struct probe reader;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, crowd->f, fds[0]);
	probe_start(&reader, READABLE);
	for (unsigned i = 0; i < 10; i++) {
		put_byte(fds[1]);
		assert_int_equal(told(crowd->f, &reader), READABLE);
		take_byte(fds[0]);
		assert_int_equal(told(crowd->f, &reader), 0);
	}

	assert_int_equal(sum(crowd), 0);
	probe_stop(&reader);
	close(fds[0]);
	close(fds[1]);
	crowd_end(crowd);
}

/* D4: it is level-triggered, also for watches that request only the end and
 * leave any data unread. */
static void as_many_as_have_ended_are_told_so_in_every_turn(void **state)
{
	enum { COUNT = 200, TURNS = 5 };
	struct fixture *f = *state;
	struct probe probes[COUNT];
	int fds[COUNT][2];

	need_descriptors(2 * COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		make_socketpair(fds[i]);
		put_byte(fds[i][1]);
		assert_int_equal(shutdown(fds[i][1], SHUT_WR), 0);
		probe_init(&probes[i], f, fds[i][0]);
		probe_start(&probes[i], ROTA_DISCONNECT);
	}

	for (unsigned i = 1; i <= TURNS; i++) {
		turn(f);
		for (unsigned k = 0; k < COUNT; k++) {
			assert_int_equal(probes[k].calls, i);
			assert_int_equal(probes[k].events, ROTA_DISCONNECT);
		}
	}

	for (unsigned i = 0; i < COUNT; i++) {
		probe_stop(&probes[i]);
		close(fds[i][0]);
		close(fds[i][1]);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(more_than_one_wait_reports_come_in_one_turn),
	REAL(more_than_one_turn_handles_are_not_dropped),
	REAL(one_callback_may_stop_them_all),
	REAL(one_callback_may_reopen_them_all),
	REAL(what_is_reported_once_is_not_lost_among_many),
	REAL(all_of_them_change_between_two_waits),
	REAL(one_among_many_is_found),
	REAL(as_many_as_have_ended_are_told_so_in_every_turn),
};

FIXTURE_MAIN(tests)
