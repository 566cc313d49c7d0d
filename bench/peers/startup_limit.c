/*
 * startup_limit.c - the system calls that a loop cannot do without: an epoll,
 * and an eventfd to wake it.
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peers/startup.h"
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

/* It is due at once: there is neither a timer nor a wait before the call. */
static void loop_run(void *loop, startup_fn *fn)
{
	(void)loop;
	bench_wall_ns();
	fn();
}

const struct startup_peer startup_limit = {
	"limit: bare calls",
	loop_make,
	loop_free,
	loop_run,
};
