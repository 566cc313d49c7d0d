/*
 * backend/epoll.c - the poller for Linux. See epoll(7).
 *
 * The kernel stores all state: the data of an event contains the descriptor and
 * the generation. So a poller is two descriptors and no table.
 *
 *  1. Registrations are level-triggered, except those with ROTAI_EDGE. One for
 *     which nothing is wanted is armed for one shot: epoll always reports
 *     errors and hang-ups, and a level-triggered one would end every wait.
 *  2. The eventfd that wakes the loop is edge-triggered and never read: each
 *     write to it is an edge, and its counter would take centuries to overflow.
 *  3. epoll_wait(2) takes time-outs in whole milliseconds. A time-out with a
 *     remainder uses epoll_pwait2(2) (Linux 5.11). If the kernel lacks that
 *     call, or a filter forbids it, the time-out is rounded up, because a wait
 *     that ends early would be repeated again and again.
 *  4. The kernel forgets a registration when the open file is closed, not when
 *     the descriptor is. The two differ if there is a duplicate, for example in
 *     a forked child. Then a registration is left that no descriptor refers to
 *     any more: when the library closes a descriptor, because it leaves the
 *     removal to the close; and when a program closes a descriptor, and only
 *     then stops or restarts its watch. When events of such a registration
 *     arrive, a new epoll instance replaces the old one under the same number.
 *  5. A registration that was left is found again if its file gets the number
 *     back: EPOLL_CTL_ADD then returns EEXIST, and the poller takes the
 *     registration over. Events of the others have an old generation.
 *  6. After a renewal there may be more duplicates, as in a server that forks
 *     for each connection. So the next closes are preceded by a removal: as
 *     many as the renewal had registrations to add again, and some more. That
 *     limits what a close costs, on average, to two calls more.
 *  7. A host's epoll instance loses this one when it is renewed. So once a host
 *     has asked for the descriptor, each close is preceded by a removal.
 *  8. EPOLLEXCLUSIVE (Linux 4.5) wakes one of the instances that wait for a
 *     file, the first that has a thread in its wait. An instance whose thread
 *     is busy finds the event in its next wait. The kernel refuses to change a
 *     registration with this flag, so it is removed and added again.
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/poller.h"
#include "base/assert.h"
#include "base/epoll.h"
#include "base/fd.h"
#include "base/memory.h"
#include "rota/error.h"
#include "rota/object.h"

struct epoll_poller {
	struct rotai_poller poller;
	int epoll_fd;
	int wake_fd;
	int no_pwait2;  /* (3) */
	int leaked;     /* (4): a removal has failed */
	int left;       /* (4): a removal was left to a close */
	unsigned count; /* of registrations */
	unsigned wary;  /* how many closes need a removal (6) */
	int has_host;   /* (7) */
};

enum { WARY_AT_LEAST = 64 }; /* (6) */

/* Not the data of any registration: descriptors are positive. */
static const uint64_t WAKE = UINT64_MAX;

static struct epoll_poller *epoll_of(const struct rotai_poller *poller)
{
	return rota_container_of(poller, struct epoll_poller, poller);
}

/* These have the same values here and in the kernel. */
static const uint32_t ALIKE = EPOLLIN | EPOLLPRI | EPOLLOUT;

_Static_assert((int)ROTAI_READABLE == (int)EPOLLIN &&
		       (int)ROTAI_PRIORITY == (int)EPOLLPRI &&
		       (int)ROTAI_WRITABLE == (int)EPOLLOUT,
	       "what is alike needs no translation");

static uint32_t epoll_mask_of(unsigned wanted)
{
	uint32_t mask;

	if ((wanted & ROTAI_EVERYTHING) == 0)
		return EPOLLONESHOT; /* (1) */
	mask = wanted & ALIKE;
	if (wanted & ROTAI_DISCONNECT)
		mask |= EPOLLRDHUP;
	if (wanted & ROTAI_EDGE)
		mask |= EPOLLET;
	return mask;
}

static unsigned epoll_events_of(uint32_t mask)
{
	if (ROTAI_LIKELY((mask & ~ALIKE) == 0))
		return mask;
	if (mask & (EPOLLERR | EPOLLHUP))
		return ROTAI_EVERYTHING;
	return (mask & ALIKE) | (mask & EPOLLRDHUP ? ROTAI_DISCONNECT : 0);
}

ROTAI_INLINE int control(const struct epoll_poller *epoll, int operation,
			 int fd, uint32_t generation, unsigned wanted)
{
	struct epoll_event event = {
		.events = epoll_mask_of(wanted),
		.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
	};

	return epoll_ctl(epoll->epoll_fd, operation, fd, &event) < 0 ? -errno
								     : 0;
}

/* Make an epoll instance that watches the eventfd. Returns its descriptor or an
 * error. */
