/*
 * rota/udp.h - UDP sockets: how to open, bind and connect them, and their
 * options. Sending, receiving and errors are in rota/datagram.h; closing is in
 * rota/handle.h.
 */
#ifndef ROTA_UDP_H
#define ROTA_UDP_H

#include "rota/datagram.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;

/**
 * A UDP socket. Its bases are &udp.datagram and &udp.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_udp {
	union {
		struct rota_handle handle;
		struct rota_datagram datagram;
	};
};

/** Flags for rota_udp_bind(). */
enum {
	/** IPV6_V6ONLY: an IPv6 address gets no IPv4 datagrams; see ipv6(7). */
	ROTA_UDP_IP6_ONLY = 1 << 0,

	/** Leave IPV6_V6ONLY as it is: as the program has set it, or as the
	 * system's default is. */
	ROTA_UDP_IP6_AS_IS = 1 << 1,

	/** SO_REUSEADDR: other sockets that set it may have the same address.
	 * Each of them gets the datagrams of a multicast group; only one of
	 * them gets those that are sent to its own address. On macOS and the
	 * BSDs this is SO_REUSEPORT, which does the same there. */
	ROTA_UDP_REUSE_ADDRESS = 1 << 2,

	/** Several sockets that all have this flag may have the same address,
	 * and the system spreads the senders over them. SO_REUSEPORT, see
	 * socket(7), or SO_REUSEPORT_LB. ROTA_ENOTSUP where one of the sockets
	 * would get everything, as on macOS. */
	ROTA_UDP_REUSE_PORT = 1 << 3,

	/** IP_FREEBIND: the address need not be one of this host (yet); see
	 * ip(7). Linux; elsewhere ROTA_ENOTSUP. */
	ROTA_UDP_FREE_BIND = 1 << 4,

	/** IP_TRANSPARENT: the same, for a transparent proxy; see ip(7). The
	 * process needs a privilege: without it, ROTA_EPERM. Linux; elsewhere
	 * ROTA_ENOTSUP. */
	ROTA_UDP_TRANSPARENT = 1 << 5,
};

/** Members of struct rota_received that are set: rota_udp_report(). */
enum {
	/** to, own and interface_index. */
	ROTA_UDP_REPORT_ADDRESS = 1 << 0,

	/** ecn. */
	ROTA_UDP_REPORT_ECN = 1 << 1,

	/** hop_limit. */
	ROTA_UDP_REPORT_HOP_LIMIT = 1 << 2,

	/** time_ns. */
	ROTA_UDP_REPORT_TIME = 1 << 3,

	/** Let the kernel put datagrams together that arrive in a row from one
	 * sender and have the same size: segment_size is then set. See UDP_GRO
	 * in udp(7). Linux 5.0; elsewhere ROTA_ENOTSUP. */
	ROTA_UDP_REPORT_COALESCED = 1 << 4,
};

/** What a system may have or lack: rota_udp_can(). */
enum rota_udp_ability {
	/** segment_size of struct rota_outgoing: see UDP_SEGMENT in udp(7). */
	ROTA_UDP_SEGMENTS,

	/** ROTA_UDP_REPORT_COALESCED. */
	ROTA_UDP_COALESCING,
};

/** What becomes of datagrams that are longer than the path to their destination
 * takes: rota_udp_set_fragments(). */
enum rota_udp_fragments {
	/** The system makes fragments, as long as the path takes according to
	 * what it knows. If one is lost, so is the datagram. The default. */
	ROTA_UDP_FRAGMENT,

	/** Nobody makes fragments. What is longer than the path takes,
	 * according to what the system knows, is refused with ROTA_EMSGSIZE. If
	 * a router finds out later, that is an error of the network: see
	 * rota_datagram_on_error(), which reports how much fits. */
	ROTA_UDP_NO_FRAGMENTS,

	/** The same, but what the system knows of the path is ignored: only
	 * what is longer than the interface takes is refused. For programs that
	 * find out themselves how much fits (RFC 8899). Linux; elsewhere
	 * ROTA_ENOTSUP. */
	ROTA_UDP_PROBE,
};

/**
 * Initialize @udp as an open handle of @loop. It has no descriptor yet: a bind,
 * a connect, the first datagram sent or rota_udp_create() makes it. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM     only with the loop's first socket of datagrams
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @udp is not open and need not be closed.
 */
int rota_udp_init(struct rota_udp *udp, struct rota_loop *loop);

