/*
 * A loop that several threads use in turn, under a lock that the loop releases
 * during its waits (F1). What they change while it sleeps takes effect after
 * the wait, on every poller.
 */
#include "support/fixture.h"

#include <pthread.h>
#include <unistd.h>

#include "support/probe.h"

enum { READABLE = ROTA_READABLE };

struct locked {
	struct fixture *f;
	pthread_mutex_t lock;
	pthread_cond_t waits;
	unsigned releases, acquires;
	int waiting; /* between release and acquire */
	struct rota_async wake;
	void (*change)(struct locked *l);
	struct probe probes[3];
	int fds[3][2];
	struct rota_timer timer;
	unsigned timers, ticks, hooks;
	struct rota_task tick;
	struct rota_hook hook;
	int status;
};

static void release(struct rota_loop *loop, void *arg)
{
	struct locked *l = arg;

	assert_ptr_equal(loop, l->f->loop);
	l->releases++;
	l->waiting = 1;
	pthread_cond_broadcast(&l->waits);
	pthread_mutex_unlock(&l->lock);
}

static void acquire(struct rota_loop *loop, void *arg)
{
	struct locked *l = arg;

	(void)loop;
	pthread_mutex_lock(&l->lock);
	l->acquires++;
	l->waiting = 0;
}

static void on_wake(struct rota_async *async)
{
	(void)async;
}

static void locked_begin(struct locked *l, struct fixture *f)
{
	*l = (struct locked){ .f = f };
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->waits, NULL);
	for (int i = 0; i < 3; i++) {
		make_pipe(l->fds[i]);
		probe_init(&l->probes[i], f, l->fds[i][0]);
	}
	rota_async_init(&l->wake, f->loop);
	assert_int_equal(rota_async_start(&l->wake, on_wake), 0);
	rota_timer_init(&l->timer, f->loop);
	rota_task_init(&l->tick, f->loop);
	rota_hook_init(&l->hook, f->loop);
	assert_int_equal(rota_loop_set_lock(f->loop, release, acquire, l), 0);
}

static void locked_end(struct locked *l)
{
	assert_int_equal(l->releases, l->acquires);
	assert_int_equal(rota_loop_set_lock(l->f->loop, NULL, NULL, NULL), 0);
	rota_async_stop(&l->wake);
	for (int i = 0; i < 3; i++) {
		probe_stop(&l->probes[i]);
		close(l->fds[i][0]);
		close(l->fds[i][1]);
	}
	rota_timer_stop(&l->timer);
	rota_hook_stop(&l->hook);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->waits);
}

