/*
 * loop/quick.h - quick timers: timers and immediates that the library owns.
 */
#ifndef ROTAI_LOOP_QUICK_H
#define ROTAI_LOOP_QUICK_H

#include <stddef.h>
#include <stdint.h>

struct rota_loop;
struct rotai_quick_item;

/* See quick_items.c. */
struct rotai_quick {
	struct rotai_quick_item **buckets;
	uint32_t capacity; /* of buckets */
	uint32_t used;     /* items in buckets */
	struct rotai_quick_item *unused;
	uint32_t unused_count;
	uint64_t last_id;
};

/* In a shutdown: clear all timeouts and intervals. Immediates still run. */
void rotai_quick_clear(struct rota_loop *loop);

/* Free the memory. No item is in use. */
void rotai_quick_free(struct rota_loop *loop);

#endif
