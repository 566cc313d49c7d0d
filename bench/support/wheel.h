/*
 * support/wheel.h - timers in a hierarchical wheel: the minimum that a wheel
 * needs, to which rota's is compared.
 *
 * It counts in ticks of 1024 ns, has no loop, no clock and no references, and
 * does not know when the next timer is due. Timers of one tick run in the order
 * in which they were started.
 */
#ifndef BENCH_SUPPORT_WHEEL_H
#define BENCH_SUPPORT_WHEEL_H

#include <stddef.h>
#include <stdint.h>

struct wheel_timer;

typedef void wheel_timer_fn(struct wheel_timer *timer);

struct wheel_link {
	struct wheel_link *next; /* NULL: in no slot */
	struct wheel_link *prev;
};

struct wheel_timer {
	struct wheel_link link; /* must be first */
	wheel_timer_fn *fn;
	uint64_t due; /* in ticks */
	uint8_t level;
	uint8_t slot;
};

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 9 };

struct wheel {
	uint64_t now; /* in ticks; timers due until then were called */
	uint64_t filled[WHEEL_LEVELS]; /* one bit for each slot */
	struct wheel_link slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ns);

/* Start or restart @timer. */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer,
		 wheel_timer_fn *fn, uint64_t due_ns);

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer);

/* Call all timers that are due at @now_ns, in order. Returns how many. */
size_t wheel_expire(struct wheel *wheel, uint64_t now_ns);

#endif
