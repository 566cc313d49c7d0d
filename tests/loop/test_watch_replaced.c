/*
 * Descriptors that change while they are watched: they are closed, replaced by
 * another file, or refer to the earlier file again. A start watches the file
 * that is there now, events of another file are not delivered, and the loop
 * does not busy-wait (D4, D1).
 */
#include "support/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

enum {
	READABLE = ROTA_READABLE,
	WRITABLE = ROTA_WRITABLE,
	QUIET = 12, /* more waits than a sleeping loop makes */
};

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* Let @number be the reading end of a new pipe. Returns its writing end. */
static int replace(int number)
{
	int fds[2];

	make_pipe(fds);
	if (fds[0] != number) {
		assert_int_equal(dup2(fds[0], number), number);
		close(fds[0]);
	}
	return fds[1];
}

static void expect_quiet(struct fixture *f)
{
	assert_in_range(waits_within(f, 5), 1, QUIET);
}

/* A program forgets a watch, and starts another one for the same number. */
static void a_new_watch_of_the_number_is_told_of_the_new_file(void **state)
{
	struct fixture *f = *state;
	struct probe forgotten, fresh;
	int fds[2], writer;

	make_pipe(fds);
	probe_init(&forgotten, f, fds[0]);
	probe_start(&forgotten, READABLE);
	turn(f);
	close(fds[0]);
	writer = replace(fds[0]);
	probe_init(&fresh, f, fds[0]);

	probe_start(&fresh, READABLE);
	expect_quiet(f);
	assert_int_equal(fresh.calls, 0);
	put_byte(writer);
	assert_int_equal(told(f, &fresh), READABLE);

	probe_stop(&forgotten);
	assert_int_equal(told(f, &fresh), READABLE);
	probe_stop(&fresh);
	close_both(fds);
	close(writer);
}

/* Restart a watch whose number refers to another file by now. */
static void restart_on_another_file(struct fixture *f, unsigned before,
				    int duplicated)
{
	struct probe probe;
	int fds[2], writer, copy;

	make_pipe(fds);
	copy = duplicated ? dup(fds[0]) : -1;
	put_byte(fds[1]);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, before);
	turn(f);
	writer = replace(fds[0]);
	probe.calls = 0;

	probe_start(&probe, READABLE);
	expect_quiet(f);
	assert_int_equal(probe.calls, 0);
	put_byte(writer);
	assert_int_equal(told(f, &probe), READABLE);
	take_byte(fds[0]);
	expect_quiet(f);
	assert_int_equal(probe.calls, 1);

	probe_stop(&probe);
	close_both(fds);
	close(writer);
	if (copy >= 0)
		close(copy);
}

static void a_restart_watches_the_file_that_is_there_now(void **state)
{
	struct fixture *f = *state;

	for (int duplicated = 0; duplicated <= 1; duplicated++) {
		restart_on_another_file(f, READABLE, duplicated);
		restart_on_another_file(f, READABLE | ROTA_DISCONNECT,
					duplicated);
		restart_on_another_file(f, 0, duplicated);
	}
}

/* The watch was stopped too late. What the kernel still has registered does not
 * make a later start fail. */
static void the_same_file_may_come_back(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	int fds[2], copy;

	make_pipe(fds);
	put_byte(fds[1]);
	copy = dup(fds[0]);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	close(fds[0]);
	probe_stop(&probe);
	assert_int_equal(dup2(copy, fds[0]), fds[0]);

	for (int i = 0; i < 3; i++) {
		probe_start(&probe, READABLE);
		assert_int_equal(told(f, &probe), READABLE);
		probe_stop(&probe);
	}
	expect_quiet(f);
	probe_start(&probe, READABLE);
	take_byte(fds[0]);
	expect_quiet(f);

	probe_stop(&probe);
	close_both(fds);
	close(copy);
}

/* Two files that had this number are still open elsewhere, and one of them gets
 * the number again. Events of the other file are not reported for it. */
