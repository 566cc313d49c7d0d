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
 *  3. Other threads claim next and set ROTAI_ENTRY_SENT (see inbox.c), so next
 *     is read and written by atomics, and flags by read-modify-writes.
 */
#ifndef ROTAI_LOOP_QUEUE_H
#define ROTAI_LOOP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/registry.h"
#include "rota/object.h"

struct rota_loop;

enum {
	ROTAI_ENTRY_UNREFERENCED = 1 << 0,
	ROTAI_ENTRY_ASYNC = 1 << 1, /* a struct rota_async's, not a task's */
	ROTAI_ENTRY_SENT = 1 << 2,  /* posted or sent, and not yet called */
	ROTAI_ENTRY_OWN = 1 << 3,   /* an async of the library's own */
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

/* Take @entry out, wherever it is: 1, or 0 if it is not in this queue. */
int rotai_queue_remove(struct rotai_queue *queue, struct rota_entry *entry);

/* Whether @entry is in this queue. */
int rotai_queue_has(const struct rotai_queue *queue,
		    const struct rota_entry *entry);

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

/* Take the first entry out; NULL if there is none. Its next still says that
 * it is queued: see rotai_entry_release(). */
static inline struct rota_entry *
rotai_queue_take_first(struct rotai_queue *queue)
{
	struct rota_entry *first = queue->first;

	if (first == &rotai_entry_end)
		return NULL;
	ROTAI_LIVE_CHECK_ENTRY(first, &rotai_entry_end);
	queue->first = rotai_entry_next(first);
	return first;
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

/* Set a flag: whether it was set before. What came before the call that set it
 * is seen by who clears it. */
static inline int rotai_entry_set(struct rota_entry *entry, unsigned flag)
{
	return (__atomic_fetch_or(&entry->owner, flag, __ATOMIC_ACQ_REL) &
		flag) != 0;
}

static inline void rotai_entry_clear(struct rota_entry *entry, unsigned flag)
{
	__atomic_fetch_and(&entry->owner, ~(uintptr_t)flag, __ATOMIC_ACQ_REL);
}

/* Let a posted or sent entry be so again: inbox.c (4). */
static inline void rotai_entry_unsend(struct rota_entry *entry)
{
	rotai_entry_release(entry);
	rotai_entry_clear(entry, ROTAI_ENTRY_SENT);
}

#endif
