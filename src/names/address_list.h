/*
 * names/address_list.h - lists of addresses, which lookups find.
 */
#ifndef ROTAI_NAMES_ADDRESS_LIST_H
#define ROTAI_NAMES_ADDRESS_LIST_H

#include "rota/dns.h"

struct addrinfo;

/* Make a list, with one reference, of the IP addresses that @found begins, and
 * store it in *@list. Returns 0, ROTA_EAI_NODATA if there are none, or
 * ROTA_ENOMEM. */
int rotai_address_list_from(const struct rota_address_list **list,
			    const struct addrinfo *found);

/* Make a list of one address. @name is the canonical name, or NULL. Returns 0
 * or ROTA_ENOMEM. */
int rotai_address_list_of_one(const struct rota_address_list **list,
			      const struct rota_address *address,
			      const char *name);

#endif
