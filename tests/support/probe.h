/*
 * tests/support/probe.h - a watch that keeps account of its calls. A turn may
 * call it twice, as kqueue tells of each direction by itself.
 */
#ifndef TESTS_SUPPORT_PROBE_H
#define TESTS_SUPPORT_PROBE_H

#include "fixture.h"

struct probe {
	struct rota_watch watch;
	struct rota_loop *loop;
	unsigned calls;
	unsigned events;             /* of the last turn that called it */
	uint64_t turn;               /* which one that was */
	void (*act)(struct probe *); /* what else to do in a call, or NULL */
	void *arg;                   /* for act */
};

void probe_init(struct probe *probe, struct fixture *f, int fd);

/* Start it, as rota_watch_start() does, or fail the test. */
void probe_start(struct probe *probe, unsigned events);
int probe_try_start(struct probe *probe, unsigned events);
void probe_stop(struct probe *probe);

/* Make one turn that does not sleep. */
void turn(struct fixture *f);

/* Make one turn and tell what it told the probe: 0 if nothing. */
unsigned told(struct fixture *f, struct probe *probe);

/* How often the loop asks the kernel while it waits for a timer of @ms, which
 * must call: at least once. A loop that has something to tell without end, and
 * so never sleeps, ends by the fixture's alarm. */
uint64_t waits_within(struct fixture *f, unsigned ms);

/* The figures of the loop. */
struct rota_stats stats_of(struct rota_loop *loop);

/* Have room for @count descriptors more, or skip the test. */
void need_descriptors(unsigned count);

#endif
