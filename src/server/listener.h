/*
 * server/listener.h - what a server does with all of its listeners.
 */
#ifndef ROTAI_SERVER_LISTENER_H
#define ROTAI_SERVER_LISTENER_H

#include "rota/server.h"

void rotai_listeners_set_paused(struct rota_server *server, int is_paused);

/* Close and remove all. */
void rotai_listeners_close(struct rota_server *server);

/* How many connections they have shed. */
uint64_t rotai_listeners_shed(const struct rota_server *server);

#endif
