/*
 * loop/watch.c - readiness of descriptors: who asked for what, and who is
 * told.
 *
 *  1. fds[fd] leads from a descriptor to its watches, a circular list in the
 *     order they were started. The poller names descriptors, not objects, so
 *     a callback may free any watch.
 *  2. The first watch of a descriptor registers it and gives it a generation;
 *     the last one to stop takes it out of the kernel. An event of another
 *     generation is from before, and is dropped (D1).
 *  3. In between, changes of the union are noted in noted[] and told to the
 *     poller just before the wait, if by then they are changes (D2). noted[]
 *     has room for every descriptor of the table, so noting cannot fail.
 *  4. The walk over one descriptor's watches keeps its place in the loop, so
 *     that a stop can move it on. It ends with the watch that was last when
 *     it began. What is started while a batch of events is called notes its
 *     number, and is told by the next wait: what this one found may be gone by
 *     now (T8).
 *  5. An event of the past that comes again and again is of a descriptor that
 *     was closed before its watch was stopped, and lives on as a duplicate.
 *     The poller may have to begin afresh to be rid of it.
 *  6. A handle's watch that is alone on its descriptor is registered once, for
 *     all events, edge triggered: it then costs no change ever. A second watch
 *     makes all of them level triggered, each asking for what it wants. Going
 *     from one to the other, the kernel reports anew what is ready.
 */
#include "loop/watch.h"

#include "base/memory.h"
#include "loop/callback.h"
#include "loop/loop.h"

enum {
	UNREFERENCED = 1 << 0,
	STARTED = 1 << 1,
	OWN = 1 << 2,  /* a handle's */
	EDGE = 1 << 3, /* (6) */
};

enum { EDGE_EVENTS = ROTAI_EVERYTHING };

_Static_assert((int)ROTA_READABLE == (int)ROTAI_READABLE &&
		       (int)ROTA_WRITABLE == (int)ROTAI_WRITABLE &&
		       (int)ROTA_PRIORITY == (int)ROTAI_PRIORITY &&
		       (int)ROTA_DISCONNECT == (int)ROTAI_DISCONNECT,
	       "watches and pollers speak of the same bits");

static int is_active(const struct rota_watch *watch)
{
	return (watch->internal.flags & STARTED) != 0;
}

static int is_referenced(const struct rota_watch *watch)
{
	return !(watch->internal.flags & UNREFERENCED);
}

static struct rotai_fd *fd_of(const struct rota_watch *watch)
{
	return &watch->internal.loop->watches.fds[watch->internal.fd];
}

/* (3) */
static void note(struct rotai_watches *watches, int fd)
{
	struct rotai_fd *f = &watches->fds[fd];

	if (f->noted)
		return;
	ROTA_ASSERT(watches->noted_count < watches->noted_capacity);
	watches->noted[watches->noted_count++] = fd;
	f->noted = 1;
}

/* What to ask the poller for on behalf of a watch that is alone. */
static unsigned wanted_alone(const struct rota_watch *watch)
{
	if ((watch->internal.flags & EDGE) &&
	    watch->internal.loop->ops->has_edge)
		return EDGE_EVENTS | ROTAI_EDGE; /* (6) */
	return watch->internal.asked;
}

