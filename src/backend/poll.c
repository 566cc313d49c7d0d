/*
 * backend/poll.c - the poller for any POSIX system. See poll(2).
 *
 * It has an array of pollfd, which poll(2) reads completely at each wait, and a
 * table from descriptor to index in that array.
 *
 *  1. Index 0 is the reading end of a pipe that wakes the loop. It is
 *     level-triggered, so wait() drains it. If the program has replaced this
 *     end or the writing end by another file, the pipe reports its end, or is
 *     no pipe at all. Then no wake-up can arrive any more, and each wait
 *     returns ROTA_EBADF.
 *  2. If nothing is wanted, the descriptor's number is inverted, because
 *     poll(2) skips negative numbers, and errors and hang-ups cannot be masked
 *     in another way. A number that is not open is inverted as well, once it
 *     has been reported.
 *  3. A wait that finds more than it may report goes on from there the next
 *     time, so that each descriptor gets its turn.
 *  4. poll(2) refuses an array that is longer than the number of descriptors
 *     that the process may have. If that limit was lowered, the array is polled
 *     in slices that fit, again and again. The sleep happens in the first
 *     slice, and is short.
 */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/poller.h"
#include "base/assert.h"
#include "base/fd.h"
#include "base/memory.h"
#include "rota/error.h"
#include "rota/object.h"

struct poll_poller {
	struct rotai_poller poller;
	struct pollfd *polled;
	uint32_t *generations; /* of polled[i] */
	unsigned *places;      /* indexes in polled[], by descriptor; 0: none */
	size_t polled_capacity;
	size_t generations_capacity;
	size_t places_capacity;
	unsigned count;
	unsigned next; /* (3) */
	int wake_fd;
};

enum { WAKE_PLACE = 0 }; /* (1) */

static struct poll_poller *poll_of(const struct rotai_poller *poller)
{
	return rota_container_of(poller, struct poll_poller, poller);
}

static int poll_reserve(struct poll_poller *poll, size_t count, int highest_fd)
{
	const struct rota_allocator *from = poll->poller.allocator;
	int error;

	error = rotai_memory_reserve(from, &poll->polled,
				     &poll->polled_capacity, count,
				     sizeof(*poll->polled));
	if (error == 0)
		error = rotai_memory_reserve(from, &poll->generations,
					     &poll->generations_capacity, count,
					     sizeof(*poll->generations));
	if (error == 0)
		error = rotai_memory_reserve(
			from, &poll->places, &poll->places_capacity,
			(size_t)highest_fd + 1, sizeof(*poll->places));
	return error;
}

static void free_poller(struct poll_poller *poll)
{
	const struct rota_allocator *from = poll->poller.allocator;

	rotai_memory_free(from, poll->polled,
			  poll->polled_capacity * sizeof(*poll->polled));
	rotai_memory_free(from, poll->generations,
			  poll->generations_capacity *
				  sizeof(*poll->generations));
	rotai_memory_free(from, poll->places,
			  poll->places_capacity * sizeof(*poll->places));
	rotai_memory_free(from, poll, sizeof(*poll));
}

static void set_wanted(struct pollfd *polled, int fd, unsigned wanted)
{
	int events = 0;

	if (wanted & ROTAI_READABLE)
		events |= POLLIN;
	if (wanted & ROTAI_WRITABLE)
		events |= POLLOUT;
	if (wanted & ROTAI_PRIORITY)
		events |= POLLPRI;
	if (wanted & ROTAI_DISCONNECT)
		events |= ROTAI_POLLRDHUP;
	polled->events = (short)events;
	polled->fd = (wanted & ROTAI_EVERYTHING) != 0 ? fd : ~fd; /* (2) */
}

static unsigned poll_events_of(int mask)
{
	unsigned events = 0;

	if (mask & (POLLERR | POLLHUP | POLLNVAL))
		return ROTAI_EVERYTHING;
	if (mask & POLLIN)
		events |= ROTAI_READABLE;
	if (mask & POLLOUT)
		events |= ROTAI_WRITABLE;
	if (mask & POLLPRI)
		events |= ROTAI_PRIORITY;
	if (mask & ROTAI_POLLRDHUP)
		events |= ROTAI_DISCONNECT;
	return events;
}

static int poll_open_poller(struct rotai_poller **poller,
			    const struct rota_allocator *allocator)
{
	struct poll_poller *poll;
	int ends[2];
	int error;

	poll = rotai_memory_new(allocator, sizeof(*poll));
	if (poll == NULL)
		return ROTA_ENOMEM;
	*poll = (struct poll_poller){
		.poller = { .ops = &rotai_poll_ops, .allocator = allocator },
		.count = 1,
		.next = 1,
	};
	error = poll_reserve(poll, 1, 0);
	if (error < 0)
		goto free_poller;
	error = rotai_fd_pipe(ends);
	if (error < 0)
		goto free_poller;
	set_wanted(&poll->polled[WAKE_PLACE], ends[0], ROTAI_READABLE);
	poll->wake_fd = ends[1];
	*poller = &poll->poller;
	return 0;

free_poller:
	free_poller(poll);
	return error;
}

static void poll_close_poller(struct rotai_poller *poller)
{
	struct poll_poller *poll = poll_of(poller);

	rotai_fd_close(poll->polled[WAKE_PLACE].fd);
	rotai_fd_close(poll->wake_fd);
	free_poller(poll);
}

static int poll_add(struct rotai_poller *poller, int fd, uint32_t generation,
		    unsigned wanted)
{
	struct poll_poller *poll = poll_of(poller);
	int error = rotai_fd_can_be_watched(fd);

	if (error == 0)
		error = poll_reserve(poll, (size_t)poll->count + 1, fd);
	if (error < 0)
		return error;
	poll->places[fd] = poll->count;
	poll->generations[poll->count] = generation;
	set_wanted(&poll->polled[poll->count], fd, wanted);
	poll->count++;
	return 0;
}

