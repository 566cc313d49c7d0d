/*
 * loop/wheel.c - a hierarchical timing wheel: adding and removing in O(1), and
 * the next due time without a search.
 *
 * Time is counted in ticks of 33 us. A tick number is written in digits of six
 * bits. The level of a timer is the highest digit in which its due tick differs
 * from the current tick of the wheel, and its slot on that level is the value
 * of this digit in its due tick. When the wheel reaches a slot of level 2, for
 * example, the timers in it differ from the wheel only in lower digits, and
 * move down. On level 0 a slot is one tick.
 *
 *       due    01 33 07 | the current tick is 01 20 59: the middle digit is
 *                  ^      the first that differs, so level 1, slot 33
 *
 *  1. The level and slot of a timer depend only on its due tick and on the
 *     current tick, not on when it was added. So timers of one tick are always
 *     in one slot, in the order in which they were added. They stay first in,
 *     first out when they move down.
 *  2. All timers of a level are due before all timers of the next level up,
 *     and within a level the slots are in the order of their ticks. So the
 *     first occupied slot of the lowest occupied level has the next due time.
 *     Each slot stores the least due time that was put into it. If timers have
 *     slack (5), it stores when the first of them may not wait longer.
 *  3. A slot of level 0 has timers that differ by less than a tick, or that
 *     were overdue when they were added, or that repeat and so were started
 *     before others of the same due time. If they are not in order, they are
 *     sorted when the slot is collected. So the order is exact, and the length
 *     of a tick only affects the speed: with a longer one timers move down
 *     fewer levels, with a shorter one fewer timers must be sorted
 *     (bench/timers.c).
 *  4. A slot is initialized when its bit in `occupied` is set, so making a
 *     wheel touches no slot. Removing a timer touches only its neighbours: the
 *     bit of a slot that became empty is cleared when the slot is next looked
 *     at.
 *  5. Slack changes neither slots nor the order, but only for how long the loop
 *     sleeps: until the least end (due time and slack) of all timers. Then it
 *     calls all that are due. No other times to wake up are fewer. The slots
 *     are searched in their order, up to one that begins after the least end
 *     that was found: in practice few.
 */
#include "loop/wheel.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/list.h"
#include "loop/slack.h"

static struct rota_timer *timer_in_wheel(struct rota_link *link)
{
	return rota_container_of(link, struct rota_timer, internal.by_due);
}

static uint64_t due_of(struct rota_link *link)
{
	return timer_in_wheel(link)->internal.due_ns;
}

/* Whether @a is to be called after @b, which was added later. */
static int is_after(struct rota_link *a, struct rota_link *b)
{
	uint64_t due_ns = due_of(a);

	return due_ns > due_of(b) ||
	       (ROTAI_UNLIKELY(due_ns == due_of(b)) &&
		timer_in_wheel(a)->internal.order >
			timer_in_wheel(b)->internal.order);
}

static unsigned lowest_bit(uint64_t bits)
{
	return (unsigned)__builtin_ctzll(bits);
}

static struct rotai_slot *slot_at(struct rotai_wheel *wheel, unsigned level,
				  unsigned index)
{
	return &wheel->slots[level * ROTAI_WHEEL_SLOTS + index];
}

void rotai_wheel_init(struct rotai_wheel *wheel, uint64_t now_ns)
{
	wheel->tick = now_ns >> ROTAI_WHEEL_SHIFT;
	for (int level = 0; level < ROTAI_WHEEL_LEVELS; level++)
		wheel->occupied[level] = 0;
	wheel->levels = 0;
	wheel->has_slack = 0;
	wheel->unsorted = 0;
	rotai_list_init(&wheel->never);
}

