/*
 * loop/watch.c - the watches of a descriptor, and what they ask for. dispatch.c
 * calls them.
 *
 *  1. fds[fd] leads from a descriptor to its watches, a circular list in the
 *     order in which they were started.
 *  2. registration.c asks the poller for what the watches want.
 *  3. If the walk of dispatch.c is at a watch that is stopped, the stop moves
 *     the walk on.
 *  4. A handle's watch that is the only one of its descriptor is registered
 *     once, for all events, edge-triggered. It then never costs another
 *     change. A second watch makes all of them level-triggered, each with the
 *     events that it asks for. When the trigger changes, the kernel reports
 *     again what is ready.
 */
#include "loop/watch.h"

#include "base/fd.h"
#include "loop/enter.h"
#include "loop/loop.h"

enum { EDGE_EVENTS = ROTAI_EVERYTHING };

_Static_assert((int)ROTA_READABLE == (int)ROTAI_READABLE &&
		       (int)ROTA_WRITABLE == (int)ROTAI_WRITABLE &&
		       (int)ROTA_PRIORITY == (int)ROTAI_PRIORITY &&
		       (int)ROTA_DISCONNECT == (int)ROTAI_DISCONNECT,
	       "watches and pollers speak of the same bits");

static int watch_is_active(const struct rota_watch *watch)
{
	return (watch->internal.flags & ROTAI_WATCH_STARTED) != 0;
}

static struct rotai_fd *registration_of(const struct rota_watch *watch)
{
	return &watch->internal.loop->watches.fds[watch->internal.fd];
}

/* What to ask the poller for if @watch is the only watch of its descriptor. */
static unsigned wanted_alone(const struct rota_watch *watch)
{
	if ((watch->internal.flags & ROTAI_WATCH_EDGE) &&
	    watch->internal.loop->ops->has_edge)
		return EDGE_EVENTS | ROTAI_EDGE; /* (4) */
	if (ROTAI_UNLIKELY(watch->internal.flags & ROTAI_WATCH_EXCLUSIVE) &&
	    watch->internal.asked == ROTA_READABLE &&
	    watch->internal.loop->ops->has_exclusive)
		return ROTA_READABLE | ROTAI_EXCLUSIVE;
	return watch->internal.asked;
}

/* Set the events that each watch of @f is called for, and return their
 * union. */
static unsigned share_out(const struct rotai_fd *f)
{
	struct rota_watch *watch = f->first;
	unsigned wanted = 0;

	if (watch->internal.next == watch) {
		wanted = wanted_alone(watch);
		watch->internal.events = (uint8_t)(wanted & ROTAI_EVERYTHING);
		return wanted;
	}
	do {
		wanted |= watch->internal.asked;
		watch->internal.events = watch->internal.asked;
		watch = watch->internal.next;
	} while (watch != f->first);
	return wanted;
}

static void update_wanted(struct rotai_watches *watches, int fd)
{
	rotai_registration_want(watches, fd, share_out(&watches->fds[fd]));
}

static void append(struct rotai_fd *f, struct rota_watch *watch)
{
	if (f->first == NULL) {
		watch->internal.next = watch;
		watch->internal.prev = watch;
		f->first = watch;
		return;
	}
	watch->internal.next = f->first;
	watch->internal.prev = f->first->internal.prev;
	watch->internal.prev->internal.next = watch;
	f->first->internal.prev = watch;
}

static void take_out_watch(struct rotai_fd *f, struct rota_watch *watch)
{
	if (watch->internal.next == watch) {
		f->first = NULL;
		return;
	}
	ROTAI_LIVE_CHECK(watch->internal.next);
	ROTAI_LIVE_CHECK(watch->internal.prev);
	watch->internal.prev->internal.next = watch->internal.next;
	watch->internal.next->internal.prev = watch->internal.prev;
	if (f->first == watch)
		f->first = watch->internal.next;
}

/* (3) */
static void move_walk_past(struct rotai_watches *watches,
			   const struct rota_watch *watch)
{
	if (watches->walk_next == watch)
		watches->walk_next = watch == watches->walk_last
					     ? NULL
					     : watch->internal.next;
	if (watches->walk_last == watch)
		watches->walk_last = watch->internal.prev;
}

void rota_watch_init(struct rota_watch *watch, struct rota_loop *loop, int fd)
{
	ROTAI_LIVE_INIT(watch);
	watch->internal.loop = loop;
	watch->internal.next = NULL;
	watch->internal.prev = NULL;
	watch->internal.fn = NULL;
	watch->internal.fd = fd;
	watch->internal.events = 0;
	watch->internal.asked = 0;
	watch->internal.flags = 0;
	watch->internal.started_in = 0;
}

