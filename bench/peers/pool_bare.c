/*
 * pool_bare.c - a pool by hand: what is left if jobs cannot be cancelled, have
 * no deadline and no owner that may close, and threads neither come nor go. As
 * rota does, it hands jobs over without a lock, on a stack in either direction;
 * threads take shares; and a system call is made only to wake a thread that
 * sleeps.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peers/pool.h"
#include "support/bench.h"

enum { SHARE = 32 };

struct job {
	struct job *next;
	void (*run)(struct job *job);
	void (*done)(struct job *job);
	struct set *set;
	int status;
};

struct set {
	struct job *done; /* a stack: threads push, the loop takes all */
	uint32_t asleep;  /* the loop is, or is about to be */
	int wake;
	char apart[64];
	size_t to_queue;
	size_t out;
	size_t in_flight;
	struct job jobs[];
};

static struct {
	struct job *arrived; /* a stack: the loop pushes */
	uint32_t sleepers;   /* changes with the lock held */
	char apart[64];
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first; /* of the queue */
	struct job **last;
	size_t queued;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .wake = PTHREAD_COND_INITIALIZER,
	   .last = &pool.first };

/* Returns what was on the stack. */
static struct job *push(struct job **stack, struct job *job)
{
	struct job *newest = __atomic_load_n(stack, __ATOMIC_RELAXED);

	do
		job->next = newest;
	while (!__atomic_compare_exchange_n(
		stack, &newest, job, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return newest;
}

/* Take a stack, the oldest first. */
static struct job *take(struct job **stack)
{
	struct job *at = __atomic_exchange_n(stack, NULL, __ATOMIC_SEQ_CST);
	struct job *oldest = NULL;

	while (at) {
		struct job *below = at->next;

		at->next = oldest;
		oldest = at;
		at = below;
	}
	return oldest;
}

static void take_in(void)
{
	if (!__atomic_load_n(&pool.arrived, __ATOMIC_SEQ_CST))
		return;
	*pool.last = take(&pool.arrived);
	while (*pool.last) {
		pool.last = &(*pool.last)->next;
		pool.queued++;
	}
}

/* With the lock held: take a share of the jobs; wait for one if need be. */
static size_t take_share(struct job **share)
{
	size_t count;

	for (take_in(); pool.queued == 0; take_in()) {
		__atomic_fetch_add(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&pool.arrived, __ATOMIC_SEQ_CST))
			pthread_cond_wait(&pool.wake, &pool.lock);
		__atomic_fetch_sub(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
	}
	count = pool.queued / POOL_THREADS;
	count = count < 1 ? 1 : count > SHARE ? SHARE : count;
	for (size_t i = 0; i < count; i++) {
		share[i] = pool.first;
		pool.first = pool.first->next;
	}
	if (!pool.first)
		pool.last = &pool.first;
	pool.queued -= count;
	if (pool.queued > 0 && pool.sleepers > 0)
		pthread_cond_signal(&pool.wake);
	return count;
}

static void wake_loop(struct set *set)
{
	const uint64_t one = 1;

	if (__atomic_load_n(&set->asleep, __ATOMIC_SEQ_CST) &&
	    write(set->wake, &one, sizeof(one)) < 0)
		bench_fail("write");
}

static void *work(void *arg)
{
	struct job *share[SHARE];

	(void)arg;
	for (;;) {
		size_t count;

		pthread_mutex_lock(&pool.lock);
		count = take_share(share);
		pthread_mutex_unlock(&pool.lock);
		for (size_t i = 0; i < count; i++) {
			struct set *set = share[i]->set;

			share[i]->run(share[i]);
			if (!push(&set->done, share[i]))
				wake_loop(set);
		}
	}
	return NULL;
}

static void do_nothing(struct job *job)
{
	job->status = 0;
}

static void on_done(struct job *job)
{
	struct set *set = job->set;

	if (job->status < 0)
		bench_fail("a job");
	set->out--;
	if (set->to_queue == 0)
		return;
	set->to_queue--;
	set->out++;
	push(&pool.arrived, job);
	if (__atomic_load_n(&pool.sleepers, __ATOMIC_SEQ_CST) > 0) {
		pthread_mutex_lock(&pool.lock);
		pthread_cond_signal(&pool.wake);
		pthread_mutex_unlock(&pool.lock);
	}
}

static void sleep_until_done(struct set *set)
{
	uint64_t count;

	__atomic_store_n(&set->asleep, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&set->done, __ATOMIC_SEQ_CST) &&
	    read(set->wake, &count, sizeof(count)) < 0)
		bench_fail("read");
	__atomic_store_n(&set->asleep, 0, __ATOMIC_SEQ_CST);
}

static void set_run(void *arg, size_t count)
{
	struct set *set = arg;

	set->to_queue = count;
	for (size_t i = 0; i < set->in_flight && set->to_queue > 0; i++) {
		set->out++;
		on_done(&set->jobs[i]);
	}
	while (set->out > 0) {
		struct job *at = take(&set->done);

		if (!at)
			sleep_until_done(set);
		while (at) {
			struct job *next = at->next;

			at->done(at);
			at = next;
		}
	}
}

static void *set_make(size_t in_flight)
{
	static int made;
	struct set *set =
		calloc(1, sizeof(*set) + in_flight * sizeof(set->jobs[0]));

	if (!set)
		bench_fail("calloc");
	set->wake = eventfd(0, EFD_CLOEXEC);
	set->in_flight = in_flight;
	for (size_t i = 0; i < in_flight; i++)
		set->jobs[i] = (struct job){ .run = do_nothing,
					     .done = on_done,
					     .set = set };
	while (made < POOL_THREADS) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, NULL))
			bench_fail("pthread_create");
		made++;
	}
	return set;
}

static void set_free(void *arg)
{
	struct set *set = arg;

	close(set->wake);
	free(set);
}

const struct pool_peer pool_bare = { "bare", set_make, set_run, set_free };
