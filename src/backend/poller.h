/*
 * backend/poller.h - the contract between the loop and a poller.
 *
 * A poller reports which descriptors are ready, and nothing more: it calls no
 * callback, keeps no time and knows no object. epoll.c, kqueue.c and poll.c
 * implement it, and so does the scripted poller of the tests.
 */
#ifndef ROTAI_BACKEND_POLLER_H
#define ROTAI_BACKEND_POLLER_H

#include <stdint.h>

#include "rota/loop.h"

/* The first four have the same values as ROTA_READABLE and so on, which
 * rota/watch.h declares. */
enum {
	ROTAI_READABLE = 1 << 0,
	ROTAI_PRIORITY = 1 << 1,
	ROTAI_WRITABLE = 1 << 2,
	ROTAI_DISCONNECT = 1 << 3,
	ROTAI_EDGE = 1 << 4,      /* edge-triggered: see has_edge */
	ROTAI_ONCE = 1 << 5,      /* reported: it will not be reported again */
	ROTAI_EXCLUSIVE = 1 << 6, /* wanted: see has_exclusive */

	ROTAI_EVERYTHING = ROTAI_READABLE | ROTAI_WRITABLE | ROTAI_PRIORITY |
			   ROTAI_DISCONNECT,
};

/* One ready descriptor. The generation is the one that the loop last gave for
 * it. It distinguishes this registration from earlier ones of the same
 * number. */
struct rotai_ready {
	int fd;
	uint32_t generation;
	unsigned events;
};

struct rotai_poller_ops;

/* The first member of every poller. */
struct rotai_poller {
	const struct rotai_poller_ops *ops;
	const struct rota_allocator *allocator;
};

struct rotai_poller_ops {
	const char *name;

	/* The events that this kernel does not have. A watch that asks for one
	 * of them gets an error. */
	unsigned lacks;

	/* Whether this poller supports ROTAI_EDGE. An event that is wanted with
	 * it is reported when it begins, and need not be reported again until
	 * it has gone. */
	int has_edge;

	/* Whether this poller supports ROTAI_EXCLUSIVE, together with
	 * ROTAI_READABLE only. If several pollers wait for the same file that
	 * way, an event need not end the waits of all of them. Those that it
	 * does not wake report it in their next wait, if it is still there. A
	 * confirm() makes this poller the last that is woken. */
	int has_exclusive;

	/* Make a poller, and set its ops and allocator. Returns 0, or an error
	 * with *poller unchanged. */
	int (*open)(struct rotai_poller **poller,
		    const struct rota_allocator *allocator);

	/* Free it. In a forked child this must not affect the parent's. */
	void (*close)(struct rotai_poller *poller);

	/* Watch @fd from now on, for @wanted, which may be 0. Reserves what
	 * change() and remove() will need. Returns 0, or an error, which may be
	 * the kernel's. The descriptor is not in the poller yet. */
	int (*add)(struct rotai_poller *poller, int fd, uint32_t generation,
		   unsigned wanted);

	/* Want something else, by the next wait or submit. @was is what was
	 * wanted until now, and @generation is that of the registration. Called
	 * at most once per descriptor and wait. If 0 is wanted, nothing is
	 * reported, except at most one error or hang-up.
	 *
	 * Returns 0; ROTA_EAGAIN if there is no space for the change, and the
	 * loop calls submit() first; or another error if the kernel refuses. A
	 * poller that learns of a refusal only later reports everything wanted
	 * instead. */
	int (*change)(struct rotai_poller *poller, int fd, uint32_t generation,
		      unsigned was, unsigned wanted);

	/* The file behind @fd may not be the one that was added any more. Make
	 * sure that the present file is watched, for @wanted, and that events
	 * of an earlier file are not taken for its own. Returns 0; or 1 if it
	 * is another file, or may be, and is watched under @generation + 1; or
	 * an error. After an error nothing is watched under this number until
	 * the next confirm(), and remove() is still called. ROTA_EAGAIN as for
	 * change(). */
	int (*confirm)(struct rotai_poller *poller, int fd, uint32_t generation,
		       unsigned was, unsigned wanted);

	/* Remove @fd from the kernel before this returns: the kernel follows
	 * the open file, not the number, and would go on reporting a duplicate
	 * elsewhere. Cannot fail. */
	void (*remove)(struct rotai_poller *poller, int fd);

	/* The same for a descriptor that the library closes next, before it
	 * calls the poller again. If the close removes @fd from the kernel
	 * unless there is a duplicate, this need not make a system call:
	 * renew() is for the duplicates. Cannot fail. */
	void (*forget)(struct rotai_poller *poller, int fd);

	/* Called when an event has arrived for a registration that had ended
	 * before the wait. If the kernel may still have a registration that
	 * remove() could not reach, because its descriptor had been closed
	 * first, or that forget() has left to the close, begin again with no
	 * registrations and return 1: the loop then adds all of them again.
	 * Returns 0 if there is nothing to do, or an error with everything
	 * unchanged. NULL: this kernel forgets closed descriptors. */
	int (*renew)(struct rotai_poller *poller);

	/* Pass all changes to the kernel now. Returns how many it refused; the
	 * next wait reports those. */
	int (*submit)(struct rotai_poller *poller);

	/* Sleep up to @timeout_ns (-1: no limit), then fill ready[]. Returns
	 * how many entries were filled, or an error. An event that is not
	 * consumed is reported again, and if more than @max descriptors are
	 * ready, each gets its turn. A hang-up or an error counts as everything
	 * wanted. A sleep ended by a signal or by wake() returns 0. Otherwise
	 * it never ends early. */
	int (*wait)(struct rotai_poller *poller, int64_t timeout_ns,
		    struct rotai_ready *ready, int max);

	/* End the current wait, or the next one. Any thread; signal-safe; does
	 * not change errno. */
	void (*wake)(struct rotai_poller *poller);

	/* Returns a descriptor that is readable when wait() would report
	 * something or was woken, or ROTA_ENOTSUP. */
	int (*fd)(struct rotai_poller *poller);
};

extern const struct rotai_poller_ops rotai_epoll_ops;
extern const struct rotai_poller_ops rotai_kqueue_ops;
extern const struct rotai_poller_ops rotai_poll_ops;

/* Returns the poller of that name, or NULL if it was not built. If @name is
 * NULL: the poller that the environment variable ROTA_POLLER names, otherwise
 * the best one. */
const struct rotai_poller_ops *rotai_poller_pick(const char *name);

#endif
