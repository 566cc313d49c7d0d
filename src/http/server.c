/*
 * http/server.c - servers: their options, shards and listeners.
 *
 *  1. A shard uses struct rota_server for its listeners and connections. The
 *     limits are the server's own, because connections beyond them are
 *     answered.
 *  2. A door is one address, and a listen group for all shards.
 */
#include "rota_http/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/admit.h"
#include "http/advance.h"
#include "http/expire.h"
#include "http/life.h"
#include "http/memory.h"
#include "http/quota.h"
#include "http/sized.h"
#include "http/stop.h"
#include "http/storage.h"
#include "rota/error.h"

enum {
	MOST_FIELDS = 10000,
	MOST_RETRY = 1000000,
	EXCHANGE_UNIT = _Alignof(max_align_t),
};

static void set_server_defaults(struct rota_http_server_options *options)
{
	*options = (struct rota_http_server_options){
		.size = sizeof(*options),
		.field_count = 100,
		.head_ns = ROTA_SEC(10),
		.body_pause_ns = ROTA_SEC(30),
		.idle_ns = ROTA_SEC(60),
		.stall_ns = ROTA_SEC(30),
		.handler_ns = ROTA_SEC(60),
		.linger_ns = ROTA_SEC(2),
		.linger_size = 65536,
		.connections = 16384,
		.requests = 100000,
		.watermark = 65536,
		.retry_seconds = 5,
		.strategy = ROTA_LISTEN_HAND_OVER,
		.backlog = 1024,
	};
	rota_http_limits_init(&options->limits);
	options->limits.body_size = (uint64_t)1 << 30;
}

void rota_http_server_options_init_size(
	struct rota_http_server_options *options, size_t size)
{
	struct rota_http_server_options ours;

	set_server_defaults(&ours);
	options->size = size;
	(void)rotai_http_sized_give(options, sizeof(size), &ours, sizeof(ours));
}

/* Copy what the caller gave. Returns 0 or ROTA_EINVAL. */
static int take_options(struct rota_http_server_options *ours,
			const struct rota_http_server_options *given)
{
	struct rota_http_parser parser;

	set_server_defaults(ours);
	if (given == NULL ||
	    rotai_http_sized_take(
		    ours, sizeof(*ours), given,
		    ROTAI_HTTP_SIZE_UP_TO(struct rota_http_server_options,
					  proxies)) < 0)
		return ROTA_EINVAL;
	if (ours->handler == NULL || ours->field_count == 0 ||
	    ours->field_count > MOST_FIELDS || ours->watermark == 0 ||
	    ours->watermark > INT32_MAX || ours->linger_size > INT32_MAX ||
	    ours->strategy > ROTA_LISTEN_REUSE_PORT || ours->backlog == 0 ||
	    ours->backlog > INT32_MAX || ours->retry_seconds > MOST_RETRY ||
	    ours->flags >= ROTA_HTTP_NO_DELAY << 1)
		return ROTA_EINVAL;
	return rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, NULL,
				     &ours->limits, NULL);
}

/* --- shards --------------------------------------------------------------- */

static int attach_shard(struct rotai_http_shard *shard, struct rota_loop *loop)
{
	const struct rota_http_server_options *options = &shard->owner->options;
	struct rota_server_options inner;

	rota_server_options_init(&inner);
	inner.idle_ns = options->idle_ns;
	inner.end_ns = options->linger_ns;
	inner.on_timeout = rotai_http_on_timeout;
	inner.on_stop = rotai_http_on_stop;
	shard->loop = rota_loop_ref(loop);
	rota_task_init(&shard->stop_task, loop);
	rota_task_init(&shard->reset_task, loop);
	if (shard->index == 0)
		rota_timer_init(&shard->owner->alive, loop);
	return rota_server_init(&shard->server, loop, &inner);
}

