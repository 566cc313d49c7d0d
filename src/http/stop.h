/*
 * http/stop.h - the end of a server.
 */
#ifndef ROTAI_HTTP_STOP_H
#define ROTAI_HTTP_STOP_H

#include "http/serving.h"

/* The function on_stop of struct rota_server_options. */
void rotai_http_on_stop(struct rota_connection *connection);

/* Nothing is left of a shard: a task of the first loop. */
void rotai_http_on_gone(struct rota_task *task);

/* Whether nothing of the server is in use. */
int rotai_http_may_free(const struct rota_http_server *server);

#endif
