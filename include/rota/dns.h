/*
 * rota/dns.h - lookups: the addresses of a host name, and the name of an
 * address, as the system's getaddrinfo(3) and getnameinfo(3) find them.
 *
 * These calls can take long, and nothing can interrupt them. So a thread of the
 * pool's blocking lane makes them, in memory of the library's. A lookup ends at
 * its deadline, when it is cancelled or when its loop shuts down, however long
 * the thread is stuck. Lookups that are in flight at one time and ask the same
 * share one call, also those of several loops with the same pool. There is no
 * cache: the system may have one.
 *
 * To connect to a host by its name, see rota/host_connect.h.
 */
#ifndef ROTA_DNS_H
#define ROTA_DNS_H

#include <stdint.h>

#include "rota/address.h"
#include "rota/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_lookup;
struct rota_name_lookup;

/** The most bytes of a host name, and of the name of a service. A name of DNS
 * has up to 253 (RFC 1035, section 2.3.4), and one that is longer than this is
 * refused. */
enum { ROTA_HOST_NAME_LENGTH = 255 };

/** Flags for lookups of addresses: see getaddrinfo(3). */
enum {
	/** AI_PASSIVE: the host NULL is any address of this host, to bind to.
	 * Without it, the host NULL is the loopback address. */
	ROTA_LOOKUP_PASSIVE = 1 << 0,

	/** AI_CANONNAME: also find the canonical name. */
	ROTA_LOOKUP_CANONICAL_NAME = 1 << 1,

	/** AI_NUMERICHOST: the host is an IP address. A name is refused with
	 * ROTA_EAI_NONAME. */
	ROTA_LOOKUP_NUMERIC_HOST = 1 << 2,

	/** AI_NUMERICSERV: the service is a port number. A name is refused with
	 * ROTA_EAI_NONAME. */
	ROTA_LOOKUP_NUMERIC_SERVICE = 1 << 3,

	/** AI_V4MAPPED: with AF_INET6, a host that only has IPv4 addresses has
	 * them as mapped ones, such as ::ffff:192.0.2.1. */
	ROTA_LOOKUP_V4_MAPPED = 1 << 4,

	/** AI_ALL: with ROTA_LOOKUP_V4_MAPPED, also if it has others. */
	ROTA_LOOKUP_ALL = 1 << 5,

	/** AI_ADDRCONFIG: only families that this host has an address of, other
	 * than loopback. */
	ROTA_LOOKUP_CONFIGURED = 1 << 6,
};

/** The options of a lookup. Call rota_lookup_options_init(), then change
 * members. */
struct rota_lookup_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** AF_INET or AF_INET6: only addresses of that family. AF_UNSPEC: of
	 * both. */
	int family;

	/** SOCK_STREAM or SOCK_DGRAM: what the service is for. */
	int socket_type;

	/** ROTA_LOOKUP_... */
	uint64_t flags;
};

/** The result of a lookup. Nobody changes it. */
struct rota_address_list {
	size_t count; /* at least 1 */

	/** In the order in which they should be tried (RFC 6724), with the port
	 * of the service. */
	const struct rota_address *addresses;

	/** NULL, unless ROTA_LOOKUP_CANONICAL_NAME was set. */
	const char *canonical_name;
};

/**
 * Called when @lookup has completed. @status is 0 and @list has the addresses;
 * or @list is NULL and @status is an error: ROTA_EAI_NONAME if there is no such
 * host or service, and the other ROTA_EAI_... codes; ROTA_ECANCELED or
 * ROTA_ETIMEDOUT; ROTA_EAGAIN if the lane has no thread and none could be
 * started; ROTA_ENOMEM; or another error of the system. The callback may free
 * @lookup, or begin another one in it.
 *
 * Phase:   poll, or pending: see rota_lookup_begin().
 * Thread:  the loop's.
 * Owner:   @list is valid until the callback returns. rota_address_list_ref()
 *          keeps it.
 */
typedef void rota_lookup_fn(struct rota_lookup *lookup, int status,
			    const struct rota_address_list *list);

/**
 * A lookup of addresses, as a request. It needs no initialization. See struct
 * rota_request about what is all zero.
 *
 * Owner:   as struct rota_request
 */
