/*
 * backend/poller.h - what the loop asks of a kernel.
 *
 * A poller reports which descriptors are ready and nothing more: it calls no
 * callback, keeps no time and knows no object. epoll.c, kqueue.c and poll.c
 * implement it; so does the scripted one that tests use.
 */
#ifndef ROTAI_BACKEND_POLLER_H
#define ROTAI_BACKEND_POLLER_H

#include <stdint.h>

#include "rota/loop.h"

/* The first four are the same bits as ROTA_READABLE and its kin, which
 * rota/watch.h shows to callers. */
enum {
	ROTAI_READABLE = 1 << 0,
	ROTAI_PRIORITY = 1 << 1,
	ROTAI_WRITABLE = 1 << 2,
	ROTAI_DISCONNECT = 1 << 3,
	ROTAI_EDGE = 1 << 4, /* the one watcher reads until short: has_edge */
	ROTAI_ONCE = 1 << 5, /* reported: it will not be reported again */

	ROTAI_EVERYTHING = ROTAI_READABLE | ROTAI_WRITABLE | ROTAI_PRIORITY |
			   ROTAI_DISCONNECT,
};

/* What is ready. The generation is the one last given for the descriptor: it
 * tells this registration from an earlier one of the same number. */
struct rotai_ready {
	int fd;
	uint32_t generation;
	unsigned events;
};

struct rotai_poller_ops;

/* The start of every poller. */
struct rotai_poller {
	const struct rotai_poller_ops *ops;
	const struct rota_allocator *allocator;
};

struct rotai_poller_ops {
	const char *name;

	/* What this kernel has no event for: watches are refused it. */
	unsigned lacks;

	/* Whether ROTAI_EDGE is more than a word here: what is wanted with it
	 * is reported as it comes to be, and not again until it has gone. */
	int has_edge;

	/* Make one and set its ops and allocator: 0, or an error with *poller
	 * untouched. */
	int (*open)(struct rotai_poller **poller,
		    const struct rota_allocator *allocator);

	/* Free it. In a forked child this must leave the parent's as it is. */
	void (*close)(struct rotai_poller *poller);

	/* Watch @fd from now on, for @wanted, which may be 0. Tells what the
	 * kernel refuses, and reserves what change() and remove() will need.
	 * The descriptor is not in the poller yet. */
	int (*add)(struct rotai_poller *poller, int fd, uint32_t generation,
		   unsigned wanted);

	/* Want something else, by the next wait or submit; @was is what was
	 * wanted until now, and @generation what add() was given. Called once
	 * at most per descriptor and wait. Wanting 0 is silent, but for one
	 * report at the most of an error or a hang-up.
	 * ROTA_EAGAIN: there is no room, call submit() first. Another error:
	 * the kernel refuses; a poller that learns of this only later reports
	 * everything wanted instead. */
	int (*change)(struct rotai_poller *poller, int fd, uint32_t generation,
		      unsigned was, unsigned wanted);

	/* The file behind @fd may be another than the one that was added. See
	 * that this one is watched, for @wanted, and what was found there
	 * before is not. 0; or 1: it is another, or may be, and is watched
	 * under @generation + 1. Or an error: nothing is watched under this
	 * number, until the next confirm(); remove() is still to come.
	 * ROTA_EAGAIN as for change(). */
	int (*confirm)(struct rotai_poller *poller, int fd, uint32_t generation,
		       unsigned was, unsigned wanted);

	/* Leave the kernel before this returns: the kernel follows the open
	 * file, not the number, and a duplicate elsewhere would go on being
	 * reported. Cannot fail. */
	void (*remove)(struct rotai_poller *poller, int fd);

	/* Called when an event came of a registration that is over. If one may
	 * be left in the kernel, which remove() could not reach as its
	 * descriptor had been closed first, begin afresh with none: 1, and all
	 * are to be added again. 0: there is nothing to do. Or an error, and
	 * all is as it was. NULL: this kernel forgets what is closed. */
	int (*renew)(struct rotai_poller *poller);

	/* Have the kernel know all changes. Returns how many it refused; those
	 * are reported by the next wait. */
	int (*submit)(struct rotai_poller *poller);

	/* Sleep up to timeout_ns (-1: no limit), then fill ready[] and return
	 * how many, or an error. What is not consumed is reported again, and
	 * where there is more than @max everything gets its turn. A hang-up or
	 * an error counts as everything wanted. A sleep cut short by a signal
	 * or by wake() returns 0. Never early but for these. */
	int (*wait)(struct rotai_poller *poller, int64_t timeout_ns,
		    struct rotai_ready *ready, int max);

	/* End the current wait, or the next one. Any thread; signal-safe;
	 * leaves errno alone. */
	void (*wake)(struct rotai_poller *poller);

	/* A descriptor that is readable when wait() would report something or
	 * was woken, or ROTA_ENOTSUP. */
	int (*fd)(const struct rotai_poller *poller);
};

extern const struct rotai_poller_ops rotai_epoll_ops;
extern const struct rotai_poller_ops rotai_kqueue_ops;
extern const struct rotai_poller_ops rotai_poll_ops;

/* The poller of that name, or NULL if it was not built. NULL: the one that
 * ROTA_POLLER names in the environment, else the system's best. */
const struct rotai_poller_ops *rotai_poller_pick(const char *name);

#endif
