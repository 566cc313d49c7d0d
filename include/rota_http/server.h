/*
 * rota_http/server.h - a server of HTTP/1.1, on one or several loops: RFC 9110
 * and 9112.
 *
 * A server has a shard on each of its loops. A connection belongs to one shard,
 * and everything of it is called on the thread of that loop. The server makes
 * no thread.
 *
 *     static void hello(struct rota_http_exchange *exchange, void *arg)
 *     {
 *             rota_http_respond(exchange, 200, "text/plain",
 *                               rota_bytes("Hello, world!\n", 14));
 *     }
 *
 *     rota_http_server_options_init(&options);
 *     options.handler = hello;
 *     rota_http_server_new(&server, &loop, 1, &options);
 *     rota_http_server_listen(server, &address, 0);
 *     rota_loop_run(loop, ROTA_RUN_DEFAULT);
 *     rota_http_server_free(server);
 */
#ifndef ROTA_HTTP_SERVER_H
#define ROTA_HTTP_SERVER_H

#include "rota/address.h"
#include "rota/handle.h"
#include "rota/listen_group.h"
#include "rota/loop.h"
#include "rota/stream.h"
#include "rota_http/exchange.h"
#include "rota_http/network.h"
#include "rota_http/parser.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A server. Opaque. */
struct rota_http_server;

/**
 * Called for each request when its head has arrived. The handler answers at
 * once, or returns and answers later, in any callback of the same loop. See
 * rota_http/exchange.h.
 *
 * Phase:   poll; or between callbacks, for requests that have waited.
 * Thread:  the loop's: that of the connection.
 */
typedef void rota_http_handler_fn(struct rota_http_exchange *exchange,
				  void *arg);

/**
 * Called when a server has stopped: it has no listener, no connection and no
 * exchange.
 *
 * Phase:   poll. The callback may free @server.
 * Thread:  that of the first loop.
 */
typedef void rota_http_stopped_fn(struct rota_http_server *server, void *arg);

/** The options of a server. Call rota_http_server_options_init(), then change
 * members. Times are in nanoseconds. Of times and numbers, 0 means no limit. */
struct rota_http_server_options {
	size_t size; /* of this struct, as the caller was compiled */

	rota_http_handler_fn *handler;
	void *handler_arg;

	/** Called for each exchange when it is done, behind its own functions:
	 * for a log. NULL: nothing. Requests that are refused have no head, and
	 * no handler was called for them; rota_http_request_head() returns NULL
	 * then. */
	rota_http_done_fn *on_done;
	void *on_done_arg;

	/** Allocates connections, exchanges and bodies, for all loops and their
	 * threads. NULL: malloc(3). It is copied. */
	const struct rota_allocator *allocator;

	/** Bytes of heads, targets and so on: rota_http/parser.h. Its body_size
	 * is 1 GiB here. */
	struct rota_http_limits limits;

	/** Fields of a request, trailers included: 100. Beyond it: 431. */
	size_t field_count;

	/** From the first byte of a head to its end: 10 s. Beyond it: 408. A
	 * connection on which no byte arrives is idle. */
	uint64_t head_ns;

	/** The longest pause within a body: 30 s. Beyond it: 408. It does not
	 * count while the handler does not read. */
	uint64_t body_pause_ns;

	/** From the head to the end of the body: no limit. Beyond it: 408. */
	uint64_t body_ns;

	/** Between two requests, and before the first: 60 s. Then the
	 * connection ends. */
	uint64_t idle_ns;

	/** How long a peer may take no byte of what is sent: 30 s. Then the
	 * connection is reset. It is noticed up to a quarter of this later. */
	uint64_t stall_ns;

	/** From the head, or the last piece of the body, to the begin of the
	 * response: 60 s. Beyond it: 503. See also
	 * rota_http_exchange_set_deadline(). */
	uint64_t handler_ns;

