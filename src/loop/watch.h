/*
 * loop/watch.h - the table of descriptors, to the files beside watch.c.
 */
#ifndef ROTAI_LOOP_WATCH_H
#define ROTAI_LOOP_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "rota/watch.h"

struct rotai_ready;

/* What the loop knows of one descriptor number. */
struct rotai_fd {
	struct rota_watch *first; /* in the order started; NULL: none */
	uint32_t generation;      /* of the registration: goes up with each */
	uint32_t changed;         /* its place in changed[], counted from 1 */
	uint8_t wanted;           /* the union of what the watches ask for */
	uint8_t asked;            /* what the poller was last told */
};

struct rotai_watches {
	struct rotai_fd *fds; /* by descriptor */
	size_t fds_capacity;
	int *changed; /* descriptors whose wanted is not asked */
	size_t changed_capacity;
	uint32_t changed_count;
	uint32_t registered; /* descriptors with watches */
	uint32_t batch;      /* of events: the number of waits so far */
	uint8_t saw_stale;   /* since the poller was last asked to renew */

	/* The walk over the watches of one descriptor: see watch.c (4). */
	struct rota_watch *walk_next;
	struct rota_watch *walk_last;
};

void rotai_watches_free(struct rota_loop *loop);

/* Tell the poller all that has changed. What it refuses goes to @ready, as far
 * as @max reaches, and stays changed. Returns how many those are, in ready or
 * not: if any, the wait must not sleep. */
int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max);

/* Call the watches of @n descriptors that a wait found ready. */
void rotai_watches_run(struct rota_loop *loop, const struct rotai_ready *ready,
		       int n);

/* Register all descriptors with another poller: 0, or an error, and the loop
 * is as before. */
struct rotai_poller;
int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to);

/* Call @fn for every started watch. */
void rotai_watches_each(struct rota_loop *loop,
			void (*fn)(void *arg, struct rota_watch *watch),
			void *arg);

/* Stop them all. */
void rotai_watches_stop(struct rota_loop *loop);

#endif
