/*
 * post_bare.c - a bare eventfd for each producer: a write to post, a wait and
 * a read to receive.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peers/post.h"
#include "support/bench.h"

struct set {
	struct post_load load;
	int epoll;
	int fd[POST_PRODUCERS];
	atomic_int done[POST_PRODUCERS];
};

static void *set_make(const struct post_load *load)
{
	struct set *set = calloc(1, sizeof(*set));

	set->load = *load;
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < load->producers; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		event.data.u64 = i;
		set->fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (epoll_ctl(set->epoll, EPOLL_CTL_ADD, set->fd[i], &event))
			bench_fail("epoll_ctl");
	}
	return set;
}

static void set_produce(void *arg, size_t producer, size_t from, size_t to)
{
	struct set *set = arg;
	uint64_t one = 1;

	for (size_t i = from; i < to; i++) {
		if (i == set->load.count - 1)
			atomic_store(&set->done[producer], 1);
		if (write(set->fd[producer], &one, sizeof(one)) < 0)
			bench_fail("write");
	}
}

/* Returns 1 if it was the producer's last. */
static size_t receive(struct set *set, size_t producer)
{
	uint64_t sum;

	if (read(set->fd[producer], &sum, sizeof(sum)) < 0)
		return 0;
	if (set->load.arrived)
		set->load.arrived();
	return atomic_exchange(&set->done[producer], 0) ? 1 : 0;
}

static void set_run(void *arg)
{
	struct set *set = arg;
	size_t finished = 0;

	while (finished < set->load.producers) {
		struct epoll_event events[POST_PRODUCERS];
		int count = epoll_wait(set->epoll, events, POST_PRODUCERS, -1);

		for (int i = 0; i < count; i++)
			finished += receive(set, events[i].data.u64);
	}
}

static void set_free(void *arg)
{
	struct set *set = arg;

	for (size_t i = 0; i < set->load.producers; i++)
		close(set->fd[i]);
	close(set->epoll);
	free(set);
}

const struct post_peer post_bare = {
	"bare eventfd", set_make, set_produce, set_run, set_free,
};
