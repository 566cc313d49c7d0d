/*
 * rota/host_connect.h - connecting a TCP socket to a host by its name.
 *
 * The name is looked up (rota/dns.h), and the addresses are tried as RFC 8305
 * says: the next attempt begins if the one before has failed, or after 250 ms,
 * and then both go on. The first that connects is the connection, and the
 * others are closed.
 */
#ifndef ROTA_HOST_CONNECT_H
#define ROTA_HOST_CONNECT_H

#include "rota/dns.h"
#include "rota/tcp.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rotai_race;

/** The options of a connect by name. Call rota_host_connect_options_init(),
 * then change members. */
struct rota_host_connect_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** AF_INET or AF_INET6: only addresses of that family. AF_UNSPEC: of
	 * both. */
	int family;

	/** ROTA_LOOKUP_... */
	unsigned lookup_flags;

	/** After how many nanoseconds without an answer the next attempt
	 * begins: 10 ms or more (RFC 8305, section 8). */
	uint64_t attempt_delay_ns;
};

/**
 * A request to connect to a host by its name. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_host_connect {
	union {
		struct rota_request request;
		struct rota_connect connect;
	};
	struct {
		struct rotai_waiter waiter;
		struct rotai_race *race; /* NULL: there are no attempts yet */
		uint64_t delay_ns;
		int model;  /* a socket whose options attempts have, or -1 */
		int status; /* not 0: it ends when a thread gives it back */
	} internal;         /* private to the library: do not read or write */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_host_connect_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_host_connect_options_init_size(
	struct rota_host_connect_options *options, size_t size);

/**
 * Set *@options to the defaults: both families, no flags, and 250 ms between
 * attempts.
 *
 * Thread:  any.
 */
static inline void
rota_host_connect_options_init(struct rota_host_connect_options *options)
{
	rota_host_connect_options_init_size(options, sizeof(*options));
}

/**
 * Connect @tcp to @port of @host, which is a name or an IP address as for
 * rota_lookup_begin(). @options NULL means the defaults. As with
 * rota_tcp_connect(), output that is sent or written in the meantime is queued,
 * the request can be cancelled, and after a failure @tcp is at once as after
 * rota_tcp_init(). A deadline of &connect->request is one for the lookup and
 * all attempts together. Returns 0.
 *
 * Up to ROTA_HOST_ADDRESSES addresses are tried, in the order of
 * getaddrinfo(3), with the families in turn (RFC 8305, section 4). If none
 * connects, @fn gets the error that says most: a shortage of descriptors or
 * memory; else that of an attempt which a peer has answered, such as
 * ROTA_ECONNREFUSED; else that of one which had no answer; else why this host
 * cannot use such addresses. Of several it is the first.
 *
 * If @tcp has a socket, by rota_tcp_create(), all attempts get its options
 * which functions of rota/tcp_options.h have set, except fast open, which is a
 * listener's; and the sizes of its buffers, SO_RCVBUF and SO_SNDBUF, which have
 * to be set before a connect. The socket itself is not connected, but closed.
 * So there may be several attempts, of either family. While they are made, @tcp
 * has no descriptor. Other options, such as IP_TOS, are lost: set them in @fn.
 *
 * Phase:   @fn runs in the poll phase. It runs in the pending phase if the
 *          lookup has failed, or an attempt has succeeded or failed at once,
 *          after a cancel, a deadline or rota_stream_end(), or if the last
 *          attempt began and failed when a delay was over; and in the closing
 *          phase if @tcp was closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @connect alive and in place until @fn is called,
 *          with &connect->connect. If @tcp is closed at the moment when a
 *          thread is just done with the lookup, @fn and the callback of the
 *          close wait for the next poll phase. The library does not use @host
 *          and @options after the call.
 * Errors:  ROTA_EINVAL    @connect, @host or @fn is NULL, @port is above 65535,
 *                         @host is empty, contains a space or a control
 *                         character, or looks like an IP address and is none,
 *                         an option is invalid, or @tcp is bound, listens or is
 *                         closing
 *          ROTA_EISCONN   @tcp is connected
 *          ROTA_EALREADY  @tcp is connecting
 *          ROTA_ENAMETOOLONG, ROTA_EAI_ADDRFAMILY, ROTA_EAI_NONAME: as
 *          rota_lookup_begin()
 *          ROTA_ENOMEM, ROTA_ESHUTDOWN, ROTA_ECHILD
 *          After any of them nothing has changed, and @fn is not called.
 *          @fn gets the errors of a lookup: see rota_lookup_fn.
 */
int rota_tcp_connect_host(struct rota_host_connect *connect,
			  struct rota_tcp *tcp, const char *host, unsigned port,
			  const struct rota_host_connect_options *options,
			  rota_connect_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