/**
 * As rota_udp_init(), with the descriptor @fd: a UDP socket that is connected,
 * bound, or neither. It is made non-blocking. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0, the handle owns @fd and closes it.
 * Errors:  as rota_udp_init(), and
 *          ROTA_EBADF     @fd is not open
 *          ROTA_ENOTSOCK  @fd is not a socket
 *          ROTA_EINVAL    @fd is not a datagram socket of IPv4 or IPv6
 *          Others         what getsockname(2) and fcntl(2) report
 *          After any of them @fd is unchanged and still the caller's.
 */
int rota_udp_open(struct rota_udp *udp, struct rota_loop *loop, int fd);

/**
 * Make the socket of @udp now, of the family AF_INET or AF_INET6, so that its
 * options can be set. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        @udp is closing
 *          ROTA_EALREADY      @udp has a socket already
 *          ROTA_EAFNOSUPPORT  @family is another one, or the system does not
 *                             have it
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_udp_init()
 *          After any of them @udp is unchanged.
 */
int rota_udp_create(struct rota_udp *udp, int family);

/**
 * Give @udp the address *@address, to receive what is sent to it. With port 0
 * the system chooses one. @flags are ROTA_UDP_ bits, or 0. An IPv6 socket gets
 * IPv4 datagrams as well, unless a flag says otherwise. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL         *@address or @flags are not right, or @udp is
 *                              bound or connected already, or is closing
 *          ROTA_EAFNOSUPPORT   the socket is of another family
 *          ROTA_EADDRINUSE     the address is in use
 *          ROTA_EADDRNOTAVAIL  it is not an address of this host
 *          ROTA_EACCES         the port needs a privilege
 *          ROTA_ENOTSUP        the system lacks what a flag asks for
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_udp_init()
 *          After any of them @udp is unchanged, with all of its options.
 */
int rota_udp_bind(struct rota_udp *udp, const struct rota_address *address,
		  unsigned flags);

/**
 * Connect @udp to *@address: datagrams without a destination go there, and only
 * those that come from there are received. No packet is sent. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL        *@address is not right, or @udp is closing
 *          ROTA_EISCONN       @udp is connected already
 *          ROTA_EBUSY         requests are queued, which have destinations
 *          ROTA_EAFNOSUPPORT  the socket is of another family
 *          ROTA_ENETUNREACH   there is no route
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_udp_init()
 *          After any of them @udp is unchanged.
 */
int rota_udp_connect(struct rota_udp *udp, const struct rota_address *address);

/**
 * End the connection of @udp. It keeps its port. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @udp is closing
 *          ROTA_ENOTCONN  @udp is not connected
 *          ROTA_EBUSY     requests are queued, which have no destinations
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_udp_init()
 *          After any of them @udp is unchanged.
 *          ROTA_EADDRINUSE  the connection has ended, but another socket took
 *                           the port in the meantime: Linux, if the system had
 *                           chosen the port
 */
int rota_udp_disconnect(struct rota_udp *udp);

/**
 * Store the address of @udp itself in *@address: see getsockname(2). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @address is NULL, or @udp is closing
 *          ROTA_EBADF   @udp has no descriptor yet
 *          After any of them *@address is unchanged.
 */
int rota_udp_own_address(const struct rota_udp *udp,
			 struct rota_address *address);

/**
 * Store the address of the peer in *@address: see getpeername(2). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_own_address(); and ROTA_ENOTCONN if there is no peer
 */
int rota_udp_peer_address(const struct rota_udp *udp,
			  struct rota_address *address);

/**
 * Set which members of struct rota_received are set from now on: exactly those
 * of the bits @what, which are ROTA_UDP_REPORT_ values, or 0. Each costs some
 * time for every datagram. What was received before does not have them.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL   @what has other bits, or @udp is closing
 *          ROTA_EBADF    @udp has no descriptor yet
 *          ROTA_ENOTSUP  the system lacks one of them
 *          ROTA_ECHILD   in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_udp_report(struct rota_udp *udp, unsigned what);

/**
 * Return 1 if the system has that ability, 0 if not. The socket is not changed,
 * so a forked child may ask as well.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  there is no such ability, or @udp is closing
 *          ROTA_EBADF   @udp has no descriptor yet
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS, ROTA_ENOMEM: Linux before
 *                       5.16, which needs another socket to find out
 */
int rota_udp_can(struct rota_udp *udp, enum rota_udp_ability ability);

/**
 * Allow datagrams to broadcast addresses, or do not: SO_BROADCAST in socket(7).
 * Without it they are refused with ROTA_EACCES. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  a value is out of range, or @udp is closing
 *          ROTA_EBADF   @udp has no descriptor yet
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          Others       what setsockopt(2) reports
 *          After any of them nothing has changed.
 */
