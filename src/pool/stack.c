/*
 * pool/stack.c - see stack.h.
 *
 *  1. One word, `newest`, is the whole state, as in loop/inbox.c. NULL: the
 *     stack is empty. UNWATCHED: it is empty, and no thread is going to look
 *     at it. Else it is the newest item, whose next is the item below.
 *  2. A push releases, and a take acquires, what was done to an item before.
 *     Marking a stack as unwatched or watched orders nothing. The thread that
 *     marks it unwatched holds a lock, which a thread whose push finds it so
 *     takes as well. The thread that marks it watched will take that lock, or
 *     has it.
 *  3. The memory of an item is in the cache of the processor that it comes
 *     from. A thread that only followed the links would wait for one item
 *     after the other. So each item has in its prev the address of one that
 *     the same thread pushed some time before, and the thread that takes the
 *     stack prefetches that. It is only a hint: that item may have been taken
 *     and freed long ago, and a prefetch of memory that does not exist does
 *     nothing. `make bench B=pool`, 4096 in flight.
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

/* Prefetch the memory of @link. (3) */
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
