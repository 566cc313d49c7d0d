/*
 * support/heap.h - timers in a 4-ary heap: what the wheel is measured against.
 *
 * As good as an array heap gets: the keys stand in the array itself, so that
 * sifting never looks at a timer; four children lie on two cache lines; each
 * timer knows its place, so that stop and restart search nothing; and equal
 * due times run in the order they were started.
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
	size_t place; /* from 1 on; 0: stopped */
};

struct heap_entry {
	uint64_t due_ns;
	uint64_t sequence;
	struct heap_timer *timer;
};

struct heap {
	struct heap_entry *entries; /* the first, the root, is [1] */
	size_t count;
	size_t capacity;
	uint64_t sequence;
	void *memory;
};

/* All that @capacity timers need is allocated, and touched, here. */
int heap_init(struct heap *heap, size_t capacity);
void heap_free(struct heap *heap);

/* Start @timer, or start it over. Returns 0, or -1: the heap is full. */
int heap_start(struct heap *heap, struct heap_timer *timer, heap_timer_fn *fn,
	       uint64_t due_ns);

void heap_stop(struct heap *heap, struct heap_timer *timer);

/* Call all timers that are due at @now_ns, in order. Returns how many. */
size_t heap_expire(struct heap *heap, uint64_t now_ns);

#endif
