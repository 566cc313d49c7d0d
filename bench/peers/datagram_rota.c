/*
 * datagram_rota.c - echo servers for datagrams on rota: a batch that is sent
 * back by one rota_datagram_try_send(), or a request for each datagram. All
 * datagrams that there can be have room.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/datagrams.h"
#include "rota.h"
#include "support/bench.h"

enum { COPY = 64, REQUESTS = 256 };

/* A request needs bytes that stay. */
struct reply {
	struct rota_send send;
	struct reply *next;
	char data[COPY];
};

struct server {
	struct rota_loop *loop;
	struct rota_udp udp;
	struct reply replies[REQUESTS];
	struct reply *spare;
};

static void on_batch(struct rota_datagram *datagram, int status,
		     const struct rota_received *received, size_t count)
{
	struct rota_outgoing out[ROTA_DATAGRAMS_PER_CALL];

	(void)status;
	for (size_t i = 0; i < count; i++)
		out[i] = (struct rota_outgoing){ .data = received[i].data,
						 .size = received[i].size,
						 .to = &received[i].from };
	if (count > 0)
		rota_datagram_try_send(datagram, out, count);
}

static void on_sent(struct rota_send *send, int status)
{
	struct reply *reply = rota_container_of(send, struct reply, send);
	struct server *server = send->request.data;

	(void)status;
	reply->next = server->spare;
	server->spare = reply;
}

static void on_each(struct rota_datagram *datagram, int status,
		    const struct rota_received *received, size_t count)
{
	struct server *server = datagram->handle.data;

	(void)status;
	for (size_t i = 0; i < count && server->spare != NULL; i++) {
		struct reply *reply = server->spare;
		struct rota_outgoing out = { .data = reply->data,
					     .size = received[i].size,
					     .to = &received[i].from };

		server->spare = reply->next;
		memcpy(reply->data, received[i].data,
		       received[i].size < COPY ? received[i].size : COPY);
		if (rota_datagram_send(&reply->send, datagram, &out, on_sent))
			bench_fail("rota_datagram_send");
	}
}

static void *make(int fd, rota_receive_fn *fn)
{
	struct server *server = calloc(1, sizeof(*server));

	for (int i = 0; i < REQUESTS; i++) {
		server->replies[i].send.request.data = server;
		server->replies[i].next = server->spare;
		server->spare = &server->replies[i];
	}
	if (rota_loop_new(&server->loop, NULL) ||
	    rota_udp_open(&server->udp, server->loop, dup(fd)) ||
	    rota_datagram_receive_start(&server->udp.datagram, fn))
		bench_fail("rota_udp_open");
	server->udp.handle.data = server;
	return server;
}

static void *make_batch(int fd)
{
	return make(fd, on_batch);
}

static void *make_each(int fd)
{
	return make(fd, on_each);
}

static void server_turn(void *arg)
{
	struct server *server = arg;

	if (rota_loop_run(server->loop, ROTA_RUN_ONCE) < 0)
		bench_fail("rota_loop_run");
}

static void server_run(void *arg)
{
	struct server *server = arg;

	rota_loop_run(server->loop, ROTA_RUN_DEFAULT);
}

static void server_free(void *arg)
{
	struct server *server = arg;

	rota_handle_close(&server->udp.handle, NULL);
	rota_loop_run(server->loop, ROTA_RUN_DEFAULT);
	if (rota_loop_close(server->loop))
		bench_fail("rota_loop_close");
	free(server);
}

const struct datagram_peer datagram_rota = {
	"rota udp", make_batch, server_turn, server_run, server_free,
};

const struct datagram_peer datagram_rota_requests = {
	"rota udp, requests", make_each, server_turn, server_run, server_free,
};
