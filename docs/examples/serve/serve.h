/*
 * serve.h - the frame of a TCP server: its arguments and its listener, a list
 * of those who are connected, their time-outs, and an end on signals.
 *
 * A server embeds struct peer in a struct of its own, fills in a struct server
 * and calls serve(). One in a program.
 */
#ifndef SERVE_H
#define SERVE_H

#include <rota.h>

/* Somebody who is connected. */
struct peer {
	struct rota_tcp tcp;
	struct rota_end end; /* of the connection: see peer_end() */
	struct rota_deadline deadline;
	struct rota_timer patience; /* of the server */
	struct peer *next, **link;
};

struct server {
	const char *name;
	const char *usage;  /* its own arguments: "[directory]" */
	const char *scheme; /* of its URL: "http" */

	/* What a peer's struct takes; it begins with struct peer, and is 0. */
	size_t peer_size;
	void (*begin)(struct peer *peer);  /* it is connected */
	void (*end)(struct peer *peer);    /* the server ends: do so soon */
	void (*drop)(struct peer *peer);   /* its time is up: close it */
	void (*forget)(struct peer *peer); /* it is closed: or NULL */
	unsigned descriptors;              /* that a peer has at a time */

	/* What the arguments may change. */
	const char *ip;       /* NULL: 127.0.0.1 */
	unsigned port;        /* 0: any that is free */
	uint64_t patience_ns; /* to begin with: see peer_expect() */
	int quiet, measure;

	/* Counted by the server, to be printed. */
	uint64_t requests, bytes;

	/* To be looked at. */
	struct rota_loop *loop;
	struct peer *first;
	uint64_t connections; /* in all */
	unsigned count;       /* of them now */
	int is_full;          /* others wait until one has gone */
	int ending;           /* nobody new comes */
};

/* Take what the command line has of `-a address -p port -i idle-ms -q -t`.
 * Returns the index of the first argument after that, or prints the usage and
 * ends the program. */
int serve_arguments(struct server *server, int argc, char **argv);

/* Serve until SIGINT or SIGTERM has come and nobody is connected any more; a
 * second signal ends the program at once. Returns its exit status. */
int serve(struct server *server);

/* Have @peer dropped unless this is called again within @patience_ns. */
void peer_expect(struct peer *peer, uint64_t patience_ns);

/* Send what is queued to @peer, within @patience_ns, and close it. */
void peer_end(struct peer *peer, uint64_t patience_ns);

/* Close @peer. The second is for rota_stream_close_reset() and its like. */
void peer_close(struct peer *peer);
void peer_on_close(struct rota_handle *handle);

#endif