static void what_two_files_left_is_told_apart(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	int first[2], second[2], copies[2];

	make_pipe(first);
	make_pipe(second);
	copies[0] = dup(first[0]);
	copies[1] = dup(second[0]);
	probe_init(&probe, f, first[0]);
	probe_start(&probe, READABLE);
	turn(f);
	assert_int_equal(dup2(copies[1], first[0]), first[0]);
	probe_start(&probe, READABLE);
	turn(f);
	assert_int_equal(dup2(copies[0], first[0]), first[0]);
	probe_start(&probe, READABLE);
	turn(f);
	put_byte(second[1]);

	expect_quiet(f);
	assert_int_equal(probe.calls, 0);
	put_byte(first[1]);
	assert_int_equal(told(f, &probe), READABLE);

	probe_stop(&probe);
	close_both(first);
	close_both(second);
	close_both(copies);
}

/* Two pipes that hold a byte. The watch that is called first replaces the other
 * one's file by an empty pipe, and restarts its watch. */
struct pair {
	struct probe probes[2];
	int fds[2][2];
	int writer;
	int replaces;
};

static void restart_the_other(struct probe *probe)
{
	struct pair *p = probe->arg;
	unsigned other = probe == &p->probes[0];
	int fd = p->fds[other][0];

	if (p->replaces && p->writer < 0)
		p->writer = replace(fd);
	probe_start(&p->probes[other], READABLE);
}

static void pair_begin(struct pair *p, struct fixture *f, int replaces)
{
	p->writer = -1;
	p->replaces = replaces;
	for (int i = 0; i < 2; i++) {
		make_pipe(p->fds[i]);
		put_byte(p->fds[i][1]);
		probe_init(&p->probes[i], f, p->fds[i][0]);
		p->probes[i].act = restart_the_other;
		p->probes[i].arg = p;
		probe_start(&p->probes[i], READABLE);
	}
}

static void pair_end(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		probe_stop(&p->probes[i]);
		close_both(p->fds[i]);
	}
	if (p->writer >= 0)
		close(p->writer);
}

/* D1: the other watch's event in the same batch is from the old file. */
static void an_event_of_the_batch_is_not_the_new_file_s(void **state)
{
	struct pair p;

	pair_begin(&p, *state, 1);

	turn(*state);
	assert_int_equal(p.probes[0].calls + p.probes[1].calls, 1);
	turn(*state);
	assert_true(p.probes[0].calls == 0 || p.probes[1].calls == 0);
	put_byte(p.writer);
	turn(*state);

	assert_true(p.probes[0].calls > 0 && p.probes[1].calls > 0);
	pair_end(&p);
}

/* A restart that changes nothing loses no event, however often it is made. */
static void a_watch_that_is_always_restarted_is_told(void **state)
{
	struct pair p;

	pair_begin(&p, *state, 0);

	for (int i = 0; i < 10; i++)
		turn(*state);

	assert_int_equal(p.probes[0].calls, 10);
	assert_int_equal(p.probes[1].calls, 10);
	pair_end(&p);
}

/* The start returns the error of the new file. */
static void a_start_returns_the_new_file_s_error(void **state)
{
	struct fixture *f = *state;
	struct probe forgotten, fresh;
	int fds[2], file, writer;

	make_pipe(fds);
	probe_init(&forgotten, f, fds[0]);
	probe_init(&fresh, f, fds[0]);
	probe_start(&forgotten, READABLE);
	turn(f);

	close(fds[0]);
	assert_int_equal(probe_try_start(&fresh, READABLE), ROTA_EBADF);
	assert_false(rota_watch_is_active(&fresh.watch));
	file = open(".", O_RDONLY | O_CLOEXEC);
	if (file != fds[0]) {
		assert_int_equal(dup2(file, fds[0]), fds[0]);
		close(file);
	}
	assert_int_equal(probe_try_start(&fresh, READABLE), ROTA_EPERM);
	expect_quiet(f);
	assert_int_equal(fresh.calls, 0);

	writer = replace(fds[0]);
	probe_start(&fresh, READABLE);
	put_byte(writer);
	assert_int_equal(told(f, &fresh), READABLE);
	probe_stop(&forgotten);
	probe_stop(&fresh);
	close_both(fds);
	close(writer);
}

