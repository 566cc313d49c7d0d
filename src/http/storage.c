/*
 * http/storage.c - the memory of a server.
 *
 *  1. Every byte goes through rotai_http_resize(), which counts it for the
 *     whole server. What is in a free list counts too.
 *  2. Free lists belong to a shard, and have bounds. They make a request cost
 *     no allocation.
 *  3. An exchange is one block: the struct, its fields, its own arena. A larger
 *     arena has further blocks, which are freed with the exchange.
 */
#include "http/storage.h"

#include <string.h>

#include "rota/error.h"

void rotai_http_account(struct rota_http_server *server, size_t more,
			size_t less)
{
	if (more >= less)
		__atomic_fetch_add(&server->memory, more - less,
				   __ATOMIC_RELAXED);
	else
		__atomic_fetch_sub(&server->memory, less - more,
				   __ATOMIC_RELAXED);
}

void *rotai_http_resize(struct rotai_http_shard *shard, void *pointer,
			size_t old, size_t size)
{
	struct rota_http_server *server = shard->owner;
	size_t limit = server->options.memory;
	size_t now = __atomic_load_n(&server->memory, __ATOMIC_RELAXED);
	void *result;

	if (limit > 0 && size > old &&
	    (now > limit || size - old > limit - now))
		return NULL;
	result = server->allocator.resize(server->allocator.context, pointer,
					  old, size);
	if (result != NULL || size == 0)
		rotai_http_account(server, size, old);
	return result;
}

void *rotai_http_resize_for(void *context, void *pointer, size_t old,
			    size_t size)
{
	return rotai_http_resize(context, pointer, old, size);
}

struct rotai_http_session *
rotai_http_session_take(struct rotai_http_shard *shard)
{
	struct rotai_http_session *session = shard->free_sessions;

	if (session != NULL) {
		shard->free_sessions = session->next;
		shard->free_session_count--;
	} else {
		session = rotai_http_resize(shard, NULL, 0, sizeof(*session));
		if (session == NULL)
			return NULL;
	}
	*session = (struct rotai_http_session){ 0 };
	session->shard = shard;
	return session;
}

void rotai_http_session_give(struct rotai_http_session *session)
{
	struct rotai_http_shard *shard = session->shard;

	if (shard->free_session_count >= ROTAI_HTTP_FREE_SESSIONS) {
		rotai_http_resize(shard, session, sizeof(*session), 0);
		return;
	}
	session->next = shard->free_sessions;
	shard->free_sessions = session;
	shard->free_session_count++;
}

struct rota_http_exchange *
rotai_http_exchange_take(struct rotai_http_shard *shard)
{
	size_t size = shard->owner->exchange_size;
	struct rota_http_exchange *exchange = shard->free_exchanges;

	if (exchange != NULL) {
		shard->free_exchanges = exchange->next;
		shard->free_exchange_count--;
	} else {
		exchange = rotai_http_resize(shard, NULL, 0, size);
		if (exchange == NULL)
			return NULL;
	}
	memset(exchange, 0, sizeof(*exchange));
	exchange->shard = shard;
	exchange->head.fields = exchange->field;
	exchange->head.capacity = (uint32_t)shard->owner->options.field_count;
	return exchange;
}

void rotai_http_exchange_give(struct rota_http_exchange *exchange)
{
	struct rotai_http_shard *shard = exchange->shard;
	struct rotai_http_block *block;

	while ((block = exchange->blocks) != NULL) {
		exchange->blocks = block->next;
		rotai_http_resize(shard, block, block->size, 0);
	}
	if (exchange->whole_capacity > 0)
		rotai_http_resize(shard, exchange->whole,
				  exchange->whole_capacity, 0);
	if (shard->free_exchange_count >= ROTAI_HTTP_FREE_EXCHANGES) {
		rotai_http_resize(shard, exchange, shard->owner->exchange_size,
				  0);
		return;
	}
	exchange->next = shard->free_exchanges;
	shard->free_exchanges = exchange;
	shard->free_exchange_count++;
}

struct rotai_http_lent *rotai_http_lent_take(struct rotai_http_shard *shard)
{
	struct rotai_http_lent *lent = shard->free_lent;

	if (lent == NULL)
		return rotai_http_resize(shard, NULL, 0, sizeof(*lent));
	shard->free_lent = lent->next;
	shard->free_lent_count--;
	return lent;
}

void rotai_http_lent_give(struct rotai_http_shard *shard,
			  struct rotai_http_lent *lent)
{
	if (shard->free_lent_count >= ROTAI_HTTP_FREE_LENT) {
		rotai_http_resize(shard, lent, sizeof(*lent), 0);
		return;
	}
	lent->next = shard->free_lent;
	shard->free_lent = lent;
	shard->free_lent_count++;
}

void rotai_http_storage_free(struct rotai_http_shard *shard)
{
	struct rotai_http_session *session;
	struct rota_http_exchange *exchange;
	struct rotai_http_lent *lent;

	while ((session = shard->free_sessions) != NULL) {
		shard->free_sessions = session->next;
		rotai_http_resize(shard, session, sizeof(*session), 0);
	}
	while ((exchange = shard->free_exchanges) != NULL) {
		shard->free_exchanges = exchange->next;
		rotai_http_resize(shard, exchange, shard->owner->exchange_size,
				  0);
	}
	while ((lent = shard->free_lent) != NULL) {
		shard->free_lent = lent->next;
		rotai_http_resize(shard, lent, sizeof(*lent), 0);
	}
	shard->free_session_count = 0;
	shard->free_exchange_count = 0;
	shard->free_lent_count = 0;
}

/* A block of its own for @size bytes. */
static void *add_block(struct rota_http_exchange *exchange, size_t size)
{
	struct rotai_http_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	size += sizeof(*block);
	block = rotai_http_resize(exchange->shard, NULL, 0, size);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->next = exchange->blocks;
	exchange->blocks = block;
	return block->bytes;
}

void *rotai_http_arena(struct rota_http_exchange *exchange, size_t size)
{
	const size_t unit = _Alignof(max_align_t);
	size_t whole = exchange->shard->owner->exchange_size;
	char *begin = (char *)exchange + whole - ROTAI_HTTP_ARENA_SIZE;
	size_t need =
		size < SIZE_MAX - unit ? (size + unit - 1) & ~(unit - 1) : size;
	void *result;

	if (need > ROTAI_HTTP_ARENA_SIZE - exchange->used)
		return add_block(exchange, size);
	result = begin + exchange->used;
	exchange->used += need;
	return result;
}

int rotai_http_add_hook(struct rota_http_exchange *exchange,
			struct rotai_http_hook **list,
			struct rotai_http_hook hook)
{
	struct rotai_http_hook *kept = rotai_http_arena(exchange, sizeof(hook));

	if (kept == NULL)
		return ROTA_ENOMEM;
	hook.next = *list;
	*kept = hook;
	*list = kept;
	return 0;
}