struct rota_lookup {
	struct rota_request request;
	struct {
		struct rotai_waiter waiter;
		rota_lookup_fn *fn;
		const struct rota_address_list *list;
		int late;
	} internal; /* private to the library: do not read or write */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_lookup_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_lookup_options_init_size(struct rota_lookup_options *options,
				   size_t size);

/**
 * Set *@options to the defaults: both families, SOCK_STREAM and no flags.
 *
 * Thread:  any.
 */
static inline void rota_lookup_options_init(struct rota_lookup_options *options)
{
	rota_lookup_options_init_size(options, sizeof(*options));
}

/**
 * Find the addresses of @host, with the port of @service, and pass them to @fn.
 * @service is the name of a service (see services(5)), a port number in decimal
 * digits, or NULL for port 0. @host may be NULL if @service is not: see
 * ROTA_LOOKUP_PASSIVE. @options NULL means the defaults. Returns 0.
 *
 * If @host is an IP address, as rota_address_ip() takes it, and @service is a
 * number or NULL, nothing is looked up and no thread is needed. The other forms
 * that inet_aton(3) takes for an IPv4 address, such as "1", "127.1" and
 * "0x7f.1", are refused: see docs/names.md.
 *
 * @host is passed to the system as it is. What becomes of letters that are not
 * ASCII (IDNA, RFC 5890) depends on the system.
 *
 * &lookup->request can be cancelled and can have a deadline. Either takes
 * effect at once, even if a thread is stuck in the call.
 *
 * Phase:   @fn runs in the poll phase. It runs in the pending phase if no
 *          thread was needed, if the lookup was cancelled or timed out, if more
 *          jobs completed than one turn calls back
 *          (ROTA_POOL_COMPLETIONS_PER_TURN), or if the lane has no threads: the
 *          loop then waits for the system there.
 * Thread:  the loop's.
 * Owner:   the caller keeps @lookup alive and in place until @fn is called. The
 *          library does not use @host, @service and @options after the call.
 * Errors:  ROTA_EINVAL           @lookup, @loop or @fn is NULL; @host and
 *                                @service are both NULL; one of them is empty
 *                                or contains a space or a control character;
 *                                @host looks like an IP address and is none;
 *                                @service is a number above 65535 or has a
 *                                sign; or an option is invalid
 *          ROTA_ENODEV           the interface in @host does not exist
 *          ROTA_EMFILE, ROTA_ENFILE: to ask for that interface
 *          ROTA_ENAMETOOLONG     @host or @service is longer than
 *                                ROTA_HOST_NAME_LENGTH
 *          ROTA_EAI_ADDRFAMILY   @host is an IP address of another family,
 *                                and @service a number
 *          ROTA_EAI_NONAME       a flag wants a number, and there is a name
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN        the loop is shutting down
 *          ROTA_ECHILD           in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_lookup_begin(struct rota_lookup *lookup, struct rota_loop *loop,
		      const char *host, const char *service,
		      const struct rota_lookup_options *options,
		      rota_lookup_fn *fn);

/**
 * Keep @list beyond the callback that it was passed to. Returns @list.
 *
 * Thread:  any that may use @list: in the callback, or with a reference.
 * Owner:   the caller, who drops the reference by rota_address_list_unref().
 */
const struct rota_address_list *
rota_address_list_ref(const struct rota_address_list *list);

/**
 * Drop a reference to @list. The last one frees it.
 *
 * Thread:  any.
 */
void rota_address_list_unref(const struct rota_address_list *list);

/** Flags for lookups of names: see getnameinfo(3). */
enum {
	/** NI_NUMERICHOST: the host is the address as text. */
	ROTA_NAME_NUMERIC_HOST = 1 << 0,

	/** NI_NUMERICSERV: the service is the port number as text. */
	ROTA_NAME_NUMERIC_SERVICE = 1 << 1,

	/** NI_NAMEREQD: an address without a name is ROTA_EAI_NONAME. Without
	 * this flag the host is then the address as text. */
	ROTA_NAME_REQUIRED = 1 << 2,

	/** NI_DGRAM: the service is one of UDP. */
	ROTA_NAME_DATAGRAM = 1 << 3,

	/** NI_NOFQDN: of a host in the local domain only the first part of the
	 * name. */
	ROTA_NAME_SHORT = 1 << 4,
};

/**
 * Called when @lookup has completed. @status is 0, and @host and @service are
 * the names; or both are NULL and @status is an error, as for a rota_lookup_fn.
 *
 * Phase:   poll, or pending: see rota_name_lookup_begin().
 * Thread:  the loop's.
 * Owner:   the strings are valid until the callback returns.
 */
typedef void rota_name_lookup_fn(struct rota_name_lookup *lookup, int status,
				 const char *host, const char *service);

/**
 * A lookup of the name of an address, as a request. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_name_lookup {
	struct rota_request request;
	struct {
		struct rotai_waiter waiter;
		rota_name_lookup_fn *fn;
		int late;
	} internal; /* private to the library: do not read or write */
};

/**
 * Find the names of the host and of the service of *@address, and pass them to
 * @fn. @flags are ROTA_NAME_..., or 0. If both are to be numbers, no thread is
 * needed. Returns 0. Cancels, deadlines and phases are as for
 * rota_lookup_begin().
 *
 * Phase:   @fn: as for rota_lookup_begin()
 * Thread:  the loop's.
 * Owner:   the caller keeps @lookup alive and in place until @fn is called. The
 *          library does not use *@address after the call.
 * Errors:  ROTA_EINVAL  @lookup, @loop, @address or @fn is NULL, *@address is
 *                       not an IP address, or @flags have undefined bits
 *          ROTA_ENOMEM, ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_lookup_begin()
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_name_lookup_begin(struct rota_name_lookup *lookup,
			   struct rota_loop *loop,
			   const struct rota_address *address, unsigned flags,
			   rota_name_lookup_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
