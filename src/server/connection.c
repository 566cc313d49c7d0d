/*
 * server/connection.c - the connections of a server, one by one.
 *
 *  1. A connection has one timer. Until rota_connection_end() it is for the
 *     idle time, then for the end. A touch stores the time and leaves the timer
 *     as it is. When the timer is due, and the connection was touched since, it
 *     is started again for the rest. So a busy connection costs one start of a
 *     timer in each idle time.
 *     During a stop it is also for the end of a connection that is not busy any
 *     more. That waits for a whole turn: what the program has queued before
 *     may make it busy again, such as the rest of a framer that was paused.
 *  2. A connection is in the server's list of connections, or in `untold` until
 *     a stop has called on_stop for it.
 *  3. The server is full while it has as many connections as its limit says.
 *     Its listeners are paused for just as long.
 *  4. This uses the public functions of streams, except for the pause, which a
 *     forked child could not undo by them: rota_connection_stop() changes
 *     memory only, and may be called there.
 */
#include "server/connection.h"

#include "base/clock.h"
#include "base/list.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "rota/error.h"
#include "server/listener.h"

static int is_active(const struct rota_connection *connection)
{
	return connection->internal.server != NULL;
}

/* For the check of the caller. */
static inline __attribute__((unused)) struct rota_loop *
loop_if_active(const struct rota_connection *connection)
{
	return is_active(connection)
		       ? connection->internal.server->internal.loop
		       : NULL;
}

void rotai_connections_note(struct rota_server *server)
{
	/* It may be queued already. */
	if (server->internal.is_stopping && !server->internal.is_draining &&
	    server->internal.stats.open == 0)
		(void)rota_task_immediate(&server->internal.task,
					  server->internal.on_gone);
}

/* (3) */
static void update_fullness(struct rota_server *server)
{
	size_t limit = server->internal.options.limit;
	uint8_t is_full = limit > 0 && server->internal.stats.open >= limit;

	if (server->internal.is_full != is_full) {
		server->internal.is_full = is_full;
		rotai_listeners_set_paused(server, is_full);
	}
}

/* The idle time has passed. */
static void time_out(struct rota_connection *connection)
{
	struct rota_server *server = connection->internal.server;

	server->internal.stats.timed_out++;
	if (server->internal.options.on_timeout != NULL)
		server->internal.options.on_timeout(connection);
	else
		(void)rota_connection_end(connection);
}

/* (1) */
static void on_time(struct rota_timer *timer)
{
	struct rota_connection *connection = rota_container_of(
		timer, struct rota_connection, internal.timer);
	uint64_t now_ns = rota_loop_now(timer->internal.loop);
	uint64_t due_ns = rotai_add_saturated(connection->internal.touched_ns,
					      connection->internal.idle_ns);
	int is_due = now_ns >= due_ns;

	if (rota_handle_is_closing(&connection->internal.stream->handle))
		return; /* nothing but its close callback comes (O2) */
	if (connection->internal.is_ending) {
		(void)rota_connection_reset(connection);
		return;
	}
	if (connection->internal.turns_left > 0) {
		if (--connection->internal.turns_left > 0)
			(void)rota_timer_start(timer, on_time, 0);
		else
			(void)rota_connection_end(connection);
		return;
	}
	if (is_due) {
		connection->internal.touched_ns = now_ns;
		due_ns = rotai_add_saturated(now_ns,
					     connection->internal.idle_ns);
	}
	(void)rota_timer_start_at(timer, on_time, due_ns);
	if (is_due)
		time_out(connection); /* which may free it */
}

/* Start the timer for the idle time, of which a part may be over. */
static void await_idle(struct rota_connection *connection)
{
	struct rota_timer *timer = &connection->internal.timer;
	uint64_t due_ns = rotai_add_saturated(connection->internal.touched_ns,
					      connection->internal.idle_ns);

	if (connection->internal.idle_ns == 0)
		rota_timer_stop(timer);
	else
		(void)rota_timer_start_at(timer, on_time, due_ns);
}

/* Begin the idle time now. */
static void set_idle(struct rota_connection *connection, uint64_t idle_ns)
{
	struct rota_timer *timer = &connection->internal.timer;

	connection->internal.idle_ns = idle_ns;
	connection->internal.touched_ns = rota_loop_now(timer->internal.loop);
	if (connection->internal.is_ending ||
	    connection->internal.turns_left > 0)
		return;
	if (idle_ns == 0)
		rota_timer_stop(timer);
	else
		(void)rota_timer_start(timer, on_time, idle_ns);
}

