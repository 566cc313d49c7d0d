/*
 * peers/precision.h - a periodic timer on each of the peers, and the times of
 * its calls.
 */
#ifndef BENCH_PEERS_PRECISION_H
#define BENCH_PEERS_PRECISION_H

#include <stdbool.h>
#include <stdint.h>

#include "support/bench.h"

enum { PRECISION_CALLS = 10000 };

/* Shared with the parent, and filled by the child. */
struct precision {
	uint64_t period_ns;
	uint64_t periods;  /* that are measured */
	uint64_t first_ns; /* when the first call is due */
	uint64_t seen;
	uint64_t calls;
	struct {
		uint64_t ns;
		uint64_t period; /* index of its period */
	} call[PRECISION_CALLS];
};

struct precision_peer {
	const char *name;

	/* Start the timer, and run until enough periods have passed. */
	void (*run)(struct precision *precision);
};

extern const struct precision_peer precision_rota;
extern const struct precision_peer precision_timerfd;
extern const struct precision_peer precision_libuv;
extern const struct precision_peer precision_libev_timer;
extern const struct precision_peer precision_libev_periodic;
extern const struct precision_peer precision_libevent;
extern const struct precision_peer precision_libevent_precise;

/* Called just before a timer is started: the periods begin here. */
static inline void precision_begin(struct precision *precision)
{
	precision->first_ns = bench_wall_ns() + precision->period_ns;
}

/* Called for each call of the timer. @periods is the number of periods that the
 * call counts for, according to the peer: more than one if some were missed.
 * Returns whether to continue: neither enough periods nor the time that they
 * should take have passed. */
static inline bool precision_call(struct precision *precision, uint64_t periods)
{
	const uint64_t now_ns = bench_wall_ns();
	const uint64_t i = precision->calls++;

	precision->seen += periods;
	precision->call[i].ns = now_ns;
	precision->call[i].period = precision->seen - 1;
	return precision->seen < precision->periods &&
	       now_ns < precision->first_ns +
				precision->periods * precision->period_ns &&
	       precision->calls < PRECISION_CALLS;
}

#endif
