/*
 * timer_precision.c - does a periodic timer call on time, and keep doing so?
 *
 * Load: a timer with a period of 1 ms or 10 ms, for a second or two at a time,
 * whose callback only reads the clock. Each subject is a process of its own.
 * All run at the same time, on one processor, started some 140 us apart, so
 * that other load affects all alike. Now and then they delay each other by some
 * microseconds. They have a real-time priority (SCHED_FIFO), with which the
 * kernel does not delay timers to save wake-ups.
 *
 * Metrics, of all calls in such a time:
 *
 *     lateness  us between a call and its ideal time, the median; the ideal
 *               time of the k-th is start + k * period
 *     drift     ns by which the mean period differs from the requested one,
 *               longer or shorter: by how much later the last fifth of the
 *               calls is than the first fifth, both by their medians
 *     early     calls before their ideal time, of a thousand. For rota it is
 *               exact: there must be none
 *     missed    periods without a call of their own, of a thousand, for
 *               subjects that report it
 *
 * Subjects: the limit is a timerfd with an interval, read in an epoll loop.
 * rota: rota_timer_every() at a fixed rate. libuv: uv_timer with a repeat,
 * whose unit is the millisecond. libev: ev_timer with a repeat; and
 * ev_periodic, its means against drift, which uses the time of day. libevent: a
 * persistent timer, by default and with EVENT_BASE_FLAG_PRECISE_TIMER. A timer
 * that drifts gets later and later: its lateness depends on how long it is
 * measured.
 *
 * Bad news: a drift of rota's that is more than noise, or one call too early.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "peers/precision.h"
#include "support/bench.h"
#include "support/server.h"

static const struct precision_peer *const peers[] = {
	&precision_rota,
	&precision_timerfd,
	&precision_libuv,
	&precision_libev_timer,
	&precision_libev_periodic,
	&precision_libevent,
	&precision_libevent_precise,
};

enum { PEERS = sizeof(peers) / sizeof(*peers), ROTA = 0, TIMERFD = 1 };

enum metric { LATENESS, DRIFT, EARLY, MISSED, METRICS };

static const uint64_t BEGIN_AFTER_NS = 20000000;
static const uint64_t APART_NS = 140000;
static const double NOISE_NS = 500;

/* One subject, shared with the child that runs it. */
struct shared {
	const struct precision_peer *peer;
	uint64_t begin_ns;
	struct precision precision;
};

static void sleep_until(uint64_t ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) ==
	       EINTR)
		;
}

static void serve(void *arg)
{
	struct shared *shared = arg;

	sleep_until(shared->begin_ns);
	shared->peer->run(&shared->precision);
}