static void update_wanted(struct rotai_watches *watches, int fd)
{
	struct rotai_fd *f = &watches->fds[fd];
	struct rota_watch *watch = f->first;
	unsigned wanted = 0;

	if (watch->internal.next == watch) {
		wanted = wanted_alone(watch);
		watch->internal.events = (uint8_t)(wanted & ROTAI_EVERYTHING);
	} else {
		do {
			wanted |= watch->internal.asked;
			watch->internal.events = watch->internal.asked;
			watch = watch->internal.next;
		} while (watch != f->first);
	}
	f->wanted = (uint8_t)wanted;
	if (f->wanted != f->asked)
		note(watches, fd);
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

static void take_out(struct rotai_fd *f, struct rota_watch *watch)
{
	if (watch->internal.next == watch) {
		f->first = NULL;
		return;
	}
	watch->internal.prev->internal.next = watch->internal.next;
	watch->internal.next->internal.prev = watch->internal.prev;
	if (f->first == watch)
		f->first = watch->internal.next;
}

/* (4) */
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

static int reserve(struct rota_loop *loop, int fd)
{
	struct rotai_watches *watches = &loop->watches;
	int error;

	error = rotai_memory_reserve(&loop->allocator, &watches->fds,
				     &watches->fds_capacity, (size_t)fd + 1,
				     sizeof(*watches->fds));
	if (error < 0)
		return error;
	/* A descriptor is in it once at the most, also if its watches stop. */
	return rotai_memory_reserve(
		&loop->allocator, &watches->noted, &watches->noted_capacity,
		watches->fds_capacity, sizeof(*watches->noted));
}

/* (2) */
static int register_fd(struct rota_loop *loop, int fd, unsigned wanted)
{
	const struct rotai_watches *watches = &loop->watches;
	uint32_t generation = 1;
	struct rotai_fd *f;
	int error;

	if (fd < 0)
		return ROTA_EBADF;
	if ((size_t)fd < watches->fds_capacity)
		generation = watches->fds[fd].generation + 1;
	/* The kernel first: a number that is not open may be too large for any
	 * table. */
	error = loop->ops->add(loop->poller, fd, generation, wanted);
	if (error < 0)
		return error;
	error = reserve(loop, fd);
	if (error < 0) {
		loop->ops->remove(loop->poller, fd);
		return error;
	}
	f = &loop->watches.fds[fd];
	f->generation = generation;
	f->wanted = (uint8_t)wanted;
	f->asked = (uint8_t)wanted;
	f->again = 0;
	return 0;
}

static void unregister_fd(struct rota_loop *loop, int fd)
{
	struct rotai_fd *f = &loop->watches.fds[fd];

	f->generation++; /* an event on its way is of the past */
	f->again = 0;
	if (rotai_loop_inherited(loop) == 0) /* else it is the parent's (F2) */
		loop->ops->remove(loop->poller, fd);
}

void rota_watch_init(struct rota_watch *watch, struct rota_loop *loop, int fd)
{
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
	watch->internal.flags = UNREFERENCED | OWN | (edge ? EDGE : 0);
}

void rotai_watch_ask(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events)
{
	ROTA_ASSERT(is_active(watch));
	watch->internal.fn = fn;
	if (watch->internal.asked == events)
		return;
	watch->internal.asked = (uint8_t)events;
	update_wanted(&watch->internal.loop->watches, watch->internal.fd);
}

int rota_watch_start(struct rota_watch *watch, rota_watch_fn *fn,
		     unsigned events)
{
	struct rota_loop *loop = watch->internal.loop;
	int fd = watch->internal.fd;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (fn == NULL || (events & ~(unsigned)ROTAI_EVERYTHING) != 0)
		return ROTA_EINVAL;
	if ((events & loop->ops->lacks) != 0)
		return ROTA_ENOTSUP;

	if (is_active(watch)) {
		rotai_watch_ask(watch, fn, events);
		return 0;
	}
	watch->internal.asked = (uint8_t)events;
	if (fd < 0 || (size_t)fd >= loop->watches.fds_capacity ||
	    loop->watches.fds[fd].first == NULL) {
		error = register_fd(loop, fd, wanted_alone(watch));
		if (error < 0)
			return error;
	}
	watch->internal.fn = fn;
	watch->internal.flags |= STARTED;
	watch->internal.started_in = loop->watches.batch;
	append(fd_of(watch), watch);
	update_wanted(&loop->watches, fd);
	rotai_loop_hold(loop, is_referenced(watch));
	return 0;
}

void rota_watch_stop(struct rota_watch *watch)
{
	struct rota_loop *loop = watch->internal.loop;
	struct rotai_fd *f;

	if (!is_active(watch))
		return;
	f = fd_of(watch);
	move_walk_past(&loop->watches, watch);
	take_out(f, watch);
	watch->internal.flags &= (uint8_t)~STARTED;
	rotai_loop_release(loop, is_referenced(watch));
	if (f->first == NULL)
		unregister_fd(loop, watch->internal.fd);
	else
		update_wanted(&loop->watches, watch->internal.fd);
}

int rota_watch_fd(const struct rota_watch *watch)
{
	return watch->internal.fd;
}

int rota_watch_is_active(const struct rota_watch *watch)
{
	return is_active(watch);
}

static void set_referenced(struct rota_watch *watch, int referenced)
{
	if (is_active(watch)) {
		rotai_loop_release(watch->internal.loop, is_referenced(watch));
		rotai_loop_hold(watch->internal.loop, referenced);
	}
	watch->internal.flags &= (uint8_t)~UNREFERENCED;
	if (!referenced)
		watch->internal.flags |= UNREFERENCED;
}

void rota_watch_ref(struct rota_watch *watch)
{
	set_referenced(watch, 1);
}

void rota_watch_unref(struct rota_watch *watch)
{
	set_referenced(watch, 0);
}

int rota_watch_has_ref(const struct rota_watch *watch)
{
	return is_referenced(watch);
}

void rotai_watches_free(struct rota_loop *loop)
{
	struct rotai_watches *watches = &loop->watches;

	rotai_memory_free(&loop->allocator, watches->fds,
			  watches->fds_capacity * sizeof(*watches->fds));
	rotai_memory_free(&loop->allocator, watches->noted,
			  watches->noted_capacity * sizeof(*watches->noted));
}

/* Tell the poller of one change: what it says. */
static int tell(struct rota_loop *loop, int fd)
{
	struct rotai_fd *f = &loop->watches.fds[fd];
	int status = ROTA_EAGAIN;

	for (int tries = 0; tries < 2 && status == ROTA_EAGAIN; tries++) {
		if (tries > 0)
			loop->ops->submit(loop->poller);
		status = loop->ops->change(loop->poller, fd, f->generation,
					   f->asked, f->wanted);
	}
	if (status == 0)
		f->asked = f->wanted;
	return status;
}

/* Have the poller forget what it reports and nobody watches, and add all that
 * is watched again. (5) */
static void renew(struct rota_loop *loop)
{
	struct rotai_watches *watches = &loop->watches;

	watches->saw_stale = 0;
	if (loop->ops->renew == NULL || loop->ops->renew(loop->poller) <= 0)
		return;
	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		if (f->first == NULL)
			continue;
		f->asked = f->wanted;
		if (loop->ops->add(loop->poller, (int)fd, f->generation,
				   f->wanted) == 0)
			continue;
		f->asked = (uint8_t)~f->wanted; /* a change, to be refused */
		note(watches, (int)fd);
	}
}

