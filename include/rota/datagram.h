/*
 * rota/datagram.h - sockets that send and receive datagrams: how to receive
 * and send, alone and in batches, and how errors of the network are reported.
 * How to make such sockets is in rota/udp.h and rota/local.h; how to close
 * them, in rota/handle.h.
 */
#ifndef ROTA_DATAGRAM_H
#define ROTA_DATAGRAM_H

#include "rota/address.h"
#include "rota/buf.h"
#include "rota/handle.h"
#include "rota/request.h"
#include "rota/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_datagram;
struct rota_send;

/**
 * A datagram that was received. Members that were not asked for, or that the
 * system does not report, have the values in brackets.
 *
 * Owner:   the loop, which lends it for the time of the callback. The callback
 *          may change the bytes at data.
 */
struct rota_received {
	char *data;
	size_t size;

	/** The sender. (size 0: it has no address) */
	struct rota_address from;

	/** The address that the datagram was sent to, with port 0; perhaps a
	 * group or a broadcast address. (size 0) */
	struct rota_address to;

	/** The address of this host from which an answer should come, with port
	 * 0: that of the datagram, or for IPv4 groups and broadcasts one of the
	 * interface. A socket of IPv6 is not told which: then this is not known
	 * for groups and 255.255.255.255, and for the broadcast address of a
	 * network it is that address, from which nothing can be sent.
	 * (size 0) */
	struct rota_address own;

	/** When the kernel received it: nanoseconds since 1970, by the clock
	 * CLOCK_REALTIME. (0) */
	uint64_t time_ns;

	/** The interface at which it arrived: see if_nametoindex(3). (0) */
	uint32_t interface_index;

	/** Bytes of each of the datagrams that the kernel has put together
	 * here. They follow each other in data; only the last one may be
	 * shorter. (0: this is one datagram) */
	uint32_t segment_size;

	/** The time to live or hop limit that was left. (-1) */
	int16_t hop_limit;

	/** The two bits of explicit congestion notification: see RFC 3168.
	 * (0) */
	uint8_t ecn;

	/** Whether the datagram was longer than the size that
	 * rota_datagram_receive_up_to() had asked for: the rest is lost. */
	uint8_t is_truncated;
};

/**
 * A datagram to send. Set what is needed, and leave the rest 0.
 *
 * Owner:   the caller. rota_datagram_try_send() uses it only until it returns.
 *          rota_datagram_send() copies it, with the addresses, but neither the
 *          bytes nor the array of buffers.
 */
struct rota_outgoing {
	/** The bytes: @size of them at @data; or, if @bufs is not NULL, those
	 * of the @count buffers at @bufs, up to ROTA_DATAGRAM_BUFS. A datagram
	 * may be empty. */
	const void *data;
	size_t size;
	const struct rota_const_buf *bufs;
	size_t count;

	/** The destination. NULL: the peer of a connected socket. */
	const struct rota_address *to;

	/** The address of this host from which the datagram comes; its port is
	 * ignored. NULL, or size 0: the system chooses. */
	const struct rota_address *from;

	/** The interface by which it leaves. 0: the system chooses. */
	uint32_t interface_index;

	/** If not 0, the bytes are sent as datagrams of so many bytes each; the
	 * last may be shorter. There are up to ROTA_DATAGRAM_SEGMENTS of them.
	 * See ROTA_UDP_SEGMENTS in rota/udp.h. */
	uint16_t segment_size;

	/** The time to live or hop limit, 1 to 255. 0: that of the socket. */
	uint8_t hop_limit;

	/** The two bits of explicit congestion notification. */
	uint8_t ecn;
};

/**
 * Called with @count datagrams that have arrived, at least one, in the order in
 * which the socket received them; @status is 0. Or called with an error of the
 * socket in @status, and @count is 0; receiving goes on. If an error persists
 * that is not one of the network, receiving is stopped before the callback.
 *
 * Phase:   poll. The callback may stop, close or free anything.
 * Thread:  the loop's.
 * Owner:   the loop owns the array and all that it points to.
 */
typedef void rota_receive_fn(struct rota_datagram *datagram, int status,
			     const struct rota_received *received,
			     size_t count);

/**
 * Called when a request to send has completed: @status is 0 if the system has
 * taken the datagram, or an error. The callback may free @send.
 *
 * Phase:   pending, or closing if the socket was closed.
 * Thread:  the loop's.
 */
