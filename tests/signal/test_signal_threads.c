/*
 * Signals and threads: several loops that watch one signal, and deliveries that
 * meet starts, stops and closes.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "support/probe.h"

enum { LOOPS = 3, SENDS = 200, ROUNDS = 300, MIXED = 10000 };

/* A loop in a thread of its own. */
struct runner {
	pthread_t thread;
	struct rota_loop *loop;
	struct rota_signal signal;
	uint32_t count;
	_Atomic int watches;
};

static void on_runner(struct rota_signal *signal, uint32_t count)
{
	struct runner *r = rota_container_of(signal, struct runner, signal);

	r->count += count;
	if (r->count == SENDS)
		rota_handle_close(&signal->handle, NULL);
}

static void *run_loop(void *arg)
{
	struct runner *r = arg;

	if (rota_loop_new(&r->loop, NULL) < 0 ||
	    rota_signal_init(&r->signal, r->loop) < 0 ||
	    rota_signal_start(&r->signal, on_runner, SIGUSR1) < 0)
		return r;
	r->watches = 1;
	rota_loop_run(r->loop, ROTA_RUN_DEFAULT);
	return rota_loop_close(r->loop) == 0 ? NULL : r;
}

static void every_loop_gets_every_delivery(void **state)
{
	struct runner runners[LOOPS] = { { .count = 0 } };
	void *failed;

	(void)state;
	for (int i = 0; i < LOOPS; i++)
		assert_int_equal(pthread_create(&runners[i].thread, NULL,
						run_loop, &runners[i]),
				 0);
	for (int i = 0; i < LOOPS; i++)
		while (!runners[i].watches)
			sched_yield();

	/* In this thread, so that the kernel has nothing to merge. */
	for (int i = 0; i < SENDS; i++)
		raise(SIGUSR1);

	for (int i = 0; i < LOOPS; i++) {
		pthread_join(runners[i].thread, &failed);
		assert_null(failed);
		assert_int_equal(runners[i].count, SENDS);
	}
}

/* Threads that have signals delivered to themselves until they are told to
 * end. */
struct storm {
	pthread_t threads[2];
	_Atomic int ends;
	_Atomic unsigned sent;
};

static void *send_signals(void *arg)
{
	struct storm *storm = arg;

	while (!storm->ends) {
		raise(SIGUSR1);
		storm->sent++;
		sched_yield();
	}
	return NULL;
}

static void storm_begin(struct storm *storm)
{
	storm->ends = 0;
	storm->sent = 0;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&storm->threads[i], NULL,
						send_signals, storm),
				 0);
}

static void storm_end(struct storm *storm)
{
	storm->ends = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(storm->threads[i], NULL);
}

static uint32_t seen;

static void on_signal(struct rota_signal *signal, uint32_t count)
{
	(void)signal;
	seen += count;
}

/* While the storm goes on, the disposition is the program's own whenever nobody
 * watches. */
static void nobody(int signum)
{
	(void)signum;
}

static void starts_and_stops_meet_deliveries(void **state)
{
	struct fixture *f = *state;
	struct sigaction ours = { .sa_handler = nobody };
	struct sigaction before;
	struct rota_signal signals[3];
	struct storm storm;
	uint64_t seed = random_seed();

	assert_int_equal(sigaction(SIGUSR1, &ours, &before), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rota_signal_init(&signals[i], f->loop), 0);
	seen = 0;
	storm_begin(&storm);

	for (int round = 0; round < ROUNDS; round++) {
		struct rota_signal *signal = &signals[random_below(&seed, 3)];

		switch (random_below(&seed, 4)) {
		case 0:
			rota_signal_stop(signal);
			break;
		case 1:
			assert_int_equal(rota_handle_close_now(&signal->handle),
					 0);
			assert_int_equal(rota_signal_init(signal, f->loop), 0);
			break;
		default:
			assert_int_equal(
				rota_signal_start(signal, on_signal, SIGUSR1),
				0);
		}
		turn(f);
	}

	assert_int_equal(rota_signal_start(&signals[0], on_signal, SIGUSR1), 0);
	seen = 0;
	while (seen == 0) /* it still works */
		turn(f);
	storm_end(&storm);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rota_handle_close_now(&signals[i].handle), 0);
	assert_int_equal(sigaction(SIGUSR1, &before, &ours), 0);
	assert_true(ours.sa_handler == nobody);
}

static void loops_come_and_go_in_a_storm(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_signal keeper;
	struct storm storm;

	/* So that the handler stays installed. */
	assert_int_equal(rota_signal_init(&keeper, f->loop), 0);
	assert_int_equal(rota_signal_start(&keeper, on_signal, SIGUSR1), 0);
	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	storm_begin(&storm);

	for (int round = 0; round < ROUNDS / 4; round++) {
		struct rota_signal signal;
		struct rota_loop *loop;

		assert_int_equal(rota_loop_new(&loop, &options), 0);
		assert_int_equal(rota_signal_init(&signal, loop), 0);
		assert_int_equal(rota_signal_start(&signal, on_signal, SIGUSR1),
				 0);
		if (round % 2)
			rota_loop_run(loop, ROTA_RUN_NOWAIT);
		assert_int_equal(rota_handle_close_now(&signal.handle), 0);
		assert_int_equal(rota_loop_close(loop), 0);
		turn(f);
	}

	storm_end(&storm);
	assert_int_equal(rota_handle_close_now(&keeper.handle), 0);
}

static uint32_t counted;

static void add_up(struct rota_signal *signal, uint32_t count)
{
	(void)signal;
	counted += count;
}