void rotai_wheel_add(struct rotai_wheel *wheel, struct rota_timer *timer)
{
	struct rota_link *link = &timer->internal.by_due;
	uint64_t due_ns = timer->internal.due_ns;
	uint64_t tick = due_ns >> ROTAI_WHEEL_SHIFT;
	unsigned level = 0;
	unsigned index;
	uint64_t bit;
	struct rotai_slot *slot;

	if (ROTAI_UNLIKELY(due_ns == UINT64_MAX)) {
		rotai_list_append(&wheel->never, link);
		return;
	}
	if (tick > wheel->tick)
		level = (63u - (unsigned)__builtin_clzll(tick ^ wheel->tick)) /
			ROTAI_WHEEL_BITS;
	else
		tick = wheel->tick; /* (3) */
	index = (tick >> (level * ROTAI_WHEEL_BITS)) & (ROTAI_WHEEL_SLOTS - 1);
	bit = UINT64_C(1) << index;
	slot = slot_at(wheel, level, index);

	if (!(wheel->occupied[level] & bit) ||
	    rotai_list_is_empty(&slot->timers)) { /* (4) */
		wheel->occupied[level] |= bit;
		wheel->levels |= 1u << level;
		if (level == 0)
			wheel->unsorted &= ~bit;
		rotai_list_init(&slot->timers);
		slot->least_ns = due_ns;
	} else {
		if (level == 0 && is_after(slot->timers.prev, link))
			wheel->unsorted |= bit;
		if (due_ns < slot->least_ns)
			slot->least_ns = due_ns;
	}
	rotai_list_append(&slot->timers, link);
}

/* The slot in which timers that are due at @due_ns are; it is not UINT64_MAX.
 * Sets *@is_empty. (1) */
static struct rotai_slot *slot_of_due(struct rotai_wheel *wheel,
				      uint64_t due_ns, int *is_empty)
{
	uint64_t tick = due_ns >> ROTAI_WHEEL_SHIFT;
	unsigned level = 0;
	unsigned index;
	struct rotai_slot *slot;

	if (tick > wheel->tick)
		level = (63u - (unsigned)__builtin_clzll(tick ^ wheel->tick)) /
			ROTAI_WHEEL_BITS;
	else
		tick = wheel->tick;
	index = (tick >> (level * ROTAI_WHEEL_BITS)) & (ROTAI_WHEEL_SLOTS - 1);
	slot = slot_at(wheel, level, index);
	*is_empty = !(wheel->occupied[level] & UINT64_C(1) << index) ||
		    rotai_list_is_empty(&slot->timers);
	return slot;
}

void rotai_wheel_add_slack(struct rotai_wheel *wheel, struct rota_timer *timer)
{
	uint64_t end_ns = rotai_slack_end(timer);
	struct rotai_slot *slot;
	int was_empty;

	if (timer->internal.due_ns == UINT64_MAX) {
		rotai_wheel_add(wheel, timer);
		return;
	}
	slot = slot_of_due(wheel, timer->internal.due_ns, &was_empty);
	if (!was_empty && slot->least_ns < end_ns)
		end_ns = slot->least_ns;
	rotai_wheel_add(wheel, timer);
	slot->least_ns = end_ns;
}

void rotai_wheel_slack_changed(struct rotai_wheel *wheel,
			       const struct rota_timer *timer)
{
	uint64_t end_ns = rotai_slack_end(timer);
	struct rotai_slot *slot;
	int is_empty;

	if (timer->internal.due_ns == UINT64_MAX)
		return;
	slot = slot_of_due(wheel, timer->internal.due_ns, &is_empty);
	if (!is_empty && end_ns < slot->least_ns)
		slot->least_ns = end_ns;
}

static void clear_slot(struct rotai_wheel *wheel, unsigned level,
		       unsigned index)
{
	wheel->occupied[level] &= ~(UINT64_C(1) << index);
	if (wheel->occupied[level] == 0)
		wheel->levels &= ~(1u << level);
}

/* Find the first slot that has timers (2). Returns its level, or
 * ROTAI_WHEEL_LEVELS if there is none. */
