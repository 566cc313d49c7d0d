/*
 * loop/queue.h - first-in, first-out queues of struct rota_entry.
 *
 * A queue is singly linked, so that a task is 32 bytes; with double links it
 * would be larger. The price is that taking an entry out of the middle has to
 * search for it.
 *
 *  1. The last entry of a queue points to rotai_entry_end. The next of an entry
 *     that is in no queue has no meaning.
 *  2. owner contains the loop and, in its low bits, the flags below: a loop is
 *     aligned to 64 bytes.
 *  3. ROTAI_ENTRY_QUEUED is the claim. The thread that sets it, by a
 *     read-modify-write operation, owns the entry until it has put it into a
 *     queue. Until then only this thread may write its next, its function and
 *     the flag.
 *  4. Other threads read owner and set ROTAI_ENTRY_QUEUED at any time. So owner
 *     is read and written by atomics, and so is next, which other threads link
 *     (see inbox.c).
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
	ROTAI_ENTRY_ASYNC = 1 << 1,  /* of a struct rota_async, not a task */
	ROTAI_ENTRY_QUEUED = 1 << 2, /* or about to be, and not yet called */
	ROTAI_ENTRY_OWN = 1 << 3,    /* an async of the library's own */
	ROTAI_ENTRY_FLAGS = (1 << 6) - 1,
};

struct rotai_queue {
	struct rota_entry *first; /* or rotai_entry_end */
	struct rota_entry *last;
};

extern struct rota_entry rotai_entry_end __attribute__((visibility("hidden")));

void rotai_queue_init(struct rotai_queue *queue);

/* Append an entry that this thread has claimed. */
void rotai_queue_append(struct rotai_queue *queue, struct rota_entry *entry);

/* Take @entry out, wherever it is in the queue. Returns 1, or 0 if it is not in
 * this queue. */
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

/* Take the first entry out and return it, or NULL if there is none. It stays
 * claimed: see rotai_entry_release(). */
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

/* Claim an entry for a queue. Returns 1, or 0 if it is queued already, or about
 * to be. Acquires what the last release left. Releases, to the next one, what
 * this thread wrote before, even if it returns 0: inbox.c (4). */
static inline int rotai_entry_claim(struct rota_entry *entry)
{
	return (__atomic_fetch_or(&entry->owner, ROTAI_ENTRY_QUEUED,
				  __ATOMIC_ACQ_REL) &
		ROTAI_ENTRY_QUEUED) == 0;
}

/* Let any thread queue the entry again. Acquires what was written before each
 * claim that failed: this pairs with rotai_entry_claim(). */
static inline void rotai_entry_release(struct rota_entry *entry)
{
	__atomic_fetch_and(&entry->owner, ~(uintptr_t)ROTAI_ENTRY_QUEUED,
			   __ATOMIC_ACQ_REL);
}

/* The same for an entry that the loop's own thread had queued. It acquires
 * nothing, and needs no locked instruction. @owner is the present value. While
 * the flag is set, no other thread changes owner, because setting the flag
 * again leaves it as it is. */
static inline void rotai_entry_release_own(struct rota_entry *entry,
					   uintptr_t owner)
{
	__atomic_store_n(&entry->owner, owner & ~(uintptr_t)ROTAI_ENTRY_QUEUED,
			 __ATOMIC_RELEASE);
}

static inline int rotai_entry_is_referenced(const struct rota_entry *entry)
{
	return !rotai_entry_has(entry, ROTAI_ENTRY_UNREFERENCED);
}

/* Set or clear another flag. The loop's thread; other threads may claim
 * meanwhile. */
static inline void rotai_entry_set(struct rota_entry *entry, unsigned flag)
{
	__atomic_fetch_or(&entry->owner, flag, __ATOMIC_RELAXED);
}

static inline void rotai_entry_clear(struct rota_entry *entry, unsigned flag)
{
	__atomic_fetch_and(&entry->owner, ~(uintptr_t)flag, __ATOMIC_RELAXED);
}

static inline void rotai_entry_refer(struct rota_entry *entry, int referenced)
{
	if (referenced)
		rotai_entry_clear(entry, ROTAI_ENTRY_UNREFERENCED);
	else
		rotai_entry_set(entry, ROTAI_ENTRY_UNREFERENCED);
}

#endif