typedef void rota_send_fn(struct rota_send *send, int status);

/**
 * What the network says about a datagram that was sent before. Members that are
 * not known have the values in brackets.
 *
 * Owner:   the loop, which lends it for the time of the callback.
 */
struct rota_datagram_error {
	int status;               /* such as ROTA_ECONNREFUSED */
	uint8_t type;             /* of the ICMP message (0) */
	uint8_t code;             /* of the ICMP message (0) */
	uint16_t mtu;             /* for ROTA_EMSGSIZE: what fits (0) */
	struct rota_address to;   /* the destination (size 0) */
	struct rota_address from; /* who reports it (size 0) */
	const char *data;         /* the first bytes of the datagram (NULL) */
	size_t size;
};

/**
 * Called for each error that the network reports: see
 * rota_datagram_on_error().
 *
 * Phase:   poll. The callback may stop, close or free anything.
 * Thread:  the loop's.
 */
typedef void rota_datagram_error_fn(struct rota_datagram *datagram,
				    const struct rota_datagram_error *error);

/** Limits of one datagram to send. */
enum {
	ROTA_DATAGRAM_BUFS = 64,
	ROTA_DATAGRAM_SEGMENTS = 64,
};

/**
 * The base of every socket of datagrams.
 *
 * Owner:   as struct rota_handle
 */
struct rota_datagram {
	struct rota_handle handle;
	struct {
		struct rota_watch watch;
		rota_receive_fn *receive;
		rota_datagram_error_fn *error;
		struct rota_link queue; /* of requests */
		size_t queue_size;      /* bytes in the queue */
		uint32_t queue_count;
		uint32_t slot;              /* bytes to receive of each */
		struct rota_datagram *held; /* the next one to flush */
		uint32_t flags;
		int error_left; /* of the socket, not reported yet */
	} internal; /* private to the library: do not read or write */
};

/**
 * A request to send a datagram. It needs no initialization.
 *
 * Owner:   as struct rota_request. The bytes of the datagram are the caller's
 *          as well, who leaves them unchanged until the callback.
 */
struct rota_send {
	struct rota_request request;
	struct {
		struct rota_link link;
		rota_send_fn *fn;
		struct rota_outgoing out;
		struct rota_address to;
		struct in6_addr from; /* or an IPv4 address, in its front */
		size_t size;
	} internal; /* private to the library: do not read or write */
};

/**
 * Call @fn with datagrams as they arrive, until rota_datagram_receive_stop().
 * The loop provides the memory, enough for the largest datagrams there are: no
 * datagram is truncated. One callback gets up to ROTA_DATAGRAMS_PER_CALL of
 * them. If receiving is already started, @fn replaces the previous function.
 * Returns 0.
 *
 * Phase:   see rota_receive_fn.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @fn is NULL, or @datagram is closing
 *          ROTA_EBADF      @datagram has no descriptor yet
 *          ROTA_ENOTCONN   it is of records, and not connected
 *          ROTA_EOF        it is of records, and its end was received
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_datagram_receive_start(struct rota_datagram *datagram,
				rota_receive_fn *fn);

/**
 * As rota_datagram_receive_start(), for datagrams of up to @size bytes. What is
 * longer is cut, and is_truncated is set. This takes less memory, which a
 * program notices if it receives many small datagrams. Datagrams that the
 * system puts together (ROTA_UDP_REPORT_COALESCED) are never cut.
 *
 * Phase:   see rota_receive_fn.
 * Thread:  the loop's.
 * Errors:  as rota_datagram_receive_start(); and ROTA_EINVAL if @size is 0
 */
int rota_datagram_receive_up_to(struct rota_datagram *datagram, size_t size,
				rota_receive_fn *fn);