static unsigned first_slot(struct rotai_wheel *wheel, unsigned *index)
{
	while (wheel->levels != 0) {
		unsigned level = lowest_bit(wheel->levels);

		*index = lowest_bit(wheel->occupied[level]);
		if (!rotai_list_is_empty(
			    &slot_at(wheel, level, *index)->timers))
			return level;
		clear_slot(wheel, level, *index); /* (4) */
	}
	return ROTAI_WHEEL_LEVELS;
}

/* The first tick of a slot. */
static uint64_t first_tick(const struct rotai_wheel *wheel, unsigned level,
			   unsigned index)
{
	unsigned low = level * ROTAI_WHEEL_BITS;
	uint64_t digit = (uint64_t)(ROTAI_WHEEL_SLOTS - 1) << low;
	uint64_t below = (UINT64_C(1) << low) - 1;

	return (wheel->tick & ~(digit | below)) | (uint64_t)index << low;
}

/* Merge two sorted lists, linked by next and ended by NULL. Of equal timers
 * those of @a come first. */
static struct rota_link *merge(struct rota_link *a, struct rota_link *b)
{
	struct rota_link *merged = NULL;
	struct rota_link **end = &merged;

	while (a != NULL && b != NULL) {
		struct rota_link **from = is_after(a, b) ? &b : &a;

		*end = *from;
		end = &(*from)->next;
		*from = *end;
	}
	*end = a != NULL ? a : b;
	return merged;
}

/* Cut off the longest sorted start of the list @at, and end it by NULL. Returns
 * what follows it. @end is where the list ends. */
static struct rota_link *cut_run(struct rota_link *at,
				 const struct rota_link *end)
{
	struct rota_link *next = at->next;

	while (next != end && !is_after(at, next)) {
		at = next;
		next = at->next;
	}
	at->next = NULL;
	return next;
}

/* Sort @timers without changing the order of equal ones. This is a bottom-up
 * merge sort of the sorted runs that are there, so a few timers behind many
 * sorted ones cost no more than a walk. merged[i] was merged from 2^i runs. */
static void sort(struct rota_link *timers)
{
	enum { LEVELS = 48 };
	struct rota_link *merged[LEVELS] = { NULL };
	struct rota_link *sorted = NULL;
	struct rota_link *rest = timers->next;

	ROTAI_LIVE_CHECK_LIST(timers);
	while (rest != timers) {
		struct rota_link *run = rest;
		int i = 0;

		rest = cut_run(run, timers);
		for (; merged[i] != NULL && i < LEVELS - 1; i++) {
			run = merge(merged[i], run);
			merged[i] = NULL;
		}
		merged[i] = run;
	}
	for (int i = 0; i < LEVELS; i++)
		sorted = merge(merged[i], sorted);

	rotai_list_init(timers);
	while (sorted != NULL) {
		struct rota_link *next = sorted->next;

		rotai_list_append(timers, sorted);
		sorted = next;
	}
}

static uint64_t least_end(const struct rota_link *timers)
{
	uint64_t least_ns = UINT64_MAX;

	for (struct rota_link *at = timers->next; at != timers; at = at->next) {
		uint64_t end_ns = rotai_slack_end(timer_in_wheel(at));

		if (end_ns < least_ns)
			least_ns = end_ns;
	}
	return least_ns;
}

/* Collect the due timers of the slot of level 0 that is the current tick.
 * Returns whether any was due. */
static int collect_slot(struct rotai_wheel *wheel, unsigned index,
			uint64_t now_ns, struct rota_link *due)
{
	struct rotai_slot *slot = slot_at(wheel, 0, index);
	struct rota_link *timers = &slot->timers;
	uint64_t bit = UINT64_C(1) << index;
	struct rota_link *first;
	int any = 0;

	if (wheel->unsorted & bit) {
		sort(timers); /* (3) */
		wheel->unsorted &= ~bit;
	}
	if (due_of(timers->prev) <= now_ns) {
		rotai_list_splice(due, timers);
		clear_slot(wheel, 0, index);
		return 1;
	}
	for (first = timers->next; due_of(first) <= now_ns;
	     first = timers->next) {
		rotai_list_remove(first);
		rotai_list_append(due, first);
		any = 1;
	}
	slot->least_ns = ROTAI_UNLIKELY(wheel->has_slack) ? least_end(timers)
							  : due_of(first);
	return any;
}

