/*
 * http/quota.h - how many connections there are, in all and by address.
 */
#ifndef ROTAI_HTTP_QUOTA_H
#define ROTAI_HTTP_QUOTA_H

#include "http/serving.h"

/* Allocate a connection for a @carrier, all zero but for that. */
struct rotai_http_connection *
rotai_http_connection_new(struct rotai_http_shard *shard,
			  enum rotai_http_carrier carrier);

/* Free one that was never started. */
void rotai_http_connection_free(struct rotai_http_connection *connection,
				struct rotai_http_shard *shard);

/* Count @connection. Returns 0; or the counter of the limit that is reached;
 * or ROTA_ENOMEM. */
int rotai_http_admit(struct rotai_http_connection *connection,
		     struct rotai_http_shard *shard,
		     const struct rota_address *peer);

/* Count @connection for the limit of its peer alone. Returns as
 * rotai_http_admit(). @peer may be NULL: it is not known. */
int rotai_http_admit_address(struct rotai_http_connection *connection,
			     struct rotai_http_shard *shard,
			     const struct rota_address *peer);

/* The connection has ended: stop it, and count it no longer. Returns a close
 * callback for its stream, which frees what is left. */
rota_close_fn *rotai_http_release(struct rotai_http_connection *connection,
				  struct rotai_http_shard *shard);

/* Free the table of addresses. */
void rotai_http_quota_free(struct rota_http_server *server);

#endif
