/*
 * report.c - what the two loops did, in tables.
 */
#include "demo.h"

#include <inttypes.h>
#include <stdio.h>

#include "turns.h"

static double to_ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

void report_loop(const char *title, const struct rota_stats *stats,
		 const struct pulse *pulse)
{
	turns_print(title, stats);
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