int rota_connection_start(struct rota_connection *connection,
			  struct rota_server *server,
			  struct rota_stream *stream, rota_close_fn *fn)
{
	ROTAI_ENTER("server", server, server->internal.loop);
	struct rota_loop *loop = server->internal.loop;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (is_active(connection))
		return ROTA_EALREADY;
	if (fn == NULL || rota_handle_is_closing(&stream->handle))
		return ROTA_EINVAL;
	if (server->internal.is_stopping && !server->internal.is_draining)
		return ROTA_ESHUTDOWN;
	if (server->internal.is_full) {
		server->internal.stats.refused++;
		return ROTA_EBUSY;
	}
	connection->internal.server = server;
	connection->internal.stream = stream;
	connection->internal.fn = fn;
	connection->internal.is_busy = 0;
	connection->internal.is_ending = 0;
	connection->internal.turns_left = 0;
	rota_timer_init(&connection->internal.timer, loop);
	set_idle(connection, server->internal.options.idle_ns);
	rota_handle_on_shutdown(&stream->handle, fn);
	rotai_list_append(&server->internal.connections,
			  &connection->internal.link);
	server->internal.stats.accepted++;
	server->internal.stats.open++;
	rotai_listeners_count(server);
	update_fullness(server);
	return 0;
}

void rota_connection_stop(struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	struct rota_server *server = connection->internal.server;

	if (!is_active(connection))
		return;
	rota_timer_stop(&connection->internal.timer);
	rotai_list_remove(&connection->internal.link);
	connection->internal.server = NULL;
	server->internal.stats.open--;
	rotai_listeners_count(server);
	update_fullness(server);
	rotai_connections_note(server);
}

void rota_connection_touch(struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	if (is_active(connection))
		connection->internal.touched_ns =
			connection->internal.server->internal.loop->now_ns;
}

void rota_connection_set_idle(struct rota_connection *connection,
			      uint64_t idle_ns)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	if (is_active(connection))
		set_idle(connection, idle_ns);
}

void rota_connection_set_busy(struct rota_connection *connection, int is_busy)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	if (!is_active(connection))
		return;
	connection->internal.is_busy = is_busy != 0;
	if (!connection->internal.server->internal.is_stopping ||
	    connection->internal.is_ending)
		return;
	if (is_busy && connection->internal.turns_left > 0) {
		connection->internal.turns_left = 0;
		await_idle(connection);
	} else if (!is_busy) {
		connection->internal.turns_left = 2; /* this, and a whole one */
		(void)rota_timer_start(&connection->internal.timer, on_time, 0);
	}
}

int rota_connection_end_within(struct rota_connection *connection,
			       uint64_t end_ns)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	int error;

	if (!is_active(connection))
		return ROTA_EINVAL;
	if (connection->internal.is_ending)
		return ROTA_EALREADY;
	error = rota_stream_end(connection->internal.stream,
				connection->internal.fn);
	/* The program may have called that: the deadline is new. */
	if (error < 0 && error != ROTA_EALREADY)
		return error;
	connection->internal.is_ending = 1;
	rota_timer_stop(&connection->internal.timer);
	if (end_ns > 0)
		(void)rota_timer_start(&connection->internal.timer, on_time,
				       end_ns);
	return 0;
}

int rota_connection_end(struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	return is_active(connection)
		       ? rota_connection_end_within(
				 connection, connection->internal.server
						     ->internal.options.end_ns)
		       : ROTA_EINVAL;
}

int rota_connection_reset(struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	int error;

	if (!is_active(connection))
		return ROTA_EINVAL;
	error = rota_stream_close_reset(connection->internal.stream,
					connection->internal.fn);
	if (error == 0)
		connection->internal.server->internal.stats.reset++;
	return error;
}

struct rota_stream *
rota_connection_stream(const struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	return is_active(connection) ? connection->internal.stream : NULL;
}

struct rota_server *
rota_connection_server(const struct rota_connection *connection)
{
	ROTAI_ENTER("connection", connection, loop_if_active(connection));
	return connection->internal.server;
}
