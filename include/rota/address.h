/*
 * rota/address.h - the address of a socket: an IP address and a port, or the
 * name of a Unix socket; and its text.
 */
#ifndef ROTA_ADDRESS_H
#define ROTA_ADDRESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Enough bytes for any address as text, its terminating 0 included. */
enum { ROTA_ADDRESS_TEXT_SIZE = 448 };

/** Flags for rota_address_text_with(). */
enum {
	/** The name of the interface instead of its number, if there is one. */
	ROTA_ADDRESS_SCOPE_NAME = 1 << 0,

	/** Without the port: text that rota_address_ip() takes. */
	ROTA_ADDRESS_NO_PORT = 1 << 1,
};

/**
 * The address of an IPv4, IPv6 or Unix socket, as the system's calls take it.
 * It holds no pointers and may be copied.
 */
struct rota_address {
	size_t size; /* of the part of the member that is used, in bytes */
	union {
		struct sockaddr any;
		struct sockaddr_in ip4;
		struct sockaddr_in6 ip6;
		struct sockaddr_un un;
	} is;
};

/**
 * Set *@address to the IP address @ip and the port @port, which is in host byte
 * order. @ip is the text of an IPv4 or IPv6 address, as inet_pton(3) reads it.
 * An IPv6 address may end in % and the number or name of an interface
 * (RFC 4007), which link-local addresses need. What consists of digits is a
 * number. Host names are not looked up, not even "localhost". Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @ip is NULL or no IP address, or @port is above
 *                             65535
 *          ROTA_ENOTNUMERIC   @ip could be a host name
 *          ROTA_ENODEV        there is no interface of that name
 *          ROTA_ENAMETOOLONG  @ip is longer than any address or host name
 *          Others             what rota_interface_index() reports
 *          After any of them *@address is unchanged.
 */
int rota_address_ip(struct rota_address *address, const char *ip,
		    unsigned port);

/**
 * Set *@address to the name of a Unix socket, the @size bytes at @name, as
 * rota_pipe_bind() takes it: a path; or, if its first byte is 0, an abstract
 * name (Linux); or no name, if @size is 0. A name that does not fit is refused,
 * never cut. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        a path has a byte 0 in it, or @name is NULL and
 *                             @size is not 0
 *          ROTA_ENAMETOOLONG  the name does not fit: a path has at most 107
 *                             bytes on Linux, 103 on most other systems
 *          ROTA_ENOTSUP       the system has no abstract names
 *          After any of them *@address is unchanged.
 */
int rota_address_unix(struct rota_address *address, const char *name,
		      size_t size);

/**
 * Set *@address to the address that @text describes:
 *
 *	192.0.2.1:80  192.0.2.1           IPv4
 *	[2001:db8::1%eth0]:80  [::1]  ::1 IPv6; with a port only in brackets
 *	unix:/run/name  unix:name         a path
 *	unix:@name                        an abstract name (Linux)
 *	unix:                             a Unix socket without a name
 *
 * Without a port the address has @default_port. In the name of a Unix socket,
 * \xNN is the byte with the hexadecimal number NN, and \\ is a backslash. What
 * rota_address_text() writes is read as the same address. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @text is NULL, empty or none of these, such as a
 *                             bracket without the other one, a port that is no
 *                             number, or bytes at the end; or @default_port is
 *                             above 65535; or a path has a byte 0 in it
 *          ROTA_ERANGE        the port in @text is above 65535
 *          ROTA_ENOTNUMERIC   a host name is where an IP address must be, even
 *                             if it is "localhost"
 *          ROTA_ENODEV        there is no interface of that name
 *          ROTA_ENAMETOOLONG  the name of a Unix socket does not fit, or @text
 *                             is longer than any IP address or host name
 *          ROTA_ENOTSUP       the system has no abstract names
 *          Others             what rota_interface_index() reports
 *          After any of them *@address is unchanged.
 */
int rota_address_parse(struct rota_address *address, const char *text,
		       unsigned default_port);

