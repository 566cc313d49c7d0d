/*
 * rota/tcp.h - TCP connections and listeners. What is done with them once they
 * are there stands in rota/stream.h.
 */
#ifndef ROTA_TCP_H
#define ROTA_TCP_H

#include "rota/address.h"
#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A TCP socket. &tcp.stream and &tcp.handle are its bases. */
struct rota_tcp {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
};

/** What rota_tcp_bind() may be told. */
enum {
	ROTA_TCP_IP6_ONLY = 1 << 0,   /* not version 4 through version 6 */
	ROTA_TCP_REUSE_PORT = 1 << 1, /* sockets that all say so share it */
};

/**
 * Make @tcp an open handle of @loop. It has no descriptor yet.
 *
 * Thread:  the loop's.
 * Owner:   the caller ends it with rota_handle_close().
 * Errors:  ROTA_ENOMEM     can only be with the loop's first stream
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_tcp_init(struct rota_tcp *tcp, struct rota_loop *loop);

/**
 * The same, with @fd: a TCP socket, connected, or else bound or fresh. It is
 * set non-blocking. What a connection callback was given is taken for the
 * connection that it was, and is not asked about: whoever has made it blocking,
 * or closes it and lets another socket have the number, opens it when the
 * callback has returned.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0 @fd is the library's, and goes with the handle.
 * Errors:  as rota_tcp_init(), and
 *          ROTA_EBADF     @fd is not open
 *          ROTA_ENOTSOCK  it is no socket
 *          ROTA_EINVAL    it is no stream socket
 */
int rota_tcp_open(struct rota_tcp *tcp, struct rota_loop *loop, int fd);

/**
 * Bind @tcp to @address; port 0: one that the system chooses. SO_REUSEADDR is
 * set.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL         @address is NULL or none, @flags have bits of no
 *                              meaning, or @tcp has an address or is closing
 *          ROTA_EADDRINUSE, ROTA_EADDRNOTAVAIL, ROTA_EACCES
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 */
int rota_tcp_bind(struct rota_tcp *tcp, const struct rota_address *address,
		  unsigned flags);

/**
 * Connect @tcp to @address. What is sent or written meanwhile goes out when it
 * is connected. &connect->request can be cancelled and can have a deadline. An
 * attempt that has failed, or was cancelled, leaves @tcp fresh at once, and may
 * be followed by another before @fn is told.
 *
 * Phase:   @fn runs in the poll phase, or in the pending phase if it was
 *          decided at once or cancelled.
 * Thread:  the loop's.
 * Owner:   the caller keeps @connect alive and in place until @fn. @address is
 *          the caller's again on return.
 * Errors:  ROTA_EINVAL    @fn or @address is NULL, @address is none, or @tcp
 *                         listens or is closing
 *          ROTA_EISCONN   it is connected
 *          ROTA_EALREADY  it is being connected
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          @fn is told what the system or the other side says.
 */
int rota_tcp_connect(struct rota_connect *connect, struct rota_tcp *tcp,
		     const struct rota_address *address, rota_connect_fn *fn);

/**
 * Send small writes at once (@on not 0) or wait for the other side's
 * acknowledgement to gather more. A connection inherits it from its listener.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @tcp has no descriptor yet
 *          ROTA_EINVAL  it is closing
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_tcp_set_nodelay(struct rota_tcp *tcp, int on);

/**
 * Have the system ask the other side for a sign of life after @idle seconds
 * without traffic, every 1 second, 10 times; 0: no more.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @tcp has no descriptor yet
 *          ROTA_EINVAL  it is closing, or @idle is out of range
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_tcp_set_keepalive(struct rota_tcp *tcp, unsigned idle);

/**
 * Store where @tcp itself is in *@address.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @address is NULL, or @tcp is closing
 *          ROTA_EBADF   @tcp has no descriptor yet
 */
int rota_tcp_own_address(const struct rota_tcp *tcp,
			 struct rota_address *address);

/**
 * Store where the other side is in *@address.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_own_address(), and
 *          ROTA_ENOTCONN  @tcp is not connected
 */
int rota_tcp_peer_address(const struct rota_tcp *tcp,
			  struct rota_address *address);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
