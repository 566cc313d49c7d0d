/*
 * server/connection.h - what a server does with all of its connections.
 */
#ifndef ROTAI_SERVER_CONNECTION_H
#define ROTAI_SERVER_CONNECTION_H

#include "rota/server.h"

static inline struct rota_connection *
rotai_connection_of(struct rota_link *link)
{
	return rota_container_of(link, struct rota_connection, internal.link);
}

/* Whether the server has nothing to do for @connection, and has had nothing to
 * do for a turn. */
static inline int
rotai_connection_is_idle(const struct rota_connection *connection)
{
	return !connection->internal.is_busy &&
	       connection->internal.turns_left == 0;
}

/* Have on_gone of @server called later, if it is stopping and has no connection
 * left. */
void rotai_connections_note(struct rota_server *server);

#endif
