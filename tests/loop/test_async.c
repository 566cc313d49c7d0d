/*
 * Asyncs: sends from threads and signal handlers, and what a stop does to a
 * send that has not been delivered yet.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "support/fault.h"
#include "support/probe.h"

struct listener {
	struct rota_async async;
	struct rota_loop *loop;
	unsigned calls;
	enum rota_phase phase;
	unsigned order; /* position of the last call */
	void (*act)(struct listener *l);
	struct listener *other;
};

static unsigned all_calls;

static void heard(struct rota_async *async)
{
	struct listener *l = rota_container_of(async, struct listener, async);

	l->calls++;
	l->order = ++all_calls;
	l->phase = rota_loop_phase(l->loop);
	if (l->act != NULL)
		l->act(l);
}

static void init(struct listener *l, struct fixture *f)
{
	*l = (struct listener){ .loop = f->loop };
	rota_async_init(&l->async, f->loop);
}

static void begin(struct listener *l, struct fixture *f)
{
	init(l, f);
	assert_int_equal(rota_async_start(&l->async, heard), 0);
}

static void send_once(struct listener *l)
{
	assert_int_equal(rota_async_send(&l->async), 0);
}

static void many_sends_make_one_call(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	begin(&l, f);
	turn(f);
	assert_int_equal(l.calls, 0);

	for (unsigned i = 0; i < 100; i++)
		send_once(&l);
	turn(f);
	assert_int_equal(l.calls, 1);
	assert_int_equal(l.phase, ROTA_PHASE_POLL);
	turn(f);
	assert_int_equal(l.calls, 1);
	send_once(&l);
	turn(f);

	assert_int_equal(l.calls, 2);
	rota_async_stop(&l.async);
}

/* T9 */
static void sends_call_in_the_order_they_were_made(void **state)
{
	struct fixture *f = *state;
	struct listener l[3];

	for (unsigned i = 0; i < 3; i++)
		begin(&l[i], f);
	send_once(&l[2]);
	send_once(&l[0]);
	send_once(&l[2]);

	turn(f);

	assert_int_equal(l[2].calls, 1);
	assert_int_equal(l[0].calls, 1);
	assert_int_equal(l[1].calls, 0);
	assert_true(l[2].order < l[0].order);
	for (unsigned i = 0; i < 3; i++)
		rota_async_stop(&l[i].async);
}

static void send_itself(struct listener *l)
{
	if (l->calls < 3)
		send_once(l);
}

/* A send after the callback has begun causes another call, in the next turn
 * (T8). */
static void a_send_in_the_callback_makes_another_call(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	begin(&l, f);
	l.act = send_itself;
	send_once(&l);

	for (unsigned i = 1; i <= 3; i++) {
		turn(f);
		assert_int_equal(l.calls, i);
	}
	turn(f);
	assert_int_equal(l.calls, 3);

	rota_async_stop(&l.async);
}

static void sends_are_refused_unless_it_is_started(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	init(&l, f);

	assert_int_equal(rota_async_send(&l.async), ROTA_EINVAL);
	assert_int_equal(rota_async_start(&l.async, NULL), ROTA_EINVAL);
	assert_false(rota_async_is_active(&l.async));
	assert_int_equal(rota_async_start(&l.async, heard), 0);
	assert_true(rota_async_is_active(&l.async));
	rota_async_stop(&l.async);
	assert_false(rota_async_is_active(&l.async));
	assert_int_equal(rota_async_send(&l.async), ROTA_EINVAL);
	rota_async_stop(&l.async);

	assert_int_equal(l.calls, 0);
}

/* L1, L2, O5 */
static void a_started_async_keeps_the_loop_alive(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	begin(&l, f);
	assert_true(rota_loop_alive(f->loop));
	assert_true(rota_async_has_ref(&l.async));
	rota_async_unref(&l.async);
	rota_async_unref(&l.async);
	assert_false(rota_async_has_ref(&l.async));
	assert_false(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_close(f->loop), ROTA_EBUSY);
	send_once(&l);
	assert_false(rota_loop_alive(f->loop));

	rota_async_ref(&l.async);
	assert_true(rota_loop_alive(f->loop));
	turn(f);
	assert_int_equal(l.calls, 1);
	rota_async_stop(&l.async);

	assert_false(rota_loop_alive(f->loop));
}

static void another(struct rota_async *async)
{
	struct listener *l = rota_container_of(async, struct listener, async);

	l->calls += 100;
}

static void a_second_start_replaces_the_callback(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	begin(&l, f);
	send_once(&l);

	assert_int_equal(rota_async_start(&l.async, another), 0);
	turn(f);

	assert_int_equal(l.calls, 100);
	rota_async_stop(&l.async);
	assert_false(rota_loop_alive(f->loop));
}

/* A send that was not delivered is dropped, and the memory may be freed. */
static void a_stop_drops_what_was_sent(void **state)
{
	struct fixture *f = *state;
	struct listener *l = test_malloc(sizeof(*l));

	begin(l, f);
	send_once(l);
	rota_async_stop(&l->async);
	turn(f);
	assert_int_equal(l->calls, 0);
	assert_int_equal(rota_async_start(&l->async, heard), 0);
	turn(f);
	assert_int_equal(l->calls, 0);
	send_once(l);
	turn(f);
	assert_int_equal(l->calls, 1);
	send_once(l);
	rota_async_stop(&l->async);
	test_free(l);

	turn(f);
	assert_false(rota_loop_alive(f->loop));
}

