/*
 * datagram_bare.c - an echo server for datagrams on epoll, recvmmsg(2) and
 * sendmmsg(2): the minimum of work. What was received is sent back from where
 * it is, and by the same array of messages.
 *
 * A batch that comes up short is the last one, so there is no further call. The
 * buffers are as small as the datagrams allow.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers/datagrams.h"
#include "support/bench.h"

enum { BATCH = 64, BUFFER = 2048 };

struct server {
	int epoll;
	int fd;
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_storage names[BATCH];
	_Alignas(64) char buffers[BATCH][BUFFER];
};

static void *server_make(int fd)
{
	struct server *server = aligned_alloc(64, sizeof(*server));
	struct epoll_event event = { .events = EPOLLIN };

	memset(server, 0, sizeof(*server));
	server->fd = fd;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		bench_fail("epoll_ctl");
	for (int i = 0; i < BATCH; i++) {
		struct msghdr *head = &server->messages[i].msg_hdr;

		server->parts[i].iov_base = server->buffers[i];
		server->parts[i].iov_len = BUFFER;
		head->msg_iov = &server->parts[i];
		head->msg_iovlen = 1;
		head->msg_name = &server->names[i];
		head->msg_namelen = sizeof(server->names[i]);
	}
	return server;
}

static void server_turn(void *arg)
{
	struct server *server = arg;
	struct epoll_event event;
	int n = BATCH;

	if (epoll_wait(server->epoll, &event, 1, -1) != 1)
		return;
	while (n == BATCH) {
		n = recvmmsg(server->fd, server->messages, BATCH, MSG_DONTWAIT,
			     NULL);
		for (int i = 0; i < n; i++)
			server->parts[i].iov_len = server->messages[i].msg_len;
		if (n > 0)
			sendmmsg(server->fd, server->messages, (unsigned)n,
				 MSG_DONTWAIT);
		for (int i = 0; i < n; i++) {
			server->parts[i].iov_len = BUFFER;
			server->messages[i].msg_hdr.msg_namelen =
				sizeof(server->names[i]);
		}
	}
}

static void server_run(void *arg)
{
	for (;;)
		server_turn(arg);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	close(server->epoll);
	free(server);
}

const struct datagram_peer datagram_bare = {
	"limit: recvmmsg, sendmmsg",
	server_make,
	server_turn,
	server_run,
	server_free,
};
