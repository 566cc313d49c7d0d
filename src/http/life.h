/*
 * http/life.h - the end of exchanges.
 */
#ifndef ROTAI_HTTP_LIFE_H
#define ROTAI_HTTP_LIFE_H

#include "http/serving.h"

/* Whether functions of on_done are to be called. */
int rotai_http_has_hooks(const struct rota_http_exchange *exchange);

/* Call the functions of lent memory that is ready. Returns whether some is
 * not. */
int rotai_http_release_lent(struct rota_http_exchange *exchange);

/* Call the functions of on_done. */
void rotai_http_tell(struct rota_http_exchange *exchange, int status);

/* The exchange has failed: tell the handler. It is no session's any more, and
 * may be freed. */
void rotai_http_fail(struct rota_http_exchange *exchange, int status);

/* The exchange was told, and is no session's: free it, or keep it for its
 * handler. */
void rotai_http_leave(struct rota_http_exchange *exchange);

/* The handler does not use the exchange any more: free an orphan. */
void rotai_http_handler_ends(struct rota_http_exchange *exchange);

/* Free @exchange. */
void rotai_http_forget(struct rota_http_exchange *exchange);

/* Call the stop's function on the first loop, if nothing is left of
 * @shard. */
void rotai_http_note_gone(struct rotai_http_shard *shard);

#endif
