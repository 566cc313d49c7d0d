/*
 * names/address_list.c - lists of addresses. A list is one block: the public
 * struct, the addresses and the canonical name. Any thread may use it, and
 * nobody changes it.
 */
#include "names/address_list.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/counted.h"
#include "rota/error.h"

struct rotai_address_list {
	struct rotai_counted counted; /* must be first */
	struct rota_address_list list;
	struct rota_address addresses[];
};

static void free_list(struct rotai_counted *counted)
{
	free(rota_container_of(counted, struct rotai_address_list, counted));
}

/* Make a list with room for @count addresses, which the caller sets. */
static struct rotai_address_list *new_list(size_t count, const char *name)
{
	size_t size = name != NULL ? strlen(name) + 1 : 0;
	struct rotai_address_list *made = malloc(
		sizeof(*made) + count * sizeof(made->addresses[0]) + size);

	if (made == NULL)
		return NULL;
	made->counted =
		(struct rotai_counted){ .references = 1, .free = free_list };
	made->list = (struct rota_address_list){ .count = count,
						 .addresses = made->addresses };
	if (name != NULL)
		made->list.canonical_name =
			memcpy(&made->addresses[count], name, size);
	return made;
}

static int is_ip(const struct addrinfo *at)
{
	struct rota_address address;

	return rota_address_from(&address, at->ai_addr, at->ai_addrlen) == 0;
}

int rotai_address_list_from(const struct rota_address_list **list,
			    const struct addrinfo *found)
{
	const struct addrinfo *at;
	struct rotai_address_list *made;
	size_t count = 0;

	for (at = found; at != NULL; at = at->ai_next)
		count += (size_t)is_ip(at);
	if (count == 0)
		return ROTA_EAI_NODATA;
	made = new_list(count, found->ai_canonname);
	if (made == NULL)
		return ROTA_ENOMEM;
	count = 0;
	for (at = found; at != NULL; at = at->ai_next)
		if (is_ip(at))
			(void)rota_address_from(&made->addresses[count++],
						at->ai_addr, at->ai_addrlen);
	*list = &made->list;
	return 0;
}

int rotai_address_list_of_one(const struct rota_address_list **list,
			      const struct rota_address *address,
			      const char *name)
{
	struct rotai_address_list *made = new_list(1, name);

	if (made == NULL)
		return ROTA_ENOMEM;
	made->addresses[0] = *address;
	*list = &made->list;
	return 0;
}

static struct rotai_counted *counted_of(const struct rota_address_list *list)
{
	const struct rotai_address_list *made =
		rota_container_of(list, const struct rotai_address_list, list);

	/* All of it but the count is constant. */
	return (struct rotai_counted *)(uintptr_t)&made->counted;
}

const struct rota_address_list *
rota_address_list_ref(const struct rota_address_list *list)
{
	rotai_counted_ref(counted_of(list));
	return list;
}

void rota_address_list_unref(const struct rota_address_list *list)
{
	rotai_counted_unref(counted_of(list));
}
