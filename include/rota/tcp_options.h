/*
 * rota/tcp_options.h - options of TCP sockets. rota/tcp.h includes this.
 *
 * They are options of the socket itself. So there must be one: call these
 * functions after rota_tcp_open(), rota_tcp_create(), rota_tcp_bind() or
 * rota_tcp_connect(). For other options there is rota_stream_fd(). What the
 * system does not have is ROTA_ENOTSUP.
 */
#ifndef ROTA_TCP_OPTIONS_H
#define ROTA_TCP_OPTIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_tcp;

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
 * Set SO_KEEPALIVE: after @idle_ns nanoseconds without traffic the system
 * probes the peer every second, 10 times, and then the connection fails.
 * Systems count in seconds, so the time is rounded up to whole seconds. It is 1
 * to 32767 seconds: less is taken for a wrong unit. With 0 the system does not
 * probe. See tcp(7) and RFC 9293, section 3.8.4. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EINVAL  @idle_ns is out of range
 */
int rota_tcp_set_keepalive(struct rota_tcp *tcp, uint64_t idle_ns);

/**
 * Set SO_KEEPALIVE and all its times: after @idle_ns nanoseconds without
 * traffic the system probes the peer, then again every @interval_ns. When
 * @count probes in a row have had no answer, the connection fails. The times
 * are rounded up to whole seconds. Both are 1 to 32767 seconds, as in
 * rota_tcp_set_keepalive(); @count is 1 to 127. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EINVAL  a number is out of range
 */
int rota_tcp_set_keepalive_with(struct rota_tcp *tcp, uint64_t idle_ns,
				uint64_t interval_ns, unsigned count);

/**
 * Set TCP_USER_TIMEOUT: the connection fails with ROTA_ETIMEDOUT if output that
 * was sent is not acknowledged within @timeout_ns nanoseconds, rounded up to
 * whole milliseconds. It is 1 to INT_MAX milliseconds: less is taken for a
 * wrong unit. With 0 the system decides, as before this call. It also limits
 * how long keep-alive probes go unanswered. See tcp(7) and RFC 5482. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EINVAL   @timeout_ns is out of range
 *          ROTA_ENOTSUP  the system does not have this: Linux has
 */
int rota_tcp_set_user_timeout(struct rota_tcp *tcp, uint64_t timeout_ns);

/**
 * Set TCP_FASTOPEN of a listener, before or after rota_stream_listen(): peers
 * that have a cookie may send their first data with the packet that asks for
 * the connection (RFC 7413). Up to @queue such connections may wait for their
 * handshake to end. With 0 there are none. The first data of a peer may arrive
 * twice: see rota_tcp_connect_fast(). Where the system has no such queue, any
 * @queue but 0 is only a switch. Returns 0.
 *
 * Linux also has a switch for the whole system: bit 2 of net.ipv4.tcp_fastopen.
 * If it is off, this call succeeds and has no effect. See tcp(7).
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EINVAL   @queue is more than INT_MAX, or @tcp is connected or
 *                        connecting
 *          ROTA_ENOTSUP  the system does not have this
 */
int rota_tcp_set_fast_open(struct rota_tcp *tcp, unsigned queue);

/**
 * Let @tcp use only the network interface @device, for example "eth0":
 * SO_BINDTODEVICE, see socket(7). NULL or "": any interface. Call this before
 * rota_stream_listen() or rota_tcp_connect(). Connections inherit it from their
 * listener. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use @device after the call.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_ENODEV   there is no such interface, or the name is too long
 *          ROTA_EPERM    the process lacks a privilege: Linux before 5.7, or to
 *                        change the device that is set
 *          ROTA_ENOTSUP  the system cannot do this: Linux and macOS can
 */
int rota_tcp_set_device(struct rota_tcp *tcp, const char *device);

/**
 * Set SO_MARK: firewall and routing rules can select packets by @mark. See
 * socket(7). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EPERM    the process lacks a privilege
 *          ROTA_ENOTSUP  the system does not have this: Linux has
 */
int rota_tcp_set_mark(struct rota_tcp *tcp, uint32_t mark);

/**
 * Set SO_PRIORITY: the queues of network devices order packets by @priority,
 * which is 0 to 6, or higher with a privilege. See socket(7). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay(), and
 *          ROTA_EINVAL   @priority is negative
 *          ROTA_EPERM    the process lacks a privilege
 *          ROTA_ENOTSUP  the system does not have this: Linux has
 */
int rota_tcp_set_priority(struct rota_tcp *tcp, int priority);

/**
 * Set SO_OOBINLINE: urgent bytes are part of the other input, at the place
 * where the peer has sent them (@on is not 0), or separate (@on is 0, the
 * default). What is inline is not passed to the function of
 * rota_tcp_on_urgent(). Connections inherit this from their listener. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_tcp_set_nodelay()
 */
int rota_tcp_set_urgent_inline(struct rota_tcp *tcp, int on);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
