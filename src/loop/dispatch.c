/*
 * loop/dispatch.c - calls the watches of the descriptors that a wait has found
 * ready.
 *
 *  1. fds[fd] leads from a descriptor to its watches. The poller names
 *     descriptors, not objects, so a callback may free any watch.
 *  2. The walk over one descriptor's watches keeps its position in the loop, so
 *     that a stop can move it on (watch.c). It ends with the watch that was
 *     last when it began.
 *  3. A watch that is started while a batch of events is dispatched notes the
 *     number of the batch, and is called by the next wait: what this one found
 *     may be gone by now (T8). For one that was started already, and started
 *     again, the descriptor may be another file since: poll(2) is asked what is
 *     ready now (D4).
 */
#include "loop/dispatch.h"

#include "loop/callback.h"
#include "loop/watch.h"
#include "rota/watch.h"

/* What of @events is so for the file behind @fd now. (3) */
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

/* For a watch that was started in this batch. (3) */
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
		/* It may be called for more than it asked for. */
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

/* An event that is of the past, or for more than one watch. Apart from the
 * rest, which is then short enough to stay in registers. */
static __attribute__((noinline)) void
run_unusual(struct rota_loop *loop, const struct rotai_ready *ready)
{
	const struct rotai_fd *f = &loop->watches.fds[ready->fd];

	if (f->generation == ready->generation) {
		walk_watches(loop, f, ready->events);
		return;
	}
	loop->stats.stale++;
	loop->watches.saw_stale = 1;
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
		/* In a child that the callback has forked, the rest is the
		 * parent's. (F2) */
		if (ROTAI_UNLIKELY(rotai_fork_generation != generation))
			return;
	}
}
