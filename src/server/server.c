/*
 * server/server.c - a server: its options, and its stop.
 *
 *  1. A stop closes the listeners at once. The rest is done by a task, so that
 *     the stop may be called in any callback: no other callback runs inside it.
 *  2. The task takes the list of connections whole, into `untold`, and moves
 *     each back before it calls on_stop for it. So on_stop may free any.
 *  3. When a connection goes, and it was the last, the same task is queued
 *     again, for the callback of the stop.
 *  4. While on_stop is called, or connections are drained, the task is queued.
 *     So if the program forks there, the child goes on when it has rebuilt the
 *     loop.
 *  5. A drain accepts connections in a posted task, because functions of
 *     listeners are called in the poll phase. After that the stop goes on as
 *     usual, with these connections among the others.
 */
#include "rota/server.h"

#include "base/list.h"
#include "base/sized.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "rota/error.h"
#include "server/connection.h"
#include "server/listener.h"

/* The first versions of the structs ended with these members. */
enum {
	LEAST_SERVER_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_server_options, on_stop),
	LEAST_SERVER_STATS = ROTAI_SIZE_UP_TO(struct rota_server_stats, shed),
};

ROTAI_SIZED(struct rota_server_options, drain);
ROTAI_SIZED(struct rota_server_stats, shed);

static const uint64_t END_NS = ROTA_SEC(5);

void rota_server_options_init_size(struct rota_server_options *options,
				   size_t size)
{
	const struct rota_server_options defaults = { .end_ns = END_NS };

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

static struct rota_server *server_of(struct rota_task *task)
{
	return rota_container_of(task, struct rota_server, internal.task);
}

/* All connections have gone. (3) */
static void on_gone(struct rota_task *task)
{
	struct rota_server *server = server_of(task);

	rota_timer_stop(&server->internal.grace);
	if (server->internal.fn != NULL)
		server->internal.fn(server);
}

static void call_on_stop(struct rota_server *server,
			 struct rota_connection *connection)
{
	struct rota_loop *loop = server->internal.loop;

	if (server->internal.options.on_stop == NULL ||
	    rota_handle_is_closing(&connection->internal.stream->handle))
		return;
	rotai_callback_begin(loop, "connection", NULL, connection);
	server->internal.options.on_stop(connection);
	rotai_callback_end(loop, "connection", connection);
}

/* End those that are not busy. The rest ends later. */
static void end_idle(struct rota_server *server)
{
	struct rota_link *list = &server->internal.connections;

	for (struct rota_link *at = list->next; at != list; at = at->next)
		if (rotai_connection_is_idle(rotai_connection_of(at)))
			(void)rota_connection_end(rotai_connection_of(at));
}

/* (2) */
static void tell_untold(struct rota_task *task)
{
	struct rota_server *server = server_of(task);
	struct rota_link *link;

	(void)rota_task_immediate(task, tell_untold); /* (4) */
	while ((link = rotai_list_take_first(&server->internal.untold)) !=
	       NULL) {
		rotai_list_append(&server->internal.connections, link);
		call_on_stop(server, rotai_connection_of(link));
		if (rotai_loop_inherited(server->internal.loop) < 0)
			return; /* the rest is the parent's (F2) */
	}
	(void)rota_task_cancel(task);
	end_idle(server);
	rotai_connections_note(server);
}

static void tell_all(struct rota_task *task)
{
	struct rota_server *server = server_of(task);

	rotai_list_splice(&server->internal.untold,
			  &server->internal.connections);
	tell_untold(task);
}

/* (5) */
static void drain_listeners(struct rota_task *task)
{
	struct rota_server *server = server_of(task);

	if (rota_task_post(task, drain_listeners) < 0) /* (4) */
		return; /* this is a child: the queue is the parent's */
	rotai_listeners_drain(server, server->internal.options.drain);
	if (rotai_loop_inherited(server->internal.loop) < 0)
		return;
	(void)rota_task_cancel(task);
	server->internal.is_draining = 0;
	(void)rota_task_immediate(task, tell_all);
}

static void on_grace_over(struct rota_timer *timer)
{
	rota_server_reset(
		rota_container_of(timer, struct rota_server, internal.grace));
}

int rota_server_init(struct rota_server *server, struct rota_loop *loop,
		     const struct rota_server_options *options)
{
	ROTAI_ENTER("server", server, loop);
	struct rota_server_options ours;
	int error = 0;

	rota_server_options_init(&ours);
	if (options != NULL)
		error = rotai_sized_take(&ours, sizeof(ours), options,
					 LEAST_SERVER_OPTIONS);
	if (error < 0)
		return error;
	server->internal.loop = loop;
	server->internal.options = ours;
	server->internal.stats = (struct rota_server_stats){ 0 };
	rotai_list_init(&server->internal.listeners);
	rotai_list_init(&server->internal.connections);
	rotai_list_init(&server->internal.untold);
	rota_timer_init(&server->internal.grace, loop);
	rota_task_init(&server->internal.task, loop);
	server->internal.on_gone = on_gone;
	server->internal.fn = NULL;
	server->internal.is_full = 0;
	server->internal.is_stopping = 0;
	server->internal.is_draining = 0;
	server->internal.stop = NULL;
	return 0;
}

int rota_server_stop(struct rota_server *server, uint64_t grace_ns,
		     rota_server_fn *fn)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	int error = rotai_loop_admits(server->internal.loop);

	if (error < 0)
		return error;
	if (server->internal.is_stopping)
		return ROTA_EALREADY;
	/* Neither fails now. */
	(void)rota_timer_start(&server->internal.grace, on_grace_over,
			       grace_ns);
	server->internal.fn = fn;
	server->internal.is_stopping = 1;
	if (server->internal.options.drain > 0) {
		server->internal.is_draining = 1;
		(void)rota_task_post(&server->internal.task, drain_listeners);
		return 0;
	}
	(void)rota_task_immediate(&server->internal.task, tell_all); /* (1) */
	rotai_listeners_close(server);
	return 0;
}

void rota_server_reset(struct rota_server *server)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	struct rota_link *const lists[] = { &server->internal.connections,
					    &server->internal.untold };

	for (int i = 0; i < 2; i++)
		for (struct rota_link *at = lists[i]->next; at != lists[i];
		     at = at->next)
			(void)rota_connection_reset(rotai_connection_of(at));
}

struct rota_connection *rota_server_next(const struct rota_server *server,
					 const struct rota_connection *previous)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	const struct rota_link *connections = &server->internal.connections;
	const struct rota_link *untold = &server->internal.untold;
	struct rota_link *next = previous != NULL ? previous->internal.link.next
						  : connections->next;

	if (next == connections) /* (2) */
		next = untold->next;
	return next != untold ? rotai_connection_of(next) : NULL;
}

int rota_server_is_stopping(const struct rota_server *server)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	return server->internal.is_stopping;
}

int rota_server_is_full(const struct rota_server *server)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	return server->internal.is_full;
}

struct rota_loop *rota_server_loop(const struct rota_server *server)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	return server->internal.loop;
}

int rota_server_get_stats(const struct rota_server *server,
			  struct rota_server_stats *stats)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	struct rota_server_stats ours = server->internal.stats;

	ours.shed += rotai_listeners_shed(server);
	return rotai_sized_give(stats, LEAST_SERVER_STATS, &ours, sizeof(ours));
}
