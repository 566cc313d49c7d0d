/*
 * loop/quick.h - timers and immediates that the library owns.
 */
#ifndef ROTAI_LOOP_QUICK_H
#define ROTAI_LOOP_QUICK_H

#include <stddef.h>
#include <stdint.h>

struct rota_loop;
struct rotai_quick_item;

struct rotai_quick {
	struct rotai_quick_item **items; /* by the low half of the id, less 1 */
	size_t capacity;
	size_t count;                  /* made so far */
	struct rotai_quick_item *free; /* those not in use */
};

/* Clear all time-outs and intervals; immediates still run. */
void rotai_quick_clear(struct rota_loop *loop);

/* Free the memory; all are cleared. */
void rotai_quick_free(struct rota_loop *loop);

#endif
