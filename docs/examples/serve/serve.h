/*
 * serve.h - the frame of a TCP server: its arguments, its listener, and a
 * graceful end on signals. rota/server.h does the work: it has the list of the
 * connections (peers) and their time-outs.
 *
 * A server embeds struct peer in a struct of its own, fills in a struct server
 * and calls serve(). A program can have one server.
 */
#ifndef SERVE_H
#define SERVE_H

#include <rota.h>

/* One connection. */
struct peer {
	struct rota_connection connection;
	struct rota_tcp tcp;
};

struct server {
	const char *name;
	const char *usage;  /* its own arguments: "[directory]" */
	const char *scheme; /* of its URL: "http" */

	/* Size of a peer's struct, which begins with struct peer. It is
	 * allocated zeroed. */
	size_t peer_size;
	void (*begin)(struct peer *peer);  /* it has connected */
	void (*end)(struct peer *peer);    /* the server ends: end it soon */
	void (*drop)(struct peer *peer);   /* it timed out: close it */
	void (*forget)(struct peer *peer); /* it has closed; may be NULL */
	unsigned descriptors;              /* most that a peer has at a time */

	/* The arguments of the program may change these. */
	const char *ip;       /* NULL: 127.0.0.1 */
	unsigned port;        /* 0: any free port */
	uint64_t patience_ns; /* a peer's idle time */
	int quiet, measure;

	/* The server counts these; they are printed at the end. */
	uint64_t requests, bytes;

	/* The server may use these. */
	struct rota_loop *loop;
	struct rota_server connections;
	uint64_t count; /* of connections since the start */
};

/* Parse the options `-a address -p port -i idle-ms -q -t`; all are optional.
 * Returns the index of the first argument after them, or prints the usage and
 * ends the program. */
int serve_arguments(struct server *server, int argc, char **argv);

/* Serve until SIGINT or SIGTERM has arrived and no peer is connected any more.
 * A second signal ends the program at once. Returns the exit status. */
int serve(struct server *server);

/* Close @peer. peer_on_close() is the callback to pass to calls such as
 * rota_stream_close_reset(). */
void peer_close(struct peer *peer);
void peer_on_close(struct rota_handle *handle);

#endif
