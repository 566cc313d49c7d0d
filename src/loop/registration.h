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

/* Flags of a descriptor: most say what must be done before the next wait. */
enum {
	ROTAI_FD_NOTED = 1 << 0,  /* it is in noted[] */
	ROTAI_FD_UNSURE = 1 << 1, /* its file may be another by now */
	ROTAI_FD_ABSENT = 1 << 2, /* has watches, but is not registered */
	ROTAI_FD_LEFT = 1 << 3,   /* is registered, but has no watches */
	ROTAI_FD_GONE = 1 << 4,   /* a new poller has refused it */
	ROTAI_FD_TOLD = 1 << 5,   /* called in this turn: rotai_told_mark() */
	ROTAI_FD_DEAD = 1 << 6,   /* reported as an error: registration.c (4) */
	ROTAI_FD_CLOSED = 1 << 7, /* by the library, since the last renewal */
};

/* What a flag says about the number, whatever is registered under it. */
enum { ROTAI_FD_OF_NUMBER = ROTAI_FD_NOTED | ROTAI_FD_CLOSED };

/* What the loop knows about one descriptor number. */
struct rotai_fd {
	struct rota_watch *first; /* in the order started; NULL: none */
	uint32_t generation;      /* goes up with each registration */
	uint8_t wanted;           /* the union of what the watches ask for */
	uint8_t asked;            /* what the poller was last asked for */
	uint8_t again;            /* what the next wait reports besides */
	uint8_t flags;            /* ROTAI_FD_* */
};

struct rotai_watches {
	struct rotai_fd *fds; /* by descriptor */
	size_t fds_capacity;
	int *noted; /* descriptors that the next wait has to look at */
	size_t noted_capacity;
	uint32_t noted_count;
	uint32_t watched;     /* descriptors that have watches */
	uint32_t batch;       /* of events: the number of waits so far */
	uint32_t ended_in;    /* the last batch in which a registration ended */
	uint8_t saw_stale;    /* see rotai_registration_stale() */
	uint8_t rests;        /* the next sleep is a rest: renew.c (2) */
	uint64_t renew_at_ns; /* not before this: renew.c (1) */

	/* The walk over the watches of one descriptor: see dispatch.c (2). */
	struct rota_watch *walk_next;
	struct rota_watch *walk_last;
};

void rotai_watches_free(struct rota_loop *loop);

/* Register @fd, which has no watches, for @wanted, under a new generation.
 * Returns 0; or an error of the kernel or ROTA_ENOMEM, and then nothing is
 * registered. */
int rotai_registration_begin(struct rota_loop *loop, int fd, unsigned wanted);

/* Remove @fd from the poller. Its last watch has stopped. With @closing, the
 * caller closes @fd next. */
void rotai_registration_end(struct rota_loop *loop, int fd, int closing);

/* Change what is wanted of @fd. This is only noted, and cannot fail. */
void rotai_registration_want(struct rotai_watches *watches, int fd,
			     unsigned wanted);

/* Make sure that the file behind @fd now is registered, for @wanted: 0, or an
 * error of the kernel. */
int rotai_registration_confirm(struct rota_loop *loop, int fd, unsigned wanted);

/* Do the same before the next wait, which reports an error as all events that
 * are wanted. */
void rotai_registration_doubt(struct rotai_watches *watches, int fd);

/* If @fd is registered edge-triggered, have the next wait report @events for
 * it: the poller would not by itself. */
void rotai_registration_again(struct rotai_watches *watches, int fd,
			      unsigned events);

/* The same, however it is registered. */
void rotai_registration_report(struct rotai_watches *watches, int fd,
			       unsigned events);

/* Note that a stale event has arrived: registration.c (5). */
static inline void rotai_registration_stale(struct rotai_watches *watches)
{
	if (watches->ended_in != watches->batch)
		watches->saw_stale = 1;
}

/* Pass all noted changes to the poller. Descriptors that it refuses, and those
 * with events to be reported again, are put into @ready, at most @max of them;
 * the others stay noted. Returns how many there are in all: if any, the wait
 * must not sleep. */
int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max);

/* After a failed wait: have the next one report the first @n entries of @ready,
 * which the flush put there. */
void rotai_watches_put_back(struct rota_loop *loop,
			    const struct rotai_ready *ready, int n);

/* Whether a flush has anything to do. */
static inline int rotai_watches_have_news(const struct rotai_watches *watches)
{
	return watches->noted_count > 0 || watches->saw_stale;
}

/* Each wait reports all level-triggered descriptors that are ready. Before
 * another wait of the same turn, mark the descriptors of @ready, whose watches
 * were called, and put them into @told. Returns how many that are. */
int rotai_told_mark(struct rota_loop *loop, const struct rotai_ready *ready,
		    int n, int *told);

/* Drop the marked descriptors from @ready. Returns how many are left, or @n if
 * that is an error. */
int rotai_told_drop(struct rota_loop *loop, struct rotai_ready *ready, int n);

/* Remove the marks of the descriptors in @told. */
void rotai_told_forget(struct rota_loop *loop, const int *told, int count);

/* Register all watched descriptors with another poller: 0; or an error, and
 * then the loop is unchanged. */
int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to);

#endif
