/*
 * loop/inbox.h - the way into a loop from other threads.
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
	uint32_t admits;          /* as fork_generation, unless it refuses */
	uint32_t fork_generation; /* of the process that the loop is for */
	uint32_t references;      /* to the loop */
	uint8_t refuses;          /* a shutdown has begun */
};

/* What head is if it is no entry: see inbox.c. */
enum {
	ROTAI_INBOX_EMPTY,
	ROTAI_INBOX_ASLEEP,
	ROTAI_INBOX_CLOSED,
	ROTAI_INBOX_STATES,
};

void rotai_inbox_init(struct rotai_inbox *inbox);

/* The loop belongs to this process from now on, a forked child. */
void rotai_inbox_adopt(struct rotai_inbox *inbox);

/* Refuse what is not the library's own, or no longer. The loop's thread. */
void rotai_inbox_refuse(struct rotai_inbox *inbox, int refuses);

/* Push a chain of claimed entries, each of which is linked to the one that is
 * to be called before it, and wake the loop if it sleeps: 0, or ROTA_ESHUTDOWN
 * or ROTA_ECHILD, and they are still claimed. Any thread; signal-safe. */
int rotai_inbox_push(struct rota_loop *loop, struct rota_entry *newest,
		     struct rota_entry *oldest);

/* The same if there is something in, and that is nearly all that has to be
 * known: 1, or 0 with nothing done. */
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

/* Move what has come in to the end of the loop's posts. The loop's thread. */
void rotai_inbox_take_over(struct rota_loop *loop);

/* Have the next push wake the loop: 1, or 0 if there is something already. */
int rotai_inbox_fall_asleep(struct rota_loop *loop);

/* Have pushes not wake it again. */
void rotai_inbox_wake_up(struct rota_loop *loop);

/* Whether nothing is in. The loop's thread; more may come any moment. */
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

/* Whether it lets nothing in. Any thread. */
int rotai_inbox_refuses(const struct rotai_inbox *inbox);

/* Let nothing in from now on: 1, or 0 if there is something. */
int rotai_inbox_close(struct rotai_inbox *inbox);

#endif