/* If a started watch is restarted, it is called once for such an error, with
 * all requested events. Then the loop sleeps, and the next start works
 * again. */
static void a_restart_is_told_of_a_dead_number_once(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	int fds[2], file, writer;

	make_pipe(fds);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	close(fds[0]);

	probe_start(&probe, READABLE | WRITABLE);
	assert_int_equal(told(f, &probe), READABLE | WRITABLE);
	expect_quiet(f);
	assert_int_equal(probe.calls, 1);

	file = open(".", O_RDONLY | O_CLOEXEC);
	if (file != fds[0]) {
		assert_int_equal(dup2(file, fds[0]), fds[0]);
		close(file);
	}
	probe_start(&probe, READABLE);
	assert_int_equal(told(f, &probe), READABLE);
	expect_quiet(f);
	assert_int_equal(probe.calls, 2);

	writer = replace(fds[0]);
	probe_start(&probe, READABLE);
	expect_quiet(f);
	assert_int_equal(probe.calls, 2);
	put_byte(writer);
	assert_int_equal(told(f, &probe), READABLE);
	probe_stop(&probe);
	close_both(fds);
	close(writer);
}

/* The old file may be open under another number. Its events are not
 * reported. */
static void what_a_dead_number_left_is_not_told(void **state)
{
	struct fixture *f = *state;
	struct probe probe;
	int fds[2], copy;

	make_pipe(fds);
	copy = dup(fds[0]);
	probe_init(&probe, f, fds[0]);
	probe_start(&probe, READABLE);
	turn(f);
	close(fds[0]);
	put_byte(fds[1]);

	probe_start(&probe, READABLE);
	assert_int_equal(told(f, &probe), READABLE);
	expect_quiet(f);
	assert_int_equal(probe.calls, 1);

	probe_stop(&probe);
	close(copy);
	close(fds[1]);
}

/* A start fails for the new file: then the other watches of the number are
 * called. */
static void a_failed_start_is_told_to_the_others_once(void **state)
{
	struct fixture *f = *state;
	struct probe old, fresh;
	int fds[2], copy;

	make_pipe(fds);
	copy = dup(fds[0]);
	probe_init(&old, f, fds[0]);
	probe_init(&fresh, f, fds[0]);
	probe_start(&old, READABLE);
	turn(f);
	close(fds[0]);
	put_byte(fds[1]);

	assert_int_equal(probe_try_start(&fresh, WRITABLE), ROTA_EBADF);
	assert_int_equal(told(f, &old), READABLE);
	expect_quiet(f);
	assert_int_equal(old.calls, 1);
	assert_int_equal(fresh.calls, 0);

	probe_stop(&old);
	close(copy);
	close(fds[1]);
}

/* F3: if the kernel has no space for the new file, a start fails; a restart is
 * tried again before each wait. */
static void room_that_is_missing_is_found_later(void **state)
{
	struct fixture *f = *state;
	struct probe old, fresh;
	int fds[2], writer;

	if (!poller_is(f, "epoll")) {
		print_message("skip: only epoll asks the kernel for room\n");
		skip();
	}
	make_pipe(fds);
	probe_init(&old, f, fds[0]);
	probe_init(&fresh, f, fds[0]);
	probe_start(&old, READABLE);
	turn(f);
	writer = replace(fds[0]);

	/* The first call detects that the file has changed. */
	fault_fail("epoll_ctl", 2, ENOSPC);
	assert_int_equal(probe_try_start(&fresh, READABLE), ROTA_ENOSPC);
	assert_int_equal(fault_clear(), 1);
	fault_fail("epoll_ctl", 2, ENOMEM);
	probe_start(&old, READABLE);
	assert_int_equal(told(f, &old), READABLE);
	assert_int_equal(fault_clear(), 1);
	expect_quiet(f);
	assert_int_equal(old.calls, 1);

	put_byte(writer);
	assert_int_equal(told(f, &old), READABLE);
	probe_stop(&old);
	close_both(fds);
	close(writer);
}

