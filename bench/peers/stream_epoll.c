/*
 * stream_epoll.c - many bytes by hand on plain epoll, edge-triggered: each
 * socket is registered once, for reading and writing.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "peers/stream_hand.h"
#include "support/bench.h"

enum { EVENTS = 256 };

struct server {
	int epoll;
	struct hand *connections;
	struct epoll_event events[EVENTS];
};

static void *server_make(const int *fds, size_t count, enum stream_load load)
{
	struct server *server = calloc(1, sizeof(*server));

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->connections = calloc(count, sizeof(*server->connections));
	for (size_t i = 0; i < count; i++) {
		struct hand *hand = &server->connections[i];
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLOUT | EPOLLET,
			.data.ptr = hand,
		};

		hand_init(hand, fds[i], load);
		if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fds[i], &event))
			bench_fail("epoll_ctl");
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;
	int count = epoll_wait(server->epoll, server->events, EVENTS, -1);

	for (int i = 0; i < count; i++) {
		uint32_t events = server->events[i].events;
		struct hand *hand = server->events[i].data.ptr;

		if (events & (hand_is_blocked(hand) ? EPOLLOUT : EPOLLIN))
			hand_go_on(hand, UINT_MAX);
	}
}

static void server_run(void *arg)
{
	for (;;)
		server_turn(arg);
}

const struct stream_peer stream_epoll = {
	"limit: epoll, edge triggered",
	STREAM_ALL,
	server_make,
	server_turn,
	server_run,
};
