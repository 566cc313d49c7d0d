/*
 * support/heap.h - timers in a 4-ary heap, to which the wheel is compared.
 *
 * This is as good as an array heap can be. The keys are in the array itself, so
 * that sifting never reads a timer; four children are in two cache lines; each
 * timer knows its index, so that stop and restart need no search; and timers of
 * equal due time run in the order in which they were started.
 */
#ifndef BENCH_SUPPORT_HEAP_H
#define BENCH_SUPPORT_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_timer;

typedef void heap_timer_fn(struct heap_timer *timer);

struct heap_timer {
	void *data;
	heap_timer_fn *fn;
	uint64_t period_ns;
	size_t place; /* index, from 1 on; 0: stopped */
};

struct heap_entry {
	uint64_t due_ns;
	uint64_t sequence;
	struct heap_timer *timer;
};

struct heap {
	struct heap_entry *entries; /* the root is [1] */
	size_t count;
	size_t capacity;
	uint64_t sequence;
	void *memory;
};

/* Allocate, and touch, all memory for @capacity timers. */
int heap_init(struct heap *heap, size_t capacity);
void heap_free(struct heap *heap);

/* Start or restart @timer. Returns 0, or -1 if the heap is full. */
int heap_start(struct heap *heap, struct heap_timer *timer, heap_timer_fn *fn,
	       uint64_t due_ns);

void heap_stop(struct heap *heap, struct heap_timer *timer);

/* Call all timers that are due at @now_ns, in order. Returns how many. */
size_t heap_expire(struct heap *heap, uint64_t now_ns);

#endif
