/*
 * post.c - what does it cost to have another thread's loop call back?
 *
 * Load: 4 threads post 50,000 times each, as quickly as they can, to one loop;
 * then one thread posts to a loop that sleeps, and waits for the arrival. With
 * "rota post" and "libuv, queue" (uv_async_send() and a list with a mutex)
 * each post is a call; "rota async", "libuv async" and the bare eventfd may
 * make one of many, so that sends alone compare there.
 *
 * Units:
 *
 *     posting    ns of a producer's processor time for each post
 *     receiving  ns of the loop's thread for each post
 *     wakes      write(2) for a thousand posts
 *     latency    us from before the post to the call, the loop being asleep,
 *                by the wall's clock: the median of one run's posts
 *
 * Bad news: a wake for more than one post in ten while the loop has work; a
 * post dearer than libuv's with its mutex; a latency above the bare eventfd's
 * by more than a microsecond or two.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "peers/post.h"
#include "support/bench.h"

enum { PRODUCERS = 4 };

static const struct post_peer *const peers[] = {
	&post_libuv_queue, &post_rota,       &post_bare,
	&post_libuv_async, &post_rota_async,
};

enum { PEERS = sizeof(peers) / sizeof(*peers), QUEUE = 0, ROTA = 1, BARE = 2 };

static atomic_size_t writes;

/* These take the place of the C library's, for libuv too. */
ssize_t write(int fd, const void *data, size_t size)
{
	atomic_fetch_add_explicit(&writes, 1, memory_order_relaxed);
	return syscall(SYS_write, fd, data, size);
}

int eventfd_write(int fd, eventfd_t value)
{
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

struct burst {
	struct bench *bench;
	struct bench_series posting;
	struct bench_series receiving;
	struct bench_series wakes;

	const struct post_peer *peer;
	void *set;
	size_t count;
	pthread_barrier_t barrier;
};

struct producer {
	struct burst *burst;
	size_t index;
	uint64_t spent_ns;
	pthread_t thread;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;
	struct burst *burst = producer->burst;
	uint64_t begin_ns;

	pthread_barrier_wait(&burst->barrier);
	begin_ns = bench_thread_ns();
	burst->peer->produce(burst->set, producer->index, 0, burst->count);
	producer->spent_ns = bench_thread_ns() - begin_ns;
	return NULL;
}

static void run_burst(void *arg, size_t peer)
{
	struct burst *burst = arg;
	struct post_load load = { PRODUCERS, burst->count, NULL };
	const double posts = (double)(PRODUCERS * burst->count);
	struct producer producers[PRODUCERS];
	uint64_t posting_ns = 0;
	uint64_t begin_ns;
	uint64_t receiving_ns;

	burst->peer = peers[peer];
	burst->set = burst->peer->make(&load);
	atomic_store(&writes, 0);
	for (size_t i = 0; i < PRODUCERS; i++) {
		producers[i].burst = burst;
		producers[i].index = i;
		if (pthread_create(&producers[i].thread, NULL, produce,
				   &producers[i]))
			bench_fail("pthread_create");
	}
	pthread_barrier_wait(&burst->barrier);
	begin_ns = bench_thread_ns();
	burst->peer->run(burst->set);
	receiving_ns = bench_thread_ns() - begin_ns;
	for (size_t i = 0; i < PRODUCERS; i++) {
		pthread_join(producers[i].thread, NULL);
		posting_ns += producers[i].spent_ns;
	}
	bench_add(burst->bench, &burst->wakes, peer,
		  1000 * (double)atomic_load(&writes) / posts);
	burst->peer->free(burst->set);

	bench_add(burst->bench, &burst->posting, peer,
		  (double)posting_ns / posts);
	bench_add(burst->bench, &burst->receiving, peer,
		  (double)receiving_ns / posts);
}

enum { WAKES = 200 };

static struct {
	uint64_t posted_ns;
	double latency_us[WAKES];
	size_t arrivals;
	sem_t arrived;
} wake;

static void on_arrival(void)
{
	uint64_t now_ns = bench_wall_ns();

	if (wake.arrivals < WAKES)
		wake.latency_us[wake.arrivals++] =
			(double)(now_ns - wake.posted_ns) / 1000;
	sem_post(&wake.arrived);
}

struct latency {
	struct bench *bench;
	struct bench_series series;
	const struct post_peer *peer;
	void *set;
};

/* Post one at a time, each when the loop has had the time to fall asleep. */
static void *wake_up(void *arg)
{
	struct latency *latency = arg;
	const struct timespec pause = { .tv_nsec = 200000 };

	for (size_t i = 0; i < WAKES; i++) {
		nanosleep(&pause, NULL);
		wake.posted_ns = bench_wall_ns();
		latency->peer->produce(latency->set, 0, i, i + 1);
		while (sem_wait(&wake.arrived) && errno == EINTR)
			;
	}
	return NULL;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static void run_latency(void *arg, size_t peer)
{
	struct latency *latency = arg;
	struct post_load load = { 1, WAKES, on_arrival };
	pthread_t thread;

	wake.arrivals = 0;
	latency->peer = peers[peer];
	latency->set = latency->peer->make(&load);
	if (pthread_create(&thread, NULL, wake_up, latency))
		bench_fail("pthread_create");
	latency->peer->run(latency->set);
	pthread_join(thread, NULL);
	latency->peer->free(latency->set);

	qsort(wake.latency_us, wake.arrivals, sizeof(double), compare);
	bench_add(latency->bench, &latency->series, peer,
		  wake.latency_us[wake.arrivals / 2]);
}

static void name_peers(struct bench_series *series, const char *name,
		       const char *unit, size_t base)
{
	*series = (struct bench_series){ name, unit, .peers = PEERS,
					 .base = base };
	for (size_t i = 0; i < PEERS; i++)
		series->peer[i] = peers[i]->name;
}

int main(int argc, char **argv)
{
	static struct burst burst;
	static struct latency latency;
	struct bench bench;

	if (bench_begin(&bench, "post", argc, argv) > 1)
		bench_fail("post [--quick] [--check]");
	burst.bench = &bench;
	burst.count = bench.quick ? 20000 : 50000;
	latency.bench = &bench;
	pthread_barrier_init(&burst.barrier, NULL, PRODUCERS + 1);
	sem_init(&wake.arrived, 0, 0);
	name_peers(&burst.posting, "posting", "ns/post", QUEUE);
	name_peers(&burst.receiving, "receiving", "ns/post", QUEUE);
	name_peers(&burst.wakes, "wakes", "writes/1000", BARE);
	name_peers(&latency.series, "latency", "us", BARE);

	bench_interleave(&bench, PEERS, bench.quick ? 3 : 21, run_burst,
			 &burst);
	bench_interleave(&bench, PEERS, bench.quick ? 3 : 21, run_latency,
			 &latency);
	bench_print_head();
	bench_print(&burst.posting);
	bench_print(&burst.receiving);
	bench_print(&burst.wakes);
	bench_print(&latency.series);
	bench_target(&bench, BENCH_NOISY, "wakes of 1000 posts",
		     bench_median(&burst.wakes, ROTA), 100);
	bench_target(&bench, BENCH_NOISY, "posting, rota to libuv with a queue",
		     bench_ratio(&burst.posting, ROTA), 1.0);
	return bench_end(&bench);
}
