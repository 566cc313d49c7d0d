/*
 * base/interface.h - what interface.c needs to know of the system.
 */
#ifndef ROTAI_BASE_INTERFACE_H
#define ROTAI_BASE_INTERFACE_H

#include <stddef.h>

struct ifaddrs;
struct rota_address;
struct rota_interface;
struct rota_interface_address;
struct sockaddr;

/* If @from describes the link layer, store the index and the hardware address
 * in *@to. */
void rotai_interface_take_link(struct rota_interface *to,
			       const struct ifaddrs *from);

/* Whether *@other, which the system lists with the address of *@at on an
 * interface that is no point-to-point link, is that of a peer all the same, and
 * not the one for broadcasts. */
int rotai_interface_is_peer(const struct rota_interface_address *at,
			    const struct rota_address *other);

/* The bytes of *@address that are there, up to @most. A netmask may have
 * fewer than its family needs: the others are 0. */
size_t rotai_interface_bytes(const struct sockaddr *address, size_t most);

#endif
