/*
 * http/body.h - the body of a request, on its way to the handler.
 */
#ifndef ROTAI_HTTP_BODY_H
#define ROTAI_HTTP_BODY_H

#include "http/serving.h"

/* Whether more of the body may be parsed now. */
int rotai_http_wants_body(const struct rota_http_exchange *exchange);

/* A piece has arrived. It is dropped if the response has ended. */
void rotai_http_take_piece(struct rota_http_exchange *exchange,
			   struct rota_const_buf piece);

/* The request has ended. Returns 0, or ROTA_ENOMEM: the trailers cannot be
 * kept. */
int rotai_http_end_request(struct rota_http_exchange *exchange);

/* Report the end of the body, if that is due. Returns whether it was. */
int rotai_http_report_end(struct rota_http_exchange *exchange);

/* Copy the head to the arena, if it is not there. Returns 0 or ROTA_ENOMEM. */
int rotai_http_own_head(struct rota_http_exchange *exchange);

/* Copy the input that waits, if it is not ours. The same. */
int rotai_http_own_input(struct rotai_http_session *session);

/* Bytes have arrived: they are parsed behind those that wait. Returns 0 or
 * ROTA_ENOMEM. */
int rotai_http_add_input(struct rotai_http_session *session,
			 struct rota_const_buf more);

/* Free that copy, if all of it was used, or @force. */
void rotai_http_free_input(struct rotai_http_session *session, int force);

#endif