/* Run all at the same time. In each @round another one is started first. */
static void run_all(struct shared *all, uint64_t period_ns, uint64_t periods,
		    size_t round)
{
	struct bench_server servers[PEERS];
	uint64_t begin_ns = bench_wall_ns() + BEGIN_AFTER_NS;

	for (size_t i = 0; i < PEERS; i++) {
		all[i].peer = peers[i];
		all[i].begin_ns = begin_ns + (i + round) % PEERS * APART_NS;
		all[i].precision = (struct precision){ .period_ns = period_ns,
						       .periods = periods };
		bench_server_start(&servers[i], serve, &all[i], -1, -1);
		bench_place(&servers[i], BENCH_ONE_PROCESSOR);
	}
	for (size_t i = 0; i < PEERS; i++) {
		int status;

		if (waitpid(servers[i].pid, &status, 0) < 0 || status)
			bench_fail("%s did not end well", peers[i]->name);
	}
	bench_go_back();
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The median lateness of the calls from @from to @to, in ns. */
static double middle_of(const struct precision *precision, uint64_t from,
			uint64_t to)
{
	static double late_ns[PRECISION_CALLS];

	for (uint64_t i = from; i < to; i++)
		late_ns[i - from] =
			(double)(int64_t)(precision->call[i].ns -
					  precision->first_ns -
					  precision->call[i].period *
						  precision->period_ns);
	qsort(late_ns, to - from, sizeof(*late_ns), compare);
	return late_ns[(to - from) / 2];
}

/* How much later the last fifth of the calls is than the first one. */
static double drift_of(const struct precision *precision)
{
	const uint64_t calls = precision->calls;
	const uint64_t last = calls - calls / 5;
	const double later = middle_of(precision, last, calls) -
			     middle_of(precision, 0, calls / 5);
	const double periods = (double)(precision->call[last].period -
					precision->call[0].period);

	return fabs(later / periods);
}

static double early_of(const struct precision *precision)
{
	double early = 0;

	for (uint64_t i = 0; i < precision->calls; i++)
		early += precision->call[i].ns <
			 precision->first_ns + precision->call[i].period *
						       precision->period_ns;
	return 1000 * early / (double)precision->calls;
}

static void evaluate(const struct precision *precision, double *value)
{
	if (precision->calls < 10)
		bench_fail("a timer does not call");
	value[LATENESS] = middle_of(precision, 0, precision->calls) / 1000;
	value[DRIFT] = drift_of(precision);
	value[EARLY] = early_of(precision);
	value[MISSED] = 1000 * (double)(precision->seen - precision->calls) /
			(double)precision->seen;
}

static void report(struct bench *bench, const struct bench_series *series,
		   const struct bench_series *beyond)
{
	bench_print(bench, &series[LATENESS]);
	bench_print(bench, &series[DRIFT]);
	bench_target_figure(bench, BENCH_NOISY, &series[DRIFT], 1000);
	bench_print(bench, beyond);
	bench_target_figure(bench, BENCH_NOISY, beyond, NOISE_NS);
	bench_print(bench, &series[EARLY]);
	bench_target_figure(bench, BENCH_EXACT, &series[EARLY], 0);
	bench_print(bench, &series[MISSED]);
}

static void measure(struct bench *bench, struct shared *all, uint64_t period_ms,
		    uint64_t periods, size_t rounds)
{
	static struct bench_series series[METRICS];
	static struct bench_series beyond;
	static const char *const metrics[METRICS][2] = {
		{ "lateness", "us" },
		{ "drift", "ns/period" },
		{ "early", "of 1000" },
		{ "missed", "of 1000" },
	};

	for (size_t i = 0; i < METRICS; i++) {
		bench_series_init(&series[i], metrics[i][0], metrics[i][1],
				  "%d ms", (int)period_ms);
		for (size_t k = 0; k < PEERS; k++)
			bench_series_name(&series[i], peers[k]->name);
	}
	bench_series_init(&beyond, "drift beyond timerfd's", "ns/period",
			  "%d ms", (int)period_ms);
	bench_series_name(&beyond, peers[ROTA]->name);
	for (size_t round = 0; round < rounds; round++) {
		double values[PEERS][METRICS];

		run_all(all, period_ms * 1000000, periods, round);
		for (size_t i = 0; i < PEERS; i++) {
			evaluate(&all[i].precision, values[i]);
			for (size_t k = 0; k < METRICS; k++)
				bench_add(bench, &series[k], i, values[i][k]);
		}
		bench_add(bench, &beyond, 0,
			  values[ROTA][DRIFT] - values[TIMERFD][DRIFT]);
	}
	report(bench, series, &beyond);
}

int main(int argc, char **argv)
{
	struct bench bench;
	struct shared *all;

	if (bench_begin(&bench, "timer_precision", argc, argv) > 1)
		bench_fail("timer_precision [--quick] [--check]");
	all = mmap(NULL, PEERS * sizeof(*all), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		bench_fail("mmap");
	if (bench.check) {
		measure(&bench, all, 1, 300, 1);
	} else if (bench.quick) {
		measure(&bench, all, 1, 500, PEERS);
		measure(&bench, all, 10, 50, PEERS);
	} else {
		measure(&bench, all, 1, 2000, PEERS);
		measure(&bench, all, 10, 200, PEERS);
	}
	return bench_end(&bench);
}