static void restart_often(struct probe *probe)
{
	for (int i = 0; i < 10; i++)
		probe_start(probe, READABLE);
}

/* D4: restarts are cheap. */
static void restarts_cost_one_call_a_turn(void **state)
{
	enum { TURNS = 20 };
	struct fixture *f = *state;
	struct probe probe;
	int fds[2];

	make_pipe(fds);
	put_byte(fds[1]);
	probe_init(&probe, f, fds[0]);
	probe.act = restart_often;
	probe_start(&probe, READABLE);
	turn(f);
	fault_count_reset();

	for (int i = 0; i < TURNS; i++)
		turn(f);

	assert_int_equal(probe.calls, TURNS + 1);
	assert_true(fault_count("epoll_ctl") <= TURNS);
	assert_true(fault_count("fstat") <= TURNS);
	assert_true(fault_count("kevent") <= TURNS);
	assert_true(fault_count("ppoll") <= TURNS);
	probe_stop(&probe);
	close_both(fds);
}

struct two {
	struct probe dead, live;
};

static void rebuild(void *arg)
{
	struct two *two = arg;
	struct rota_loop *loop = two->live.loop;

	EXPECT(rota_loop_fork(loop) == 0);
	for (unsigned turns = 1; turns <= 3; turns++) {
		EXPECT(rota_loop_run(loop, ROTA_RUN_NOWAIT) == 1);
		EXPECT(two->live.calls == turns);
		EXPECT(two->dead.calls == 1);
	}
}

/* F2: a closed number does not make the rebuild fail, and is reported once
 * (D4). */
static void a_loop_with_a_dead_number_is_rebuilt_after_a_fork(void **state)
{
	struct fixture *f = *state;
	struct two two;
	int first[2], second[2], dead;

	make_pipe(first);
	make_pipe(second);
	put_byte(second[1]);
	dead = fcntl(first[0], F_DUPFD, 200); /* too high for new files */
	assert_true(dead >= 200);
	probe_init(&two.dead, f, dead);
	probe_init(&two.live, f, second[0]);
	probe_start(&two.dead, READABLE);
	probe_start(&two.live, READABLE);
	close(dead);

	in_a_child(rebuild, &two);

	probe_stop(&two.dead);
	probe_stop(&two.live);
	close_both(first);
	close_both(second);
}

static void rebuild_and_turn(void *arg)
{
	struct probe *probe = arg;

	EXPECT(rota_loop_fork(probe->loop) == 0);
	EXPECT(rota_loop_run(probe->loop, ROTA_RUN_NOWAIT) == 1);
	EXPECT(probe->calls == 1);
}

/* F2: the same for descriptor 0. */
static void the_first_number_is_watched_after_a_fork_too(void **state)
{
	int stdin_before = dup(0);
	struct probe probe;
	int fds[2];

	if (stdin_before < 0)
		skip_test("there is no standard input");
	make_pipe(fds);
	put_byte(fds[1]);
	assert_int_equal(dup2(fds[0], 0), 0);
	probe_init(&probe, *state, 0);
	probe_start(&probe, READABLE);

	in_a_child(rebuild_and_turn, &probe);

	probe_stop(&probe);
	assert_int_equal(dup2(stdin_before, 0), 0);
	close(stdin_before);
	close_both(fds);
}

/* Random operations on descriptors. */

enum { NUMBERS = 6, PIPES = 4, ROUNDS = 400 };

struct world {
	struct fixture *f;
	struct probe probes[NUMBERS];
	int numbers[NUMBERS]; /* closed and replaced by the program */
	int pipes[PIPES][2];  /* the replacements, which stay open */
	int holds[PIPES];     /* bytes in each */
	uint64_t seed;
};