	/** How long a connection on which the last response was sent is read
	 * and its bytes are dropped, so that the peer can read the response:
	 * 2 s. */
	uint64_t linger_ns;

	/** The same in bytes: 64 KiB. As many bytes of a body that no handler
	 * reads are dropped before the connection is given up. */
	size_t linger_size;

	/** Connections of all shards: 16,384. Another one is answered with 503
	 * and Retry-After. */
	size_t connections;

	/** Connections from one IP address: no limit. Another one is answered
	 * in the same way. */
	size_t connections_per_address;

	/** Requests of a connection, after which it ends: 100,000. */
	uint64_t requests;

	/** Bytes for connections, exchanges, arenas and bodies of all shards:
	 * no limit. Above it, connections and requests are answered with
	 * 503. */
	size_t memory;

	/** Queued output of a connection above which a handler should wait:
	 * 64 KiB. Requests behind it wait as well. */
	size_t watermark;

	/** The seconds in Retry-After: 5. */
	unsigned retry_seconds;

	/** How connections come to loops: enum rota_listen_strategy. The
	 * default is ROTA_LISTEN_HAND_OVER. */
	unsigned strategy;

	/** How many connections may wait in a queue: 1024. See listen(2). */
	unsigned backlog;

	/** enum rota_http_server_flags. */
	unsigned flags;

	/** Peers that send a PROXY header before the first request, within
	 * head_ns: see rota_http/proxy_header.h. Its client is the peer of the
	 * exchange. A bad header ends the connection. Other peers must not send
	 * one. Connections of rota_http_server_serve() are not concerned. The
	 * list stays the caller's, in place and unchanged as long as the
	 * server. The default is empty. */
	struct rota_http_networks proxies;
};

/** Flags of struct rota_http_server_options. */
enum rota_http_server_flags {
	/** A peer that ends its side before its response has begun has gone.
	 * Without this flag it gets the response: a client may say so that it
	 * sends no further request. */
	ROTA_HTTP_END_IS_GONE = 1 << 0,

	/** The handler is called for CONNECT. Without this flag the server
	 * answers with 501. */
	ROTA_HTTP_HANDLES_CONNECT = 1 << 1,

	/** TCP connections send small segments at once: TCP_NODELAY. Responses
	 * are written as a whole anyway, so this is for those in parts. It
	 * costs a system call for each connection. */
	ROTA_HTTP_NO_DELAY = 1 << 2,
};

/** What rota_http_server_get_stats() stores. Numbers count since
 * rota_http_server_new() unless they say now. A later version may add members
 * at the end. */
struct rota_http_server_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t connections;      /* now */
	uint64_t idle;             /* of them, between requests */
	uint64_t exchanges;        /* now */
	uint64_t memory;           /* bytes now */
	uint64_t accepted;         /* connections */
	uint64_t accept_errors;    /* of accept(2) */
	uint64_t over_connections; /* answered 503: too many */
	uint64_t over_address;     /* answered 503: too many from one address */
	uint64_t over_memory;      /* answered 503: too much memory */
	uint64_t requests;         /* for which the handler was called */
	uint64_t responses[6];     /* by the first digit of the status */
	uint64_t refused;          /* requests, by the parser or a limit */
	uint64_t slow_heads;       /* 408: head_ns */
	uint64_t slow_bodies;      /* 408: body_pause_ns and body_ns */
	uint64_t idle_ended;       /* connections: idle_ns */
	uint64_t stalled;          /* connections: stall_ns */
	uint64_t slow_handlers;    /* 503: handler_ns, or a deadline */
	uint64_t request_limit;    /* connections ended by it */
	uint64_t gone;       /* exchanges whose peer went before the end */
	uint64_t aborted;    /* exchanges: rota_http_exchange_abort() */
	uint64_t taken_over; /* connections */
	uint64_t received;   /* bytes */
	uint64_t sent;       /* bytes of heads and bodies */
};

/** How rota_http_server_serve() treats a stream. Call
 * rota_http_serve_options_init(), then change members. */
