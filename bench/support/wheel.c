/*
 * wheel.c - timers in a hierarchical wheel.
 *
 *   1. A timer's level is that of the highest bit in which its due time
 *      differs from the wheel's time, and its slot comes from the bits of that
 *      level. So a filled slot is ahead of the wheel's own on its level, and
 *      timers of one tick keep their order when they move down.
 *   2. The wheel goes from filled slot to filled slot. The next one is the
 *      first slot ahead on the lowest level that has one: timers of higher
 *      levels are due later.
 */
#include "support/wheel.h"

enum { TICK_BITS = 10 };

static void link_init(struct wheel_link *list)
{
	list->next = list;
	list->prev = list;
}

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
	wheel->now = now_ns >> TICK_BITS;
	for (size_t level = 0; level < WHEEL_LEVELS; level++) {
		wheel->filled[level] = 0;
		for (size_t slot = 0; slot < WHEEL_SLOTS; slot++)
			link_init(&wheel->slots[level][slot]);
	}
}

/* Put @timer into the slot of its due time. (1) */
static inline void put(struct wheel *wheel, struct wheel_timer *timer)
{
	const uint64_t differs = timer->due ^ wheel->now;
	const unsigned level =
		differs ? (63 - (unsigned)__builtin_clzll(differs)) / WHEEL_BITS
			: 0;
	const unsigned slot =
		timer->due >> level * WHEEL_BITS & (WHEEL_SLOTS - 1);
	struct wheel_link *list = &wheel->slots[level][slot];

	timer->level = (uint8_t)level;
	timer->slot = (uint8_t)slot;
	timer->link.next = list;
	timer->link.prev = list->prev;
	list->prev->next = &timer->link;
	list->prev = &timer->link;
	wheel->filled[level] |= UINT64_C(1) << slot;
}

static inline void take(struct wheel *wheel, struct wheel_timer *timer)
{
	struct wheel_link *next = timer->link.next;
	struct wheel_link *prev = timer->link.prev;

	next->prev = prev;
	prev->next = next;
	timer->link.next = NULL;
	if (next == prev) /* it was the last: both are the slot */
		wheel->filled[timer->level] &= ~(UINT64_C(1) << timer->slot);
}

void wheel_start(struct wheel *wheel, struct wheel_timer *timer,
		 wheel_timer_fn *fn, uint64_t due_ns)
{
	const uint64_t due = (due_ns + (1 << TICK_BITS) - 1) >> TICK_BITS;

	if (timer->link.next)
		take(wheel, timer);
	timer->fn = fn;
	timer->due = due > wheel->now ? due : wheel->now + 1;
	put(wheel, timer);
}

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer)
{
	if (timer->link.next)
		take(wheel, timer);
}

/* Call the timers in this tick's slot. */
static size_t call_tick(struct wheel *wheel)
{
	struct wheel_link *list =
		&wheel->slots[0][wheel->now & (WHEEL_SLOTS - 1)];
	size_t calls = 0;

	while (list->next != list) {
		struct wheel_timer *timer = (struct wheel_timer *)list->next;

		take(wheel, timer);
		timer->fn(timer);
		calls++;
	}
	return calls;
}

/* The wheel has reached the beginning of a slot: move its timers down. */
static void move_down(struct wheel *wheel, unsigned level)
{
	const unsigned slot =
		wheel->now >> level * WHEEL_BITS & (WHEEL_SLOTS - 1);
	struct wheel_link *list = &wheel->slots[level][slot];
	struct wheel_link *at = list->next;

	link_init(list);
	wheel->filled[level] &= ~(UINT64_C(1) << slot);
	while (at != list) {
		struct wheel_link *next = at->next;

		put(wheel, (struct wheel_timer *)at);
		at = next;
	}
}

/* Advance to the next filled slot that begins at @target or earlier, and return
 * its level. If there is none, advance to @target and return WHEEL_LEVELS.
 * (2) */
static unsigned go_on(struct wheel *wheel, uint64_t target)
{
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		const unsigned shift = level * WHEEL_BITS;
		const unsigned own = wheel->now >> shift & (WHEEL_SLOTS - 1);
		const uint64_t ahead = wheel->filled[level] >> own >> 1;
		uint64_t begin;

		if (!ahead)
			continue;
		begin = ((wheel->now >> shift) + 1 +
			 (unsigned)__builtin_ctzll(ahead))
			<< shift;
		if (begin > target)
			break;
		wheel->now = begin;
		return level;
	}
	wheel->now = target;
	return WHEEL_LEVELS;
}

size_t wheel_expire(struct wheel *wheel, uint64_t now_ns)
{
	const uint64_t target = now_ns >> TICK_BITS;
	size_t calls = 0;

	while (wheel->now < target) {
		unsigned level = go_on(wheel, target);

		if (level == WHEEL_LEVELS)
			break;
		if (level > 0)
			move_down(wheel, level);
		calls += call_tick(wheel);
	}
	return calls;
}
