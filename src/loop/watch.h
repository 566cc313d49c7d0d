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
	uint8_t wanted;           /* the union of what the watches ask for */
	uint8_t asked;            /* what the poller was last told */
	uint8_t again;            /* what is ready without the poller's word */
	uint8_t noted;            /* it is in noted[] */
};

struct rotai_watches {
	struct rotai_fd *fds; /* by descriptor */
	size_t fds_capacity;
	int *noted; /* descriptors of which the next wait has something to do:
		     * wanted is not what was asked, or again is not 0 */
	size_t noted_capacity;
	uint32_t noted_count;
	uint32_t batch;    /* of events: the number of waits so far */
	uint8_t saw_stale; /* since the poller was last asked to renew */

	/* The walk over the watches of one descriptor: see watch.c (4). */
	struct rota_watch *walk_next;
	struct rota_watch *walk_last;
};

void rotai_watches_free(struct rota_loop *loop);

/* Get @watch ready for a handle: unreferenced, as the handle counts by itself,
 * and called without the user's noticing. With @edge its function is told more
 * than it asked for where that saves changes: while it is alone on its
 * descriptor, and the poller can, it is told of everything, and of each thing
 * once: it reads, or writes, until that comes up short, or remembers that it
 * could. */
void rotai_watch_init_own(struct rota_watch *watch, struct rota_loop *loop,
			  int fd, int edge);

/* Have @watch, of a handle and started, call @fn, and ask for @events: it is
 * only noted, and cannot fail. */
void rotai_watch_ask(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events);

/* Have @watch, of a handle and started, called at the next wait for @events, if
 * the poller will not by itself report again what is left. */
void rotai_watch_again(struct rota_watch *watch, unsigned events);

/* Tell the poller all that has changed. What it refuses, and what is to be
 * called again, goes to @ready, as far as @max reaches; the rest stays noted.
 * Returns how many those are, in ready or not: if any, the wait must not
 * sleep. */
int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max);

/* Whether it has anything to do. */
static inline int rotai_watches_have_news(const struct rotai_watches *watches)
{
	return watches->noted_count > 0 || watches->saw_stale;
}

/* Call the watches of @n descriptors that a wait found ready. */
void rotai_watches_run(struct rota_loop *loop, const struct rotai_ready *ready,
		       int n);

/* Register all descriptors with another poller: 0, or an error, and the loop
 * is as before. */
struct rotai_poller;
int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to);

/* Call @fn for every started watch of the user's. */
void rotai_watches_each(struct rota_loop *loop,
			void (*fn)(void *arg, struct rota_watch *watch),
			void *arg);

/* Stop those of the user: a handle stops its own. */
void rotai_watches_stop(struct rota_loop *loop);

#endif