/**
 * Set *@address to the address of @size bytes at @from, as the system stores
 * it: see accept(2) and getsockname(2). Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @from is NULL, or @size is too small for the
 *                             family of the address
 *          ROTA_EAFNOSUPPORT  the family is none of IPv4, IPv6 and Unix
 *          ROTA_ENAMETOOLONG  the name of a Unix socket does not fit
 *          After any of them *@address is unchanged.
 */
int rota_address_from(struct rota_address *address, const struct sockaddr *from,
		      size_t size);

/**
 * Return the port of *@address, in host byte order; 0 for a Unix socket.
 *
 * Thread:  any.
 */
unsigned rota_address_port(const struct rota_address *address);

/**
 * Set the port of *@address, in host byte order. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  *@address is not an IP address, or @port is above
 *                       65535: *@address is unchanged
 */
int rota_address_set_port(struct rota_address *address, unsigned port);

/**
 * Return the name of the Unix socket *@address, and store its size in *@size:
 * see rota_address_unix(). The size is 0 if there is no name, or if *@address
 * is an IP address. There may be no byte 0 behind the name.
 *
 * Thread:  any.
 * Owner:   the name is a part of *@address.
 */
const char *rota_address_unix_name(const struct rota_address *address,
				   size_t *size);

/**
 * Write *@address as text to @text, which has room for @size bytes, with a
 * terminating 0:
 *
 *	192.0.2.1:80  [2001:db8::1]:80  [fe80::1%2]:80
 *	unix:/run/name  unix:@name  unix:
 *
 * See RFC 5952, sections 4 and 6. In the name of a Unix socket, a byte that is
 * not printable ASCII is written as \x and two hexadecimal digits, and a
 * backslash twice, so that the text is safe to show. It is read as the same
 * address by rota_address_parse(). ROTA_ADDRESS_TEXT_SIZE bytes are always
 * enough. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_ENOBUFS  the text does not fit
 *          ROTA_EINVAL   *@address is none of these addresses
 *          After either the memory at @text is unchanged.
 */
int rota_address_text(const struct rota_address *address, char *text,
		      size_t size);

/**
 * As rota_address_text(), with flags: ROTA_ADDRESS_SCOPE_NAME and so on. With
 * the name of an interface, the text holds on this machine only, and only while
 * the interface has that name. To find the name costs system calls.
 *
 * Thread:  any.
 * Errors:  as rota_address_text(), and
 *          ROTA_EINVAL  @flags have undefined bits
 */
int rota_address_text_with(const struct rota_address *address, char *text,
			   size_t size, unsigned flags);

/**
 * Return 1 if @a and @b are the same address, with the same port and scope id,
 * or the same name of a Unix socket; else 0. The flow label of IPv6 does not
 * count. An IPv4 address is not equal to the IPv6 address that it is mapped to:
 * see rota_address_unmap(). Two Unix sockets without names are not equal.
 *
 * Thread:  any.
 */
int rota_address_equal(const struct rota_address *a,
		       const struct rota_address *b);

/**
 * If *@address is an IPv6 address that an IPv4 address is mapped to
 * (::ffff:192.0.2.1, RFC 4291, section 2.5.5.2), as peers of a socket for both
 * have, set it to that IPv4 address, with the same port, and return 1. Else
 * return 0.
 *
 * Thread:  any.
 */
int rota_address_unmap(struct rota_address *address);

/**
 * Return 1 if *@address is an IPv6 address that an IPv4 address is mapped to,
 * else 0.
 *
 * Thread:  any.
 */
int rota_address_is_mapped(const struct rota_address *address);

/**
 * Return 1 if *@address is of this kind, else 0. For an IPv6 address to which
 * an IPv4 address is mapped, that IPv4 address counts. A Unix socket is of no
 * kind.
 *
 * loopback:    127.0.0.0/8, ::1
 * any:         0.0.0.0, ::
 * multicast:   224.0.0.0/4, ff00::/8
 * link_local:  169.254.0.0/16, fe80::/10
 *
 * Thread:  any.
 */
int rota_address_is_loopback(const struct rota_address *address);

/** See rota_address_is_loopback(). */
int rota_address_is_any(const struct rota_address *address);

/** See rota_address_is_loopback(). */
int rota_address_is_multicast(const struct rota_address *address);

/** See rota_address_is_loopback(). */
int rota_address_is_link_local(const struct rota_address *address);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
