/*
 * heap.c - timers in a 4-ary heap.
 *
 * The children of [i] are [4i-2] to [4i+1], the parent of [i] is [(i+2)/4].
 *
 *   1. entries[2] is at the start of a cache line, so that any four children,
 *      96 bytes, are in two cache lines.
 *   2. entries[timer->place].timer == timer for each started timer.
 */
#include "support/heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

static inline bool before(const struct heap_entry *left,
			  const struct heap_entry *right)
{
	if (left->due_ns != right->due_ns)
		return left->due_ns < right->due_ns;
	return left->sequence < right->sequence;
}

static inline void put(struct heap *heap, size_t place, struct heap_entry entry)
{
	heap->entries[place] = entry;
	entry.timer->place = place;
}

/* Put @entry into the hole at @place, or higher up. */
static void sift_up(struct heap *heap, size_t place, struct heap_entry entry)
{
	while (place > 1) {
		size_t parent = (place + 2) / 4;

		if (!before(&entry, &heap->entries[parent]))
			break;
		put(heap, place, heap->entries[parent]);
		place = parent;
	}
	put(heap, place, entry);
}

/* Of [first] to [first+3], the one that is due first. */
static inline size_t least_of_four(const struct heap_entry *entries,
				   size_t first)
{
	size_t left = first + before(&entries[first + 1], &entries[first]);
	size_t right =
		first + 2 + before(&entries[first + 3], &entries[first + 2]);

	return before(&entries[right], &entries[left]) ? right : left;
}

static size_t least_child(const struct heap *heap, size_t first)
{
	size_t least = first;

	if (first + 3 <= heap->count)
		return least_of_four(heap->entries, first);
	for (size_t i = first + 1; i <= heap->count; i++) {
		if (before(&heap->entries[i], &heap->entries[least]))
			least = i;
	}
	return least;
}

/* Put @entry into the hole at @place, or further down. */
static void sift_down(struct heap *heap, size_t place, struct heap_entry entry)
{
	for (;;) {
		size_t first = 4 * place - 2;
		size_t least;

		if (first > heap->count)
			break;
		least = least_child(heap, first);
		if (!before(&heap->entries[least], &entry))
			break;
		put(heap, place, heap->entries[least]);
		place = least;
	}
	put(heap, place, entry);
}

static void sift(struct heap *heap, size_t place, struct heap_entry entry)
{
	if (place > 1 && before(&entry, &heap->entries[(place + 2) / 4]))
		sift_up(heap, place, entry);
	else
		sift_down(heap, place, entry);
}

int heap_init(struct heap *heap, size_t capacity)
{
	const size_t lead = LINE - 2 * sizeof(struct heap_entry) % LINE;
	size_t size = lead + (capacity + 2) * sizeof(struct heap_entry);

	size = (size + LINE - 1) / LINE * LINE;
	*heap = (struct heap){ .capacity = capacity };
	heap->memory = aligned_alloc(LINE, size);
	if (!heap->memory)
		return -1;
	memset(heap->memory, 0xff, size);
	heap->entries = (void *)((char *)heap->memory + lead);
	return 0;
}

void heap_free(struct heap *heap)
{
	free(heap->memory);
}

int heap_start(struct heap *heap, struct heap_timer *timer, heap_timer_fn *fn,
	       uint64_t due_ns)
{
	struct heap_entry entry = { due_ns, heap->sequence, timer };

	if (timer->place) {
		sift(heap, timer->place, entry);
	} else {
		if (heap->count == heap->capacity)
			return -1;
		sift_up(heap, ++heap->count, entry);
	}
	heap->sequence++;
	timer->fn = fn;
	return 0;
}

void heap_stop(struct heap *heap, struct heap_timer *timer)
{
	size_t place = timer->place;
	struct heap_entry last;

	if (!place)
		return;
	timer->place = 0;
	last = heap->entries[heap->count--];
	if (last.timer != timer)
		sift(heap, place, last);
}

size_t heap_expire(struct heap *heap, uint64_t now_ns)
{
	size_t calls = 0;

	while (heap->count && heap->entries[1].due_ns <= now_ns) {
		struct heap_timer *timer = heap->entries[1].timer;

		heap_stop(heap, timer);
		timer->fn(timer);
		calls++;
	}
	return calls;
}
