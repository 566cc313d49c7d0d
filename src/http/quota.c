/*
 * http/quota.c - how many connections there are, in all and by address.
 *
 *  1. Only the begin and the end of a connection come here. The number of all
 *     is atomic; the table of addresses has a lock, and is used only if there
 *     is a limit.
 *  2. IPv4 addresses are keys as IPv6 ones that map them. Of IPv6, the first 64
 *     bits count: a host may have all addresses of such a network.
 */
#include "http/quota.h"

#include <string.h>

#include "http/memory.h"
#include "http/proxied.h"
#include "http/storage.h"
#include "rota/error.h"

enum { ADDRESS_SLOTS = 1024, NETWORK_BYTES = 8 };

static size_t connection_size(const struct rotai_http_connection *connection)
{
	return rotai_http_size_by(
		       (enum rotai_http_carrier)connection->carrier) +
	       (connection->has_origin ? sizeof(union rotai_http_origin) : 0);
}

struct rotai_http_connection *
rotai_http_connection_new(struct rotai_http_shard *shard,
			  enum rotai_http_carrier carrier)
{
	const struct rota_http_server_options *options = &shard->owner->options;
	int has_origin = options->proxies.count > 0 || options->on_done != NULL;
	size_t size = rotai_http_size_by(carrier) +
		      (has_origin ? sizeof(union rotai_http_origin) : 0);
	struct rotai_http_connection *connection =
		rotai_http_resize(shard, NULL, 0, size);

	if (connection == NULL)
		return NULL;
	memset(connection, 0, size);
	connection->carrier = (uint8_t)carrier;
	connection->has_origin = has_origin ? 1 : 0;
	return connection;
}

void rotai_http_connection_free(struct rotai_http_connection *connection,
				struct rotai_http_shard *shard)
{
	rotai_http_resize(shard, connection, connection_size(connection), 0);
}

/* --- addresses ------------------------------------------------------------ */

/* Set the key of @peer. Returns 0 if it has none. (2) */
static int read_key(unsigned char key[16], const struct rota_address *peer)
{
	memset(key, 0, 16);
	if (peer->is.any.sa_family == AF_INET) {
		key[10] = 0xff;
		key[11] = 0xff;
		memcpy(key + 12, &peer->is.ip4.sin_addr, 4);
		return 1;
	}
	if (peer->is.any.sa_family != AF_INET6)
		return 0;
	memcpy(key, &peer->is.ip6.sin6_addr, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&peer->is.ip6.sin6_addr))
		memset(key + NETWORK_BYTES, 0, 16 - NETWORK_BYTES);
	return 1;
}

static size_t address_slot(const unsigned char key[16])
{
	return rotai_http_hash(key, 16) % ADDRESS_SLOTS;
}

static void lock_addresses(struct rota_http_server *server)
{
	(void)pthread_mutex_lock(&server->addresses_lock);
}

static void unlock_addresses(struct rota_http_server *server)
{
	(void)pthread_mutex_unlock(&server->addresses_lock);
}

/* Find the link to the entry of @key, or the one where it would be. */
static struct rotai_http_address **find_address(struct rota_http_server *server,
						const unsigned char key[16])
{
	struct rotai_http_address **at = &server->addresses[address_slot(key)];

	while (*at != NULL && memcmp((*at)->key, key, 16) != 0)
		at = &(*at)->next;
	return at;
}

static int count_address(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard,
			 const unsigned char key[16])
{
	struct rota_http_server *server = shard->owner;
	struct rotai_http_address **at;

	if (server->addresses == NULL) {
		size_t size = ADDRESS_SLOTS * sizeof(server->addresses[0]);

		server->addresses = rotai_http_resize(shard, NULL, 0, size);
		if (server->addresses == NULL)
			return ROTA_ENOMEM;
		memset(server->addresses, 0, size);
	}
	at = find_address(server, key);
	if (*at == NULL) {
		*at = rotai_http_resize(shard, NULL, 0, sizeof(**at));
		if (*at == NULL)
			return ROTA_ENOMEM;
		(*at)->next = NULL;
		(*at)->count = 0;
		memcpy((*at)->key, key, 16);
	}
	if ((*at)->count >= server->options.connections_per_address)
		return ROTAI_HTTP_OVER_ADDRESS;
	(*at)->count++;
	connection->address = *at;
	return 0;
}

