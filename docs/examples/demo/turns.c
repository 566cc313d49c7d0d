/*
 * turns.c - what a loop did, as a table.
 */
#include "turns.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const phases[ROTA_PHASE_COUNT] = {
	"outside", "timers", "pending", "prepare", "poll", "check", "closing",
};

static double to_ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* The time, in microseconds, below which @share percent of timers were late;
 * the buckets are powers of two, so it is an upper bound. */
static uint64_t lateness_us(const struct rota_stats *stats, unsigned share)
{
	uint64_t all = 0, sum = 0;
	unsigned i;

	for (i = 0; i < ROTA_LATENESS_BUCKETS; i++)
		all += stats->lateness[i];
	for (i = 0; i < ROTA_LATENESS_BUCKETS; i++) {
		sum += stats->lateness[i];
		if (sum * 100 >= all * share)
			break;
	}
	return UINT64_C(1) << i;
}

static void print_phases(const struct rota_stats *stats)
{
	printf("  %-10s %12s %12s %12s %10s\n", "phase", "ran", "callbacks",
	       "ms", "ns each");
	for (unsigned i = 0; i < ROTA_PHASE_COUNT; i++) {
		uint64_t calls = stats->callbacks[i];

		if (i == ROTA_PHASE_NONE && calls == 0)
			continue;
		printf("  %-10s %12" PRIu64 " %12" PRIu64 " %12.3f ", phases[i],
		       stats->phases[i], calls, to_ms(stats->phase_ns[i]));
		if (calls > 0)
			printf("%10" PRIu64 "\n", stats->phase_ns[i] / calls);
		else
			printf("%10s\n", "-");
	}
	printf("  %-10s %12" PRIu64 " %12s %12.3f\n", "asleep", stats->sleeps,
	       "", to_ms(stats->idle_ns));
}

void turns_print(const char *title, const struct rota_stats *stats)
{
	printf("\n%s\n", title);
	print_phases(stats);
	printf("  %" PRIu64 " turns, %" PRIu64 " waits, %" PRIu64
	       " events (%" PRIu64 " stale), %" PRIu64 " posts\n",
	       stats->turns, stats->waits, stats->events, stats->stale,
	       stats->posts);
	if (stats->callbacks[ROTA_PHASE_TIMERS] == 0)
		return;
	printf("  timers late: half < %" PRIu64 " us, 99 in 100 < %" PRIu64
	       " us\n",
	       lateness_us(stats, 50), lateness_us(stats, 99));
}