void rotai_watch_init_own(struct rota_watch *watch, struct rota_loop *loop,
			  int fd, int edge)
{
	rota_watch_init(watch, loop, fd);
	watch->internal.flags = ROTAI_UNREFERENCED | ROTAI_WATCH_OWN |
				(edge ? ROTAI_WATCH_EDGE : 0);
}

void rotai_watch_share(struct rota_watch *watch, int exclusive)
{
	ROTA_ASSERT(!watch_is_active(watch));
	watch->internal.flags |= ROTAI_WATCH_SHARED;
	if (exclusive)
		watch->internal.flags |= ROTAI_WATCH_EXCLUSIVE;
}

void rotai_watch_look(struct rota_watch *watch)
{
	ROTA_ASSERT(watch_is_active(watch));
	rotai_registration_doubt(&watch->internal.loop->watches,
				 watch->internal.fd);
}

void rotai_watch_ask(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events)
{
	ROTA_ASSERT(watch_is_active(watch));
	watch->internal.fn = fn;
	if (watch->internal.asked == events)
		return;
	watch->internal.asked = (uint8_t)events;
	update_wanted(&watch->internal.loop->watches, watch->internal.fd);
}

/* Start a watch that is started already. Another file may have its number
 * now. */
static void restart(struct rota_watch *watch, rota_watch_fn *fn,
		    unsigned events)
{
	struct rotai_watches *watches = &watch->internal.loop->watches;

	watch->internal.flags |= ROTAI_WATCH_RESTARTED;
	watch->internal.started_in = watches->batch; /* dispatch.c (3) */
	rotai_watch_ask(watch, fn, events);
	rotai_registration_doubt(watches, watch->internal.fd);
}

/* Start the first watch of a descriptor. */
static int start_first(struct rota_watch *watch)
{
	struct rota_loop *loop = watch->internal.loop;
	unsigned wanted = wanted_alone(watch);
	int error = rotai_registration_begin(loop, watch->internal.fd, wanted);

	if (error < 0)
		return error;
	append(registration_of(watch), watch);
	loop->watches.watched++;
	watch->internal.events = (uint8_t)(wanted & ROTAI_EVERYTHING);
	return 0;
}

/* Start a further watch of a descriptor, whose file may be another by now. */
static int start_beside(struct rota_watch *watch)
{
	struct rota_loop *loop = watch->internal.loop;
	int fd = watch->internal.fd;
	struct rotai_fd *f = registration_of(watch);
	int error;

	append(f, watch);
	error = rotai_registration_confirm(loop, fd, share_out(f));
	if (error < 0) {
		take_out_watch(f, watch);
		/* The other watches have the error as well: have it reported to
		 * them. */
		rotai_registration_doubt(&loop->watches, fd);
	}
	update_wanted(&loop->watches, fd);
	return error;
}

int rota_watch_start(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events)
{
	ROTAI_ENTER("watch", watch, watch->internal.loop);
	struct rota_loop *loop = watch->internal.loop;
	int fd = watch->internal.fd;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (fn == NULL || (events & ~(unsigned)ROTAI_EVERYTHING) != 0)
		return ROTA_EINVAL;
	if ((events & loop->ops->lacks) != 0)
		return ROTA_ENOTSUP;

	if (watch_is_active(watch)) {
		restart(watch, fn, events);
		return 0;
	}
	watch->internal.asked = (uint8_t)events;
	if (fd < 0 || (size_t)fd >= loop->watches.fds_capacity ||
	    loop->watches.fds[fd].first == NULL)
		error = start_first(watch);
	else
		error = start_beside(watch);
	if (error < 0)
		return error;
	watch->internal.fn = fn;
	watch->internal.flags &= (uint8_t)~ROTAI_WATCH_RESTARTED;
	watch->internal.flags |= ROTAI_WATCH_STARTED;
	watch->internal.started_in = loop->watches.batch;
	ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "watch", watch, watch, loop,
			 &watch->internal.loop);
	rotai_loop_hold(loop, rotai_flags_referenced(watch->internal.flags));
	return 0;
}

/* Stop @watch, which is started. With @closing, its descriptor is closed
 * next. */
static inline void stop_watch(struct rota_watch *watch, int closing)
{
	struct rota_loop *loop = watch->internal.loop;
	struct rotai_fd *f = registration_of(watch);

	move_walk_past(&loop->watches, watch);
	take_out_watch(f, watch);
	ROTAI_LIVE_END(watch);
	watch->internal.flags &= (uint8_t)~ROTAI_WATCH_STARTED;
	rotai_loop_release(loop, rotai_flags_referenced(watch->internal.flags));
	if (f->first != NULL) {
		update_wanted(&loop->watches, watch->internal.fd);
		return;
	}
	loop->watches.watched--;
	rotai_registration_end(loop, watch->internal.fd, closing);
}

