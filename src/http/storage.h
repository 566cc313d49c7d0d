/*
 * http/storage.h - the memory of a server, which is counted and has a limit.
 */
#ifndef ROTAI_HTTP_STORAGE_H
#define ROTAI_HTTP_STORAGE_H

#include "http/serving.h"

/* As the function of struct rota_allocator. NULL if the limit is reached. */
void *rotai_http_resize(struct rotai_http_shard *shard, void *pointer,
			size_t old, size_t size);

/* The same, as the function of struct rotai_http_shard's allocator. */
void *rotai_http_resize_for(void *context, void *pointer, size_t old,
			    size_t size);

/* Count bytes that the caller has allocated (@more) or freed (@less). */
void rotai_http_account(struct rota_http_server *server, size_t more,
			size_t less);

/* Return a session with nothing in it, or NULL. */
struct rotai_http_session *
rotai_http_session_take(struct rotai_http_shard *shard);
void rotai_http_session_give(struct rotai_http_session *session);

/* The same for exchanges. Its head is ready for a parser. */
struct rota_http_exchange *
rotai_http_exchange_take(struct rotai_http_shard *shard);
void rotai_http_exchange_give(struct rota_http_exchange *exchange);

/* The same for lent memory, of which no member is set. */
struct rotai_http_lent *rotai_http_lent_take(struct rotai_http_shard *shard);
void rotai_http_lent_give(struct rotai_http_shard *shard,
			  struct rotai_http_lent *lent);

/* Free all free lists of @shard. */
void rotai_http_storage_free(struct rotai_http_shard *shard);

/* Bytes of the arena, or NULL. */
void *rotai_http_arena(struct rota_http_exchange *exchange, size_t size);

/* Put @hook, of which `next` is not set, first in @list. Returns 0 or
 * ROTA_ENOMEM. */
int rotai_http_add_hook(struct rota_http_exchange *exchange,
			struct rotai_http_hook **list,
			struct rotai_http_hook hook);

#endif