/* Move the timers of a slot, which the wheel has reached, to lower levels. */
static void cascade(struct rotai_wheel *wheel, unsigned level, unsigned index)
{
	struct rota_link *timers = &slot_at(wheel, level, index)->timers;
	struct rota_link *at = timers->next;
	unsigned has_slack = wheel->has_slack;

	clear_slot(wheel, level, index);
	ROTAI_LIVE_CHECK_LIST(timers);
	while (at != timers) {
		struct rota_link *next = at->next;

		__builtin_prefetch(next);
		if (ROTAI_UNLIKELY(has_slack))
			rotai_wheel_add_slack(wheel, timer_in_wheel(at));
		else
			rotai_wheel_add(wheel, timer_in_wheel(at));
		at = next;
	}
}

int rotai_wheel_collect(struct rotai_wheel *wheel, uint64_t now_ns,
			struct rota_link *due)
{
	uint64_t now_tick = now_ns >> ROTAI_WHEEL_SHIFT;

	for (;;) {
		unsigned index;
		unsigned level = first_slot(wheel, &index);
		uint64_t tick;

		if (level == ROTAI_WHEEL_LEVELS)
			break;
		tick = first_tick(wheel, level, index);
		if (tick > now_tick)
			break;
		wheel->tick = tick;
		if (level == 0)
			return collect_slot(wheel, index, now_ns, due);
		cascade(wheel, level, index);
	}
	if (wheel->tick < now_tick)
		wheel->tick = now_tick;
	return 0;
}

/* (5) */
static __attribute__((noinline)) uint64_t
least_end_of_all(struct rotai_wheel *wheel)
{
	uint64_t least_ns = UINT64_MAX;

	for (unsigned level = 0; level < ROTAI_WHEEL_LEVELS; level++) {
		uint64_t left = wheel->occupied[level];

		for (; left != 0; left &= left - 1) {
			unsigned index = lowest_bit(left);
			struct rotai_slot *slot = slot_at(wheel, level, index);

			if (first_tick(wheel, level, index)
				    << ROTAI_WHEEL_SHIFT >=
			    least_ns)
				return least_ns;
			if (rotai_list_is_empty(&slot->timers))
				clear_slot(wheel, level, index); /* (4) */
			else if (slot->least_ns < least_ns)
				least_ns = slot->least_ns;
		}
	}
	return least_ns;
}

uint64_t rotai_wheel_next_due(struct rotai_wheel *wheel)
{
	unsigned index;
	unsigned level = first_slot(wheel, &index);

	if (level == ROTAI_WHEEL_LEVELS)
		return UINT64_MAX;
	return ROTAI_UNLIKELY(wheel->has_slack)
		       ? least_end_of_all(wheel)
		       : slot_at(wheel, level, index)->least_ns;
}

static void wheel_each_in(struct rota_link *timers,
			  void (*fn)(void *arg, struct rota_timer *timer),
			  void *arg)
{
	struct rota_link *at = timers->next;

	while (at != timers) {
		struct rota_link *next = at->next;

		ROTAI_LIVE_CHECK_LINK(at);
		fn(arg, timer_in_wheel(at));
		at = next;
	}
}

void rotai_wheel_each(struct rotai_wheel *wheel,
		      void (*fn)(void *arg, struct rota_timer *timer),
		      void *arg)
{
	for (unsigned level = 0; level < ROTAI_WHEEL_LEVELS; level++) {
		uint64_t left = wheel->occupied[level];

		for (; left != 0; left &= left - 1)
			wheel_each_in(&slot_at(wheel, level, lowest_bit(left))
					       ->timers,
				      fn, arg);
	}
	wheel_each_in(&wheel->never, fn, arg);
}