void rota_watch_stop(struct rota_watch *watch)
{
	ROTAI_ENTER_LIVE("watch", watch, watch, watch->internal.loop);
	if (watch_is_active(watch))
		stop_watch(watch, 0);
}

void rotai_watch_close(struct rota_watch *watch)
{
	if (ROTAI_UNLIKELY(watch->internal.flags & ROTAI_WATCH_SHARED))
		rota_watch_stop(watch); /* the close would not remove it */
	if (watch_is_active(watch))
		stop_watch(watch, 1);
	if (watch->internal.fd >= 0)
		rotai_fd_close(watch->internal.fd);
	watch->internal.fd = -1;
}

void rota_watch_move(struct rota_watch *to, struct rota_watch *from)
{
	ROTAI_ENTER_LIVE("watch", from, from, from->internal.loop);
	struct rotai_watches *watches;
	struct rotai_fd *f;

	if (to == from)
		return;
	ROTAI_LIVE_CHECK_INIT(to);
	*to = *from;
	*from = (struct rota_watch){ .data = NULL };
	if (!watch_is_active(to))
		return;
	ROTAI_LIVE_END(from);
	ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "watch", to, to, to->internal.loop,
			 &to->internal.loop);
	watches = &to->internal.loop->watches;
	f = registration_of(to);
	if (to->internal.next == from) { /* it is the only one */
		to->internal.next = to;
		to->internal.prev = to;
	}
	to->internal.next->internal.prev = to;
	to->internal.prev->internal.next = to;
	if (f->first == from)
		f->first = to;
	if (watches->walk_next == from)
		watches->walk_next = to;
	if (watches->walk_last == from)
		watches->walk_last = to;
}

int rota_watch_fd(const struct rota_watch *watch)
{
	return watch->internal.fd;
}

int rota_watch_is_active(const struct rota_watch *watch)
{
	ROTAI_ENTER_LIVE("watch", watch, watch, watch->internal.loop);
	return watch_is_active(watch);
}

void rota_watch_ref(struct rota_watch *watch)
{
	ROTAI_ENTER_LIVE("watch", watch, watch, watch->internal.loop);
	rotai_flags_refer(&watch->internal.flags, watch->internal.loop,
			  watch_is_active(watch), 1);
}

void rota_watch_unref(struct rota_watch *watch)
{
	ROTAI_ENTER_LIVE("watch", watch, watch, watch->internal.loop);
	rotai_flags_refer(&watch->internal.flags, watch->internal.loop,
			  watch_is_active(watch), 0);
}

int rota_watch_has_ref(const struct rota_watch *watch)
{
	ROTAI_ENTER_LIVE("watch", watch, watch, watch->internal.loop);
	return rotai_flags_referenced(watch->internal.flags);
}

void rotai_watch_again(struct rota_watch *watch, unsigned events)
{
	rotai_registration_again(&watch->internal.loop->watches,
				 watch->internal.fd, events);
}

void rotai_watch_report(struct rota_watch *watch, unsigned events)
{
	rotai_registration_report(&watch->internal.loop->watches,
				  watch->internal.fd, events);
}

void rotai_watches_each(struct rota_loop *loop,
			void (*fn)(void *arg, struct rota_watch *watch),
			void *arg)
{
	for (size_t fd = 0; fd < loop->watches.fds_capacity; fd++) {
		struct rota_watch *first = loop->watches.fds[fd].first;
		struct rota_watch *watch = first;

		if (first == NULL)
			continue;
		do {
			struct rota_watch *next = watch->internal.next;

			if (!(watch->internal.flags & ROTAI_WATCH_OWN))
				fn(arg, watch);
			watch = next;
		} while (watch != first);
	}
}

/* The first watch of the descriptor that belongs to the user, or NULL. */
static struct rota_watch *first_of_user(const struct rotai_fd *f)
{
	struct rota_watch *watch = f->first;

	if (watch == NULL)
		return NULL;
	do {
		if (!(watch->internal.flags & ROTAI_WATCH_OWN))
			return watch;
		watch = watch->internal.next;
	} while (watch != f->first);
	return NULL;
}

void rotai_watches_stop(struct rota_loop *loop)
{
	struct rota_watch *watch;

	for (size_t fd = 0; fd < loop->watches.fds_capacity; fd++)
		while ((watch = first_of_user(&loop->watches.fds[fd])) != NULL)
			rota_watch_stop(watch);
}