static int open_instance(int wake_fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLET, /* (2) */
		.data.u64 = WAKE,
	};
	int fd = rotai_fd_raise(epoll_create1(EPOLL_CLOEXEC));
	int error;

	if (fd < 0)
		return fd;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, wake_fd, &event) < 0) {
		error = -errno;
		rotai_fd_close(fd);
		return error;
	}
	return fd;
}

static int open_descriptors(struct epoll_poller *epoll)
{
	int error;

	epoll->wake_fd = rotai_fd_raise(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (epoll->wake_fd < 0)
		return epoll->wake_fd;
	epoll->epoll_fd = open_instance(epoll->wake_fd);
	if (epoll->epoll_fd < 0) {
		error = epoll->epoll_fd;
		rotai_fd_close(epoll->wake_fd);
		return error;
	}
	return 0;
}

static int epoll_open_poller(struct rotai_poller **poller,
			     const struct rota_allocator *allocator)
{
	struct epoll_poller *epoll;
	int error;

	epoll = rotai_memory_new(allocator, sizeof(*epoll));
	if (epoll == NULL)
		return ROTA_ENOMEM;
	*epoll = (struct epoll_poller){
		.poller = { .ops = &rotai_epoll_ops, .allocator = allocator },
	};
	error = open_descriptors(epoll);
	if (error < 0) {
		rotai_memory_free(allocator, epoll, sizeof(*epoll));
		return error;
	}
	*poller = &epoll->poller;
	return 0;
}

static void epoll_close_poller(struct rotai_poller *poller)
{
	struct epoll_poller *epoll = epoll_of(poller);

	/* In a forked child this closes the child's descriptors only: the
	 * parent's registrations belong to the open file. */
	rotai_fd_close(epoll->wake_fd);
	rotai_fd_close(epoll->epoll_fd);
	rotai_memory_free(poller->allocator, epoll, sizeof(*epoll));
}

/* Add an exclusive registration. A kernel that does not know the flag wakes
 * all. (8) */
static __attribute__((noinline)) int
add_exclusive(const struct epoll_poller *epoll, int fd, uint32_t generation)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLEXCLUSIVE,
		.data.u64 = (uint64_t)generation << 32 | (uint32_t)fd,
	};

	if (epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	return errno == EINVAL ? control(epoll, EPOLL_CTL_ADD, fd, generation,
					 ROTAI_READABLE)
			       : -errno;
}

static inline int add_any(const struct epoll_poller *epoll, int fd,
			  uint32_t generation, unsigned wanted)
{
	if (ROTAI_UNLIKELY(wanted & ROTAI_EXCLUSIVE))
		return add_exclusive(epoll, fd, generation);
	return control(epoll, EPOLL_CTL_ADD, fd, generation, wanted);
}

/* Change a registration which is, or becomes, exclusive. (8) */
static __attribute__((noinline)) int replace(const struct epoll_poller *epoll,
					     int fd, uint32_t generation,
					     unsigned wanted)
{
	int error = control(epoll, EPOLL_CTL_DEL, fd, 0, 0);

	return error < 0 ? error : add_any(epoll, fd, generation, wanted);
}

/* Take over a registration that was left. (5) */
static __attribute__((noinline)) int
take_over_left(const struct epoll_poller *epoll, int fd, uint32_t generation,
	       unsigned wanted)
{
	int error = control(epoll, EPOLL_CTL_MOD, fd, generation, wanted);

	/* It was exclusive. */
	return error == ROTA_EINVAL ? replace(epoll, fd, generation, wanted)
				    : error;
}

static int epoll_add(struct rotai_poller *poller, int fd, uint32_t generation,
		     unsigned wanted)
{
	struct epoll_poller *epoll = epoll_of(poller);
	int error = add_any(epoll, fd, generation, wanted);

	if (ROTAI_UNLIKELY(error == ROTA_EEXIST))
		error = (wanted & ROTAI_EXCLUSIVE)
				? replace(epoll, fd, generation, wanted)
				: take_over_left(epoll, fd, generation, wanted);
	if (error == 0)
		epoll->count++;
	return error;
}

static int epoll_change(struct rotai_poller *poller, int fd,
			uint32_t generation, unsigned was, unsigned wanted)
{
	struct epoll_poller *epoll = epoll_of(poller);

	if (ROTAI_UNLIKELY((was | wanted) & ROTAI_EXCLUSIVE))
		return replace(epoll, fd, generation, wanted);
	return control(epoll, EPOLL_CTL_MOD, fd, generation, wanted);
}