int rota_http_server_attach(struct rota_http_server *server, size_t index,
			    struct rota_loop *loop)
{
	if (index >= server->count || loop == NULL)
		return ROTA_EINVAL;
	if (server->shards[index].loop != NULL)
		return ROTA_EALREADY;
	return attach_shard(&server->shards[index], loop);
}

static void free_shard(struct rotai_http_shard *shard)
{
	struct rota_http_exchange *exchange;

	shard->is_stopping = 0;
	while ((exchange = shard->orphans) != NULL) {
		shard->orphans = exchange->next;
		rotai_http_forget(exchange);
	}
	rotai_http_storage_free(shard);
	if (shard->gather != NULL)
		rotai_http_resize(shard, shard->gather, ROTAI_HTTP_GATHER_SIZE,
				  0);
	if (shard->loop != NULL)
		rota_loop_unref(shard->loop);
}

/* Prepare a shard. Returns 0 or ROTA_ENOMEM. */
static int init_shard(struct rotai_http_shard *shard,
		      struct rota_http_server *server, size_t index)
{
	shard->owner = server;
	shard->index = index;
	shard->allocator.resize = rotai_http_resize_for;
	shard->allocator.context = shard;
	shard->gather =
		rotai_http_resize(shard, NULL, 0, ROTAI_HTTP_GATHER_SIZE);
	return shard->gather != NULL ? 0 : ROTA_ENOMEM;
}

/* --- servers -------------------------------------------------------------- */

static size_t server_size(size_t count)
{
	return sizeof(struct rota_http_server) +
	       count * sizeof(struct rotai_http_shard);
}

static void free_server(struct rota_http_server *server)
{
	struct rota_allocator allocator = server->allocator;

	for (size_t i = 0; i < server->count; i++)
		free_shard(&server->shards[i]);
	rotai_http_quota_free(server);
	(void)pthread_mutex_destroy(&server->addresses_lock);
	allocator.resize(allocator.context, server, server_size(server->count),
			 0);
}

static struct rota_http_server *
make_server(size_t count, const struct rota_http_server_options *options)
{
	struct rota_allocator allocator = rotai_http_malloc;
	struct rota_http_server *server;

	if (options->allocator != NULL)
		allocator = *options->allocator;
	server = allocator.resize(allocator.context, NULL, 0,
				  server_size(count));
	if (server == NULL)
		return NULL;
	memset(server, 0, server_size(count));
	server->allocator = allocator;
	server->options = *options;
	server->options.allocator = NULL;
	server->count = count;
	server->work = rotai_http_work;
	server->gone = rotai_http_on_gone;
	server->exchange_size =
		(sizeof(struct rota_http_exchange) +
		 options->field_count * sizeof(struct rota_http_field) +
		 EXCHANGE_UNIT - 1) /
			EXCHANGE_UNIT * EXCHANGE_UNIT +
		ROTAI_HTTP_ARENA_SIZE;
	(void)pthread_mutex_init(&server->addresses_lock, NULL);
	return server;
}

int rota_http_server_new(struct rota_http_server **server,
			 struct rota_loop *const *loops, size_t count,
			 const struct rota_http_server_options *options)
{
	struct rota_http_server_options ours;
	struct rota_http_server *made;
	int error = take_options(&ours, options);

	if (server == NULL || error < 0 || count == 0 ||
	    count > INT32_MAX / sizeof(struct rotai_http_shard))
		return ROTA_EINVAL;
	for (size_t i = 0; loops != NULL && i < count; i++)
		if (loops[i] == NULL)
			return ROTA_EINVAL;
	made = make_server(count, &ours);
	if (made == NULL)
		return ROTA_ENOMEM;
	for (size_t i = 0; error == 0 && i < count; i++)
		error = init_shard(&made->shards[i], made, i);
	for (size_t i = 0; error == 0 && loops != NULL && i < count; i++)
		error = attach_shard(&made->shards[i], loops[i]);
	if (error < 0) {
		free_server(made);
		return error;
	}
	*server = made;
	return 0;
}