/* Make the change while the loop sleeps, and wake it. */
static void *change_thread(void *arg)
{
	struct locked *l = arg;

	pthread_mutex_lock(&l->lock);
	while (!l->waiting)
		pthread_cond_wait(&l->waits, &l->lock);
	l->change(l);
	rota_async_send(&l->wake);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Run once, while another thread makes @change during the sleep. */
static void run_with(struct locked *l, void (*change)(struct locked *l))
{
	pthread_t thread;

	l->change = change;
	pthread_mutex_lock(&l->lock);
	assert_int_equal(pthread_create(&thread, NULL, change_thread, l), 0);
	assert_int_equal(rota_loop_run(l->f->loop, ROTA_RUN_ONCE), 1);
	pthread_mutex_unlock(&l->lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void turn_locked(struct locked *l)
{
	pthread_mutex_lock(&l->lock);
	turn(l->f);
	pthread_mutex_unlock(&l->lock);
}

static void start_two_stop_one(struct locked *l)
{
	probe_stop(&l->probes[0]);
	probe_start(&l->probes[1], READABLE);
	probe_start(&l->probes[2], READABLE);
	put_byte(l->fds[0][1]);
	put_byte(l->fds[1][1]);
	put_byte(l->fds[2][1]);
	l->status = rota_loop_run(l->f->loop, ROTA_RUN_NOWAIT);
}

/* F1, T6 */
static void watches_may_be_started_and_stopped_during_the_sleep(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	probe_start(&l.probes[0], READABLE);
	run_with(&l, start_two_stop_one);
	assert_int_equal(l.status, ROTA_EBUSY);
	turn_locked(&l);

	assert_int_equal(l.probes[0].calls, 0);
	assert_int_equal(l.probes[1].events, READABLE);
	assert_int_equal(l.probes[2].events, READABLE);
	locked_end(&l);
}

/* Stop the watch, close its descriptor, and let another pipe get the number. */
static void reopen(struct locked *l)
{
	int fds[2];

	probe_stop(&l->probes[0]);
	make_pipe(fds);
	assert_int_equal(dup2(fds[0], l->fds[0][0]), l->fds[0][0]);
	close(fds[0]);
	close(l->fds[0][1]);
	l->fds[0][1] = fds[1];
	probe_start(&l->probes[0], READABLE);
	probe_start(&l->probes[1], READABLE);
	probe_stop(&l->probes[1]);
}

/* D1 */
static void a_number_may_change_hands_during_the_sleep(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	probe_start(&l.probes[0], READABLE);
	run_with(&l, reopen);
	turn_locked(&l);
	assert_int_equal(l.probes[0].calls, 0);
	put_byte(l.fds[0][1]);
	put_byte(l.fds[1][1]);
	turn_locked(&l);

	assert_int_equal(l.probes[0].events, READABLE);
	assert_int_equal(l.probes[1].calls, 0);
	locked_end(&l);
}

static void start_what_cannot_be_watched(struct locked *l)
{
	struct rota_watch watch;
	int fd = dup(l->fds[2][0]);

	close(fd);
	rota_watch_init(&watch, l->f->loop, fd);
	l->status = rota_watch_start(&watch, l->probes[0].watch.internal.fn,
				     READABLE);
}

static void what_is_not_open_is_refused_during_the_sleep(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	probe_start(&l.probes[0], READABLE);
	run_with(&l, start_what_cannot_be_watched);

	assert_int_equal(l.status, ROTA_EBADF);
	locked_end(&l);
}

static void stop_one(struct locked *l)
{
	probe_stop(&l->probes[0]);
}

/* F1, D1: what was stopped during the sleep may be started before the loop has
 * told the kernel. */
static void what_was_stopped_during_the_sleep_may_be_started(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	probe_start(&l.probes[0], READABLE);
	run_with(&l, stop_one);
	put_byte(l.fds[0][1]);
	probe_start(&l.probes[0], READABLE);
	turn_locked(&l);
	turn_locked(&l);

	assert_int_equal(l.probes[0].calls, 2);
	assert_int_equal(l.probes[0].events, READABLE);
	take_byte(l.fds[0][0]);
	turn_locked(&l);
	assert_int_equal(l.probes[0].calls, 2);
	assert_int_equal(stats_of(l.f->loop).stale, 0);
	locked_end(&l);
}

static struct probe beside; /* probes[0] */

static void replace_and_start_beside(struct locked *l)
{
	int fds[2];

	make_pipe(fds);
	assert_int_equal(dup2(fds[0], l->fds[0][0]), l->fds[0][0]);
	close(fds[0]);
	close(l->fds[0][1]);
	l->fds[0][1] = fds[1];
	l->status = probe_try_start(&beside, READABLE);
}

static void close_and_start_beside(struct locked *l)
{
	int copy = dup(l->fds[0][0]);

	close(l->fds[0][0]);
	l->status = probe_try_start(&beside, READABLE);
	assert_int_equal(dup2(copy, l->fds[0][0]), l->fds[0][0]);
	close(copy);
}

/* F1, D4: a start beside another finds the file that is there now, or none. */
static void
a_start_beside_another_during_the_sleep_is_of_what_is_there(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	probe_init(&beside, l.f, l.fds[0][0]);
	probe_start(&l.probes[0], READABLE);
	run_with(&l, close_and_start_beside);
	assert_int_equal(l.status, ROTA_EBADF);
	assert_false(rota_watch_is_active(&beside.watch));

	run_with(&l, replace_and_start_beside);
	assert_int_equal(l.status, 0);
	turn_locked(&l);
	assert_int_equal(l.probes[0].calls + beside.calls, 0);
	put_byte(l.fds[0][1]);
	turn_locked(&l);

	assert_int_equal(l.probes[0].events, READABLE);
	assert_int_equal(beside.events, READABLE);
	probe_stop(&beside);
	locked_end(&l);
}

static void on_timer(struct rota_timer *timer)
{
	rota_container_of(timer, struct locked, timer)->timers++;
}

static void on_tick(struct rota_task *task)
{
	rota_container_of(task, struct locked, tick)->ticks++;
}

static void on_hook(struct rota_hook *hook)
{
	rota_container_of(hook, struct locked, hook)->hooks++;
}

static void start_other_nodes(struct locked *l)
{
	assert_int_equal(rota_timer_start(&l->timer, on_timer, 0), 0);
	assert_int_equal(rota_task_next_tick(&l->tick, on_tick), 0);
	assert_int_equal(rota_hook_start(&l->hook, on_hook, ROTA_HOOK_CHECK),
			 0);
	assert_int_equal(rota_loop_set_lock(l->f->loop, NULL, NULL, NULL),
			 ROTA_EBUSY);
}

/* T10: the tick runs before the loop's next callback. */
static void other_nodes_may_be_started_during_the_sleep(void **state)
{
	struct locked l;

	locked_begin(&l, *state);
	run_with(&l, start_other_nodes);
	assert_int_equal(l.ticks, 1);
	assert_int_equal(l.hooks, 1);
	turn_locked(&l);

	assert_int_equal(l.timers, 1);
	locked_end(&l);
}

/* A thread that starts and stops watches at random while the loop runs. */
struct churn {
	struct locked *l;
	unsigned number;
	unsigned rounds;
	uint64_t seed;
};

static void *churn_thread(void *arg)
{
	struct churn *c = arg;
	struct probe *probe = &c->l->probes[c->number];

	for (unsigned i = 0; i < c->rounds; i++) {
		pthread_mutex_lock(&c->l->lock);
		if (rota_watch_is_active(&probe->watch) &&
		    random_below(&c->seed, 2) == 0)
			probe_stop(probe);
		else
			probe_start(probe, READABLE);
		rota_async_send(&c->l->wake);
		pthread_mutex_unlock(&c->l->lock);
	}
	return NULL;
}

static void stop_the_loop(struct rota_timer *timer)
{
	struct locked *l = rota_container_of(timer, struct locked, timer);

	(void)l;
	rota_loop_stop(timer->data);
}

static void threads_and_loop_take_turns(void **state)
{
	enum { ROUNDS = 2000 };
	struct locked l;
	struct churn churns[3];
	pthread_t threads[3];
	uint64_t seed = random_seed();

	locked_begin(&l, *state);
	pthread_mutex_lock(&l.lock);
	for (unsigned i = 0; i < 3; i++) {
		churns[i] = (struct churn){ &l, i, ROUNDS, seed + i };
		assert_int_equal(pthread_create(&threads[i], NULL, churn_thread,
						&churns[i]),
				 0);
	}
	l.timer.data = l.f->loop;
	rota_timer_start(&l.timer, stop_the_loop, ROTA_MSEC(200));
	assert_int_equal(rota_loop_run(l.f->loop, ROTA_RUN_DEFAULT), 1);
	pthread_mutex_unlock(&l.lock);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);

	pthread_mutex_lock(&l.lock);
	for (unsigned i = 0; i < 3; i++) {
		probe_start(&l.probes[i], READABLE);
		put_byte(l.fds[i][1]);
	}
	pthread_mutex_unlock(&l.lock);
	turn_locked(&l);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(l.probes[i].events, READABLE);
	locked_end(&l);
}

static void a_lock_has_both_functions_or_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rota_loop_set_lock(f->loop, release, NULL, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_set_lock(f->loop, NULL, acquire, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_loop_set_lock(f->loop, NULL, NULL, NULL), 0);
}

static const struct CMUnitTest tests[] = {
	REAL(watches_may_be_started_and_stopped_during_the_sleep),
	REAL(a_number_may_change_hands_during_the_sleep),
	REAL(what_is_not_open_is_refused_during_the_sleep),
	REAL(what_was_stopped_during_the_sleep_may_be_started),
	REAL(a_start_beside_another_during_the_sleep_is_of_what_is_there),
	REAL(other_nodes_may_be_started_during_the_sleep),
	REAL(threads_and_loop_take_turns),
	REAL(a_lock_has_both_functions_or_none),
};

FIXTURE_MAIN(tests)