int rota_udp_set_broadcast(struct rota_udp *udp, int on);

/**
 * Set what becomes of datagrams that are longer than the path to their
 * destination takes. See IP_MTU_DISCOVER in ip(7); elsewhere this is
 * IP_DONTFRAG, and IPV6_DONTFRAG of RFC 3542. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_set_broadcast(); and ROTA_ENOTSUP if the system lacks it
 */
int rota_udp_set_fragments(struct rota_udp *udp, enum rota_udp_fragments how);

/**
 * Return the MTU of the path from @udp to its peer, as far as the system knows:
 * the bytes of the longest packet. Of these the headers of IP and UDP take 28
 * with IPv4 and 48 with IPv6, if there are no options. A router may take less,
 * which the system learns when a packet was too long. See IP_MTU in ip(7). To
 * ask for the path to another destination, connect a socket to it: that sends
 * nothing.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @udp is closing
 *          ROTA_EBADF     @udp has no descriptor yet
 *          ROTA_ENOTCONN  @udp is not connected
 *          ROTA_ENOTSUP   the system does not tell: IPv4 outside Linux
 *          Others         what getsockopt(2) reports
 */
int rota_udp_path_mtu(const struct rota_udp *udp);

/**
 * Set the time to live, or hop limit, of what is sent: 1 to 255. See IP_TTL in
 * ip(7) and IPV6_UNICAST_HOPS in ipv6(7). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_set_broadcast()
 */
int rota_udp_set_hop_limit(struct rota_udp *udp, int hop_limit);

/**
 * The same for what is sent to multicast groups. It may be 0: to this host
 * only. See IP_MULTICAST_TTL in ip(7). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_set_broadcast()
 */
int rota_udp_set_multicast_hop_limit(struct rota_udp *udp, int hop_limit);

/**
 * Let datagrams to multicast groups come back to this host, as they do by
 * default, or do not: IP_MULTICAST_LOOP in ip(7). On Linux this belongs to the
 * sender's socket. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_set_broadcast()
 */
int rota_udp_set_multicast_loop(struct rota_udp *udp, int on);

/**
 * Send to multicast groups by the interface of that index; see
 * if_nametoindex(3). 0: the system chooses. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_set_broadcast(); such as ROTA_EADDRNOTAVAIL or
 *          ROTA_ENODEV if there is no such interface
 */
int rota_udp_set_multicast_interface(struct rota_udp *udp,
				     unsigned interface_index);

/**
 * Join the multicast group *@group, of IPv4 or IPv6 as the socket is, at that
 * interface; 0: the system chooses one. The port in *@group is ignored. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL         an address is NULL or no multicast group, or of
 *                              another family, or its size is not that of its
 *                              family; or @udp is closing
 *          ROTA_EBADF          @udp has no descriptor yet
 *          ROTA_EADDRINUSE     it has joined already
 *          ROTA_EADDRNOTAVAIL  it has not joined, and leaves
 *          ROTA_ENODEV         there is no such interface, or none is suitable
 *          ROTA_ENOBUFS        too many groups
 *          ROTA_ECHILD         in a forked child, before rota_loop_fork()
 *          Others              what setsockopt(2) reports
 *          After any of them nothing has changed.
 */
int rota_udp_join(struct rota_udp *udp, const struct rota_address *group,
		  unsigned interface_index);

/**
 * Leave a group that rota_udp_join() has joined at that interface. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_join()
 */
int rota_udp_leave(struct rota_udp *udp, const struct rota_address *group,
		   unsigned interface_index);

/**
 * As rota_udp_join(), but only for datagrams from *@source. Several senders may
 * be joined one by one: see RFC 3678. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_join()
 */
int rota_udp_join_source(struct rota_udp *udp, const struct rota_address *group,
			 const struct rota_address *source,
			 unsigned interface_index);

/**
 * Get no more from a sender that rota_udp_join_source() has joined. With the
 * last one, the group is left. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_join()
 */
int rota_udp_leave_source(struct rota_udp *udp,
			  const struct rota_address *group,
			  const struct rota_address *source,
			  unsigned interface_index);

/**
 * In a group that was joined by rota_udp_join(), get nothing from that sender.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_join()
 */
int rota_udp_block_source(struct rota_udp *udp,
			  const struct rota_address *group,
			  const struct rota_address *source,
			  unsigned interface_index);

/**
 * Get what comes from a sender that rota_udp_block_source() has blocked.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_udp_join()
 */
int rota_udp_unblock_source(struct rota_udp *udp,
			    const struct rota_address *group,
			    const struct rota_address *source,
			    unsigned interface_index);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
