/*
 * loop/inbox.h - the way into a loop from other threads.
 */
#ifndef ROTAI_LOOP_INBOX_H
#define ROTAI_LOOP_INBOX_H

#include <stdint.h>

#include "rota/object.h"

struct rota_loop;

struct rotai_inbox {
	struct rota_entry *head;  /* see inbox.c */
	uint32_t references;      /* to the loop */
	uint32_t fork_generation; /* of the process that the loop is for */
	uint8_t refuses;          /* a shutdown has begun */
};

/* What head points to if it is no entry. */
extern struct rota_entry rotai_inbox_asleep;
extern struct rota_entry rotai_inbox_closed;

void rotai_inbox_init(struct rotai_inbox *inbox);

/* Push a claimed entry, and wake the loop if it sleeps: 0, or ROTA_ESHUTDOWN
 * or ROTA_ECHILD, with the entry released. Any thread; signal-safe. */
int rotai_inbox_push(struct rota_loop *loop, struct rota_entry *entry);

/* Move what has come in to the end of the loop's posts. The loop's thread. */
void rotai_inbox_take_over(struct rota_loop *loop);

/* Have the next push wake the loop: 1, or 0 if there is something already. */
int rotai_inbox_fall_asleep(struct rota_loop *loop);

/* Have pushes not wake it again. */
void rotai_inbox_wake_up(struct rota_loop *loop);

/* Whether nothing is in. The loop's thread; more may come any moment. */
static inline int rotai_inbox_is_empty(const struct rotai_inbox *inbox)
{
	const struct rota_entry *head =
		__atomic_load_n(&inbox->head, __ATOMIC_RELAXED);

	return head == NULL || head == &rotai_inbox_asleep ||
	       head == &rotai_inbox_closed;
}

/* Whether the loop has been closed. Any thread. */
static inline int rotai_inbox_is_closed(const struct rotai_inbox *inbox)
{
	return __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) ==
	       &rotai_inbox_closed;
}

/* Whether it lets nothing in. Any thread. */
int rotai_inbox_refuses(const struct rotai_inbox *inbox);

/* Let nothing in from now on: 1, or 0 if there is something. */
int rotai_inbox_close(struct rotai_inbox *inbox);

#endif
