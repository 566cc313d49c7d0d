/*
 * Cases that only the poll(2) backend must handle: descriptors that are not
 * open, a limit below the number of watched descriptors, and a wake-up pipe
 * that the program has closed.
 */
/* poller: none */
#include "support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/probe.h"

enum { READABLE = ROTA_READABLE };

static struct rota_loop *poll_loop(void)
{
	struct rota_loop_options options;
	struct rota_loop *loop;

	rota_loop_options_init(&options);
	options.backend = "poll";
	assert_int_equal(rota_loop_new(&loop, &options), 0);
	return loop;
}

/* A descriptor that is not open is reported once and does not end the next
 * sleep. */
static void a_dead_number_does_not_spin(void **state)
{
	struct fixture f = { .loop = poll_loop() };
	struct probe probe;
	int fds[2];

	(void)state;
	make_pipe(fds);
	probe_init(&probe, &f, fds[0]);
	probe_start(&probe, READABLE);
	close(fds[0]);

	assert_in_range(waits_within(&f, 5), 1, 8);
	assert_int_equal(probe.calls, 1);
	assert_int_equal(probe.events, READABLE);

	probe_stop(&probe);
	close(fds[1]);
	assert_int_equal(rota_loop_close(f.loop), 0);
}

struct crowd {
	struct fixture f;
	struct probe probes[100];
	int fds[100][2];
};

static void lower_the_limit(struct crowd *crowd)
{
	struct rlimit limit = { 20, 20 };
	uint64_t waits;

	EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	waits = waits_within(&crowd->f, 25);
	EXPECT(waits >= 1 && waits <= 8);
	/* The first call is that which the limit makes fail. */
	for (unsigned nth = 2; nth <= 4; nth++) {
		fault_fail("ppoll", nth, ENOMEM);
		EXPECT(rota_loop_run(crowd->f.loop, ROTA_RUN_NOWAIT) ==
		       ROTA_ENOMEM);
		EXPECT(fault_clear() == 1);
	}
	for (int i = 0; i < 100; i += 33)
		put_byte(crowd->fds[i][1]);
	turn(&crowd->f);
	for (int i = 0; i < 100; i++)
		EXPECT(crowd->probes[i].calls == (i % 33 == 0));
}

static void a_limit_below_what_is_watched_is_survived(void **state)
{
	struct crowd crowd = { .f = { .loop = poll_loop() } };
	pid_t child;

	(void)state;
	for (int i = 0; i < 100; i++) {
		make_pipe(crowd.fds[i]);
		probe_init(&crowd.probes[i], &crowd.f, crowd.fds[i][0]);
		probe_start(&crowd.probes[i], READABLE);
	}
	/* This runs in a child, because a user without privileges cannot raise
	 * the limit again. */
	child = child_fork();
	if (child == 0) {
		/* The loop is rebuilt before the limit is lowered: that needs
		 * descriptors. */
		EXPECT(rota_loop_fork(crowd.f.loop) == 0);
		lower_the_limit(&crowd);
		child_ends();
	}
	expect_success(child);
	for (int i = 0; i < 100; i++) {
		probe_stop(&crowd.probes[i]);
		close(crowd.fds[i][0]);
		close(crowd.fds[i][1]);
	}
	assert_int_equal(rota_loop_close(crowd.f.loop), 0);
}

static void on_async(struct rota_async *async)
{
	(void)async;
}

/* The pipe that wakes the loop. Its ends get the two numbers that a pipe made
 * and closed just before had. */
static void without_its_pipe_a_loop_says_so(void **state)
{
	(void)state;
	for (int end = 0; end < 2; end++) {
		struct rota_async async;
		struct rota_loop *loop;
		int numbers[2];
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		make_pipe(numbers);
		close(numbers[0]);
		close(numbers[1]);
		loop = poll_loop();
		rota_async_init(&async, loop);
		assert_int_equal(rota_async_start(&async, on_async), 0);
		assert_int_equal(rota_loop_run(loop, ROTA_RUN_NOWAIT), 1);

		assert_int_equal(dup2(null, numbers[end]), numbers[end]);

		for (int i = 0; i < 3; i++)
			assert_int_equal(rota_loop_run(loop, ROTA_RUN_DEFAULT),
					 ROTA_EBADF);
		rota_async_stop(&async);
		assert_int_equal(rota_loop_close(loop), 0);
		close(null);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(a_dead_number_does_not_spin),
	REAL(a_limit_below_what_is_watched_is_survived),
	REAL(without_its_pipe_a_loop_says_so),
};

FIXTURE_MAIN(tests)
