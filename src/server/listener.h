/*
 * server/listener.h - what a server does with all of its listeners.
 */
#ifndef ROTAI_SERVER_LISTENER_H
#define ROTAI_SERVER_LISTENER_H

#include "rota/server.h"

/* A listener that is told what its server does. Each function runs on the
 * loop's thread. */
struct rotai_listener_class {
	/* Pause or resume, which is not done to the stream itself. NULL: it
	 * is. */
	void (*set_paused)(struct rota_listener *listener, int is_paused);

	/* The server now has @open connections. May be NULL. */
	void (*count)(struct rota_listener *listener, uint64_t open);

	/* It is removed from the server. */
	void (*removed)(struct rota_listener *listener);
};

/* As rota_listener_start(), with a class. */
int rotai_listener_add(struct rota_listener *listener,
		       struct rota_server *server, struct rota_stream *stream,
		       rota_close_fn *fn,
		       const struct rotai_listener_class *class_);

/* Tell all how many connections are open. */
void rotai_listeners_count(struct rota_server *server);

void rotai_listeners_set_paused(struct rota_server *server, int is_paused);

/* Close and remove all. */
void rotai_listeners_close(struct rota_server *server);

/* The same, after up to @most connections were accepted from the queue of each
 * that has no class. In a child that the program forks meanwhile, this returns
 * with the rest of them. */
void rotai_listeners_drain(struct rota_server *server, uint64_t most);

/* How many connections they have shed. */
uint64_t rotai_listeners_shed(const struct rota_server *server);

#endif
