/*
 * http/proxied.c - see proxied.h.
 *
 *  1. A connection that waits for a header has memory for it, in the place of
 *     the peer. So it has a pointer more, and that only if the server has
 *     proxies or writes about exchanges.
 *  2. The peer is asked for once, by getpeername(2), and kept: as many bytes of
 *     a struct rota_address as are used.
 */
#include "http/proxied.h"

#include <string.h>

#include "http/storage.h"
#include "rota/error.h"

size_t rotai_http_size_by(enum rotai_http_carrier carrier)
{
	size_t base = offsetof(struct rotai_http_connection, by);

	if (carrier == ROTAI_HTTP_TCP)
		return base + sizeof(struct rota_tcp);
	return base + (carrier == ROTAI_HTTP_PIPE
			       ? sizeof(struct rota_pipe)
			       : sizeof(struct rotai_http_served));
}

/* (1) */
static union rotai_http_origin *
origin_of(struct rotai_http_connection *connection)
{
	void *behind = (char *)connection +
		       rotai_http_size_by(
			       (enum rotai_http_carrier)connection->carrier);

	return behind;
}

static size_t size_of_peer(const struct rota_address *peer)
{
	return offsetof(struct rota_address, is) + peer->size;
}

static void copy_peer(struct rota_address *to, const struct rota_address *from)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, from, size_of_peer(from));
}

/* (2) Without memory it is asked for again. */
static void keep_peer(struct rotai_http_connection *connection,
		      struct rotai_http_shard *shard,
		      const struct rota_address *peer)
{
	struct rota_address *kept;

	if (!connection->has_origin)
		return;
	kept = rotai_http_resize(shard, NULL, 0, size_of_peer(peer));
	if (kept != NULL)
		memcpy(kept, peer, size_of_peer(peer));
	origin_of(connection)->peer = kept;
}

int rotai_http_read_peer(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard,
			 struct rota_address *peer)
{
	int error;

	if (connection->awaits_header)
		return ROTA_ENOTCONN;
	if (connection->has_origin && origin_of(connection)->peer != NULL) {
		copy_peer(peer, origin_of(connection)->peer);
		return 0;
	}
	if (connection->carrier == ROTAI_HTTP_TCP) {
		error = rota_tcp_peer_address(&connection->by.tcp, peer);
		if (error == 0)
			keep_peer(connection, shard, peer);
		return error;
	}
	if (connection->carrier != ROTAI_HTTP_SERVED ||
	    connection->by.served.peer == NULL)
		return ROTA_ENOTSUP;
	*peer = *connection->by.served.peer;
	return 0;
}

int rotai_http_is_proxy(struct rotai_http_connection *connection,
			struct rotai_http_shard *shard)
{
	const struct rota_http_networks *proxies =
		&shard->owner->options.proxies;
	struct rota_address peer;

	if (proxies->count == 0 || connection->carrier == ROTAI_HTTP_SERVED)
		return 0;
	if (connection->carrier == ROTAI_HTTP_PIPE)
		(void)rota_address_unix(&peer, NULL, 0);
	else if (rota_tcp_peer_address(&connection->by.tcp, &peer) < 0)
		return 0;
	return rota_http_networks_have(proxies, &peer);
}

int rotai_http_await_header(struct rotai_http_connection *connection,
			    struct rotai_http_shard *shard)
{
	struct rota_http_proxy_header *header =
		rotai_http_resize(shard, NULL, 0, sizeof(*header));

	if (header == NULL)
		return ROTA_ENOMEM;
	rota_http_proxy_header_init(header, ROTA_HTTP_PROXY_EXTENSION_SIZE);
	origin_of(connection)->header = header;
	connection->awaits_header = 1;
	return 0;
}

int rotai_http_take_header(struct rotai_http_connection *connection,
			   struct rotai_http_shard *shard,
			   struct rota_const_buf bytes, size_t *used)
{
	struct rota_address source;
	struct rota_http_proxy_header *header = origin_of(connection)->header;
	int result = rota_http_proxy_header_feed(header, bytes, used);

	if (result <= 0)
		return result;
	source = header->source;
	rotai_http_forget_peer(connection, shard);
	if (source.size > 0) {
		keep_peer(connection, shard, &source);
		if (origin_of(connection)->peer == NULL)
			return ROTA_ENOMEM; /* the proxy is not the client */
	}
	return result;
}

void rotai_http_note_peer(struct rota_http_exchange *exchange)
{
	struct rota_address peer;
	struct rota_address *noted;

	if (exchange->shard->owner->options.on_done == NULL ||
	    rotai_http_read_peer(exchange->session->connection, exchange->shard,
				 &peer) < 0)
		return;
	noted = rotai_http_arena(exchange, size_of_peer(&peer));
	if (noted != NULL)
		memcpy(noted, &peer, size_of_peer(&peer));
	exchange->peer = noted;
}

void rotai_http_forget_peer(struct rotai_http_connection *connection,
			    struct rotai_http_shard *shard)
{
	union rotai_http_origin *origin = origin_of(connection);

	if (!connection->has_origin)
		return;
	if (connection->awaits_header)
		rotai_http_resize(shard, origin->header,
				  sizeof(*origin->header), 0);
	else if (origin->peer != NULL)
		rotai_http_resize(shard, origin->peer,
				  size_of_peer(origin->peer), 0);
	origin->peer = NULL;
	connection->awaits_header = 0;
}
