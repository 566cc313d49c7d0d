/*
 * loop_bare.c - the system calls that a loop cannot do without: an epoll, an
 * eventfd to wake it by, and a wait a turn.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peers/loop.h"
#include "support/bench.h"

struct loop {
	int epoll;
	int wake;
};

static void *loop_make(void)
{
	struct loop *loop = malloc(sizeof(*loop));
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event))
		bench_fail("epoll_ctl");
	return loop;
}

static void loop_free(void *arg)
{
	struct loop *loop = arg;

	close(loop->wake);
	close(loop->epoll);
	free(loop);
}

static void loop_turn(void *arg, size_t count)
{
	struct loop *loop = arg;

	while (count--) {
		struct epoll_event events[16];

		if (epoll_wait(loop->epoll, events, 16, 0))
			bench_fail("epoll_wait");
	}
}

const struct loop_peer loop_bare = {
	"bare calls",
	loop_make,
	loop_free,
	loop_turn,
};
