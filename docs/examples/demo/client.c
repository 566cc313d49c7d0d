/*
 * client.c - one connection: sends files, compares what comes back.
 *
 *  1. What is sent and what is received are two cursors in one endless stream
 *     of files; the server is right if the second always finds what the first
 *     has passed, and catches up with it.
 *  2. A connection ends between two files: it closes its writing half, reads
 *     what is still on its way, and then must read the end.
 *  3. interest() alone says what the connection waits for, after each step.
 */
#include "demo.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../echo/socket.h"

enum {
	SEND_AT_ONCE = 64 * 1024,   /* bytes in a callback: others wait */
	STEADY_WINDOW = 128 * 1024, /* bytes ahead of what came back */
	GREEDY_READ = 16 * 1024,    /* bytes in one go, and then a rest */
	GREEDY_REST_MS = 2,
	GREEDY_RECEIVE_BUFFER = 32 * 1024,
	BRIEF_FILES = 3,
	BRIEF_REST_MS = 50,
	STALLED_SECONDS = 10,
};

static void on_ready(struct rota_watch *watch, unsigned events);

static int at_end(const struct client *c)
{
	return c->sent.offset == 0 &&
	       (c->files_left == 0 || c->clients->finishing); /* (2) */
}

static int may_send(const struct client *c)
{
	return !c->sent_all &&
	       (c->kind == CLIENT_GREEDY || c->ahead < STEADY_WINDOW);
}

static void interest(struct client *c)
{
	unsigned events = 0;

	if (c->connecting || may_send(c))
		events |= ROTA_WRITABLE;
	if (!c->connecting && !c->resting)
		events |= ROTA_READABLE;
	rota_watch_start(&c->watch, on_ready, events);
}

static void close_connection(struct client *c)
{
	rota_timer_stop(&c->pause);
	rota_timer_stop(&c->stalled);
	rota_watch_stop(&c->watch);
	close(rota_watch_fd(&c->watch));
}

void client_abandon(struct client *client)
{
	if (rota_watch_is_active(&client->watch))
		close_connection(client);
	rota_timer_stop(&client->pause);
}

static void fail(struct client *c, const char *what, int error)
{
	clients_fail(c->clients, "connection %u: %s%s%s", c->number, what,
		     error < 0 ? ": " : "",
		     error < 0 ? rota_error_text(error) : "");
}

/* Returns 0 if the connection has failed. */
static int send_some(struct client *c)
{
	size_t sent = 0;

	while (!at_end(c) && may_send(c) && sent < SEND_AT_ONCE) {
		size_t size;
		const char *bytes =
			cursor_peek(c->clients->corpus, &c->sent, &size);
		ssize_t n = send(rota_watch_fd(&c->watch), bytes, size, 0);

		if (n < 0 && socket_is_transient(errno))
			return 1;
		if (n < 0) {
			fail(c, "send", -errno);
			return 0;
		}
		sent += (size_t)n;
		c->ahead += (uint64_t)n;
		c->files_left -= (uint64_t)cursor_advance(c->clients->corpus,
							  &c->sent, (size_t)n);
	}
	if (at_end(c) && !c->sent_all) {
		c->sent_all = 1;
		shutdown(rota_watch_fd(&c->watch), SHUT_WR);
	}
	return 1;
}

void client_go_on(struct client *client)
{
	if (!rota_watch_is_active(&client->watch))
		return; /* between two connections */
	if (!client->connecting && !send_some(client))
		return;
	interest(client);
}

static void on_stalled(struct rota_timer *timer)
{
	fail(rota_container_of(timer, struct client, stalled),
	     "nothing has come back for too long", 0);
}

