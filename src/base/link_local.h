/*
 * base/link_local.h - the interface that a link-local address belongs to, if it
 * does not say so itself.
 */
#ifndef ROTAI_BASE_LINK_LOCAL_H
#define ROTAI_BASE_LINK_LOCAL_H

#include <netinet/in.h>
#include <stddef.h>

struct sockaddr;

/* If @address is a link-local address of IPv6 without a scope id, and there is
 * only one interface that it can mean, set @scoped to that address with the
 * scope id of the interface. Returns 1 if @scoped is set, else 0. */
int rotai_link_local_scope(struct sockaddr_in6 *scoped,
			   const struct sockaddr *address, size_t size);

#endif