static void forget_address(struct rotai_http_connection *connection,
			   struct rotai_http_shard *shard)
{
	struct rota_http_server *server = shard->owner;
	struct rotai_http_address *address = connection->address;

	if (address == NULL)
		return;
	connection->address = NULL;
	lock_addresses(server);
	if (--address->count == 0) {
		*find_address(server, address->key) = address->next;
		rotai_http_resize(shard, address, sizeof(*address), 0);
	}
	unlock_addresses(server);
}

void rotai_http_quota_free(struct rota_http_server *server)
{
	if (server->addresses != NULL)
		rotai_http_resize(&server->shards[0], server->addresses,
				  ADDRESS_SLOTS * sizeof(server->addresses[0]),
				  0);
	server->addresses = NULL;
}

/* --- connections ---------------------------------------------------------- */

int rotai_http_admit_address(struct rotai_http_connection *connection,
			     struct rotai_http_shard *shard,
			     const struct rota_address *peer)
{
	struct rota_http_server *server = shard->owner;
	unsigned char key[16];
	int result = 0;

	if (server->options.connections_per_address > 0 && peer != NULL &&
	    read_key(key, peer)) {
		lock_addresses(server);
		result = count_address(connection, shard, key);
		unlock_addresses(server);
	}
	return result;
}

int rotai_http_admit(struct rotai_http_connection *connection,
		     struct rotai_http_shard *shard,
		     const struct rota_address *peer)
{
	struct rota_http_server *server = shard->owner;
	size_t limit = server->options.connections;
	size_t now =
		__atomic_fetch_add(&server->connections, 1, __ATOMIC_RELAXED);
	int result =
		limit > 0 && now >= limit ? ROTAI_HTTP_OVER_CONNECTIONS : 0;

	if (result == 0)
		result = rotai_http_admit_address(connection, shard, peer);
	if (result != 0) {
		__atomic_fetch_sub(&server->connections, 1, __ATOMIC_RELAXED);
		return result;
	}
	connection->is_counted = 1;
	rotai_http_count(shard, ROTAI_HTTP_CONNECTIONS, 1);
	return 0;
}

static void free_tcp(struct rota_handle *handle)
{
	struct rotai_http_connection *connection = rota_container_of(
		handle, struct rotai_http_connection, by.tcp.handle);
	struct rota_allocator allocator = connection->in.allocator;

	allocator.resize(allocator.context, connection,
			 connection_size(connection), 0);
}

rota_close_fn *rotai_http_release(struct rotai_http_connection *connection,
				  struct rotai_http_shard *shard)
{
	struct rota_http_server *server = shard->owner;
	enum rotai_http_carrier carrier =
		(enum rotai_http_carrier)connection->carrier;
	rota_close_fn *fn = free_tcp;

	forget_address(connection, shard);
	rotai_http_forget_peer(connection, shard);
	if (connection->is_shed)
		shard->shed_count--;
	if (connection->is_counted) {
		__atomic_fetch_sub(&server->connections, 1, __ATOMIC_RELAXED);
		rotai_http_count(shard, ROTAI_HTTP_CONNECTIONS, UINT64_MAX);
	}
	rota_connection_stop(&connection->in.connection);
	if (carrier == ROTAI_HTTP_SERVED) {
		fn = connection->by.served.fn;
		if (connection->by.served.peer != NULL)
			rotai_http_resize(shard, connection->by.served.peer,
					  sizeof(struct rota_address), 0);
		rotai_http_connection_free(connection, shard);
		return fn;
	}
	connection->in.allocator = server->allocator;
	rotai_http_account(server, 0, connection_size(connection));
	return fn;
}
