/*
 * rota/tcp.h - TCP sockets: how to open, bind and connect them. Reading,
 * writing, listening and closing are in rota/stream.h and rota/handle.h.
 */
#ifndef ROTA_TCP_H
#define ROTA_TCP_H

#include "rota/address.h"
#include "rota/detached.h"
#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * A TCP socket. Its bases are &tcp.stream and &tcp.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_tcp {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
};

/** Flags for rota_tcp_bind(). */
enum {
	ROTA_TCP_IP6_ONLY = 1 << 0,   /* IPV6_V6ONLY: no IPv4 peers; ipv6(7) */
	ROTA_TCP_REUSE_PORT = 1 << 1, /* SO_REUSEPORT: share it; socket(7) */
};

/**
 * Initialize @tcp as an open handle of @loop. It has no descriptor yet. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM     only with the loop's first stream
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @tcp is not open and need not be closed.
 */
int rota_tcp_init(struct rota_tcp *tcp, struct rota_loop *loop);

/**
 * As rota_tcp_init(), with the descriptor @fd: a TCP socket that is connected,
 * bound, or neither. It is made non-blocking. Returns 0.
 *
 * Any connected stream socket is accepted, Unix stream sockets as well. That
 * may change when these get a handle type of their own.
 *
 * In the callback of a listener, the descriptor that was passed to it is opened
 * without system calls, as the connected and non-blocking socket that it was.
 * If the callback has made it blocking, or has closed it so that another socket
 * may have its number, open the descriptor only after the callback has
 * returned.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0, the handle owns @fd and closes it.
 * Errors:  as rota_tcp_init(), and
 *          ROTA_EBADF     @fd is not open
 *          ROTA_ENOTSOCK  @fd is not a socket
 *          ROTA_EINVAL    @fd is not a stream socket
 *          After any of them @fd is still the caller's.
 */
int rota_tcp_open(struct rota_tcp *tcp, struct rota_loop *loop, int fd);

/**
 * As rota_tcp_open(), with what rota_stream_detach_with() has taken out of a
 * stream, perhaps of another loop. What that stream knew holds for this one: a
 * side that had ended or failed, output that was queued and is now sent, and
 * bytes that are read before others. on_drain is called if a send on that
 * stream had returned 1. Functions, watermarks and the cork are not taken
 * along. Returns 0, and then *@detached has no descriptor any more.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_open(), and
 *          ROTA_EINVAL  @detached is NULL or has no descriptor
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          After any of them @tcp is not open, and *@detached is unchanged.
 */
int rota_tcp_attach(struct rota_tcp *tcp, struct rota_loop *loop,
		    struct rota_detached *detached);

/**
 * Bind @tcp to @address, as bind(2) does. With port 0 the system chooses a
 * port: see rota_tcp_own_address(). SO_REUSEADDR is set. A socket that is bound
 * to an IPv6 address also gets IPv4 peers, unless @flags contain
 * ROTA_TCP_IP6_ONLY. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use *@address after the call.
 * Errors:  ROTA_EINVAL         @address is NULL or not an IP address, @flags
 *                              have undefined bits, or @tcp is bound,
 *                              connecting, connected or closing
 *          ROTA_EADDRINUSE, ROTA_EADDRNOTAVAIL, ROTA_EACCES: see bind(2)
 *          ROTA_EAFNOSUPPORT   the system has no IPv6
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          After any of them @tcp is unchanged, and can be bound to another
 *          address.
 */
int rota_tcp_bind(struct rota_tcp *tcp, const struct rota_address *address,
		  unsigned flags);

/**
 * Connect @tcp to @address, as connect(2) does. Output that is sent or written
 * in the meantime is queued until it is connected. &connect->request can be
 * cancelled and can have a deadline. If the attempt fails or is cancelled, @tcp
 * is at once as after rota_tcp_init(), and another attempt can be started
 * before @fn is called. Returns 0.
 *
 * Phase:   @fn runs in the poll phase. It runs in the pending phase if the
 *          attempt succeeded or failed at once, was cancelled or timed out, or
 *          if rota_stream_end() was called; and in the closing phase if @tcp
 *          was closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @connect alive and in place until @fn is called.
 *          The library does not use *@address after the call.
 * Errors:  ROTA_EINVAL    @fn or @address is NULL, *@address is not an IP
 *                         address, or @tcp listens or is closing
 *          ROTA_EISCONN   @tcp is connected
 *          ROTA_EALREADY  @tcp is connecting
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          After any of them nothing has changed, and @fn is not called. Errors
 *          of the system and of the peer are passed to @fn.
 */
int rota_tcp_connect(struct rota_connect *connect, struct rota_tcp *tcp,
		     const struct rota_address *address, rota_connect_fn *fn);

/**
 * Set TCP_NODELAY: send small writes at once (@on is not 0), or hold them back
 * until the peer has acknowledged earlier ones, to send more together (@on is
 * 0): see tcp(7) and RFC 9293, section 3.7.4. Connections inherit this from
 * their listener. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @tcp has no descriptor yet
 *          ROTA_EINVAL  @tcp is closing
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Others       what setsockopt(2) reports
 *          After any of them nothing has changed.
 */
int rota_tcp_set_nodelay(struct rota_tcp *tcp, int on);

/**
 * Set SO_KEEPALIVE: after @idle seconds without traffic, 1 to 32767, the system
 * probes the peer every second, 10 times, and then the connection fails. With 0
 * it does not probe. See tcp(7) and RFC 9293, section 3.8.4. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EBADF   @tcp has no descriptor yet
 *          ROTA_EINVAL  @tcp is closing, or @idle is out of range
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Others       what setsockopt(2) reports
 */
int rota_tcp_set_keepalive(struct rota_tcp *tcp, unsigned idle);

/**
 * Store the address of @tcp itself in *@address: see getsockname(2). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        @address is NULL, or @tcp is closing
 *          ROTA_EBADF         @tcp has no descriptor yet
 *          ROTA_EAFNOSUPPORT  @tcp is a Unix socket
 *          Others             what getsockname(2) reports
 *          After any of them *@address is unchanged.
 */
int rota_tcp_own_address(const struct rota_tcp *tcp,
			 struct rota_address *address);

/**
 * Store the address of the peer in *@address: see getpeername(2). Returns 0.
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