int rota_http_server_free(struct rota_http_server *server)
{
	struct rotai_http_door *door;

	if (server == NULL)
		return 0;
	if (!rotai_http_may_free(server))
		return ROTA_EBUSY;
	while ((door = server->doors) != NULL) {
		server->doors = door->next;
		rota_listen_group_close(door->group);
		rotai_http_resize(&server->shards[0], door, sizeof(*door), 0);
	}
	free_server(server);
	return 0;
}

/* --- listening ------------------------------------------------------------ */

/* Make a door, and the options of its group. Returns 0 or an error. */
static int make_door(struct rota_http_server *server,
		     struct rotai_http_door **made,
		     struct rota_listen_group_options *options)
{
	struct rotai_http_shard *first = &server->shards[0];
	size_t size = server->count * sizeof(struct rota_server *);
	struct rota_server **servers;

	for (size_t i = 0; i < server->count; i++)
		if (server->shards[i].loop == NULL)
			return ROTA_EINVAL;
	*made = rotai_http_resize(first, NULL, 0, sizeof(**made));
	servers = rotai_http_resize(first, NULL, 0, size);
	if (*made == NULL || servers == NULL) {
		if (servers != NULL)
			rotai_http_resize(first, servers, size, 0);
		if (*made != NULL)
			rotai_http_resize(first, *made, sizeof(**made), 0);
		return ROTA_ENOMEM;
	}
	for (size_t i = 0; i < server->count; i++)
		servers[i] = &server->shards[i].server;
	rota_listen_group_options_init(options);
	options->servers = servers;
	options->count = server->count;
	options->fn = rotai_http_on_accept;
	options->data = *made;
	options->strategy = (enum rota_listen_strategy)server->options.strategy;
	options->backlog = (int)server->options.backlog;
	(*made)->server = server;
	return 0;
}

/* The group is there, or @error says why not. */
static int end_door(struct rota_http_server *server,
		    struct rotai_http_door *door,
		    const struct rota_listen_group_options *options, int error)
{
	struct rotai_http_shard *first = &server->shards[0];

	/* The list is an array that was made for this call. */
	rotai_http_resize(first, (void *)(uintptr_t)options->servers,
			  server->count * sizeof(struct rota_server *), 0);
	if (error < 0) {
		rotai_http_resize(first, door, sizeof(*door), 0);
		return error;
	}
	door->next = server->doors;
	server->doors = door;
	server->door_count++;
	return 0;
}

int rota_http_server_listen(struct rota_http_server *server,
			    const struct rota_address *address, unsigned flags)
{
	struct rota_listen_group_options options;
	struct rotai_http_door *door;
	int error = make_door(server, &door, &options);

	if (error < 0)
		return error;
	door->is_unix = 0;
	error = rota_listen_group_tcp(&door->group, &options, address, flags);
	return end_door(server, door, &options, error);
}

/* Whether it is a Unix socket. Others are checked by the group. */
static int is_unix(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	       address.ss_family == AF_UNIX;
}

int rota_http_server_listen_fd(struct rota_http_server *server, int fd)
{
	struct rota_listen_group_options options;
	struct rotai_http_door *door;
	int error = make_door(server, &door, &options);

	if (error < 0)
		return error;
	door->is_unix = is_unix(fd);
	error = rota_listen_group_open(&door->group, &options, fd);
	return end_door(server, door, &options, error);
}

int rota_http_server_address(const struct rota_http_server *server,
			     size_t index, struct rota_address *address)
{
	const struct rotai_http_door *door = server->doors;

	if (index >= server->door_count)
		return ROTA_EINVAL;
	for (size_t i = server->door_count - 1; i > index; i--)
		door = door->next;
	return rota_listen_group_address(door->group, address);
}

size_t rota_http_server_count(const struct rota_http_server *server)
{
	return server->count;
}

struct rota_loop *rota_http_server_loop(const struct rota_http_server *server,
					size_t index)
{
	return index < server->count ? server->shards[index].loop : NULL;
}
