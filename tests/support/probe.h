/*
 * tests/support/probe.h - a watch that counts its calls and stores their
 * events. A turn may call it twice, because kqueue reports each direction
 * separately.
 */
#ifndef TESTS_SUPPORT_PROBE_H
#define TESTS_SUPPORT_PROBE_H

#include "fixture.h"

struct probe {
	struct rota_watch watch;
	struct rota_loop *loop;
	unsigned calls;
	unsigned events;             /* of the last turn that called it */
	uint64_t turn;               /* the number of that turn */
	void (*act)(struct probe *); /* what else to do in a call, or NULL */
	void *arg;                   /* for act */
};

void probe_init(struct probe *probe, struct fixture *f, int fd);

/* Start the watch as rota_watch_start() does; probe_start() fails the test if
 * that fails. */
void probe_start(struct probe *probe, unsigned events);
int probe_try_start(struct probe *probe, unsigned events);
void probe_stop(struct probe *probe);

/* Make one turn that does not sleep. */
void turn(struct fixture *f);

/* Make one turn and return the events that the probe got in it: 0 if none. */
unsigned told(struct fixture *f, struct probe *probe);

/* Return how often the loop calls the poller while it waits for a timer of @ms
 * milliseconds: at least once. The timer must call back. If the poller always
 * has something to report, so that the loop never sleeps, the fixture's alarm
 * ends the test. */
uint64_t waits_within(struct fixture *f, unsigned ms);

/* The statistics of the loop. */
struct rota_stats stats_of(struct rota_loop *loop);

/* Make sure that @count more descriptors can be opened, or skip the test. */
void need_descriptors(unsigned count);

#endif