static void stop_the_other(struct listener *l)
{
	rota_async_stop(&l->other->async);
	rota_async_stop(&l->async);
}

/* O4: this includes asyncs that were taken from the inbox together with it. */
static void a_callback_may_stop_others_and_itself(void **state)
{
	struct fixture *f = *state;
	struct listener first, second;

	begin(&first, f);
	begin(&second, f);
	first.act = second.act = stop_the_other;
	first.other = &second;
	second.other = &first;
	send_once(&first);
	send_once(&second);

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
}

static void stop_and_free(struct listener *l)
{
	unsigned *calls = (unsigned *)(void *)l->other;

	++*calls;
	rota_async_stop(&l->async);
	test_free(l);
}

/* O4 */
static void a_callback_may_free_its_async(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;

	for (unsigned i = 0; i < 3; i++) {
		struct listener *l = test_malloc(sizeof(*l));

		begin(l, f);
		l->act = stop_and_free;
		l->other = (struct listener *)(void *)&calls;
		send_once(l);
	}

	assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_DEFAULT), 0);

	assert_int_equal(calls, 3);
}

/* F1: a send to a loop that is awake makes no system call. */
static void sends_to_a_loop_that_is_awake_make_no_call(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	begin(&l, f);
	fault_count_reset();

	for (unsigned i = 0; i < 10; i++)
		send_once(&l);

	assert_int_equal(fault_count(NULL), 0);
	rota_async_stop(&l.async);
}

struct late_sender {
	struct rota_task task;
	struct listener *listener;
	int status;
	int start;
};

static void send_late(struct rota_task *task)
{
	struct late_sender *late =
		rota_container_of(task, struct late_sender, task);

	late->status = rota_async_send(&late->listener->async);
	late->start = rota_async_start(&late->listener->async, heard);
}

/* O5: a shutdown stops asyncs, and none can be started. */
static void a_shutdown_stops_asyncs(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	struct late_sender late = { .listener = &l };

	begin(&l, f);
	send_once(&l);
	rota_task_init(&late.task, f->loop);
	assert_int_equal(rota_task_immediate(&late.task, send_late), 0);

	assert_int_equal(rota_loop_shutdown(f->loop, UINT64_MAX), 0);

	f->loop = NULL;
	assert_true(late.status < 0);
	assert_int_equal(late.start, ROTA_ESHUTDOWN);
	assert_false(rota_async_is_active(&l.async));
}

static void *send_from_here(void *arg)
{
	struct listener *l = arg;

	return (void *)(intptr_t)rota_async_send(&l->async);
}

static void a_send_of_another_thread_wakes_the_loop(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	pthread_t thread;
	void *status;

	begin(&l, f);

	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(
			pthread_create(&thread, NULL, send_from_here, &l), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
		pthread_join(thread, &status);
		assert_null(status);
		assert_int_equal(l.calls, i);
	}

	rota_async_stop(&l.async);
}

static struct listener *in_handler;
static atomic_int errno_kept;

static void send_in_handler(int number)
{
	int saved = errno;

	(void)number;
	errno = ERANGE;
	(void)rota_async_send(&in_handler->async);
	atomic_store(&errno_kept, errno == ERANGE);
	errno = saved;
}

struct killer {
	pthread_t thread, victim;
	atomic_bool done;
};

static void *send_signals(void *arg)
{
	struct killer *killer = arg;

	while (!atomic_load(&killer->done)) {
		pthread_kill(killer->victim, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

/* The handler interrupts the loop's thread at any point: during the sleep, in
 * the middle of its own sends, or in the callback. */
static void a_signal_handler_may_send(void **state)
{
	struct fixture *f = *state;
	struct sigaction action = { .sa_handler = send_in_handler };
	struct killer killer = { .victim = pthread_self() };
	struct listener l, own;

	begin(&l, f);
	begin(&own, f);
	in_handler = &l;
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(
		pthread_create(&killer.thread, NULL, send_signals, &killer), 0);

	while (l.calls < 30) {
		assert_int_equal(rota_async_send(&own.async), 0);
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	}
	rota_async_stop(&own.async);
	while (l.calls < 60)
		assert_int_equal(rota_loop_run(f->loop, ROTA_RUN_ONCE), 1);
	atomic_store(&killer.done, 1);
	pthread_join(killer.thread, NULL);
	signal(SIGUSR1, SIG_DFL);

	assert_true(atomic_load(&errno_kept));
	rota_async_stop(&l.async);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(many_sends_make_one_call),
	VIRTUAL(sends_call_in_the_order_they_were_made),
	VIRTUAL(a_send_in_the_callback_makes_another_call),
	VIRTUAL(sends_are_refused_unless_it_is_started),
	VIRTUAL(a_started_async_keeps_the_loop_alive),
	VIRTUAL(a_second_start_replaces_the_callback),
	VIRTUAL(a_stop_drops_what_was_sent),
	VIRTUAL(a_callback_may_stop_others_and_itself),
	VIRTUAL(a_callback_may_free_its_async),
	VIRTUAL(sends_to_a_loop_that_is_awake_make_no_call),
	VIRTUAL(a_shutdown_stops_asyncs),
	REAL(a_send_of_another_thread_wakes_the_loop),
	REAL(a_signal_handler_may_send),
};

FIXTURE_MAIN(tests)
