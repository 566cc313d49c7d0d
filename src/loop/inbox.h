/*
 * loop/inbox.h - the queue through which other threads reach a loop.
 */
#ifndef ROTAI_LOOP_INBOX_H
#define ROTAI_LOOP_INBOX_H

#include <stdint.h>

#include "base/assert.h"
#include "base/fork.h"
#include "rota/object.h"

struct rota_loop;

struct rotai_inbox {
	uintptr_t head;           /* an entry, or one of the states below */
	uint32_t admits;          /* fork_generation, unless it refuses */
	uint32_t fork_generation; /* of the loop's process */
	uint32_t references;      /* to the loop */
	uint8_t refuses;          /* a shutdown has begun */
};

/* The values of head that are not an entry: see inbox.c. */
enum {
	ROTAI_INBOX_EMPTY,
	ROTAI_INBOX_ASLEEP,
	ROTAI_INBOX_CLOSED,
	ROTAI_INBOX_STATES,
};

void rotai_inbox_init(struct rotai_inbox *inbox);

/* The loop belongs to this process, a forked child, from now on. */
void rotai_inbox_adopt(struct rotai_inbox *inbox);

/* Refuse entries that are not the library's own; or, if @refuses is 0, accept
 * them again. The loop's thread. */
void rotai_inbox_refuse(struct rotai_inbox *inbox, int refuses);

/* Push a chain of claimed entries, each of which is linked to the one to be
 * called before it, and wake the loop if it sleeps. Returns 0; or
 * ROTA_ESHUTDOWN or ROTA_ECHILD, and the entries are still claimed. Any thread;
 * signal-safe. */
int rotai_inbox_push(struct rota_loop *loop, struct rota_entry *newest,
		     struct rota_entry *oldest);

/* The same if the inbox is not empty, when little else has to be checked.
 * Returns 1, or 0 with nothing done. */
static inline int rotai_inbox_push_more(struct rotai_inbox *inbox,
					struct rota_entry *newest,
					struct rota_entry *oldest)
{
	uintptr_t head = __atomic_load_n(&inbox->head, __ATOMIC_RELAXED);

	if (ROTAI_UNLIKELY(head < ROTAI_INBOX_STATES) ||
	    ROTAI_UNLIKELY(__atomic_load_n(&inbox->admits, __ATOMIC_RELAXED) !=
			   rotai_fork_generation))
		return 0;
	__atomic_store_n(&oldest->next, (struct rota_entry *)head,
			 __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n(&inbox->head, &head,
					   (uintptr_t)newest, 0,
					   __ATOMIC_RELEASE, /* inbox.c (3) */
					   __ATOMIC_RELAXED);
}

/* Move what is in the inbox to the end of the loop's posts. The loop's
 * thread. */
void rotai_inbox_take_over(struct rota_loop *loop);

/* Make the next push wake the loop. Returns 1, or 0 if the inbox is not
 * empty. */
int rotai_inbox_fall_asleep(struct rota_loop *loop);

/* Make pushes not wake the loop any more. */
void rotai_inbox_wake_up(struct rota_loop *loop);

/* Whether the inbox is empty. The loop's thread; other threads may push at any
 * moment. */
static inline int rotai_inbox_is_empty(const struct rotai_inbox *inbox)
{
	return __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) <
	       ROTAI_INBOX_STATES;
}

/* Whether the loop has been closed. Any thread. */
static inline int rotai_inbox_is_closed(const struct rotai_inbox *inbox)
{
	return __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) ==
	       ROTAI_INBOX_CLOSED;
}

/* Whether the inbox refuses entries. Any thread. */
int rotai_inbox_refuses(const struct rotai_inbox *inbox);

/* Refuse everything from now on. Returns 1, or 0 if the inbox is not empty. */
int rotai_inbox_close(struct rotai_inbox *inbox);

#endif
