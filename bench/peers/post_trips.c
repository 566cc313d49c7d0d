/*
 * post_trips.c - ping-pong between two loops.
 */
#include "peers/post_trips.h"

#include <pthread.h>
#include <stdbool.h>

#include "support/bench.h"
#include "support/trace.h"

enum { WARM_UP = 20, ANYWHERE = -1 };

struct side {
	const struct post_peer *peer;
	void *set;
	struct side *other;
	size_t trips;
	size_t received;
	bool begins;
	bool traced;
	int processor;
	uint64_t spent_ns;
};

static void on_ball(void *arg)
{
	struct side *side = arg;
	const size_t received = ++side->received;

	if (side->traced && received == WARM_UP)
		trace_on();
	if (side->traced && received == WARM_UP + POST_TRIPS_TRACED)
		trace_off();
	if (received == side->trips)
		side->peer->stop(side->set);
	if (received < side->trips || !side->begins)
		side->peer->post(side->other->set, 0, 1);
}

static void *play(void *arg)
{
	struct side *side = arg;
	uint64_t begin_ns;

	if (side->processor != ANYWHERE)
		bench_stay_at(side->processor);
	begin_ns = bench_thread_ns();
	if (side->begins)
		side->peer->post(side->other->set, 0, 1);
	side->peer->run(side->set);
	side->spent_ns = bench_thread_ns() - begin_ns;
	return NULL;
}

/* The first of @sides runs in this thread. */
static void play_both(struct side *sides, const struct post_peer *peer,
		      size_t trips)
{
	pthread_t thread;

	for (size_t i = 0; i < 2; i++) {
		struct post_load load = { 1, 1, on_ball, &sides[i] };

		sides[i].peer = peer;
		sides[i].set = peer->make(&load);
		sides[i].other = &sides[1 - i];
		sides[i].trips = trips;
		sides[i].begins = i == 0;
	}
	if (pthread_create(&thread, NULL, play, &sides[1]))
		bench_fail("pthread_create");
	play(&sides[0]);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < 2; i++)
		peer->free(sides[i].set);
}

uint64_t post_trips_run(const struct post_peer *peer, size_t count,
			enum bench_place place)
{
	struct side sides[2] = {
		{ .processor = 0 },
		{ .processor = place == BENCH_TWO_PROCESSORS ? 1 : 0 },
	};

	play_both(sides, peer, count);
	bench_go_back();
	return sides[0].spent_ns + sides[1].spent_ns;
}

void post_trips_trace(const struct post_peer *peer)
{
	struct side sides[2] = {
		{ .processor = ANYWHERE, .traced = true },
		{ .processor = ANYWHERE },
	};

	play_both(sides, peer, WARM_UP + POST_TRIPS_TRACED + 1);
}
