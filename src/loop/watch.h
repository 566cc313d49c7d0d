/*
 * loop/watch.h - watches, for other files of the library.
 */
#ifndef ROTAI_LOOP_WATCH_H
#define ROTAI_LOOP_WATCH_H

#include "loop/registration.h"
#include "rota/watch.h"

/* Flags of a watch, beside ROTAI_UNREFERENCED. */
enum {
	ROTAI_WATCH_STARTED = 1 << 1,
	ROTAI_WATCH_OWN = 1 << 2,       /* belongs to a handle */
	ROTAI_WATCH_EDGE = 1 << 3,      /* watch.c (4) */
	ROTAI_WATCH_RESTARTED = 1 << 4, /* by the last start: dispatch.c (3) */
	ROTAI_WATCH_SHARED = 1 << 5,    /* rotai_watch_share() */
	ROTAI_WATCH_EXCLUSIVE = 1 << 6, /* rotai_watch_share() */
};

/* Initialize @watch for a handle. It is unreferenced, because the handle itself
 * counts, and its calls do not count as callbacks of the user. With @edge it
 * may be called for more than it asked for, where that saves changes: while it
 * is the only watch of its descriptor, and the poller supports edge-triggering,
 * it is called for all events, and only once when one occurs. So its function
 * must read or write until the kernel has or takes no more, or remember that it
 * could. */
void rotai_watch_init_own(struct rota_watch *watch, struct rota_loop *loop,
			  int fd, int edge);

/* The file of @watch, which belongs to a handle and is not started, has other
 * descriptors as well, which other loops watch. So a close of this one does not
 * remove it from the kernel. With @exclusive, an event need not wake all of the
 * loops that want nothing but ROTA_READABLE. */
void rotai_watch_share(struct rota_watch *watch, int exclusive);

/* Have the poller look anew at the file of @watch, which is started. What is
 * there is reported again, and of the loops that wait exclusively this one is
 * the last that is woken from now on. */
void rotai_watch_look(struct rota_watch *watch);

/* Change the function and the events of @watch, which is started and belongs to
 * a handle. This is only noted, and cannot fail. */
void rotai_watch_ask(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events);

/* Stop @watch, if it is started, and close its descriptor, if that is not -1,
 * which it is then. This may save a system call. */
void rotai_watch_close(struct rota_watch *watch);

/* Have the next wait report @events for @watch, which is started and belongs to
 * a handle, if the poller would not report again by itself what is left. */
void rotai_watch_again(struct rota_watch *watch, unsigned events);

/* The same, whatever the poller reports: what is left is not the kernel's. */
void rotai_watch_report(struct rota_watch *watch, unsigned events);

/* Call @fn for every started watch that belongs to the user. */
void rotai_watches_each(struct rota_loop *loop,
			void (*fn)(void *arg, struct rota_watch *watch),
			void *arg);

/* Stop all watches of the user. Handles stop their own. */
void rotai_watches_stop(struct rota_loop *loop);

#endif