/* What the next wait is to report of a descriptor without asking the kernel: 0
 * if nothing is left to note of it. */
static unsigned reports(struct rota_loop *loop, int fd)
{
	const struct rotai_fd *f = &loop->watches.fds[fd];

	if (f->first == NULL)
		return 0;
	if (f->wanted != f->asked && tell(loop, fd) < 0)
		return ROTAI_EVERYTHING;
	return f->again;
}

int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max)
{
	struct rotai_watches *watches = &loop->watches;
	uint32_t kept = 0;
	int reported = 0;

	if (ROTAI_UNLIKELY(watches->saw_stale))
		renew(loop);

	for (uint32_t i = 0; i < watches->noted_count; i++) {
		int fd = watches->noted[i];
		struct rotai_fd *f = &watches->fds[fd];
		unsigned events = reports(loop, fd);

		if (events != 0 && reported++ < max) {
			ready[reported - 1] = (struct rotai_ready){
				.fd = fd,
				.generation = f->generation,
				.events = events,
			};
			f->again = 0;
			events = 0;
		}
		if (events != 0 || (f->first != NULL && f->wanted != f->asked))
			watches->noted[kept++] = fd;
		else
			f->noted = 0;
	}
	watches->noted_count = kept;
	return reported;
}

void rotai_watch_again(struct rota_watch *watch, unsigned events)
{
	struct rotai_watches *watches = &watch->internal.loop->watches;
	struct rotai_fd *f = fd_of(watch);

	/* Also if both have changed and will have changed back by then. */
	if (!((f->wanted | f->asked) & ROTAI_EDGE))
		return;
	f->again |= (uint8_t)events;
	note(watches, watch->internal.fd);
}

static inline void call(struct rota_loop *loop, struct rota_watch *watch,
			unsigned events)
{
	if (watch->internal.flags & OWN) { /* told too much, it does not mind */
		watch->internal.fn(watch, events);
		return;
	}
	events &= watch->internal.events;
	if (events == 0 ||
	    watch->internal.started_in == loop->watches.batch) /* (4) */
		return;
	rotai_callback_begin(loop, "watch", NULL, watch);
	watch->internal.fn(watch, events);
	rotai_callback_end(loop, "watch", watch);
}

/* (4) */
static void walk(struct rota_loop *loop, const struct rotai_fd *f,
		 unsigned events)
{
	struct rotai_watches *watches = &loop->watches;

	watches->walk_next = f->first;
	watches->walk_last = f->first->internal.prev;
	while (watches->walk_next != NULL) {
		struct rota_watch *watch = watches->walk_next;

		watches->walk_next = watch == watches->walk_last
					     ? NULL
					     : watch->internal.next;
		call(loop, watch, events);
		if (rotai_loop_inherited(loop) < 0)
			break; /* the rest is the parent's (F2) */
	}
	watches->walk_next = NULL;
	watches->walk_last = NULL;
}

/* An event that is of the past (2), or for more than one watch. Apart from the
 * rest, which is then short enough to stay in registers. */
static __attribute__((noinline)) void
run_unusual(struct rota_loop *loop, const struct rotai_ready *ready)
{
	const struct rotai_fd *f = &loop->watches.fds[ready->fd];

	if (f->generation == ready->generation) {
		walk(loop, f, ready->events);
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

		if (ROTAI_LIKELY(f->generation == ready->generation &&
				 f->first->internal.next == f->first))
			call(loop, f->first, ready->events);
		else
			run_unusual(loop, ready);
		/* In a child that the callback has forked, the rest is the
		 * parent's. (F2) */
		if (ROTAI_UNLIKELY(rotai_fork_generation != generation))
			return;
	}
}

int rotai_watches_move(struct rota_loop *loop, struct rotai_poller *to)
{
	struct rotai_watches *watches = &loop->watches;
	int error;

	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		if (f->first == NULL)
			continue;
		error = loop->ops->add(to, (int)fd, f->generation + 1,
				       f->wanted);
		if (error < 0)
			return error;
	}
	/* All are in: now the loop may follow. */
	for (size_t fd = 0; fd < watches->fds_capacity; fd++) {
		struct rotai_fd *f = &watches->fds[fd];

		f->generation++;
		f->asked = f->wanted;
	}
	return 0;
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

			if (!(watch->internal.flags & OWN))
				fn(arg, watch);
			watch = next;
		} while (watch != first);
	}
}

/* The first watch of a descriptor that is the user's, or NULL. */
static struct rota_watch *first_of_user(const struct rotai_fd *f)
{
	struct rota_watch *watch = f->first;

	if (watch == NULL)
		return NULL;
	do {
		if (!(watch->internal.flags & OWN))
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