static int epoll_confirm(struct rotai_poller *poller, int fd,
			 uint32_t generation, unsigned was, unsigned wanted)
{
	struct epoll_poller *epoll = epoll_of(poller);
	/* A registration that is left after a mistake of the program may have
	 * this generation. */
	uint32_t fresh = epoll->leaked ? generation + 1 : generation;
	int error;

	if ((was | wanted) & ROTAI_EXCLUSIVE)
		error = replace(epoll, fd, fresh, wanted);
	else
		error = control(epoll, EPOLL_CTL_MOD, fd, fresh, wanted);
	if (error == 0)
		return fresh != generation;
	epoll->leaked = 1; /* (4) */
	error = add_any(epoll, fd, generation + 1, wanted);
	if (error == ROTA_EEXIST) /* an exclusive one was left */
		error = replace(epoll, fd, generation + 1, wanted);
	return error < 0 ? error : 1;
}

static void epoll_remove(struct rotai_poller *poller, int fd)
{
	struct epoll_poller *epoll = epoll_of(poller);

	epoll->count--;
	if (control(epoll, EPOLL_CTL_DEL, fd, 0, 0) < 0)
		epoll->leaked = 1; /* (4) */
}

static void epoll_forget(struct rotai_poller *poller, int fd)
{
	struct epoll_poller *epoll = epoll_of(poller);

	if (ROTAI_UNLIKELY(epoll->wary > 0 || epoll->has_host)) {
		epoll->wary -= epoll->wary > 0;
		epoll_remove(poller, fd);
		return;
	}
	epoll->count--;
	epoll->left = 1; /* (4) */
}

static int epoll_renew(struct rotai_poller *poller)
{
	struct epoll_poller *epoll = epoll_of(poller);
	int fresh;
	int error = 0;

	if (!epoll->leaked && !epoll->left)
		return 0;
	fresh = open_instance(epoll->wake_fd);
	if (fresh < 0)
		return fresh;
	if (dup3(fresh, epoll->epoll_fd, O_CLOEXEC) < 0)
		error = -errno;
	rotai_fd_close(fresh);
	if (error < 0)
		return error;
	epoll->leaked = 0;
	epoll->left = 0;
	epoll->wary = epoll->count + WARY_AT_LEAST;
	epoll->count = 0;
	return 1;
}

static int epoll_submit(struct rotai_poller *poller)
{
	(void)poller; /* epoll_change() has already done it */
	return 0;
}

/* (3) */
static int wait_events(struct epoll_poller *epoll, int64_t timeout_ns,
		       struct epoll_event *events, int max)
{
	enum { NS_PER_MS = 1000000 };
	int64_t ms = timeout_ns / NS_PER_MS;

	if (ROTAI_LIKELY(timeout_ns <= 0))
		return epoll_wait(epoll->epoll_fd, events, max,
				  timeout_ns < 0 ? -1 : 0);
	if (timeout_ns % NS_PER_MS != 0) {
		int n = -1;

		if (!epoll->no_pwait2)
			n = rotai_epoll_pwait2(epoll->epoll_fd, events, max,
					       timeout_ns);
		if (n >= 0 ||
		    (!epoll->no_pwait2 && errno != ENOSYS && errno != EPERM))
			return n;
		epoll->no_pwait2 = 1;
		ms++;
	}
	return epoll_wait(epoll->epoll_fd, events, max,
			  ms > INT_MAX ? INT_MAX : (int)ms);
}

static int epoll_wait_ready(struct rotai_poller *poller, int64_t timeout_ns,
			    struct rotai_ready *ready, int max)
{
	struct epoll_event events[ROTA_EVENTS_PER_WAIT];
	struct rotai_ready *next = ready;
	int n;

	if (max > ROTA_EVENTS_PER_WAIT)
		max = ROTA_EVENTS_PER_WAIT;
	n = wait_events(epoll_of(poller), timeout_ns, events, max);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;

	for (const struct epoll_event *e = events; e < events + n; e++) {
		uint64_t data = e->data.u64;

		if (ROTAI_UNLIKELY(data == WAKE))
			continue;
		next->fd = (int)(uint32_t)data;
		next->generation = (uint32_t)(data >> 32);
		next->events = epoll_events_of(e->events);
		next++;
	}
	return (int)(next - ready);
}

static void epoll_wake(struct rotai_poller *poller)
{
	static const uint64_t one = 1;
	int saved = errno;
	ssize_t written = write(epoll_of(poller)->wake_fd, &one, sizeof(one));

	(void)written; /* if the counter is full, an edge is pending */
	errno = saved;
}

static int epoll_backend_fd(struct rotai_poller *poller)
{
	struct epoll_poller *epoll = epoll_of(poller);

	epoll->has_host = 1;
	return epoll->epoll_fd;
}

const struct rotai_poller_ops rotai_epoll_ops = {
	.name = "epoll",
	.has_edge = 1,
	.has_exclusive = 1,
	.open = epoll_open_poller,
	.close = epoll_close_poller,
	.add = epoll_add,
	.change = epoll_change,
	.confirm = epoll_confirm,
	.remove = epoll_remove,
	.forget = epoll_forget,
	.renew = epoll_renew,
	.submit = epoll_submit,
	.wait = epoll_wait_ready,
	.wake = epoll_wake,
	.fd = epoll_backend_fd,
};
