/*
 * base/list.h - circular doubly linked lists through the objects themselves.
 *
 * The head of a list is a link, too. In an empty list it points to itself. The
 * link of an object that is in no list has next NULL, so a caller can ask
 * whether an object is in a list without knowing which.
 */
#ifndef ROTAI_BASE_LIST_H
#define ROTAI_BASE_LIST_H

#include "base/assert.h"
#include "base/registry.h"
#include "rota/object.h"

static inline void rotai_list_init(struct rota_link *list)
{
	list->next = list;
	list->prev = list;
}

static inline int rotai_list_is_empty(const struct rota_link *list)
{
	return list->next == list;
}

static inline int rotai_link_is_linked(const struct rota_link *link)
{
	return link->next != NULL;
}

static inline void rotai_list_append(struct rota_link *list,
				     struct rota_link *link)
{
	struct rota_link *last = list->prev;

	ROTAI_LIVE_CHECK_END(list);
	link->next = list;
	link->prev = last;
	last->next = link;
	list->prev = link;
}

static inline void rotai_list_remove(struct rota_link *link)
{
	ROTA_ASSERT(rotai_link_is_linked(link));
	ROTAI_LIVE_CHECK_LINK(link);
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = NULL;
}

/* Put @to, which is in no list, where @from is, and take @from out. */
static inline void rotai_list_replace(struct rota_link *to,
				      struct rota_link *from)
{
	ROTA_ASSERT(rotai_link_is_linked(from));
	*to = *from;
	to->prev->next = to;
	to->next->prev = to;
	from->next = NULL;
}

/* Take the first link out and return it, or NULL if there is none. */
static inline struct rota_link *rotai_list_take_first(struct rota_link *list)
{
	struct rota_link *first = list->next;

	if (first == list)
		return NULL;
	rotai_list_remove(first);
	return first;
}

/* Move all of @from to the end of @list, in order; @from is then empty. */
static inline void rotai_list_splice(struct rota_link *list,
				     struct rota_link *from)
{
	if (rotai_list_is_empty(from))
		return;
	ROTAI_LIVE_CHECK_LINK(from);
	ROTAI_LIVE_CHECK_END(list);
	from->next->prev = list->prev;
	list->prev->next = from->next;
	from->prev->next = list;
	list->prev = from->prev;
	rotai_list_init(from);
}

#endif
