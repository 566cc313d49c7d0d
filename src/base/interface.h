/*
 * base/interface.h - what interface.c needs to know of the system.
 */
#ifndef ROTAI_BASE_INTERFACE_H
#define ROTAI_BASE_INTERFACE_H

#include <stddef.h>

struct ifaddrs;
struct rota_interface;
struct sockaddr;

/* If @from describes the link layer, store the index and the hardware address
 * in *@to. */
void rotai_interface_take_link(struct rota_interface *to,
			       const struct ifaddrs *from);

/* The bytes of *@address that are there, up to @most. A netmask may have
 * fewer than its family needs: the others are 0. */
size_t rotai_interface_bytes(const struct sockaddr *address, size_t most);

#endif
