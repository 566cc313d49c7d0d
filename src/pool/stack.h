/*
 * pool/stack.h - items on their way from one thread to another: a stack that
 * any thread may push to, and that is taken whole.
 *
 *     loop -> threads    the lane's `arrived`
 *     threads -> loop    the client's `done`
 *
 * A stack can be unwatched: no thread is going to look at it. The next push,
 * and only that one, returns ROTAI_STACK_UNWATCHED, and the thread that pushed
 * must call somebody.
 */
#ifndef ROTAI_POOL_STACK_H
#define ROTAI_POOL_STACK_H

#include <stdint.h>

#include "rota/object.h"

struct rotai_stack {
	struct rota_link *newest; /* see stack.c */
};

enum { ROTAI_TRAIL = 16 };

/* The last items that one thread pushed: see stack.c (3). */
struct rotai_trail {
	struct rota_link *links[ROTAI_TRAIL];
	unsigned at;
};

/* Items to be pushed together. */
struct rotai_chain {
	struct rota_link *oldest;
	struct rota_link *newest; /* NULL: there are none */
};

/* What was on the stack when something was pushed. */
enum rotai_stack_was {
	ROTAI_STACK_EMPTY,
	ROTAI_STACK_FILLED,
	ROTAI_STACK_UNWATCHED, /* it is watched from now on */
};

extern struct rota_link rotai_stack_unwatched;

void rotai_stack_init(struct rotai_stack *stack, int watched);

/* Put @link on top of @chain. */
static inline void rotai_chain_add(struct rotai_chain *chain,
				   struct rota_link *link,
				   struct rotai_trail *trail)
{
	struct rota_link **before = &trail->links[trail->at++ % ROTAI_TRAIL];

	link->prev = *before;
	*before = link;
	link->next = chain->newest;
	if (chain->newest == NULL)
		chain->oldest = link;
	chain->newest = link;
}

/* Push all of @chain, which is not empty. Releases. Any thread. */
static inline enum rotai_stack_was
rotai_stack_push(struct rotai_stack *stack, const struct rotai_chain *chain)
{
	struct rota_link *newest =
		__atomic_load_n(&stack->newest, __ATOMIC_RELAXED);

	do
		chain->oldest->next =
			newest == &rotai_stack_unwatched ? NULL : newest;
	while (!__atomic_compare_exchange_n(
		&stack->newest, &newest, chain->newest, 1, __ATOMIC_RELEASE,
		/* stack.c (2) */ __ATOMIC_RELAXED));
	if (newest == &rotai_stack_unwatched)
		return ROTAI_STACK_UNWATCHED;
	return newest == NULL ? ROTAI_STACK_EMPTY : ROTAI_STACK_FILLED;
}

/* Move all items to the end of @list, the oldest first, and return how many
 * there were. Acquires. */
uint64_t rotai_stack_take(struct rotai_stack *stack, struct rota_link *list);

/* Mark @stack as unwatched: 1, or 0 if it is not empty. */
int rotai_stack_leave(struct rotai_stack *stack);

/* Mark @stack as watched. */
void rotai_stack_watch(struct rotai_stack *stack);

/* Whether @stack is empty. Items may arrive at any moment. */
int rotai_stack_is_empty(const struct rotai_stack *stack);

#endif
