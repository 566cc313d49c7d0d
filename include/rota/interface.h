/*
 * rota/interface.h - the network interfaces of this machine, with their
 * addresses.
 *
 *     error = rota_interfaces(&list);
 *     for (at = list; at != NULL; at = at->next)
 *             puts(at->name);
 *     rota_interfaces_free(list);
 */
#ifndef ROTA_INTERFACE_H
#define ROTA_INTERFACE_H

#include "rota/address.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Flags of an interface: see netdevice(7). */
enum {
	ROTA_INTERFACE_UP = 1 << 0,      /* it is switched on */
	ROTA_INTERFACE_RUNNING = 1 << 1, /* and connected */
	ROTA_INTERFACE_LOOPBACK = 1 << 2,
	ROTA_INTERFACE_BROADCAST = 1 << 3,
	ROTA_INTERFACE_MULTICAST = 1 << 4,
	ROTA_INTERFACE_POINT_TO_POINT = 1 << 5,
};

enum {
	/** Enough bytes for the name of any interface and a 0. */
	ROTA_INTERFACE_NAME_SIZE = 32,

	/** Bytes of the member hardware of struct rota_interface. */
	ROTA_INTERFACE_HARDWARE_SIZE = 32,
};

/** An IP address of an interface. A later version may add members at the
 * end. */
struct rota_interface_address {
	const struct rota_interface_address *next; /* or NULL */

	/** Its port is 0. An address of IPv6 that is link-local has the scope
	 * id of the interface. */
	struct rota_address address;

	/** How many of its bits are those of the network, and the same as an
	 * address. */
	unsigned prefix;
	struct rota_address netmask;

	/** The address for all hosts of the network, and that of the other end
	 * of a point-to-point link, or of a peer (Linux: ip-address(8));
	 * with the size 0 if there is none. Of an address with a peer, the
	 * prefix is that of the peer. */
	struct rota_address broadcast;
	struct rota_address peer;
};

/** An interface. A later version may add members at the end. */
struct rota_interface {
	const struct rota_interface *next; /* or NULL */
	const char *name;
	unsigned index;
	unsigned flags; /* ROTA_INTERFACE_UP and so on */

	/** Its hardware address, such as the six bytes of Ethernet; with the
	 * size 0 if it has none. */
	size_t hardware_size;
	unsigned char hardware[ROTA_INTERFACE_HARDWARE_SIZE];

	/** Its IP addresses, in the order in which the system lists them; or
	 * NULL. */
	const struct rota_interface_address *addresses;
};

/**
 * Set *@list to the interfaces of this machine (of this network namespace), by
 * their indexes, those that are not up included. The list is what there is now,
 * and does not change. Returns 0.
 *
 * This asks the system, which is fast, but takes longer the more interfaces and
 * addresses there are.
 *
 * Thread:  any.
 * Owner:   the caller, who frees the list by rota_interfaces_free(). It is one
 *          block of memory.
 * Errors:  ROTA_EINVAL  @list is NULL
 *          ROTA_ENOMEM
 *          Others       what getifaddrs(3) reports, such as ROTA_EMFILE
 *          After any of them *@list is unchanged.
 */
int rota_interfaces(const struct rota_interface **list);

/**
 * Free the @list that rota_interfaces() has made. It may be NULL.
 *
 * Thread:  any.
 */
void rota_interfaces_free(const struct rota_interface *list);

/**
 * Return the index of the interface with that @name, which is above 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @name is NULL
 *          ROTA_ENODEV  there is no such interface
 *          Others       what if_nametoindex(3) reports, such as ROTA_EMFILE
 */
int rota_interface_index(const char *name);

/**
 * Write the name of the interface with that @index to @name, which has room for
 * @size bytes, with a terminating 0. ROTA_INTERFACE_NAME_SIZE bytes are always
 * enough. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_ENODEV   there is no such interface
 *          ROTA_ENOBUFS  the name does not fit
 *          Others        what if_indextoname(3) reports, such as ROTA_EMFILE
 *          After any of them the memory at @name is unchanged.
 */
int rota_interface_name(unsigned index, char *name, size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