static int poll_change(struct rotai_poller *poller, int fd, uint32_t generation,
		       unsigned was, unsigned wanted)
{
	struct poll_poller *poll = poll_of(poller);
	unsigned place = poll->places[fd];

	(void)was;
	ROTA_ASSERT(place != WAKE_PLACE);
	poll->generations[place] = generation;
	set_wanted(&poll->polled[place], fd, wanted);
	return 0;
}

static int poll_confirm(struct rotai_poller *poller, int fd,
			uint32_t generation, unsigned was, unsigned wanted)
{
	int error = rotai_fd_can_be_watched(fd);

	(void)poll_change(poller, fd, generation, was, error < 0 ? 0 : wanted);
	return error;
}

static void poll_remove(struct rotai_poller *poller, int fd)
{
	struct poll_poller *poll = poll_of(poller);
	unsigned place = poll->places[fd];
	unsigned last = --poll->count;
	int moved = poll->polled[last].fd;

	ROTA_ASSERT(place != WAKE_PLACE);
	poll->polled[place] = poll->polled[last];
	poll->generations[place] = poll->generations[last];
	poll->places[moved < 0 ? ~moved : moved] = place;
	poll->places[fd] = 0;
}

static int poll_submit(struct rotai_poller *poller)
{
	(void)poller; /* poll(2) reads the array at the wait */
	return 0;
}

/* Returns 0, or ROTA_EBADF if this is not our pipe any more. (1) */
static int drain_wake_pipe(int fd)
{
	char bytes[64];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n == (ssize_t)sizeof(bytes) || (n < 0 && errno == EINTR));
	return n > 0 || (n < 0 && errno == EAGAIN) ? 0 : ROTA_EBADF;
}

/* Poll all slices of up to @most descriptors once, and wait up to @timeout_ns
 * in the first. Returns the same as poll(2). (4) */
static int poll_slices(struct poll_poller *poll, unsigned most,
		       int64_t timeout_ns)
{
	int ready = 0;

	for (unsigned from = 0; from < poll->count; from += most) {
		unsigned left = poll->count - from;
		int n = rotai_fd_poll(poll->polled + from,
				      left < most ? left : most,
				      from == 0 && ready == 0 ? timeout_ns : 0);

		if (n < 0)
			return n;
		ready += n;
	}
	return ready;
}

/* (4) */
static int poll_within_limit(struct poll_poller *poll, int64_t timeout_ns)
{
	enum { SHORT_NS = 10 * 1000 * 1000 };
	struct rlimit limit;
	int64_t left_ns = timeout_ns;
	int n;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	if (limit.rlim_cur == 0 || limit.rlim_cur >= poll->count) {
		errno = EINVAL; /* the limit is not the reason */
		return -1;
	}
	n = poll_slices(poll, (unsigned)limit.rlim_cur, 0);
	while (n == 0 && left_ns != 0) {
		int64_t pause_ns = SHORT_NS;

		if (left_ns > 0 && left_ns < pause_ns)
			pause_ns = left_ns;
		if (left_ns > 0)
			left_ns -= pause_ns;
		n = poll_slices(poll, (unsigned)limit.rlim_cur, pause_ns);
	}
	return n;
}

static void take_ready(struct poll_poller *poll, unsigned at,
		       struct rotai_ready *ready)
{
	struct pollfd *polled = &poll->polled[at];

	*ready = (struct rotai_ready){
		.fd = polled->fd,
		.generation = poll->generations[at],
		.events = poll_events_of(polled->revents),
	};
	if (polled->revents & POLLNVAL) {
		ready->events |= ROTAI_ONCE;
		polled->fd = ~polled->fd; /* (2) */
	}
}

static int poll_wait_ready(struct rotai_poller *poller, int64_t timeout_ns,
			   struct rotai_ready *ready, int max)
{
	struct poll_poller *poll = poll_of(poller);
	int left = rotai_fd_poll(poll->polled, poll->count, timeout_ns);
	int found = 0;
	unsigned at = poll->next;

	if (ROTAI_UNLIKELY(left < 0 && errno == EINVAL))
		left = poll_within_limit(poll, timeout_ns);
	if (left < 0)
		return errno == EINTR ? 0 : -errno;
	if (poll->polled[WAKE_PLACE].revents != 0) {
		int error = drain_wake_pipe(poll->polled[WAKE_PLACE].fd);

		if (error < 0)
			return error;
		left--;
	}
	while (left > 0 && found < max) {
		if (at >= poll->count)
			at = WAKE_PLACE + 1;
		if (poll->polled[at].revents != 0) {
			take_ready(poll, at, &ready[found++]);
			left--;
		}
		at++;
	}
	poll->next = at; /* (3) */
	return found;
}

static void poll_wake(struct rotai_poller *poller)
{
	int saved = errno;
	ssize_t written = write(poll_of(poller)->wake_fd, "", 1);

	(void)written; /* a full pipe is readable */
	errno = saved;
}

static int poll_backend_fd(struct rotai_poller *poller)
{
	(void)poller;
	return ROTA_ENOTSUP;
}

const struct rotai_poller_ops rotai_poll_ops = {
	.name = "poll",
	.lacks = ROTAI_POLLRDHUP ? 0 : ROTAI_DISCONNECT,
	.open = poll_open_poller,
	.close = poll_close_poller,
	.add = poll_add,
	.change = poll_change,
	.confirm = poll_confirm,
	.remove = poll_remove,
	.forget = poll_remove,
	.submit = poll_submit,
	.wait = poll_wait_ready,
	.wake = poll_wake,
	.fd = poll_backend_fd,
};
