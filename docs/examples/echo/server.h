/*
 * server.h - a TCP server that sends back whatever it is sent.
 *
 * It runs on a loop of the caller's, whose thread makes all calls. Sending to
 * a peer that has gone raises SIGPIPE: the program must have it ignored.
 */
#ifndef ECHO_SERVER_H
#define ECHO_SERVER_H

#include <rota.h>

struct echo_connection;

struct echo_server {
	/* The caller's, to set before the start. */
	uint64_t idle_ns; /* of a connection, before it is closed */
	void (*on_data)(struct echo_server *server, char *bytes, size_t size);
	void *data; /* for on_data, which may be NULL, and may change bytes */

	/* To be looked at. */
	uint64_t accepted, bytes; /* in all */
	uint64_t pauses;          /* times that a peer was too slow */
	uint64_t timeouts;        /* connections that were idle */
	size_t connected;         /* connections open now */

	/* The server's own. */
	struct rota_watch listener;
	struct rota_timer retry;
	struct echo_connection *first;
	struct rota_loop *loop;
};

/* Serve 127.0.0.1:@port on @loop, any free port if it is 0. Returns 0, or one
 * of rota's error codes. */
int echo_server_start(struct echo_server *server, struct rota_loop *loop,
		      uint16_t port);

/* The port that the server listens on; 0 if the system does not tell. */
uint16_t echo_server_port(const struct echo_server *server);

/* Close the listener and all connections. */
void echo_server_stop(struct echo_server *server);

#endif
