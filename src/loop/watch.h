/*
 * loop/watch.h - watches, to the files beside watch.c.
 */
#ifndef ROTAI_LOOP_WATCH_H
#define ROTAI_LOOP_WATCH_H

#include "loop/registration.h"
#include "rota/watch.h"

/* Flags of a watch, beside ROTAI_UNREFERENCED. */
enum {
	ROTAI_WATCH_STARTED = 1 << 1,
	ROTAI_WATCH_OWN = 1 << 2,       /* a handle's */
	ROTAI_WATCH_EDGE = 1 << 3,      /* watch.c (4) */
	ROTAI_WATCH_RESTARTED = 1 << 4, /* by the last start: dispatch.c (3) */
};

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

/* Call @fn for every started watch of the user's. */
void rotai_watches_each(struct rota_loop *loop,
			void (*fn)(void *arg, struct rota_watch *watch),
			void *arg);

/* Stop those of the user: a handle stops its own. */
void rotai_watches_stop(struct rota_loop *loop);

#endif
