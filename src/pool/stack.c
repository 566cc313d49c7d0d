/*
 * pool/stack.c - see stack.h.
 *
 *  1. One word, newest, says all there is to say, as in loop/inbox.c: NULL,
 *     nothing is in; UNWATCHED, nothing is in and nobody is going to look; or
 *     the newest, whose next is the one before.
 *  2. Pushing releases and taking acquires what was done to an item before. To
 *     leave or to watch a stack orders nothing: who does has a lock that the
 *     one who is told takes as well.
 *  3. The memory of an item is in the cache of the processor that it comes
 *     from. To follow the links would be to wait for one after the other. So
 *     each item has, in its prev, the address of the one that the same thread
 *     pushed some time before, and who takes fetches that ahead. It is a hint:
 *     that item may have been taken and freed long ago, and a prefetch of what
 *     is not there does nothing. `make bench B=pool`, 4096 in flight.
 */
#include "pool/stack.h"

#include <stddef.h>

#include "base/list.h"
#include "base/processor.h"

enum { CACHE_LINE = 64 };

struct rota_link rotai_stack_unwatched;

#define UNWATCHED (&rotai_stack_unwatched)

void rotai_stack_init(struct rotai_stack *stack, int watched)
{
	stack->newest = watched ? NULL : UNWATCHED;
}

/* Have the memory of @link come. (3) */
static void fetch(const struct rota_link *link)
{
	const uintptr_t address = (uintptr_t)link;

	rotai_processor_fetch((const void *)address);
	rotai_processor_fetch((const void *)(address + CACHE_LINE));
}

uint64_t rotai_stack_take(struct rotai_stack *stack, struct rota_link *list)
{
	struct rota_link taken;
	struct rota_link *at;
	uint64_t count = 0;

	if (rotai_stack_is_empty(stack))
		return 0;
	at = __atomic_exchange_n(&stack->newest, NULL, __ATOMIC_ACQUIRE);
	rotai_list_init(&taken);
	for (; at != NULL; count++) {
		struct rota_link *below = at->next;

		fetch(at->prev);
		rotai_list_append(taken.next, at);
		at = below;
	}
	rotai_list_splice(list, &taken);
	return count;
}

int rotai_stack_leave(struct rotai_stack *stack)
{
	struct rota_link *empty = NULL;

	return __atomic_compare_exchange_n(&stack->newest, &empty, UNWATCHED, 0,
					   __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       empty == UNWATCHED;
}

void rotai_stack_watch(struct rotai_stack *stack)
{
	struct rota_link *newest = UNWATCHED;

	if (__atomic_load_n(&stack->newest, __ATOMIC_RELAXED) == UNWATCHED)
		(void)__atomic_compare_exchange_n(&stack->newest, &newest, NULL,
						  0, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED);
}

int rotai_stack_is_empty(const struct rotai_stack *stack)
{
	const struct rota_link *newest =
		__atomic_load_n(&stack->newest, __ATOMIC_RELAXED);

	return newest == NULL || newest == UNWATCHED;
}
