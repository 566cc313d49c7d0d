/*
 * loop/dispatch.c - calls the watches of the descriptors that a wait has found
 * ready.
 *
 *  1. fds[fd] leads from a descriptor to its watches. The poller reports
 *     descriptors, not objects, so a callback may free any watch.
 *  2. The walk over the watches of one descriptor stores its position in the
 *     loop, so that a stop can move it on: watch.c (3). The walk ends with the
 *     watch that was last when it began.
 *  3. A watch that is started while a batch of events is dispatched records
 *     the number of the batch. It is called only after the next wait, because
 *     what this wait found may have changed (T8). If the watch was started
 *     already, it is called in this batch; but its number may refer to another
 *     file now, so poll(2) is asked what that file is ready for (D4).
 */
#include "loop/dispatch.h"

#include "loop/callback.h"
#include "loop/watch.h"
#include "rota/watch.h"

/* Which of @events the file behind @fd is ready for now. (3) */
static unsigned look_at_file(int fd, unsigned events)
{
	int found = rota_wait_fd(fd, events, 0);

	return found > 0 ? (unsigned)found : 0;
}

static inline void call_user(struct rota_loop *loop, struct rota_watch *watch,
			     unsigned events)
{
	rotai_callback_begin(loop, "watch", NULL, watch);
	watch->internal.fn(watch, events);
	rotai_callback_end(loop, "watch", watch);
}

/* Call a watch that was started in this batch, if it may be called. (3) */
static __attribute__((noinline)) void
call_started(struct rota_loop *loop, struct rota_watch *watch, unsigned events)
{
	if (watch->internal.flags & ROTAI_WATCH_RESTARTED)
		events = look_at_file(watch->internal.fd, events);
	else
		events = 0;
	if (events != 0)
		call_user(loop, watch, events);
}

static inline void call_watch(struct rota_loop *loop, struct rota_watch *watch,
			      unsigned events)
{
	if (watch->internal.flags & ROTAI_WATCH_OWN) {
		/* A handle's watch may be called for events that it did not ask
		 * for. */
		watch->internal.fn(watch, events);
		return;
	}
	events &= watch->internal.events;
	if (ROTAI_UNLIKELY(events == 0))
		return;
	if (ROTAI_UNLIKELY(watch->internal.started_in == loop->watches.batch))
		call_started(loop, watch, events);
	else
		call_user(loop, watch, events);
}

/* (2) */
static void walk_watches(struct rota_loop *loop, const struct rotai_fd *f,
			 unsigned events)
{
	struct rotai_watches *watches = &loop->watches;

	watches->walk_next = f->first;
	watches->walk_last = f->first->internal.prev;
	while (watches->walk_next != NULL) {
		struct rota_watch *watch = watches->walk_next;

		ROTAI_LIVE_CHECK(watch);
		watches->walk_next = watch == watches->walk_last
					     ? NULL
					     : watch->internal.next;
		call_watch(loop, watch, events);
		if (rotai_loop_inherited(loop) < 0)
			break; /* the rest is the parent's (F2) */
	}
	watches->walk_next = NULL;
	watches->walk_last = NULL;
}

/* Dispatch an event that is stale, or whose descriptor has several watches.
 * This is a function of its own so that the rest is short enough to stay in
 * registers. */
static __attribute__((noinline)) void
run_unusual(struct rota_loop *loop, const struct rotai_ready *ready)
{
	const struct rotai_fd *f = &loop->watches.fds[ready->fd];

	if (f->generation == ready->generation) {
		walk_watches(loop, f, ready->events);
		return;
	}
	loop->stats.stale++;
	rotai_registration_stale(&loop->watches);
}

void rotai_watches_run(struct rota_loop *loop, const struct rotai_ready *ready,
		       int n)
{
	const struct rotai_ready *end = ready + n;
	uint32_t generation = rotai_fork_generation;

	loop->stats.events += (unsigned)n;
	for (; ready < end; ready++) {
		const struct rotai_fd *f = &loop->watches.fds[ready->fd];

		ROTAI_LIVE_CHECK(f->first);
		if (ROTAI_LIKELY(f->generation == ready->generation &&
				 f->first->internal.next == f->first))
			call_watch(loop, f->first, ready->events);
		else
			run_unusual(loop, ready);
		/* If the callback has forked and this is the child, the other
		 * events are the parent's. (F2) */
		if (ROTAI_UNLIKELY(rotai_fork_generation != generation))
			return;
	}
}
