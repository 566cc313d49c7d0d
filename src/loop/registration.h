/*
 * loop/registration.h - which descriptors the poller watches, and for what.
 */
#ifndef ROTAI_LOOP_REGISTRATION_H
#define ROTAI_LOOP_REGISTRATION_H

#include <stddef.h>
#include <stdint.h>

#include "rota/watch.h"

struct rotai_poller;
struct rotai_ready;

/* What is to be done about a descriptor before the next wait. */
enum {
	ROTAI_FD_NOTED = 1 << 0,  /* it is in noted[] */
	ROTAI_FD_UNSURE = 1 << 1, /* its file may be another by now */
	ROTAI_FD_ABSENT = 1 << 2, /* it has watches, and is not registered */
	ROTAI_FD_LEFT = 1 << 3,   /* it is registered, and has no watches */
	ROTAI_FD_GONE = 1 << 4,   /* another poller has refused it */
	ROTAI_FD_TOLD = 1 << 5,   /* in this turn: see rotai_told_mark() */
	ROTAI_FD_DEAD = 1 << 6,   /* its error is told: until the next start */
};

/* What the loop knows of one descriptor number. */
struct rotai_fd {
	struct rota_watch *first; /* in the order started; NULL: none */
	uint32_t generation;      /* of the registration: goes up with each */
	uint8_t wanted;           /* the union of what the watches ask for */
	uint8_t asked;            /* what the poller was last told */
	uint8_t again;            /* what is ready without the poller's word */
	uint8_t flags;            /* ROTAI_FD_* */
};

struct rotai_watches {
	struct rotai_fd *fds; /* by descriptor */
	size_t fds_capacity;
	int *noted; /* descriptors that the next wait has to look at */
	size_t noted_capacity;
	uint32_t noted_count;
	uint32_t batch;    /* of events: the number of waits so far */
	uint8_t saw_stale; /* since the poller was last asked to renew */

	/* The walk over the watches of one descriptor: see watch.c (3). */
	struct rota_watch *walk_next;
	struct rota_watch *walk_last;
};

void rotai_watches_free(struct rota_loop *loop);

/* Register @fd, which has no watches, for @wanted, under a generation of its
 * own: 0, or the error of the kernel, or ROTA_ENOMEM, and nothing is
 * registered. */
int rotai_registration_begin(struct rota_loop *loop, int fd, unsigned wanted);

/* The last watch of @fd has gone: take it out of the poller. */
void rotai_registration_end(struct rota_loop *loop, int fd);

/* Want something else of @fd. It is only noted, and cannot fail. */
void rotai_registration_want(struct rotai_watches *watches, int fd,
			     unsigned wanted);

/* See that the file which is behind @fd now is registered, for @wanted: 0, or
 * the error of the kernel. */
int rotai_registration_confirm(struct rota_loop *loop, int fd, unsigned wanted);

/* The same before the next wait, at which an error counts as everything
 * wanted. */
void rotai_registration_doubt(struct rotai_watches *watches, int fd);

/* Have the next wait report @events of @fd, if the poller will not by itself:
 * if it is registered edge-triggered. */
void rotai_registration_again(struct rotai_watches *watches, int fd,
			      unsigned events);

/* Tell the poller all that has changed. What it refuses, and what is to be
 * called again, goes to @ready, as far as @max reaches; the rest stays noted.
 * Returns how many those are, in ready or not: if any, the wait must not
 * sleep. */
int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max);

/* The wait has failed: have the next one report @n entries of @ready that the
 * flush put there. */
void rotai_watches_put_back(struct rota_loop *loop,
			    const struct rotai_ready *ready, int n);

/* Whether it has anything to do. */
static inline int rotai_watches_have_news(const struct rotai_watches *watches)
{
	return watches->noted_count > 0 || watches->saw_stale;
}

/* What is level-triggered is reported by each wait. Before another wait of the
 * same turn, mark the descriptors of @ready, which have been called, and put
 * them into @told: returns how many these are. */
int rotai_told_mark(struct rota_loop *loop, const struct rotai_ready *ready,
		    int n, int *told);

/* Drop from @ready what is marked: returns how many are left. */
int rotai_told_drop(struct rota_loop *loop, struct rotai_ready *ready, int n);

/* Take the marks of @told away. */
void rotai_told_forget(struct rota_loop *loop, const int *told, int count);

/* Register all descriptors with another poller: 0, or an error, and the loop
 * is as before. */
int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to);

#endif
