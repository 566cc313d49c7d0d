/*
 * post_burst.c - several threads that post to one loop.
 */
#include "peers/post_burst.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "support/bench.h"

struct burst;

struct producer {
	struct burst *burst;
	size_t index;
	size_t posts; /* in each burst */
	uint64_t spent_ns;
	sem_t go;
	pthread_t thread;
	atomic_bool sent_all; /* in this burst, before the last send */
};

struct burst {
	struct post_burst how;
	void *set;
	struct producer producers[POST_PRODUCERS];
	sem_t ended;
	size_t left; /* posts of this burst */
};

/* With a real-time priority on a fixed processor, four threads would never post
 * at the same time. */
static void stay_at(const struct burst *burst, int index)
{
	if (burst->how.place == BENCH_ONE_PROCESSOR)
		bench_stay_at(0);
	else if (burst->how.producers == 1)
		bench_stay_at(index);
}

static void *produce(void *arg)
{
	struct producer *producer = arg;
	struct burst *burst = producer->burst;
	const struct post_peer *peer = burst->how.peer;
	uint64_t begin_ns;

	stay_at(burst, 1);
	for (size_t i = 0; i < burst->how.bursts; i++) {
		sem_wait(&producer->go);
		begin_ns = bench_thread_ns();
		peer->post(burst->set, producer->index, producer->posts);
		if (burst->how.merges) {
			atomic_store(&producer->sent_all, true);
			peer->post(burst->set, producer->index, 1);
		}
		producer->spent_ns += bench_thread_ns() - begin_ns;
		sem_post(&burst->ended);
	}
	return NULL;
}

static void on_post(void *arg)
{
	struct burst *burst = arg;

	if (--burst->left == 0)
		burst->how.peer->stop(burst->set);
}

/* After the last send there is one more call, which finds that all producers
 * are done. */
static void on_send(void *arg)
{
	struct burst *burst = arg;

	for (size_t i = 0; i < burst->how.producers; i++)
		if (!atomic_load(&burst->producers[i].sent_all))
			return;
	burst->how.peer->stop(burst->set);
}

static void start_producers(struct burst *burst)
{
	const size_t posts = POST_BURST / burst->how.producers;

	for (size_t i = 0; i < burst->how.producers; i++) {
		struct producer *producer = &burst->producers[i];

		producer->burst = burst;
		producer->index = i;
		producer->posts = posts - (burst->how.merges ? 1 : 0);
		producer->spent_ns = 0;
		sem_init(&producer->go, 0, 0);
		if (pthread_create(&producer->thread, NULL, produce, producer))
			bench_fail("pthread_create");
	}
}

/* Returns for how many nanoseconds the producers have run. */
static uint64_t end_producers(struct burst *burst)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < burst->how.producers; i++) {
		pthread_join(burst->producers[i].thread, NULL);
		sem_destroy(&burst->producers[i].go);
		sum_ns += burst->producers[i].spent_ns;
	}
	return sum_ns;
}

/* Let all producers start, and run the loop. If all share one processor, the
 * loop sleeps before they run. Returns for how many nanoseconds it ran. */
static uint64_t receive(struct burst *burst)
{
	uint64_t begin_ns;
	uint64_t spent_ns;

	burst->left = POST_BURST;
	for (size_t i = 0; i < burst->how.producers; i++)
		atomic_store(&burst->producers[i].sent_all, false);
	for (size_t i = 0; i < burst->how.producers; i++)
		sem_post(&burst->producers[i].go);
	begin_ns = bench_thread_ns();
	burst->how.peer->run(burst->set);
	spent_ns = bench_thread_ns() - begin_ns;
	for (size_t i = 0; i < burst->how.producers; i++)
		sem_wait(&burst->ended);
	return spent_ns;
}

struct post_burst_cost post_burst_run(const struct post_burst *how)
{
	static struct burst burst;
	struct post_burst_cost cost = { 0, 0 };
	struct post_load load = {
		.producers = how->producers,
		.tasks = POST_BURST / how->producers,
		.arrived = how->merges ? on_send : on_post,
		.arg = &burst,
	};

	burst.how = *how;
	sem_init(&burst.ended, 0, 0);
	burst.set = how->peer->make(&load);
	stay_at(&burst, 0);
	start_producers(&burst);
	for (size_t i = 0; i < how->bursts; i++)
		cost.receiving += (double)receive(&burst);
	cost.posting = (double)end_producers(&burst);
	bench_go_back();
	how->peer->free(burst.set);
	sem_destroy(&burst.ended);
	return cost;
}
