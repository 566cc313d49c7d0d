/*
 * http/advance.h - what a connection does.
 */
#ifndef ROTAI_HTTP_ADVANCE_H
#define ROTAI_HTTP_ADVANCE_H

#include "http/serving.h"

/* Begin to serve: the connection is started, with its stream. @first was read
 * before. Returns 0 or an error, after which nothing has changed. */
int rotai_http_open(struct rotai_http_connection *connection,
		    struct rotai_http_shard *shard,
		    struct rota_const_buf first);

/* Do everything that is due. The session may be gone afterwards. */
void rotai_http_advance(struct rotai_http_session *session);

/* The same, as the function of the session's task. */
void rotai_http_work(struct rota_task *task);

/* Close the stream. Its close callback follows. */
void rotai_http_close(struct rotai_http_connection *connection);

/* The close callback of the stream. */
void rotai_http_on_close(struct rota_handle *handle);

#endif