/* One random operation of a program on its descriptors. */
static void disturb(struct world *w)
{
	unsigned i = (unsigned)random_below(&w->seed, NUMBERS);
	unsigned p = (unsigned)random_below(&w->seed, PIPES);
	struct probe *probe = &w->probes[i];

	switch (random_below(&w->seed, 6)) {
	case 0:
	case 1:
		dup2(w->pipes[p][0], w->numbers[i]);
		break;
	case 2:
		close(w->numbers[i]);
		break;
	case 3:
		probe_stop(probe);
		break;
	case 4: /* may fail if the number is closed */
		(void)probe_try_start(probe, READABLE);
		break;
	default:
		if (w->holds[p]) {
			take_byte(w->pipes[p][0]);
			w->holds[p] = 0;
		} else {
			put_byte(w->pipes[p][1]);
			w->holds[p] = 1;
		}
	}
}

static int is_readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, 0) == 1 && (polled.revents & POLLIN);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* After a start, each watch reports the current state and nothing else. */
static void check(struct world *w)
{
	unsigned readable = 0;

	for (int i = 0; i < NUMBERS; i++)
		if (rota_watch_is_active(&w->probes[i].watch) &&
		    is_open(w->numbers[i]))
			probe_start(&w->probes[i], READABLE);
		else
			probe_stop(&w->probes[i]);
	turn(w->f); /* old events, and new epoll instances */
	turn(w->f);
	for (int i = 0; i < NUMBERS; i++)
		w->probes[i].calls = 0;
	turn(w->f);
	for (int i = 0; i < NUMBERS; i++) {
		int told = rota_watch_is_active(&w->probes[i].watch) &&
			   is_readable(w->numbers[i]);

		assert_int_equal(w->probes[i].calls, told);
		readable += (unsigned)told;
	}
	if (readable == 0)
		assert_in_range(waits_within(w->f, 1), 1, QUIET);
}

static void whatever_a_program_does_a_start_puts_it_right(void **state)
{
	struct world w = { .f = *state, .seed = random_seed() };

	for (int p = 0; p < PIPES; p++)
		make_pipe(w.pipes[p]);
	for (int i = 0; i < NUMBERS; i++) {
		w.numbers[i] = fcntl(w.pipes[0][0], F_DUPFD_CLOEXEC, 100);
		probe_init(&w.probes[i], w.f, w.numbers[i]);
	}

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t steps = 1 + random_below(&w.seed, 8);

		while (steps-- > 0) {
			disturb(&w);
			if (random_below(&w.seed, 3) == 0)
				turn(w.f);
		}
		check(&w);
	}

	for (int i = 0; i < NUMBERS; i++) {
		probe_stop(&w.probes[i]);
		close(w.numbers[i]);
	}
	for (int p = 0; p < PIPES; p++)
		close_both(w.pipes[p]);
}

static const struct CMUnitTest tests[] = {
	REAL(a_new_watch_of_the_number_is_told_of_the_new_file),
	REAL(a_restart_watches_the_file_that_is_there_now),
	REAL(the_same_file_may_come_back),
	REAL(what_two_files_left_is_told_apart),
	REAL(an_event_of_the_batch_is_not_the_new_file_s),
	REAL(a_watch_that_is_always_restarted_is_told),
	REAL(a_start_returns_the_new_file_s_error),
	REAL(a_restart_is_told_of_a_dead_number_once),
	REAL(what_a_dead_number_left_is_not_told),
	REAL(a_failed_start_is_told_to_the_others_once),
	REAL(room_that_is_missing_is_found_later),
	REAL(restarts_cost_one_call_a_turn),
	REAL(a_loop_with_a_dead_number_is_rebuilt_after_a_fork),
	REAL(the_first_number_is_watched_after_a_fork_too),
	REAL(whatever_a_program_does_a_start_puts_it_right),
};

FIXTURE_MAIN(tests)
