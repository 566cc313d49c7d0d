/*
 * http/session.h - the begin and the end of sessions and of their exchanges.
 */
#ifndef ROTAI_HTTP_SESSION_H
#define ROTAI_HTTP_SESSION_H

#include "http/serving.h"

/* Give @connection a session, or return NULL. */
struct rotai_http_session *
rotai_http_begin_session(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard);

/* Free the session, to which nothing refers. */
void rotai_http_end_session(struct rotai_http_session *session);

/* The connection is idle: it needs no session any more. */
void rotai_http_go_idle(struct rotai_http_session *session);

/* Make the exchange that the parser fills the current one. Returns it, or
 * NULL. */
struct rota_http_exchange *
rotai_http_begin_exchange(struct rotai_http_session *session);

/* Its head has arrived: set what follows from it. */
void rotai_http_note_head(struct rotai_http_session *session,
			  struct rota_http_exchange *exchange);

/* Drop the current exchange, if there is one, which has no head. */
void rotai_http_drop_exchange(struct rotai_http_session *session);

/* The current exchange is answered, and its request was read or is given up. */
void rotai_http_end_exchange(struct rotai_http_session *session);

/* Take the oldest exchange out of those whose output has not left. */
struct rota_http_exchange *
rotai_http_take_unsent(struct rotai_http_session *session);

/* Answer the current request with an error and end the connection; or reset it,
 * if the response has begun. @error is for the handler. Call
 * rotai_http_advance() after this. */
void rotai_http_answer(struct rotai_http_session *session, int status,
		       const char *text, int error);

/* The same for what the parser has refused, and for a lack of memory. */
void rotai_http_refuse_request(struct rotai_http_session *session);
void rotai_http_refuse_for_memory(struct rotai_http_session *session);

#endif
