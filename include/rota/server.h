/*
 * rota/server.h - the connections of a server: their number, their idle
 * time-outs, and a graceful stop.
 *
 * This is for streams of any class. The program listens, accepts, reads and
 * writes by itself; it tells the server of each listener and each connection.
 *
 *     struct client {
 *             struct rota_connection connection;
 *             struct rota_tcp tcp;
 *             ...
 *     };
 *
 *     static void on_close(struct rota_handle *handle)
 *     {
 *             struct client *c =
 *                     rota_container_of(handle, struct client, tcp.handle);
 *
 *             rota_connection_stop(&c->connection);
 *             free(c);
 *     }
 */
#ifndef ROTA_SERVER_H
#define ROTA_SERVER_H

#include "rota/stream.h"
#include "rota/task.h"
#include "rota/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_server;
struct rota_listener;
struct rota_connection;
struct rota_stop;
struct rotai_listener_class;

/**
 * Called for a connection: see struct rota_server_options.
 *
 * Phase:   that of its cause. The callback may close or free any connection,
 *          and stop the server.
 * Thread:  the loop's.
 */
typedef void rota_server_connection_fn(struct rota_connection *connection);

/**
 * Called when a server has stopped: no listener and no connection is left.
 *
 * Phase:   check. The callback may free @server, or initialize it again.
 * Thread:  the loop's.
 */
typedef void rota_server_fn(struct rota_server *server);

/** The options of a server. Call rota_server_options_init(), then change
 * members. Times are in nanoseconds; 0 means no limit. */
struct rota_server_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The most connections at a time. When there are so many, the
	 * listeners pause, and peers wait in the queue of the system. */
	size_t limit;

	/** How long a connection may be idle: how long after
	 * rota_connection_start(), or the last rota_connection_touch(), it has
	 * timed out. */
	uint64_t idle_ns;

	/** How long rota_connection_end() waits for the peer. Then the
	 * connection is reset. */
	uint64_t end_ns;

	/** Called when a connection has timed out. If it is still open after
	 * that, the next idle time begins. NULL: rota_connection_end(). */
	rota_server_connection_fn *on_timeout;

	/** Called for each connection that is not closing when the server
	 * begins to stop, so that it ends soon. NULL: nothing. */
	rota_server_connection_fn *on_stop;

	/** How many connections a stop accepts, at most, from the queue of each
	 * listener before it closes that. Their peers have connected, and a
	 * close would reset them. A listener that is paused accepts none, and
	 * neither does one of a listen group. 0: none. */
	uint64_t drain;
};

/** What rota_server_get_stats() stores. A later version may add members at the
 * end. */
struct rota_server_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t open;      /* connections now */
	uint64_t accepted;  /* started, since the initialization */
	uint64_t timed_out; /* idle for too long */
	uint64_t refused;   /* at the limit: rota_connection_start() */
	uint64_t reset;     /* by rota_connection_reset(), or a deadline */
	uint64_t shed;      /* by the listeners: rota_stream_shed() */
};

/**
 * A server: a list of listeners, and one of connections. It is memory only.
 *
 * Owner:   the caller, who keeps it alive and in place while it has listeners
 *          or connections, and from rota_server_stop() until its callback.
 */
struct rota_server {
	void *data; /* for the caller */
	struct {
		struct rota_loop *loop;
		struct rota_server_options options;
		struct rota_server_stats stats;
		struct rota_link listeners;
		struct rota_link connections;
		struct rota_link untold; /* connections, during a stop */
		struct rota_timer grace;
		struct rota_task task;
		rota_task_fn *on_gone;
		rota_server_fn *fn;
		struct rota_stop *stop; /* that has begun the stop */
		uint8_t is_full;
		uint8_t is_stopping;
		uint8_t is_draining;
	} internal; /* private to the library: do not read or write */
};

/**
 * A listener of a server. All zero, it is stopped.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started, and
 *          stops it, at the latest, in the close callback of its stream. A stop
 *          of the server stops it as well.
 */