struct rota_http_serve_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** Bytes that were read from the stream before, and belong to HTTP. */
	struct rota_const_buf first;

	/** The peer, or NULL: that of the socket. */
	const struct rota_address *peer;

	/** Not 0: the bytes are encrypted on their way, as by TLS. */
	size_t is_secure;
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_http_server_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_http_server_options_init_size(
	struct rota_http_server_options *options, size_t size);

/**
 * Set *@options to the defaults, which the comments of the members say.
 *
 * Thread:  any.
 */
static inline void
rota_http_server_options_init(struct rota_http_server_options *options)
{
	rota_http_server_options_init_size(options, sizeof(*options));
}

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_http_serve_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_http_serve_options_init_size(struct rota_http_serve_options *options,
				       size_t size);

/**
 * Set *@options to the defaults: all zero.
 *
 * Thread:  any.
 */
static inline void
rota_http_serve_options_init(struct rota_http_serve_options *options)
{
	rota_http_serve_options_init_size(options, sizeof(*options));
}

/**
 * Make a server with a shard on each of the @count loops at @loops, and store
 * it in *@server. It listens nowhere yet. @loops may be NULL: then
 * rota_http_server_attach() is called on the thread of each loop. Returns 0.
 *
 * Thread:  any, if none of the loops runs on another thread.
 * Owner:   the caller, who ends it by rota_http_server_free(). *@options and
 *          @loops are not used after the call. The server holds a reference to
 *          each loop.
 * Errors:  ROTA_EINVAL  @server, @options or the handler are NULL, @count is 0,
 *                       or an option is out of range
 *          ROTA_ENOMEM
 *          After any of them *@server is unchanged.
 */
int rota_http_server_new(struct rota_http_server **server,
			 struct rota_loop *const *loops, size_t count,
			 const struct rota_http_server_options *options);

/**
 * Put the shard number @index of @server on @loop, when rota_http_server_new()
 * was called without loops: for example in the function set_up of struct
 * rota_loops_options. Returns 0.
 *
 * Thread:  that of @loop. Several shards may be attached at the same time.
 * Owner:   the server holds a reference to @loop.
 * Errors:  ROTA_EINVAL    there is no such shard
 *          ROTA_EALREADY  it is attached
 *          After either nothing has changed.
 */
int rota_http_server_attach(struct rota_http_server *server, size_t index,
			    struct rota_loop *loop);

/**
 * Listen at @address on all loops. @flags are those of rota_tcp_bind(). This
 * may be called several times. Returns 0.
 *
 * Thread:  any that may use @server, before rota_http_server_stop(); one at a
 *          time.
 * Errors:  ROTA_EINVAL  a shard is not attached; else as
 *                       rota_listen_group_tcp()
 *          Others       as rota_listen_group_tcp()
 *          After any of them nothing has changed.
 */
int rota_http_server_listen(struct rota_http_server *server,
			    const struct rota_address *address, unsigned flags);

/**
 * Listen on the socket @fd, which is bound: one of IP that was inherited from
 * another process, or that of a Unix socket, such as a rota_pipe has bound.
 * Returns 0.
 *
 * Thread:  as rota_http_server_listen()
 * Owner:   @fd stays the caller's. As long as it is open, the socket listens.
 * Errors:  ROTA_EINVAL  a shard is not attached; else as
 *                       rota_listen_group_open()
 *          Others       as rota_listen_group_open()
 *          After any of them nothing has changed.
 */
int rota_http_server_listen_fd(struct rota_http_server *server, int fd);

/**
 * Store in *@address where @server listens, for the call number @index of
 * rota_http_server_listen() and rota_http_server_listen_fd() together. Returns
 * 0.
 *
 * Thread:  as rota_http_server_listen()
 * Errors:  ROTA_EINVAL   @address is NULL, or there was no such call
 *          ROTA_ENOTSUP  it is not an IP address
 */
int rota_http_server_address(const struct rota_http_server *server,
			     size_t index, struct rota_address *address);