/**
 * Receive no more. What arrives waits in the system's buffer. This takes effect
 * at once, in the receiving callback as well. Returns 0, also if nothing was
 * started.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @datagram is closing
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_datagram_receive_stop(struct rota_datagram *datagram);

/**
 * Send the datagram *@out, after all that were queued before. What one callback
 * sends leaves when it ends, or before the next rota_datagram_try_send(), with
 * one system call for many. Outside callbacks it leaves when the loop runs.
 * @fn gets the result of this datagram and of no other. If the socket has no
 * address, the system chooses a port. Returns 0.
 *
 * Phase:   @fn runs in the pending phase, or in the closing phase if @datagram
 *          was closed.
 * Thread:  the loop's.
 * Owner:   *@out is copied, with its addresses. The caller leaves the bytes,
 *          and the array of buffers, unchanged until @fn.
 * Errors:  ROTA_EINVAL        an argument is not right, or @datagram is closing
 *          ROTA_EISCONN       there is a destination, but the socket is
 *                             connected
 *          ROTA_EDESTADDRREQ  there is none, and it is not
 *          ROTA_ENOTCONN      it is of records, and not connected
 *          ROTA_EAFNOSUPPORT  an address is of a family that the socket does
 *                             not have
 *          ROTA_ENOTSUP       the system has no segments
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_datagram_receive_start()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_datagram_send(struct rota_send *send, struct rota_datagram *datagram,
		       const struct rota_outgoing *out, rota_send_fn *fn);

/**
 * Send @count datagrams now, in order, with as few system calls as possible,
 * after what is queued. Returns how many the system has taken, at least one.
 * They are the first ones: the caller sends the others later, or not at all.
 * To find out why the next one was not taken, try it again.
 *
 * Thread:  the loop's.
 * Owner:   the caller; nothing is used after the return.
 * Errors:  of the first datagram; none is sent:
 *          ROTA_EAGAIN    the system has no room now, or requests are queued
 *                         that it has no room for
 *          ROTA_EMSGSIZE  it is too long
 *          Others         as rota_datagram_send(); and what sendmsg(2) reports.
 *                         An error about an earlier datagram is never returned
 */
int rota_datagram_try_send(struct rota_datagram *datagram,
			   const struct rota_outgoing *out, size_t count);

/**
 * Call @fn for each error that the network reports about a datagram that was
 * sent, such as a port that nobody listens to, once for each, with the
 * destination and the first bytes of the datagram, if the report has them. NULL
 * ends that. See IP_RECVERR in ip(7).
 *
 * Errors are reported while the socket is registered with the loop's poller:
 * from this call on; with kqueue, while it receives. That does not keep the
 * loop alive. Without @fn, errors of a connected socket are passed to the
 * receiving callback as its status; those of other sockets are not known.
 * Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL     @datagram is closing
 *          ROTA_EBADF      @datagram has no descriptor yet
 *          ROTA_ENOTSUP    @datagram is not a socket of UDP
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_datagram_receive_start()
 *          After any of them nothing has changed.
 */
int rota_datagram_on_error(struct rota_datagram *datagram,
			   rota_datagram_error_fn *fn);

/**
 * Return how many requests are queued. Requests that have completed, and only
 * wait for their callback, are not counted.
 *
 * Thread:  the loop's.
 */
size_t rota_datagram_queue_count(const struct rota_datagram *datagram);

/**
 * Return how many bytes the requests have that are queued.
 *
 * Thread:  the loop's.
 */
size_t rota_datagram_queue_size(const struct rota_datagram *datagram);

/**
 * Return the descriptor, or ROTA_EBADF if @datagram has none.
 *
 * Thread:  the loop's.
 * Owner:   the handle.
 */
int rota_datagram_fd(const struct rota_datagram *datagram);

/**
 * Store in *@count how many datagrams the system has dropped because the
 * socket's buffer was full, or for want of a right checksum, since the socket
 * was made. The system counts up to 2^32 - 1, and then begins anew. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL   @count is NULL, or @datagram is closing
 *          ROTA_EBADF    @datagram has no descriptor yet
 *          ROTA_ENOTSUP  the system does not tell: Linux before 4.12, others
 */
int rota_datagram_dropped(const struct rota_datagram *datagram,
			  uint64_t *count);

/**
 * Set how many bytes that have arrived the system may keep for the socket. See
 * SO_RCVBUF in socket(7): the system may choose another size. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @size is 0 or above INT_MAX, or @datagram is closing
 *          ROTA_EBADF   @datagram has no descriptor yet
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Others       what setsockopt(2) reports
 */
int rota_datagram_set_receive_buffer(struct rota_datagram *datagram,
				     size_t size);

/**
 * Set how many bytes that are not sent yet the system may keep for the socket:
 * SO_SNDBUF in socket(7). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_datagram_set_receive_buffer()
 */
int rota_datagram_set_send_buffer(struct rota_datagram *datagram, size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