struct rota_listener {
	void *data; /* for the caller */
	struct {
		struct rota_link link;
		struct rota_server *server;
		struct rota_stream *stream;
		rota_close_fn *fn;
		const struct rotai_listener_class *class_; /* or NULL */
	} internal; /* private to the library: do not read or write */
};

/**
 * A connection of a server. All zero, it is stopped.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started, and
 *          stops it, at the latest, in the close callback of its stream.
 */
struct rota_connection {
	void *data; /* for the caller */
	struct {
		struct rota_link link;
		struct rota_server *server; /* NULL: stopped */
		struct rota_stream *stream;
		rota_close_fn *fn;
		struct rota_timer timer; /* idle, or the end of an end */
		uint64_t idle_ns;
		uint64_t touched_ns;
		uint8_t is_busy;
		uint8_t is_ending;
		uint8_t turns_left; /* until the end, during a stop */
	} internal; /* private to the library: do not read or write */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_server_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_server_options_init_size(struct rota_server_options *options,
				   size_t size);

/**
 * Set *@options to the defaults: no limit, no idle time-out, an end of at most
 * 5 seconds, and no callbacks.
 *
 * Thread:  any.
 */
static inline void rota_server_options_init(struct rota_server_options *options)
{
	rota_server_options_init_size(options, sizeof(*options));
}

/**
 * Initialize @server, for connections of @loop. It has no listener yet.
 * @options may be NULL: the defaults. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @options have an invalid size
 */
int rota_server_init(struct rota_server *server, struct rota_loop *loop,
		     const struct rota_server_options *options);

/**
 * Add @stream, which listens, to the listeners of @server. From now on the
 * server pauses and resumes it (rota_stream_listen_pause()), and closes it when
 * the server stops: then @fn is called as its close callback. The function that
 * was given to rota_stream_listen() opens each connection, and calls
 * rota_connection_start(). Returns 0.
 *
 * Phase:   @fn runs in the closing phase; it may be NULL.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @stream does not listen, or is closing
 *          ROTA_EALREADY  @listener is started
 *          ROTA_ESHUTDOWN @server is stopping, or the loop is shutting down
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_listener_start(struct rota_listener *listener,
			struct rota_server *server, struct rota_stream *stream,
			rota_close_fn *fn);

/**
 * Remove @listener from its server. Its stream stays as it is: close it, before
 * or after this call. If @listener is stopped, as it is after
 * rota_server_stop(), do nothing.
 *
 * Thread:  the loop's.
 */
void rota_listener_stop(struct rota_listener *listener);

/**
 * Add the connection of @stream to @server. @fn is the close callback that the
 * server passes on when it ends or resets @stream; the program passes the same
 * function when it closes @stream by itself. @fn calls rota_connection_stop().
 * It is also the function of rota_handle_on_shutdown(). Returns 0.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL, or @stream is closing
 *          ROTA_EALREADY  @connection is started
 *          ROTA_EBUSY     @server has as many connections as it may: this
 *                         counts as refused
 *          ROTA_ESHUTDOWN @server is stopping, or the loop is shutting down
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed: close @stream.
 */
int rota_connection_start(struct rota_connection *connection,
			  struct rota_server *server,
			  struct rota_stream *stream, rota_close_fn *fn);

/**
 * Remove @connection from its server. Call this in the close callback of its
 * stream; or when the connection goes to another protocol or loop, and then the
 * stream stays as it is. If @connection is stopped, do nothing.
 *
 * Thread:  the loop's.
 * Owner:   the memory of @connection is the caller's again.
 */
void rota_connection_stop(struct rota_connection *connection);

/**
 * The connection is not idle: its idle time begins now, at rota_loop_now().
 * This stores one number. It makes no system call, allocates nothing, and
 * leaves the timer alone.
 *
 * Thread:  the loop's.
 */
void rota_connection_touch(struct rota_connection *connection);

/**
 * Set how long @connection may be idle, from now on: 0 means no limit. Without
 * this it is idle_ns of the options.
 *
 * Thread:  the loop's.
 */
void rota_connection_set_idle(struct rota_connection *connection,
			      uint64_t idle_ns);

/**
 * Say that the server has something to do for @connection (@is_busy is not 0),
 * such as a request to answer; or that it is done (0), which is so at first. A
 * server that stops ends a connection that is not busy. This does not change
 * its idle time.
 *
 * While a framer is paused, the connection should be busy: the records that the
 * framer has left are dropped when the connection ends. So set it busy (1) with
 * rota_frame_pause(), and not busy (0) right after rota_frame_resume(). If it
 * is not busy any more during a stop, its end waits for one more turn, in which
 * these records are reported and may make it busy again.
 *
 * Phase:   the end comes in the timers phase of the turn after the next.
 * Thread:  the loop's.
 */
void rota_connection_set_busy(struct rota_connection *connection, int is_busy);

/**
 * End @connection: rota_stream_end(), which sends what is queued and waits for
 * the peer; and after end_ns of the options, rota_connection_reset(). Its idle
 * time does not count any more. Returns 0.
 *
 * Phase:   the close callback of rota_connection_start() runs in the closing
 *          phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @connection is stopped, or its stream is closing
 *          ROTA_EALREADY  this was called before
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_connection_end(struct rota_connection *connection);

/**
 * As rota_connection_end(), with a time of its own instead of end_ns. 0 means
 * no limit.
 *
 * Phase, Thread, Errors: as rota_connection_end()
 */
int rota_connection_end_within(struct rota_connection *connection,
			       uint64_t end_ns);

/**
 * Close the stream of @connection at once, and reset it:
 * rota_stream_close_reset(). Returns 0.
 *
 * Phase:   as rota_connection_end()
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @connection is stopped
 *          else as rota_handle_close()
 */
int rota_connection_reset(struct rota_connection *connection);

/**
 * Return the stream of @connection, or NULL if it is stopped.
 *
 * Thread:  the loop's.
 */
struct rota_stream *
rota_connection_stream(const struct rota_connection *connection);

/**
 * Return the server of @connection, or NULL if it is stopped.
 *
 * Thread:  the loop's.
 */
struct rota_server *
rota_connection_server(const struct rota_connection *connection);

/**
 * Return the connection of @server that was started first after @previous; with
 * NULL, the first one. Returns NULL if there is none. @previous must be
 * started.
 *
 * Thread:  the loop's.
 */
struct rota_connection *
rota_server_next(const struct rota_server *server,
		 const struct rota_connection *previous);

/**
 * Stop @server gracefully. Its listeners are closed, so nobody can connect any
 * more. With the option drain they are closed in the poll phase, after they
 * have accepted what waits in their queues. In the check phase on_stop of the
 * options is called for each connection, and each one that is not busy is
 * ended: rota_connection_end(). A busy one is ended when it is not busy any
 * more. @grace_ns nanoseconds from now, those that are left are reset;
 * UINT64_MAX means never. When all have gone, @fn is called, once. Returns 0.
 *
 * Phase:   on_stop and @fn run in the check phase; @fn may be NULL. This
 *          function may be called in any callback.
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY   @server is stopping, or has stopped
 *          ROTA_ESHUTDOWN  the loop is shutting down, which closes all streams
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_server_stop(struct rota_server *server, uint64_t grace_ns,
		     rota_server_fn *fn);

/**
 * Reset all connections of @server: for a second signal, during a stop that
 * takes too long.
 *
 * Thread:  the loop's.
 */
void rota_server_reset(struct rota_server *server);

/**
 * Return 1 if rota_server_stop() was called for @server, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_server_is_stopping(const struct rota_server *server);

/**
 * Return 1 if @server has as many connections as it may, so that its listeners
 * are paused; 0 if not. A protocol may then keep no idle connection open.
 *
 * Thread:  the loop's.
 */
int rota_server_is_full(const struct rota_server *server);

/**
 * Return the loop of @server.
 *
 * Thread:  the loop's.
 */
struct rota_loop *rota_server_loop(const struct rota_server *server);

/**
 * Store the statistics of @server in *@stats. Set @stats->size before the call.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @stats is NULL, or its size is too small
 */
int rota_server_get_stats(const struct rota_server *server,
			  struct rota_server_stats *stats);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