/**
 * Serve requests on @stream, which is connected and of the loop of the shard
 * number @index: a filter for TLS, a pair in memory, or what was accepted in
 * another way. When the connection has ended, @stream is closed and @fn is
 * called as its close callback. @options may be NULL: the defaults. Returns 0.
 *
 * Phase:   @fn runs in the closing phase.
 * Thread:  the loop's.
 * Owner:   the server closes @stream, and uses the data member of its handle.
 *          The caller keeps it alive and in place until @fn.
 * Errors:  ROTA_EINVAL    @fn is NULL, there is no such shard, or @stream is
 *                         closing
 *          ROTA_EBUSY     there are as many connections as there may be: the
 *                         program answers or closes
 *          ROTA_ESHUTDOWN the server or the loop is stopping
 *          ROTA_ENOMEM
 *          Others         as rota_stream_read_start()
 *          After any of them @stream is the caller's, and nothing has changed.
 */
int rota_http_server_serve(struct rota_http_server *server, size_t index,
			   struct rota_stream *stream, rota_close_fn *fn,
			   const struct rota_http_serve_options *options);

/**
 * Stop @server gracefully. On each loop the listeners are closed, idle
 * connections end, and active ones get "Connection: close" with the response
 * that is being made. @grace_ns nanoseconds from now, those that are left are
 * reset; UINT64_MAX means never. When all of them have gone, and handlers are
 * done with their exchanges, @fn is called, once. Returns 0.
 *
 * The loops have to run until then. A handler that has not ended its response
 * and has no rota_http_exchange_on_done() delays @fn.
 *
 * Phase:   @fn runs in the poll phase of the first loop; it may be NULL.
 * Thread:  any.
 * Errors:  ROTA_EALREADY  this was called before
 *          ROTA_EINVAL    a shard is not attached
 *          After either nothing has changed, and @fn is not called.
 */
int rota_http_server_stop(struct rota_http_server *server, uint64_t grace_ns,
			  rota_http_stopped_fn *fn, void *arg);

/**
 * Reset all connections of @server: for a second signal, during a stop that
 * takes too long.
 *
 * Thread:  any.
 */
void rota_http_server_reset(struct rota_http_server *server);

/**
 * Run the loops of @server, each in a thread: the first one in the thread that
 * calls this, until nothing keeps it alive. Then wait for the others. All
 * signals are blocked in the threads that this makes. Returns 0.
 *
 * This is for a server whose loops run nowhere else. A program that has other
 * work for its loops, or wants threads on processors of their own, uses
 * rota_loops_start() and rota_http_server_attach().
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  a shard is not attached
 *          ROTA_EAGAIN  there cannot be so many threads: no loop has run
 *          ROTA_ENOMEM
 *          Others       as rota_loop_run(): the first one
 */
int rota_http_server_run(struct rota_http_server *server);

/**
 * Free @server. It was never used, or it has stopped, or its loops have been
 * shut down. NULL: do nothing.
 *
 * Thread:  any, when no loop calls anything of @server any more; in the
 *          callback of rota_http_server_stop() as well.
 * Errors:  ROTA_EBUSY  a connection or a listener is left: nothing has changed
 */
int rota_http_server_free(struct rota_http_server *server);

/**
 * Return how many shards @server has.
 *
 * Thread:  any.
 */
size_t rota_http_server_count(const struct rota_http_server *server);

/**
 * Return the loop of the shard number @index, or NULL if there is none.
 *
 * Thread:  any.
 */
struct rota_loop *rota_http_server_loop(const struct rota_http_server *server,
					size_t index);

/**
 * Store the sums of the numbers of all shards in *@stats. Set @stats->size
 * before the call. The numbers of one shard may be of slightly different
 * moments. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @stats is NULL, or its size is too small
 */
int rota_http_server_get_stats(const struct rota_http_server *server,
			       struct rota_http_server_stats *stats);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