static void no_delivery_to_a_started_watcher_is_lost(void **state)
{
	struct fixture *f = *state;
	struct rota_signal signal;
	struct storm storm;

	assert_int_equal(rota_signal_init(&signal, f->loop), 0);
	assert_int_equal(rota_signal_start(&signal, add_up, SIGUSR1), 0);
	counted = 0;
	storm_begin(&storm);

	while (storm.sent < 10 * SENDS)
		turn(f);
	storm_end(&storm);
	turn(f);

	assert_int_equal(counted, storm.sent);
	assert_int_equal(rota_handle_close_now(&signal.handle), 0);
}

static void a_description_is_of_one_delivery(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct rota_signal signal;
	struct storm storm;

	assert_int_equal(rota_signal_init(&signal, f->loop), 0);
	assert_int_equal(rota_signal_start(&signal, on_signal, SIGUSR1), 0);
	raise(SIGUSR1);
	storm_begin(&storm);

	for (int round = 0; round < ROUNDS; round++) {
		assert_int_equal(rota_signal_get_info(&signal, &info), 0);
		assert_int_equal(info.status, 0);
		assert_true(info.pid > 0);
		turn(f);
	}

	storm_end(&storm);
	assert_int_equal(rota_handle_close_now(&signal.handle), 0);
}

#ifdef SIGRTMIN

/* Half of the deliveries have a value that is not 0. */
static void *send_with_and_without_a_value(void *arg)
{
	_Atomic int *ends = arg;
	union sigval value = { .sival_int = 4711 };

	for (int i = 0; i < MIXED; i++) {
		pthread_kill(pthread_self(), SIGRTMIN);
		(void)sigqueue(getpid(), SIGRTMIN, value);
	}
	*ends = 1;
	return NULL;
}

static void a_description_is_not_mixed_of_two(void **state)
{
	struct fixture *f = *state;
	struct rota_signal_info info = { .size = sizeof(info) };
	struct rota_signal signal;
	_Atomic int ends = 0;
	pthread_t sender;
	sigset_t set;

	assert_int_equal(rota_signal_init(&signal, f->loop), 0);
	assert_int_equal(rota_signal_start(&signal, on_signal, SIGRTMIN), 0);
	raise(SIGRTMIN);
	assert_int_equal(pthread_create(&sender, NULL,
					send_with_and_without_a_value, &ends),
			 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* it is the sender's alone */

	while (!ends) {
		assert_int_equal(rota_signal_get_info(&signal, &info), 0);
		assert_int_equal(info.value, info.code == SI_QUEUE ? 4711 : 0);
	}

	pthread_join(sender, NULL);
	turn(f);
	assert_int_equal(rota_handle_close_now(&signal.handle), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

#endif

/* A thread that is to be cancelled, and computes. */
struct doomed {
	pthread_t thread;
	struct rota_signal signal;
	struct rota_task task;
	struct rota_loop *loop;
	void (*act)(struct doomed *d);
	_Atomic unsigned rounds; /* that the loop has seen */
};

static void *compute(void *arg)
{
	struct doomed *d = arg;

	pthread_cancel(pthread_self()); /* deferred: to the next such point */
	for (unsigned round = 0; round < ROUNDS; round++) {
		d->act(d);
		while (d->rounds == round)
			;
	}
	pthread_testcancel();
	return NULL;
}

static void end_of_round(struct doomed *d)
{
	if (++d->rounds == ROUNDS)
		rota_loop_stop(d->loop);
}

static void on_doomed_signal(struct rota_signal *signal, uint32_t count)
{
	(void)count;
	end_of_round(rota_container_of(signal, struct doomed, signal));
}

static void on_doomed_task(struct rota_task *task)
{
	end_of_round(rota_container_of(task, struct doomed, task));
}

static void raise_in_thread(struct doomed *d)
{
	(void)d;
	raise(SIGUSR1);
}

static void post_in_thread(struct doomed *d)
{
	(void)rota_task_post(&d->task, on_doomed_task);
}

/* To wake the loop is a system call, and a thread must not end in it: what it
 * has sent would wait for another wake-up, and a stop for its handler. */
static void a_thread_to_be_cancelled_wakes_the_loop(void **state)
{
	struct fixture *f = *state;
	struct doomed d = { .loop = f->loop };
	void *result;

	assert_int_equal(rota_signal_init(&d.signal, f->loop), 0);
	assert_int_equal(
		rota_signal_start(&d.signal, on_doomed_signal, SIGUSR1), 0);
	rota_task_init(&d.task, f->loop);
	for (int posts = 0; posts <= 1; posts++) {
		d.act = posts ? post_in_thread : raise_in_thread;
		d.rounds = 0;
		assert_int_equal(pthread_create(&d.thread, NULL, compute, &d),
				 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 1);
		assert_int_equal(pthread_join(d.thread, &result), 0);
		assert_ptr_equal(result, PTHREAD_CANCELED);
	}
	rota_signal_stop(&d.signal); /* no handler is left that it waits for */
	assert_int_equal(rota_handle_close_now(&d.signal.handle), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(a_thread_to_be_cancelled_wakes_the_loop),
	REAL(every_loop_gets_every_delivery),
	REAL(starts_and_stops_meet_deliveries),
	REAL(loops_come_and_go_in_a_storm),
	REAL(no_delivery_to_a_started_watcher_is_lost),
	REAL(a_description_is_of_one_delivery),
#ifdef SIGRTMIN
	REAL(a_description_is_not_mixed_of_two),
#endif
};
FIXTURE_MAIN(tests)
