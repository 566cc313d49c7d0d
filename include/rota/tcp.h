/*
 * rota/tcp.h - TCP sockets: how to open, bind and connect them. Their options
 * are in rota/tcp_options.h; reading, writing, listening and closing are in
 * rota/stream.h and rota/handle.h.
 */
#ifndef ROTA_TCP_H
#define ROTA_TCP_H

#include "rota/address.h"
#include "rota/detached.h"
#include "rota/stream.h"
#include "rota/tcp_options.h"

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

/**
 * Called when the peer has sent the urgent byte @byte: see
 * rota_tcp_on_urgent().
 *
 * Phase:   poll. The callback may close @tcp, or anything else.
 * Thread:  the loop's.
 */
typedef void rota_urgent_fn(struct rota_tcp *tcp, char byte);

/** Flags for rota_tcp_bind(). */
enum {
	/** IPV6_V6ONLY: an IPv6 address gets no IPv4 peers; see ipv6(7). */
	ROTA_TCP_IP6_ONLY = 1 << 0,

	/** Several sockets that all have this flag may listen at the same
	 * address, and the system spreads the connections over them.
	 * SO_REUSEPORT, see socket(7), or SO_REUSEPORT_LB. ROTA_ENOTSUP where
	 * one of the sockets would get all of them, as on macOS. */
	ROTA_TCP_REUSE_PORT = 1 << 1,

	/** Leave IPV6_V6ONLY as it is: as the program has set it, or as the
	 * system's default is. */
	ROTA_TCP_IP6_AS_IS = 1 << 2,

	/** Do not set SO_REUSEADDR: the port must not be in use by another
	 * socket, or by a connection in the state TIME-WAIT. */
	ROTA_TCP_NO_REUSE_ADDRESS = 1 << 3,

	/** IP_FREEBIND: the address need not be one of this host (yet); see
	 * ip(7). Linux; elsewhere ROTA_ENOTSUP. */
	ROTA_TCP_FREE_BIND = 1 << 4,

