/*
 * http/expire.h - deadlines that have passed.
 */
#ifndef ROTAI_HTTP_EXPIRE_H
#define ROTAI_HTTP_EXPIRE_H

#include "http/serving.h"

/* The function on_timeout of struct rota_server_options. */
void rotai_http_on_timeout(struct rota_connection *connection);

#endif
