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
 *  3. In between, changes of the union are noted in changed[] and told to the
 *     poller just before the wait, if by then they are changes (D2). changed[]
 *     has room for every registered descriptor, so noting cannot fail.
 *  4. The walk over one descriptor's watches keeps its place in the loop, so
 *     that a stop can move it on. It ends with the watch that was last when
 *     it began. What is started while a batch of events is called notes its
 *     number, and is told by the next wait: what this one found may be gone by
 *     now (T8).
 *  5. An event of the past that comes again and again is of a descriptor that
 *     was closed before its watch was stopped, and lives on as a duplicate.
 *     The poller may have to begin afresh to be rid of it.
 */
#include "loop/watch.h"

#include "base/memory.h"
#include "loop/callback.h"
#include "loop/loop.h"

enum { UNREFERENCED = 1 << 0, STARTED = 1 << 1 };

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
static void note_change(struct rotai_watches *watches, int fd)
{
	struct rotai_fd *f = &watches->fds[fd];

	if (f->changed != 0 || f->wanted == f->asked)
		return;
	ROTA_ASSERT(watches->changed_count < watches->changed_capacity);
	watches->changed[watches->changed_count++] = fd;
	f->changed = watches->changed_count;
}

static void forget_change(struct rotai_watches *watches, int fd)
{
	struct rotai_fd *f = &watches->fds[fd];
	int last;

	if (f->changed == 0)
		return;
	last = watches->changed[--watches->changed_count];
	watches->changed[f->changed - 1] = last;
	watches->fds[last].changed = f->changed;
	f->changed = 0;
}

static void update_wanted(struct rotai_watches *watches, int fd)
{
	struct rotai_fd *f = &watches->fds[fd];
	const struct rota_watch *watch = f->first;
	unsigned wanted = 0;

	do {
		wanted |= watch->internal.events;
		watch = watch->internal.next;
	} while (watch != f->first);
	f->wanted = (uint8_t)wanted;
	note_change(watches, fd);
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
	return rotai_memory_reserve(
		&loop->allocator, &watches->changed, &watches->changed_capacity,
		(size_t)watches->registered + 1, sizeof(*watches->changed));
}

/* (2) */
static int register_fd(struct rota_loop *loop, int fd, unsigned events)
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
	error = loop->ops->add(loop->poller, fd, generation, events);
	if (error < 0)
		return error;
	error = reserve(loop, fd);
	if (error < 0) {
		loop->ops->remove(loop->poller, fd);
		return error;
	}
	f = &loop->watches.fds[fd];
	f->generation = generation;
	f->wanted = (uint8_t)events;
	f->asked = (uint8_t)events;
	loop->watches.registered++;
	return 0;
}

static void unregister_fd(struct rota_loop *loop, int fd)
{
	struct rotai_fd *f = &loop->watches.fds[fd];

	forget_change(&loop->watches, fd);
	f->generation++; /* an event on its way is of the past */
	loop->watches.registered--;
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
	watch->internal.flags = 0;
	watch->internal.started_in = 0;
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
		watch->internal.fn = fn;
		if (watch->internal.events == events)
			return 0;
		watch->internal.events = (uint8_t)events;
		update_wanted(&loop->watches, fd);
		return 0;
	}
	if (fd < 0 || (size_t)fd >= loop->watches.fds_capacity ||
	    loop->watches.fds[fd].first == NULL) {
		error = register_fd(loop, fd, events);
		if (error < 0)
			return error;
	}
	watch->internal.fn = fn;
	watch->internal.events = (uint8_t)events;
	watch->internal.flags |= STARTED;
	watch->internal.started_in = loop->watches.batch;
	append(fd_of(watch), watch);
	fd_of(watch)->wanted |= (uint8_t)events;
	note_change(&loop->watches, fd);
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
	rotai_memory_free(&loop->allocator, watches->changed,
			  watches->changed_capacity *
				  sizeof(*watches->changed));
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
		note_change(watches, (int)fd);
	}
}

int rotai_watches_flush(struct rota_loop *loop, struct rotai_ready *ready,
			int max)
{
	struct rotai_watches *watches = &loop->watches;
	int refused = 0;

	if (ROTAI_UNLIKELY(watches->saw_stale))
		renew(loop);

	for (uint32_t i = watches->changed_count; i-- > 0;) {
		int fd = watches->changed[i];
		struct rotai_fd *f = &watches->fds[fd];

		if (f->wanted == f->asked || tell(loop, fd) == 0) {
			forget_change(watches, fd);
			continue;
		}
		if (refused < max)
			ready[refused] = (struct rotai_ready){
				.fd = fd,
				.generation = f->generation,
				.events = ROTAI_EVERYTHING,
			};
		refused++;
	}
	return refused;
}

static inline void call(struct rota_loop *loop, struct rota_watch *watch,
			unsigned events)
{
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
	}
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

	loop->stats.events += (unsigned)n;
	for (; ready < end; ready++) {
		const struct rotai_fd *f = &loop->watches.fds[ready->fd];

		if (ROTAI_LIKELY(f->generation == ready->generation &&
				 f->first->internal.next == f->first))
			call(loop, f->first, ready->events);
		else
			run_unusual(loop, ready);
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
		f->changed = 0;
	}
	watches->changed_count = 0;
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

			fn(arg, watch);
			watch = next;
		} while (watch != first);
	}
}

void rotai_watches_stop(struct rota_loop *loop)
{
	for (size_t fd = 0; fd < loop->watches.fds_capacity; fd++)
		while (loop->watches.fds[fd].first != NULL)
			rota_watch_stop(loop->watches.fds[fd].first);
}
