/*
 * http/proxied.h - the peer of a connection, which a proxy may have told.
 */
#ifndef ROTAI_HTTP_PROXIED_H
#define ROTAI_HTTP_PROXIED_H

#include "http/serving.h"
#include "rota_http/proxy_header.h"

/* Where a connection comes from. It is behind the struct of the connection, if
 * the server may need it: if it has proxies, or something is called for each
 * exchange that is done. */
union rotai_http_origin {
	struct rota_address *peer;             /* as far as used; NULL: ask */
	struct rota_http_proxy_header *header; /* if it awaits one */
};

/* The size of a connection, without what is behind it. */
size_t rotai_http_size_by(enum rotai_http_carrier carrier);

/* Store the address of the peer in *@peer. Returns 0 or an error: see
 * rota_http_exchange_peer(). */
int rotai_http_read_peer(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard,
			 struct rota_address *peer);

/* Whether the peer must send a PROXY header. */
int rotai_http_is_proxy(struct rotai_http_connection *connection,
			struct rotai_http_shard *shard);

/* Begin to wait for the header. Returns 0 or ROTA_ENOMEM. */
int rotai_http_await_header(struct rotai_http_connection *connection,
			    struct rotai_http_shard *shard);

/* Read a part of the header. Returns as rota_http_proxy_header_feed(). When the
 * header is complete, the connection does not wait for it any more, and its
 * peer is the client. */
int rotai_http_take_header(struct rotai_http_connection *connection,
			   struct rotai_http_shard *shard,
			   struct rota_const_buf bytes, size_t *used);

/* Remember the peer in the exchange, for the time when the connection is gone,
 * if it can be asked for then. */
void rotai_http_note_peer(struct rota_http_exchange *exchange);

/* Free what there is of a peer or a header. */
void rotai_http_forget_peer(struct rotai_http_connection *connection,
			    struct rotai_http_shard *shard);

#endif
