/*
 * http/stop.c - the end of a server.
 *
 *  1. A stop posts a task to each loop, which stops the shard's rota_server.
 *     When that has no connection, and the shard no exchange, it posts a task
 *     to the first loop. The last of these calls the program.
 *  2. Until then a timer that is never due keeps the first loop alive.
 */
#include "http/stop.h"

#include "http/advance.h"
#include "http/life.h"
#include "http/out.h"
#include "rota/error.h"

static struct rotai_http_shard *of_stop(struct rota_task *task)
{
	return rota_container_of(task, struct rotai_http_shard, stop_task);
}

void rotai_http_on_stop(struct rota_connection *handle)
{
	struct rotai_http_connection *connection = rota_container_of(
		handle, struct rotai_http_connection, in.connection);

	connection->is_last = 1;
	if (connection->session != NULL)
		rotai_http_wake(connection->session);
}

static void on_no_connection(struct rota_server *server)
{
	struct rotai_http_shard *shard = rotai_http_shard_of(server);

	shard->has_no_connection = 1;
	rotai_http_note_gone(shard);
}

/* (2) */
static void never(struct rota_timer *timer)
{
	(void)timer;
}

static void stop_shard(struct rota_task *task)
{
	struct rotai_http_shard *shard = of_stop(task);

	shard->is_stopping = 1;
	if (shard->index == 0)
		(void)rota_timer_start(&shard->owner->alive, never, UINT64_MAX);
	if (rota_server_stop(&shard->server, shard->owner->grace_ns,
			     on_no_connection) < 0)
		on_no_connection(&shard->server);
}

void rotai_http_on_gone(struct rota_task *task)
{
	struct rotai_http_shard *shard =
		rota_container_of(task, struct rotai_http_shard, gone_task);
	struct rota_http_server *server = shard->owner;
	rota_http_stopped_fn *fn = server->stopped_fn;

	if (--server->shards_left > 0)
		return;
	rota_timer_stop(&server->alive);
	__atomic_store_n(&server->is_stopping, 2, __ATOMIC_RELEASE);
	if (fn != NULL)
		fn(server, server->stopped_arg);
}

int rota_http_server_stop(struct rota_http_server *server, uint64_t grace_ns,
			  rota_http_stopped_fn *fn, void *arg)
{
	uint32_t none = 0;

	for (size_t i = 0; i < server->count; i++)
		if (server->shards[i].loop == NULL)
			return ROTA_EINVAL;
	if (!__atomic_compare_exchange_n(&server->is_stopping, &none, 1, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return ROTA_EALREADY;
	server->grace_ns = grace_ns;
	server->stopped_fn = fn;
	server->stopped_arg = arg;
	server->shards_left = server->count;
	for (size_t i = 0; i < server->count; i++) {
		struct rotai_http_shard *shard = &server->shards[i];

		rota_task_init(&shard->gone_task, server->shards[0].loop);
		(void)rota_task_post(&shard->stop_task, stop_shard);
	}
	return 0;
}

static void reset_shard(struct rota_task *task)
{
	struct rotai_http_shard *shard =
		rota_container_of(task, struct rotai_http_shard, reset_task);

	rota_server_reset(&shard->server);
}

void rota_http_server_reset(struct rota_http_server *server)
{
	/* It may be posted already, or the loop is shutting down. */
	for (size_t i = 0; i < server->count; i++)
		if (server->shards[i].loop != NULL)
			(void)rota_task_post(&server->shards[i].reset_task,
					     reset_shard);
}

int rotai_http_may_free(const struct rota_http_server *server)
{
	for (size_t i = 0; i < server->count; i++)
		if (server->shards[i].shed_count > 0)
			return 0;
	return __atomic_load_n(&server->connections, __ATOMIC_ACQUIRE) == 0;
}
