/*
 * rota/listen_group.h - one listening address for several loops.
 *
 * Each loop has a struct rota_server and runs on its own thread. A group
 * listens at one address, and brings the connections to the loops in one of
 * three ways:
 *
 *     ROTA_LISTEN_HAND_OVER   one loop accepts all, and hands each connection
 *                             to the loop that has the fewest
 *     ROTA_LISTEN_SHARED      all loops accept from one queue
 *     ROTA_LISTEN_REUSE_PORT  each loop has a queue of its own, and the system
 *                             chooses the queue of each connection
 *
 * Only the first keeps the numbers of connections equal.
 */
#ifndef ROTA_LISTEN_GROUP_H
#define ROTA_LISTEN_GROUP_H

#include "rota/address.h"
#include "rota/server.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Listeners of several loops, at one address. Opaque. */
struct rota_listen_group;

/**
 * Called on the loop of @server for each connection that it gets: @status is 0
 * and @fd is the connection. The callback opens it by rota_tcp_open() or
 * rota_pipe_open(), as the address is, and calls rota_connection_start() with
 * @server; or closes it. In the callback, the open needs no system call. Also
 * called with an error in @status, and @fd -1, as rota_connection_fn is when
 * there are no descriptors; and if the loop of @server cannot listen, which is
 * then no member of the group.
 *
 * Phase:   poll. The callback may stop @server, and close @group.
 * Thread:  the loop's: that of @server.
 * Owner:   the callback owns @fd.
 */
typedef void rota_listen_group_fn(struct rota_listen_group *group,
				  struct rota_server *server, int status,
				  int fd);

/** How a group brings connections to its loops. */
enum rota_listen_strategy {
	/** One loop accepts. Each connection goes to the loop whose server has
	 * the fewest connections, those on their way included, and is not full.
	 * If all servers are full, no connection is accepted. If the server
	 * that accepts stops, another one goes on; what waits in the queue is
	 * not lost. A hand-over costs one post to the other loop. */
	ROTA_LISTEN_HAND_OVER,

	/** The loops wait for one queue, and the first that looks accepts. With
	 * epoll a connection wakes one of them (EPOLLEXCLUSIVE), and a loop
	 * that has accepted 16 goes to the end of the line; the other pollers
	 * wake all. Busy loops get fewer connections. Idle loops get what they
	 * get: the numbers may differ much. */
	ROTA_LISTEN_SHARED,

	/** SO_REUSEPORT: each loop has a socket, and the system chooses one by
	 * a hash of the addresses; see socket(7). The numbers differ by chance.
	 * A connection that waits in the queue of a loop that is busy, or full,
	 * waits for that loop. When a loop closes its socket, the connections
	 * in its queue are reset: so do not stop single servers of the group
	 * under load. TCP only. ROTA_ENOTSUP where the system does not spread
	 * the connections, as on macOS. */
	ROTA_LISTEN_REUSE_PORT,
};

/** The options of a group. Call rota_listen_group_options_init(), then change
 * members. */
struct rota_listen_group_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The servers, at least one. Several may have the same loop. */
	struct rota_server *const *servers;
	size_t count;

	rota_listen_group_fn *fn;

	void *data; /* for the caller: rota_listen_group_data() */

	enum rota_listen_strategy strategy;

	/** How many connections may wait in a queue: see listen(2). */
	int backlog;
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_listen_group_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_listen_group_options_init_size(
	struct rota_listen_group_options *options, size_t size);

/**
 * Set *@options to the defaults: ROTA_LISTEN_HAND_OVER, a backlog of 1024, no
 * servers and no function.
 *
 * Thread:  any.
 */
static inline void
rota_listen_group_options_init(struct rota_listen_group_options *options)
{
	rota_listen_group_options_init_size(options, sizeof(*options));
}

/**
 * Listen at @address on the loops of all servers of @options, and store the
 * group in *@group. @flags are those of rota_tcp_bind(); ROTA_TCP_REUSE_PORT is
 * implied where it is needed. The sockets are listening when this returns. Each
 * loop begins to accept in its next turn: it may be running, or run later.
 *
 * The group has a listener in each server, so rota_server_stop() ends it on
 * that loop, and so does a shutdown of the loop. A listener keeps its loop
 * alive.
 *
 * Phase:   the function of the options runs in the poll phase of each loop.
 * Thread:  any that holds a reference to each loop.
 * Owner:   the caller, who ends the group by rota_listen_group_close().
 *          *@options and the array are not used after the call. Each server
 *          stays alive and in place until its loop is closed.
 * Errors:  ROTA_EINVAL     @group, @options, the servers or the function are
 *                          missing; an option is out of range; or as
 *                          rota_tcp_bind()
 *          ROTA_ENOTSUP    ROTA_LISTEN_REUSE_PORT, where the system would give
 *                          all connections to one socket
 *          ROTA_ESHUTDOWN  a loop is shutting down or closed
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          ROTA_ENOMEM, ROTA_EMFILE, ROTA_ENFILE
 *          Others          as rota_tcp_bind() and rota_stream_listen()
 *          After any of them *@group is unchanged, and nothing listens.
 */
int rota_listen_group_tcp(struct rota_listen_group **group,
			  const struct rota_listen_group_options *options,
			  const struct rota_address *address, unsigned flags);

/**
 * The same for a socket that the caller has bound, such as that of a rota_pipe,
 * or one that was inherited from another process. It may listen already. It is
 * made non-blocking.
 *
 * Phase:   as rota_listen_group_tcp()
 * Thread:  as rota_listen_group_tcp()
 * Owner:   the group uses duplicates: @fd stays the caller's. As long as it is
 *          open, the socket listens.
 * Errors:  as rota_listen_group_tcp(), and
 *          ROTA_ENOTSUP   ROTA_LISTEN_REUSE_PORT, for which one socket is not
 *                         enough
 *          ROTA_EINVAL    @fd is not a bound stream socket of IPv4, IPv6 or
 *                         AF_UNIX
 *          ROTA_EBADF, ROTA_ENOTSOCK
 */
int rota_listen_group_open(struct rota_listen_group **group,
			   const struct rota_listen_group_options *options,
			   int fd);

/**
 * Close @group: the loops stop to listen, each in its next turn. Connections
 * that were accepted stay open. Those that are on their way to a loop still
 * reach it, or are closed. Connections that wait in the queues are reset.
 *
 * Thread:  any.
 * Owner:   @group is the library's, and must not be used again by the caller.
 *          The function of the options may still be called on other loops
 *          until their next turn.
 */
void rota_listen_group_close(struct rota_listen_group *group);

/**
 * Store in *@address where @group listens. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @address is NULL
 *          ROTA_ENOTSUP  it is not an IP address
 */
int rota_listen_group_address(const struct rota_listen_group *group,
			      struct rota_address *address);

/**
 * Return the data of the options.
 *
 * Thread:  any.
 */
void *rota_listen_group_data(const struct rota_listen_group *group);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
