/*
 * names.c - what else does a lookup of a host name delay, if it hangs?
 *
 * Load: no lookups, and then 16, as many as rota has threads for, which all
 * hang. This program defines getaddrinfo(3) itself, and the libraries call it.
 * Meanwhile the loop calls stat(2) for a file, one at a time, and has a timer
 * of 1 ms.
 *
 * Units, all of real time, so other load shows:
 *
 *     stat       us for one stat
 *     late       us by which the timer is late
 *     delay      us that a stat or a timer takes longer while lookups hang
 *     cancel     us from the cancel of a lookup that hangs to its callback
 *     close      us to end 16 lookups that hang, and the loop
 *
 * libuv cannot cancel a lookup that a thread has begun, nor close the loop
 * before it ends, so it has no figures there.
 *
 * Bad news: a delay, a cancel or a close of more than 1 ms.
 */
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>

#include "peers/names.h"
#include "support/bench.h"

enum { STUCK = 16, REPEATS = 50 };

static const struct names_peer *const peers[] = { &names_rota, &names_libuv };

enum { PEERS = sizeof(peers) / sizeof(*peers) };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open;
static unsigned inside; /* threads */

int getaddrinfo(const char *host, const char *service,
		const struct addrinfo *hints, struct addrinfo **found)
{
	(void)host;
	(void)service;
	(void)hints;
	(void)found;
	pthread_mutex_lock(&lock);
	inside++;
	while (!is_open)
		pthread_cond_wait(&changed, &lock);
	inside--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return EAI_NONAME;
}

static void names_release(void)
{
	pthread_mutex_lock(&lock);
	is_open = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* From now on lookups hang. */
static void names_hold(void)
{
	pthread_mutex_lock(&lock);
	while (inside > 0)
		pthread_cond_wait(&changed, &lock);
	is_open = false;
	pthread_mutex_unlock(&lock);
}

struct timing {
	struct bench *bench;
	struct bench_series stat, late, stat_delay, late_delay, cancel, close;
};

/* The mean of some repeats. */
static double mean_us(uint64_t (*measure)(void *set), void *set)
{
	uint64_t sum_ns = 0;

	for (int i = 0; i < REPEATS; i++)
		sum_ns += measure(set);
	return (double)sum_ns / REPEATS / 1000;
}

static void add_us(struct timing *timing, struct bench_series *series,
		   size_t subject, uint64_t ns)
{
	if (ns != UINT64_MAX)
		bench_add(timing->bench, series, subject, (double)ns / 1000);
}

static void run_names(void *arg, size_t subject)
{
	struct timing *timing = arg;
	const struct names_peer *peer = peers[subject];
	double stat, late;
	void *set;

	names_hold();
	set = peer->make(STUCK);
	(void)peer->stat_ns(set); /* starts a thread */
	stat = mean_us(peer->stat_ns, set);
	late = mean_us(peer->late_ns, set);
	add_us(timing, &timing->cancel, subject, peer->cancel_ns(set));
	add_us(timing, &timing->close, subject, peer->free(set, names_release));
	names_release();
	set = peer->make(0);
	(void)peer->stat_ns(set);
	bench_add(timing->bench, &timing->stat, subject, stat);
	bench_add(timing->bench, &timing->stat_delay, subject,
		  stat - mean_us(peer->stat_ns, set));
	bench_add(timing->bench, &timing->late, subject, late);
	bench_add(timing->bench, &timing->late_delay, subject,
		  late - mean_us(peer->late_ns, set));
	(void)peer->free(set, names_release);
}

static void name_names(struct bench_series *series, const char *metric,
		       const char *load)
{
	bench_series_init(series, metric, "us", "%s", load);
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, peers[i]->name);
}

static void report(struct bench *bench, struct bench_series *series, int target)
{
	bench_print(bench, series);
	if (target)
		bench_target_figure(bench, BENCH_NOISY, series, 1000);
}

int main(int argc, char **argv)
{
	static struct timing timing;
	struct bench bench;

	(void)bench_begin(&bench, "names", argc, argv);
	if (bench.check)
		return bench_end(&bench); /* nothing here is exact */
	timing.bench = &bench;
	name_names(&timing.stat, "stat", "16 lookups hang");
	name_names(&timing.late, "late", "16 lookups hang");
	name_names(&timing.stat_delay, "delay", "of a stat");
	name_names(&timing.late_delay, "delay", "of a timer");
	name_names(&timing.cancel, "cancel", "16 lookups hang");
	name_names(&timing.close, "close", "16 lookups hang");
	bench_interleave(&bench, PEERS, bench.quick ? 5 : 31, run_names,
			 &timing);
	report(&bench, &timing.stat, 0);
	report(&bench, &timing.late, 0);
	report(&bench, &timing.stat_delay, 1);
	report(&bench, &timing.late_delay, 1);
	report(&bench, &timing.cancel, 1);
	report(&bench, &timing.close, 1);
	return bench_end(&bench);
}