	/** IP_TRANSPARENT: the same, for a transparent proxy, which gets
	 * packets for such addresses; see ip(7). The process needs a privilege:
	 * without it, ROTA_EPERM. Linux; elsewhere ROTA_ENOTSUP. */
	ROTA_TCP_TRANSPARENT = 1 << 5,
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
 *          ROTA_EINVAL    @fd is not a stream socket of IPv4 or IPv6
 *          Others         what getsockname(2) and fcntl(2) report
 *          After any of them @fd is unchanged and still the caller's.
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
 * Make the socket of @tcp now, of the family AF_INET or AF_INET6, so that its
 * options can be set before it is bound or connected. Without this call,
 * rota_tcp_bind() and rota_tcp_connect() make it. It can only be bound and
 * connected to addresses of that family. A connect that fails closes the
 * socket, and its options are gone with it. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        @tcp is closing
 *          ROTA_EALREADY      @tcp has a socket already, or is connecting
 *          ROTA_EAFNOSUPPORT  @family is another one, or the system does not
 *                             have it
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM: see socket(2)
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          After any of them @tcp is unchanged.
 */
int rota_tcp_create(struct rota_tcp *tcp, int family);

/**
 * Bind @tcp to @address, as bind(2) does. With port 0 the system chooses a
 * port: see rota_tcp_own_address(). SO_REUSEADDR is set. A socket that is bound
 * to an IPv6 address also gets IPv4 peers. @flags change this: see above. The
 * flags for IPv6 mean nothing for an IPv4 address. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use *@address after the call.
 * Errors:  ROTA_EINVAL         @address is NULL or not an IP address, @flags
 *                              have undefined bits or both of those for
 *                              IPv6, or @tcp is bound, connecting, connected
 *                              or closing. Or *@address is link-local and has
 *                              no scope id
 *          ROTA_ENOTSUP        the system cannot do what a flag asks for
 *          ROTA_EPERM          ROTA_TCP_TRANSPARENT without the privilege
 *          ROTA_EADDRINUSE, ROTA_EADDRNOTAVAIL, ROTA_EACCES: see bind(2)
 *          ROTA_EAFNOSUPPORT   the system has no IPv6, or the socket of @tcp is
 *                              of another family than *@address
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          After any of them @tcp and its options are unchanged, and it can be
 *          bound to another address.
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
 * A link-local address of IPv6 (fe80::...) needs a scope id, which says on
 * which interface it is: see rota_address_ip(). If it has none, and the socket
 * is not limited to an interface either, the scope id of the only interface
 * that has such an address is used. If there are several, the attempt fails
 * with ROTA_EINVAL.
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
 * As rota_tcp_connect(), and send @first to the peer as the first output, if
 * possible with the packet that asks for the connection: TCP fast open, RFC
 * 7413. That saves the time of one journey to the peer and back. It is possible
 * if an earlier connection to the peer has brought a cookie for it. Otherwise
 * @first leaves as soon as there is a connection, and the cookie is asked for.
 *
 * The peer may get these first bytes twice, for example if a packet was
 * duplicated. So send only what may be repeated, such as a request that changes
 * nothing (RFC 7413, section 6.1).
 *
 * Phase:   as rota_tcp_connect()
 * Thread:  the loop's.
 * Owner:   as rota_tcp_connect(); the library does not use the bytes of @first
 *          after the call.
 * Errors:  as rota_tcp_connect(), and
 *          ROTA_EINVAL  @first has no bytes, or more than PTRDIFF_MAX
 *          @fn gets ROTA_ENOTSUP if the system does not have this, or it is
 *          switched off (Linux: net.ipv4.tcp_fastopen, see tcp(7)), and
 *          ROTA_ENOMEM if there is no memory for what was not sent at once.
 */
int rota_tcp_connect_fast(struct rota_connect *connect, struct rota_tcp *tcp,
			  const struct rota_address *address,
			  struct rota_const_buf first, rota_connect_fn *fn);

/**
 * Make two TCP sockets that are connected to each other over 127.0.0.1, and
 * store their descriptors in @fds. They are non-blocking and close-on-exec.
 * Each can be opened by rota_tcp_open(), on any loop. No other process can get
 * between them. This waits until the kernel has connected the two: usually some
 * microseconds, at most 5 seconds. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller owns both descriptors.
 * Errors:  ROTA_ETIMEDOUT  they did not connect: packets are held up
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          Others          what socket(2), bind(2), listen(2), connect(2) and
 *                          accept(2) report
 *          After any of them @fds is unchanged, and nothing is open.
 */
int rota_tcp_pair(int fds[2]);

/**
 * Send @byte as urgent data (RFC 9293, section 3.8.5; new protocols should not
 * use it: RFC 6093). Like rota_stream_try_write(), this sends at once or not at
 * all. So the byte has its place behind all output so far. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EAGAIN    output is queued, @tcp is corked or still connecting,
 *                         or the kernel does not accept the byte right now
 *          ROTA_EINVAL, ROTA_ENOTCONN, ROTA_EPIPE and others: as
 *          rota_stream_try_write()
 *          After any of them the byte is not sent.
 */
int rota_tcp_send_urgent(struct rota_tcp *tcp, char byte);

/**
 * Call @fn with the urgent byte when the peer has sent one. NULL: call nothing,
 * which is the default. The byte is not part of the other input. The system
 * keeps only the last one: if several arrive before the loop takes the first,
 * or the stream is read beyond it in the same moment, @fn may miss some. @fn is
 * called whether the stream is being read or not, but not after
 * rota_stream_end(). By itself this does not keep the loop alive. It costs one
 * more system call for each event of @tcp, and nothing for other streams.
 * Returns 0.
 *
 * Phase:   @fn runs in the poll phase, before a read callback for the same
 *          event. It may close @tcp, or anything else.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @tcp listens or is closing
 *          ROTA_ENOTCONN  @tcp is not connected
 *          ROTA_ENOTSUP   the poller has no event for it
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_tcp_init()
 *          After any of them nothing has changed.
 */
int rota_tcp_on_urgent(struct rota_tcp *tcp, rota_urgent_fn *fn);

/**
 * Store the address of @tcp itself in *@address: see getsockname(2). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        @address is NULL, or @tcp is closing
 *          ROTA_EBADF         @tcp has no descriptor yet
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
