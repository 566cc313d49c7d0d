/*
 * server.c - an echo server on watches, for plain sockets.
 *
 *  1. A connection is one struct from malloc, with its watch, its timer and
 *     its buffer inside. The server has them all on a list.
 *  2. A connection reads only while its buffer is empty, and then sends what
 *     it has read. What the peer does not take at once stays in the buffer,
 *     and the connection waits for room instead of for input: a peer that is
 *     slow to read is soon not read from, and costs no more memory.
 *  3. So when the end of the input is read, nothing is left to be sent.
 *  4. A connection on which nothing has moved for idle_ns is closed.
 *  5. A watch is stopped before its descriptor is closed.
 */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.h"

enum {
	BACKLOG = 1024,
	ACCEPTS = 64,   /* in a row, before others have their turn */
	RETRY_MS = 100, /* after descriptors have run out */
	BUFFER_SIZE = 32 * 1024,
};

struct echo_connection {
	struct echo_server *server;
	struct echo_connection *next, *prev;
	struct rota_watch watch;
	struct rota_timer idle;
	size_t begin, end; /* of what is unsent */
	char buffer[BUFFER_SIZE];
};

static void close_connection(struct echo_connection *c)
{
	struct echo_server *server = c->server;

	rota_timer_stop(&c->idle);
	rota_watch_stop(&c->watch); /* (5) */
	close(rota_watch_fd(&c->watch));

	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		server->first = c->next;
	server->connected--;
	free(c); /* inside its own callback, too */
}

static void on_idle(struct rota_timer *timer)
{
	struct echo_connection *c =
		rota_container_of(timer, struct echo_connection, idle);

	c->server->timeouts++; /* (4) */
	close_connection(c);
}

/* Fill the buffer. Returns 0 if the connection is at its end. */
static int read_some(struct echo_connection *c)
{
	ssize_t n =
		recv(rota_watch_fd(&c->watch), c->buffer, sizeof(c->buffer), 0);

	if (n == 0)
		return 0; /* (3) */
	if (n < 0)
		return socket_is_transient(errno);
	c->begin = 0;
	c->end = (size_t)n;
	c->server->bytes += (uint64_t)n;
	if (c->server->on_data != NULL)
		c->server->on_data(c->server, c->buffer, c->end);
	return 1;
}

/* Send what is unsent, as far as it goes. Returns 0 if the peer has gone. */
static int send_unsent(struct echo_connection *c)
{
	while (c->begin < c->end) {
		ssize_t n = send(rota_watch_fd(&c->watch), c->buffer + c->begin,
				 c->end - c->begin, 0);

		if (n < 0)
			return socket_is_transient(errno);
		c->begin += (size_t)n;
	}
	return 1;
}

/* An error or a hang-up comes as readiness too: the call then tells which. */
static void on_ready(struct rota_watch *watch, unsigned events)
{
	struct echo_connection *c =
		rota_container_of(watch, struct echo_connection, watch);
	int was_reading = c->begin == c->end;
	int is_reading;

	(void)events;
	if ((was_reading && !read_some(c)) || !send_unsent(c)) {
		close_connection(c);
		return;
	}
	is_reading = c->begin == c->end;
	if (was_reading != is_reading) /* (2) */
		rota_watch_start(watch, on_ready,
				 is_reading ? ROTA_READABLE : ROTA_WRITABLE);
	c->server->pauses += was_reading && !is_reading;
	rota_timer_again(&c->idle);
}

/* Serve the connection @fd: 0, or an error, and then @fd is the caller's. */
static int open_connection(struct echo_server *server, int fd)
{
	struct echo_connection *c = malloc(sizeof(*c));
	int error = socket_set_flags(fd);

	if (c == NULL || error < 0)
		goto fail;
	c->server = server;
	c->begin = c->end = 0;
	rota_timer_init(&c->idle, server->loop);
	rota_watch_init(&c->watch, server->loop, fd);
	error = rota_watch_start(&c->watch, on_ready, ROTA_READABLE);
	if (error < 0)
		goto fail;
	error = rota_timer_start(&c->idle, on_idle, server->idle_ns);
	if (error < 0)
		goto stop;

	c->prev = NULL;
	c->next = server->first;
	if (c->next != NULL)
		c->next->prev = c;
	server->first = c;
	server->accepted++;
	server->connected++;
	return 0;
stop:
	rota_watch_stop(&c->watch);
fail:
	free(c);
	return error < 0 ? error : ROTA_ENOMEM;
}

static void on_incoming(struct rota_watch *watch, unsigned events);

static void on_retry(struct rota_timer *timer)
{
	struct echo_server *server =
		rota_container_of(timer, struct echo_server, retry);

	rota_watch_start(&server->listener, on_incoming, ROTA_READABLE);
}

/* Descriptors or memory have run out. What waits to be accepted keeps the
 * listener readable: look away for a while instead of spinning. */
static void back_off(struct echo_server *server)
{
	rota_watch_start(&server->listener, on_incoming, 0);
	rota_timer_start(&server->retry, on_retry, ROTA_MSEC(RETRY_MS));
}

static void on_incoming(struct rota_watch *watch, unsigned events)
{
	struct echo_server *server =
		rota_container_of(watch, struct echo_server, listener);

	(void)events;
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept(rota_watch_fd(watch), NULL, NULL);

		if (fd >= 0) {
			if (open_connection(server, fd) == 0)
				continue;
			close(fd);
			back_off(server);
			return;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return; /* that was all */
		if (errno == EINTR || errno == ECONNABORTED)
			continue; /* that one has gone again */
		back_off(server);
		return;
	}
}

/* Open a socket that listens on 127.0.0.1:@port; negative: an error. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in address = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int yes = 1;
	int error;

	if (fd < 0)
		return -errno;
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	error = socket_set_flags(fd);
	if (error == 0 &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	     bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	     listen(fd, BACKLOG) < 0))
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

int echo_server_start(struct echo_server *server, struct rota_loop *loop,
		      uint16_t port)
{
	int fd = listen_on(port);
	int error;

	if (fd < 0)
		return fd;
	server->loop = loop;
	server->first = NULL;
	server->accepted = server->bytes = 0;
	server->pauses = server->timeouts = 0;
	server->connected = 0;
	rota_timer_init(&server->retry, loop);
	rota_watch_init(&server->listener, loop, fd);
	error = rota_watch_start(&server->listener, on_incoming, ROTA_READABLE);
	if (error < 0)
		close(fd);
	return error;
}

uint16_t echo_server_port(const struct echo_server *server)
{
	struct sockaddr_in address = { 0 };
	socklen_t size = sizeof(address);

	getsockname(rota_watch_fd(&server->listener),
		    (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

void echo_server_stop(struct echo_server *server)
{
	while (server->first != NULL)
		close_connection(server->first);
	rota_timer_stop(&server->retry);
	rota_watch_stop(&server->listener);
	close(rota_watch_fd(&server->listener));
}
