/*
 * loop/slack.h - how late a timer may be called.
 *
 * A timer has 16 bits for its slack: a number with 11 significant bits, of
 * which the first is not stored if it is 1, and how far it is shifted to the
 * left. So the slack is exact below 2048 ns, and above it less than one part in
 * a thousand is cut off.
 */
#ifndef ROTAI_LOOP_SLACK_H
#define ROTAI_LOOP_SLACK_H

#include "base/clock.h"
#include "rota/timer.h"

enum { ROTAI_SLACK_BITS = 10 };

static inline uint16_t rotai_slack_encode(uint64_t slack_ns)
{
	unsigned shift = 0;

	while (slack_ns >> shift >= UINT64_C(2) << ROTAI_SLACK_BITS)
		shift++;
	slack_ns >>= shift;
	return slack_ns >> ROTAI_SLACK_BITS == 0
		       ? (uint16_t)slack_ns
		       : (uint16_t)((shift << ROTAI_SLACK_BITS) + slack_ns);
}

static inline uint64_t rotai_slack_decode(uint16_t slack)
{
	uint64_t hidden = UINT64_C(1) << ROTAI_SLACK_BITS;
	unsigned shift = slack >> ROTAI_SLACK_BITS;

	if (shift == 0)
		return slack;
	return (hidden | (slack & (hidden - 1))) << (shift - 1);
}

/* The last moment at which the loop may wake up to call @timer. */
static inline uint64_t rotai_slack_end(const struct rota_timer *timer)
{
	return rotai_add_saturated(timer->internal.due_ns,
				   rotai_slack_decode(timer->internal.slack));
}

#endif
