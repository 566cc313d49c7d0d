/*
 * loop/queue.h - first in, first out, through struct rota_entry.
 *
 * Singly linked, so that a task is 32 bytes: with a doubly linked queue it
 * would not be. What that costs is that taking one out of the middle searches
 * for it.
 *
 *  1. An entry's next is NULL while it is in no queue and nothing else ever;
 *     the last one of a queue points to rotai_entry_end.
 *  2. owner holds the loop and, in its low bits, the flags below: a loop is
 *     aligned to 64 bytes.
 *  3. next is claimed by other threads (see inbox.c), so it is read and
 *     written by atomics. Only the loop's thread writes flags, but for
 *     ROTAI_ENTRY_SENT.
 */
#ifndef ROTAI_LOOP_QUEUE_H
#define ROTAI_LOOP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/object.h"

struct rota_loop;

enum {
	/* Which queue a task is in. 0: none, or posted. */
	ROTAI_ENTRY_TICK = 1,
	ROTAI_ENTRY_MICROTASK = 2,
	ROTAI_ENTRY_IMMEDIATE = 3,
	ROTAI_ENTRY_QUEUE = 3, /* the mask of these */

	ROTAI_ENTRY_UNREFERENCED = 1 << 2,
	ROTAI_ENTRY_ASYNC = 1 << 3, /* a struct rota_async's, not a task's */
	ROTAI_ENTRY_SENT = 1 << 4,  /* an async that will be called */
	ROTAI_ENTRY_FLAGS = (1 << 6) - 1,
};

struct rotai_queue {
	struct rota_entry *first; /* or rotai_entry_end */
	struct rota_entry *last;
};

extern struct rota_entry rotai_entry_end;

void rotai_queue_init(struct rotai_queue *queue);

/* Append what was claimed: its next is not NULL. */
void rotai_queue_append(struct rotai_queue *queue, struct rota_entry *entry);

/* Take the first entry out; NULL if there is none. Its next still says that
 * it is queued: see rotai_entry_release(). */
struct rota_entry *rotai_queue_take_first(struct rotai_queue *queue);

/* Take @entry out, wherever it is: 1, or 0 if it is not in this queue. */
int rotai_queue_remove(struct rotai_queue *queue, struct rota_entry *entry);

/* Put all of @from before what is in @queue; @from is then empty. */
void rotai_queue_prepend(struct rotai_queue *queue, struct rotai_queue *from);

static inline int rotai_queue_is_empty(const struct rotai_queue *queue)
{
	return queue->first == &rotai_entry_end;
}

static inline struct rota_entry *
rotai_entry_next(const struct rota_entry *entry)
{
	return __atomic_load_n(&entry->next, __ATOMIC_RELAXED);
}

/* Claim an entry for a queue: 1, or 0 if it is in one. Acquires what its last
 * release left. */
static inline int rotai_entry_claim(struct rota_entry *entry)
{
	struct rota_entry *unqueued = NULL;

	return __atomic_compare_exchange_n(&entry->next, &unqueued,
					   &rotai_entry_end, 0,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Let an entry be queued again, by any thread. */
static inline void rotai_entry_release(struct rota_entry *entry)
{
	__atomic_store_n(&entry->next, NULL, __ATOMIC_RELEASE);
}

static inline uintptr_t rotai_entry_owner(const struct rota_entry *entry)
{
	return __atomic_load_n(&entry->owner, __ATOMIC_RELAXED);
}

static inline struct rota_loop *rotai_entry_loop(const struct rota_entry *entry)
{
	return (struct rota_loop *)(rotai_entry_owner(entry) &
				    ~(uintptr_t)ROTAI_ENTRY_FLAGS);
}

static inline int rotai_entry_has(const struct rota_entry *entry, unsigned flag)
{
	return (rotai_entry_owner(entry) & flag) != 0;
}

#endif
