/*
 * rota/local.h - Unix sockets that keep messages apart: datagrams, and
 * connections of records (SOCK_SEQPACKET). Streams of bytes over Unix sockets
 * are in rota/pipe.h. Sending and receiving are in rota/datagram.h; closing is
 * in rota/handle.h.
 *
 * Both kinds lose nothing, and keep the order. A record is received like a
 * datagram. The end of a connection of records is received as the status
 * ROTA_EOF, after which receiving has stopped.
 */
#ifndef ROTA_LOCAL_H
#define ROTA_LOCAL_H

#include "rota/datagram.h"
#include "rota/pipe.h"
#include "rota/stream.h"
#include "rota/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rotai_socket_file;

/** The kinds of struct rota_local. */
enum rota_local_kind {
	/** SOCK_DGRAM: each datagram may go to another socket. */
	ROTA_LOCAL_DATAGRAMS,

	/** SOCK_SEQPACKET: records between two sockets that are connected.
	 * macOS does not have them. */
	ROTA_LOCAL_RECORDS,
};

/**
 * A Unix socket of datagrams or records. Its bases are &local.datagram and
 * &local.handle. A datagram or record has at most 512 KiB; what is longer is
 * received cut, with is_truncated.
 *
 * Owner:   as struct rota_handle
 */
struct rota_local {
	union {
		struct rota_handle handle;
		struct rota_datagram datagram;
	};
	struct {
		struct rotai_socket_file *file; /* that it has made; or NULL */
		struct rota_timer timer; /* until it tries to send again */
	} internal; /* private to the library: do not read or write */
};

/**
 * A listener for connections of records. Its bases are &listener.stream, for
 * rota_stream_listen() and what belongs to it, and &listener.handle. A
 * descriptor that its callback gets is opened by rota_local_open().
 *
 * Owner:   as struct rota_handle
 */
struct rota_local_listener {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct {
		struct rotai_socket_file *file; /* that it has made; or NULL */
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @local as an open handle of @loop, of that kind, with a socket.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_EINVAL           there is no such kind
 *          ROTA_EPROTONOSUPPORT  the system does not have it
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN        the loop is shutting down
 *          ROTA_ECHILD           in a forked child, before rota_loop_fork()
 *          After any of them @local is not open and need not be closed.
 */
int rota_local_init(struct rota_local *local, struct rota_loop *loop,
		    enum rota_local_kind kind);

/**
 * As rota_local_init(), with the descriptor @fd: a Unix socket of either kind,
 * which does not listen. It is made non-blocking. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0, the handle owns @fd and closes it.
 * Errors:  as rota_local_init(), and
 *          ROTA_EBADF     @fd is not open
 *          ROTA_ENOTSOCK  @fd is not a socket
 *          ROTA_EINVAL    @fd is no Unix socket of either kind, or listens
 *          Others         what getsockname(2) and fcntl(2) report
 *          After any of them @fd is unchanged and still the caller's.
 */
int rota_local_open(struct rota_local *local, struct rota_loop *loop, int fd);

/**
 * Open @a and @b, which are connected to each other. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   as rota_local_init(), for both
 * Errors:  as rota_local_init(); and ROTA_EINVAL if both are the same
 *          After any of them neither is open.
 */
int rota_local_pair(struct rota_local *a, struct rota_local *b,
		    struct rota_loop *loop, enum rota_local_kind kind);

/**
 * Give @local the name *@name, which rota_address_unix() has set, to receive
 * what is sent to it. Without a name (Linux) the system chooses an abstract
 * one. A file is removed when @local closes. @options may be NULL: see
 * rota_pipe_bind(), which has the same. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_pipe_bind()
 *          After any of them @local is unchanged.
 */
int rota_local_bind(struct rota_local *local, const struct rota_address *name,
		    const struct rota_pipe_bind_options *options);

/**
 * Connect @local to the socket with the name *@name: for datagrams, without a
 * destination they go there, and only those from there are received; for
 * records, to the listener of that name. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        *@name is not a name, or @local is closing
 *          ROTA_EISCONN       @local is connected already
 *          ROTA_EBUSY         requests are queued, which have destinations
 *          ROTA_EAGAIN        the listener's queue is full: try again later
 *          ROTA_ENOENT        there is no such file
 *          ROTA_ECONNREFUSED  nobody has that name, or nobody listens
 *          ROTA_EPROTOTYPE    the socket of that name is of another kind
 *          ROTA_EACCES        permissions
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_local_init()
 *          After any of them @local is unchanged.
 */
int rota_local_connect(struct rota_local *local,
		       const struct rota_address *name);

/**
 * End the connection of @local, which is of datagrams, also if the peer has
 * closed. It keeps its name, and may connect again. What it has received before
 * is still received. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @local is closing
 *          ROTA_ENOTSUP   it is of records
 *          ROTA_ENOTCONN  it is not connected
 *          ROTA_EBUSY     requests are queued, which have no destinations
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_local_init()
 *          Others         what connect(2) reports
 *          After any of them @local is unchanged.
 */
int rota_local_disconnect(struct rota_local *local);

/**
 * Store the name of @local itself in *@name: see getsockname(2). It may have
 * none. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @name is NULL, or @local is closing
 *          After this *@name is unchanged.
 */
int rota_local_own_name(const struct rota_local *local,
			struct rota_address *name);

/**
 * Store the name of the peer in *@name: see getpeername(2). It may have none.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_local_own_name(); and ROTA_ENOTCONN if there is no peer
 */
int rota_local_peer_name(const struct rota_local *local,
			 struct rota_address *name);

/**
 * Initialize @listener as an open handle of @loop, bound to *@name, as
 * rota_local_bind() does it. rota_stream_listen() then begins to listen.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  as rota_local_init() and rota_pipe_bind()
 *          After any of them @listener is not open and need not be closed.
 */
int rota_local_listener_init(struct rota_local_listener *listener,
			     struct rota_loop *loop,
			     const struct rota_address *name,
			     const struct rota_pipe_bind_options *options);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
