/*
 * report.c - what the two loops did, in tables.
 */
#include "demo.h"

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

static void report_phases(const struct rota_stats *stats)
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

void report_loop(const char *title, const struct rota_stats *stats,
		 const struct pulse *pulse)
{
	printf("\n%s\n", title);
	report_phases(stats);
	printf("  %" PRIu64 " turns, %" PRIu64 " waits, %" PRIu64
	       " events (%" PRIu64 " stale), %" PRIu64 " posts\n",
	       stats->turns, stats->waits, stats->events, stats->stale,
	       stats->posts);
	printf("  timers late: half < %" PRIu64 " us, 99 in 100 < %" PRIu64
	       " us\n",
	       lateness_us(stats, 50), lateness_us(stats, 99));
	printf("  a timer every 10 ms: %" PRIu64 " calls, %" PRIu64
	       " missed, late by %.3f ms, at most %.3f ms\n",
	       pulse->beats, pulse->missed,
	       pulse->beats > 0 ? to_ms(pulse->late_ns / pulse->beats) : 0,
	       to_ms(pulse->latest_ns));
}

static void report_meter(const char *title, const struct meter *meter)
{
	printf("  %s: %" PRIu64 " ticks, %" PRIu64 " microtasks, %" PRIu64
	       " immediates;\n    at most %" PRIu64 " bytes in a callback, "
	       "%" PRIu64 " in a turn\n",
	       title, meter->ticks, meter->microtasks, meter->turns,
	       meter->most_in_call, meter->most_in_turn);
}

void report_totals(const struct server *server, const struct clients *clients)
{
	double seconds = (double)(clients->ended_ns - clients->began_ns) / 1e9;
	double megabytes = (double)clients->bytes / 1e6;

	printf("\ntotals\n");
	printf("  %" PRIu64 " connections, %" PRIu64 " files, %" PRIu64
	       " bytes,\n  there and back in %.3f s: %.1f MB/s\n",
	       server->echo.accepted, clients->files, clients->bytes, seconds,
	       megabytes / seconds);
	printf("  the server held back %" PRIu64 " times for slow readers\n",
	       server->echo.pauses);
	printf("  %" PRIu64 " posts to the server's loop, %" PRIu64
	       " back from it\n",
	       server->receipts, clients->receipts_back);
	report_meter("server", &server->meter);
	report_meter("clients", &clients->meter);
}
