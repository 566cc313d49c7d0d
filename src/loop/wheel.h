/*
 * loop/wheel.h - the started timers, by their due times.
 */
#ifndef ROTAI_LOOP_WHEEL_H
#define ROTAI_LOOP_WHEEL_H

#include <stdint.h>

#include "rota/timer.h"

enum {
	ROTAI_WHEEL_SHIFT = 15, /* a tick is 33 us */
	ROTAI_WHEEL_BITS = 6,
	ROTAI_WHEEL_SLOTS = 1 << ROTAI_WHEEL_BITS,
	/* 64 - 15 bits of ticks: eight whole levels, and a bit for a ninth. */
	ROTAI_WHEEL_LEVELS = 9,
	ROTAI_WHEEL_SLOTS_IN_ALL = 8 * ROTAI_WHEEL_SLOTS + 2,
};

struct rotai_slot {
	struct rota_link timers;
	uint64_t least_ns; /* the loop need not wake up earlier for the slot */
};

struct rotai_wheel {
	uint64_t tick;      /* the current one */
	unsigned levels;    /* a bit for each level with one in occupied */
	unsigned has_slack; /* a timer has, or had, a slack */
	uint64_t occupied[ROTAI_WHEEL_LEVELS]; /* a bit for each slot */
	uint64_t unsorted;      /* slots of level 0 that are not sorted */
	struct rota_link never; /* due at UINT64_MAX */
	struct rotai_slot slots[ROTAI_WHEEL_SLOTS_IN_ALL];
};

void rotai_wheel_init(struct rotai_wheel *wheel, uint64_t now_ns);

/* Add a timer, by its due_ns and its order. rotai_list_remove() removes it. */
void rotai_wheel_add(struct rotai_wheel *wheel, struct rota_timer *timer);

/* The same in a wheel that has_slack. */
void rotai_wheel_add_slack(struct rotai_wheel *wheel, struct rota_timer *timer);

/* @timer, which may be in the wheel, has got another slack. */
void rotai_wheel_slack_changed(struct rotai_wheel *wheel,
			       const struct rota_timer *timer);

/* Move the next timers that are due at @now_ns to the end of @due, sorted by
 * due time, then by order, then by when they were added. Returns 1; or 0 if
 * there are no more, and then the current tick is that of @now_ns. */
int rotai_wheel_collect(struct rotai_wheel *wheel, uint64_t now_ns,
			struct rota_link *due);

/* Advance an empty wheel to @now_ns, and return 1. Return 0 if it may have
 * timers that will be due. */
static inline int rotai_wheel_pass(struct rotai_wheel *wheel, uint64_t now_ns)
{
	uint64_t now_tick = now_ns >> ROTAI_WHEEL_SHIFT;

	if (wheel->levels != 0)
		return 0;
	if (wheel->tick < now_tick)
		wheel->tick = now_tick;
	return 1;
}

/* When the loop has to wake up for a timer, or UINT64_MAX: the next due time;
 * or, with slack, the latest time at which no timer is too late. It may be too
 * early, but only if a timer that was due then has been removed, or its slack
 * has grown. */
uint64_t rotai_wheel_next_due(struct rotai_wheel *wheel);

/* Call @fn for every timer. */
void rotai_wheel_each(struct rotai_wheel *wheel,
		      void (*fn)(void *arg, struct rota_timer *timer),
		      void *arg);

#endif
