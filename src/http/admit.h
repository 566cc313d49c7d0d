/*
 * http/admit.h - new connections.
 */
#ifndef ROTAI_HTTP_ADMIT_H
#define ROTAI_HTTP_ADMIT_H

#include "http/serving.h"

/* The function of the server's listen groups. */
void rotai_http_on_accept(struct rota_listen_group *group,
			  struct rota_server *server, int status, int fd);

#endif