/* A socket that is connecting to the server, or an error. */
static int open_socket(const struct client *c)
{
	struct sockaddr_in address = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int size = GREEDY_RECEIVE_BUFFER;
	int error;

	if (fd < 0)
		return -errno;
	error = socket_set_flags(fd);
	if (c->kind == CLIENT_GREEDY) /* so that the server has to wait soon */
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	address.sin_family = AF_INET;
	address.sin_port = htons(c->clients->server->port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (error == 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno != EINPROGRESS)
		error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

static int connect_to_server(struct client *c)
{
	int fd = open_socket(c);
	int error;

	if (fd < 0)
		return fd;
	c->connecting = 1;
	c->resting = c->sent_all = 0;
	c->ahead = 0;
	c->received = c->sent;
	c->files_left = c->kind == CLIENT_BRIEF ? BRIEF_FILES : UINT64_MAX;
	rota_watch_init(&c->watch, c->clients->loop, fd);
	error = rota_watch_start(&c->watch, on_ready, ROTA_WRITABLE);
	if (error == 0)
		error = rota_timer_start(&c->stalled, on_stalled,
					 ROTA_SEC(STALLED_SECONDS));
	if (error < 0)
		close_connection(c);
	return error;
}

/* Writable for the first time: the connection stands, or has failed. */
static int finish_connecting(struct client *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(rota_watch_fd(&c->watch), SOL_SOCKET, SO_ERROR, &error,
		       &size) < 0)
		error = errno;
	if (error != 0) {
		fail(c, "connect", -error);
		return 0;
	}
	c->connecting = 0;
	c->clients->connections++;
	return 1;
}

void client_init(struct client *client, struct clients *clients,
		 unsigned number)
{
	client->clients = clients;
	client->number = number;
	client->kind = CLIENT_STEADY;
	if (number % 10 == 0)
		client->kind = CLIENT_GREEDY;
	if (number % 10 == 5)
		client->kind = CLIENT_BRIEF;
	client->sent.file = number % clients->corpus->count;
	client->sent.offset = 0;
	rota_watch_init(&client->watch, clients->loop, -1);
	rota_timer_init(&client->pause, clients->loop);
	rota_timer_init(&client->stalled, clients->loop);
}

int client_start(struct client *client)
{
	return connect_to_server(client);
}

/* After a pause: a greedy client reads on, a brief one connects again. */
static void on_pause_over(struct rota_timer *timer)
{
	struct client *c = rota_container_of(timer, struct client, pause);
	int error;

	if (c->resting) {
		c->resting = 0;
		interest(c);
		return;
	}
	if (c->clients->finishing) {
		c->clients->open--;
		clients_check_end(c->clients);
		return;
	}
	error = connect_to_server(c);
	if (error < 0)
		fail(c, "connect", error);
}

static void on_end(struct client *c)
{
	if (!c->sent_all || c->ahead > 0) {
		clients_fail(c->clients,
			     "connection %u: %" PRIu64 " bytes were lost",
			     c->number, c->ahead);
		return;
	}
	close_connection(c);
	rota_timer_start(&c->pause, on_pause_over,
			 c->clients->finishing ? 0 : ROTA_MSEC(BRIEF_REST_MS));
}

static int check(struct client *c, const char *bytes, size_t size)
{
	struct clients *all = c->clients;
	uint64_t files = 0;
	size_t equal;

	if (size > c->ahead) {
		fail(c, "more came back than was sent", 0);
		return 0;
	}
	equal = cursor_compare(all->corpus, &c->received, bytes, size, &files);
	if (equal < size) {
		clients_fail(all, "connection %u: mismatch in byte %zu of %s",
			     c->number, c->received.offset,
			     all->corpus->files[c->received.file].name);
		return 0;
	}
	c->ahead -= size;
	all->bytes += size;
	all->files += files;
	meter_add(&all->meter, size, files);
	return 1;
}

/* Returns 0 if the connection has ended or failed. */
static int receive_some(struct client *c)
{
	struct clients *all = c->clients;
	int slow = c->kind == CLIENT_GREEDY && !all->finishing;
	ssize_t n = recv(rota_watch_fd(&c->watch), all->buffer,
			 slow ? GREEDY_READ : sizeof(all->buffer), 0);

	if (n < 0 && socket_is_transient(errno))
		return 1;
	if (n < 0) {
		fail(c, "receive", -errno);
		return 0;
	}
	if (n == 0) {
		on_end(c);
		return 0;
	}
	if (!check(c, all->buffer, (size_t)n))
		return 0;
	rota_timer_again(&c->stalled);
	if (slow) {
		c->resting = 1;
		rota_timer_start(&c->pause, on_pause_over,
				 ROTA_MSEC(GREEDY_REST_MS));
	}
	return 1;
}

static void on_ready(struct rota_watch *watch, unsigned events)
{
	struct client *c = rota_container_of(watch, struct client, watch);

	if (c->connecting && !finish_connecting(c))
		return;
	if ((events & ROTA_READABLE) && !receive_some(c))
		return;
	client_go_on(c);
}
