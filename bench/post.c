/*
 * post.c - what does it cost to have another thread's loop call back?
 *
 * Load: bursts, in which 1 or 4 threads post 4000 times in total, as fast as
 * they can, to one loop that sleeps when they begin; and ping-pong, in which
 * two loops in two threads post to each other, each when it has received. A
 * post is one call, and posts are not merged. A send is a flag, and many sends
 * may be one call. On one processor the loop runs when the producers have
 * ended; on two it runs at the same time. With four producers on two
 * processors, the system places the threads where it likes.
 *
 * Metrics, per post:
 *
 *     cpu        ns that the producers and the loop's thread have run
 *     posting    the part of the producers
 *     receiving  the part of the loop's thread
 *     wakes      write(2) calls per thousand posts
 *     instructions  in user space, exact: to post, to take over and to call.
 *                It is the difference between a burst of 65 posts and one of a
 *                single post, on one thread. So it does not include waking and
 *                a turn, but it includes the empty callback
 *
 * and per round trip of ping-pong, which is two posts to a loop that sleeps:
 *
 *     cpu        ns that both threads have run
 *     calls      system calls of both threads     exact
 *
 * Subjects: rota_task_post(), rota_task_post_all() with the whole burst, and
 * rota_async_send(). The limit is an eventfd by hand, with a lock-free stack or
 * with a flag. A second stack makes the same promise as rota for a task that is
 * posted while it is queued. That takes one more atomic operation on each side,
 * and its post is a function call, as a library's would be. libuv and libev
 * have wake-ups, and document that a program must add a queue if nothing may be
 * lost. Here that is a list and a mutex, and a thread sends only if it finds
 * the list empty. libevent has event_active(), which other threads may call if
 * its bases have locks (evthread_use_pthreads(), in a library of its own). It
 * can be the wake-up for such a queue, or be called for one event per post.
 * libevent also has event_base_once(), which allocates. All queues contain
 * tasks in the caller's memory, with a function and a pointer.
 *
 * A send in libuv whose flag is set is a plain read of the flag, without a
 * barrier: a callback that has begun may miss what was written before. rota and
 * the limit promise more, with an atomic exchange; libev has a full barrier.
 *
 * Bad news: more wakes than a burst needs; a post that is dearer than one
 * through a mutex; a round trip that takes more calls than two writes and two
 * waits.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peers/post.h"
#include "peers/post_burst.h"
#include "peers/post_trips.h"
#include "support/bench.h"
#include "support/server.h"
#include "support/trace.h"

enum { MOST_PRODUCERS = 4, MOST_PEERS = 10 };

/* One kind of call, and the peers that make it. The first one is rota. */
struct kind {
	const char *name;
	bool merges;
	const struct post_peer *peers[MOST_PEERS];
};

static const struct kind kinds[] = {
	{ "post",
	  false,
	  { &post_rota_task, &post_rota_all, &post_stack, &post_stack_claimed,
	    &post_libuv_queue, &post_libev_queue, &post_libevent_queue,
	    &post_libevent_event, &post_libevent_once } },
	{ "send",
	  true,
	  { &post_rota_async, &post_flag, &post_libuv_async, &post_libev_async,
	    &post_libevent_async } },
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static size_t count_peers(const struct kind *kind)
{
	size_t count = 0;

	while (count < MOST_PEERS && kind->peers[count])
		count++;
	return count;
}

static void name_subjects(struct bench_series *series, const struct kind *kind)
{
	for (size_t i = 0; i < count_peers(kind); i++)
		bench_series_name(series, kind->peers[i]->name);
}

/* Bursts. */

static atomic_size_t writes;

/* These replace the functions of the C library, for the peers, too. */
ssize_t write(int fd, const void *data, size_t size)
{
	atomic_fetch_add_explicit(&writes, 1, memory_order_relaxed);
	return syscall(SYS_write, fd, data, size);
}

int eventfd_write(int fd, eventfd_t value)
{
	return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

struct bursts {
	struct bench *bench;
	const struct kind *kind;
	size_t producers;
	enum bench_place place;
	size_t count; /* bursts in one sample */
	struct bench_series cpu;
	struct bench_series posting;
	struct bench_series receiving;
	struct bench_series wakes;
};

static void time_bursts(void *arg, size_t subject)
{
	struct bursts *bursts = arg;
	const struct post_burst how = {
		.peer = bursts->kind->peers[subject],
		.merges = bursts->kind->merges,
		.producers = bursts->producers,
		.bursts = bursts->count,
		.place = bursts->place,
	};
	const double posts = (double)(bursts->count * POST_BURST);
	const size_t before = atomic_load(&writes);
	const struct post_burst_cost cost = post_burst_run(&how);

	bench_add(bursts->bench, &bursts->cpu, subject,
		  (cost.posting + cost.receiving) / posts);
	bench_add(bursts->bench, &bursts->posting, subject,
		  cost.posting / posts);
	bench_add(bursts->bench, &bursts->receiving, subject,
		  cost.receiving / posts);
	bench_add(bursts->bench, &bursts->wakes, subject,
		  1000 * (double)(atomic_load(&writes) - before) / posts);
}

static const char *name_of(enum bench_place place)
{
	return place == BENCH_TWO_PROCESSORS ? "two processors"
					     : "one processor";
}

static void init_series(struct bench_series *series,
			const struct bursts *bursts, const char *metric,
			const char *unit)
{
	bench_series_init(series, metric, unit, "%s, %zu producer%s, %s",
			  bursts->kind->name, bursts->producers,
			  bursts->producers > 1 ? "s" : "",
			  name_of(bursts->place));
	name_subjects(series, bursts->kind);
}

static void measure_bursts(struct bursts *bursts, const struct kind *kind,
			   size_t producers, enum bench_place place)
{
	struct bench *bench = bursts->bench;

	bursts->kind = kind;
	bursts->producers = producers;
	bursts->place = place;
	init_series(&bursts->cpu, bursts, "cpu", "ns/post");
	init_series(&bursts->posting, bursts, "posting", "ns/post");
	init_series(&bursts->receiving, bursts, "receiving", "ns/post");
	init_series(&bursts->wakes, bursts, "wakes", "/1000 posts");
	bench_interleave(bench, count_peers(kind), bench->quick ? 7 : 31,
			 time_bursts, bursts);
	bench_print(bench, &bursts->cpu);
	if (place == BENCH_TWO_PROCESSORS && !kind->merges) {
		bench_target_ratio(bench, BENCH_NOISY, &bursts->cpu, "libuv",
				   1);
		bench_target_ratio(bench, BENCH_NOISY, &bursts->cpu, "libev,",
				   1);
		bench_target_ratio(bench, BENCH_NOISY, &bursts->cpu,
				   "libevent,", 1);
	}
	bench_print(bench, &bursts->posting);
	bench_print(bench, &bursts->receiving);
	bench_print(bench, &bursts->wakes);
	bench_target_figure(bench, BENCH_NOISY, &bursts->wakes, 10);
}

/* Ping-pong. */

struct trips {
	struct bench *bench;
	const struct kind *kind;
	struct bench_series cpu;
	enum bench_place place;
	size_t count;
};

static void time_trips(void *arg, size_t subject)
{
	struct trips *trips = arg;
	uint64_t spent_ns = post_trips_run(trips->kind->peers[subject],
					   trips->count, trips->place);

	bench_add(trips->bench, &trips->cpu, subject,
		  (double)spent_ns / (double)trips->count);
}

static void measure_trips(struct bench *bench, const struct kind *kind,
			  enum bench_place place)
{
	static struct trips trips;

	trips.bench = bench;
	trips.kind = kind;
	trips.place = place;
	trips.count = bench->quick ? 500 : 1000;
	bench_series_init(&trips.cpu, "cpu", "ns/round trip",
			  "%s, ping-pong, %s", kind->name, name_of(place));
	name_subjects(&trips.cpu, kind);
	bench_interleave(bench, count_peers(kind), bench->quick ? 9 : 51,
			 time_trips, &trips);
	bench_print(bench, &trips.cpu);
	if (place == BENCH_TWO_PROCESSORS)
		return; /* mostly the price of waking a processor */
	bench_target_ratio(bench, BENCH_NOISY, &trips.cpu, "libuv", 0.95);
	bench_target_ratio(bench, BENCH_NOISY, &trips.cpu, "libev,", 0.95);
	bench_target_ratio(bench, BENCH_NOISY, &trips.cpu, "libevent,", 0.95);
	bench_target_ratio(bench, BENCH_NOISY, &trips.cpu, "limit", 1.1);
}

static void trace_trips(void *arg)
{
	post_trips_trace(arg);
}

static void count_calls(struct bench *bench, const struct kind *kind)
{
	static struct bench_series calls;

	bench_series_init(&calls, "calls", "/round trip", "%s, ping-pong",
			  kind->name);
	name_subjects(&calls, kind);
	printf("\nof the calls, for a round trip\n");
	for (size_t i = 0; i < count_peers(kind); i++) {
		struct trace trace;

		if (trace_run(&trace, TRACE_THREAD_CALLS, trace_trips,
			      (void *)kind->peers[i]))
			bench_fail("cannot trace: ptrace(2) is not allowed "
				   "here");
		printf("  %-34s", kind->peers[i]->name);
		trace_print_calls(stdout, &trace, POST_TRIPS_TRACED);
		printf("\n");
		bench_add_exact(bench, &calls, i, trace.total, trace.most,
				POST_TRIPS_TRACED);
	}
	bench_print(bench, &calls);
	bench_target_figure(bench, BENCH_EXACT, &calls, 4.02);
	bench_target_ratio(bench, BENCH_EXACT, &calls, "limit", 1.01);
}

/* Instructions. */

enum { STEPPED = 64 };

struct stepped {
	const struct post_peer *peer;
	void *set;
	size_t count;
	bool merges;
	size_t left;
};

static void on_stepped(void *arg)
{
	struct stepped *stepped = arg;

	if (--stepped->left == 0)
		stepped->peer->stop(stepped->set);
}

static void run_stepped(void *arg)
{
	struct stepped *stepped = arg;
	const struct post_peer *peer = stepped->peer;
	const struct post_load load = { 1, 1 + STEPPED, on_stepped, stepped };

	stepped->set = peer->make(&load);
	for (size_t i = 0; i < 3; i++) {
		stepped->left = stepped->merges ? 1 : stepped->count;
		if (i == 2)
			trace_on();
		peer->post(stepped->set, 0, stepped->count);
		peer->run(stepped->set);
	}
	trace_off();
}

static struct trace trace_posts(const struct kind *kind, size_t index,
				size_t count)
{
	struct stepped stepped = {
		.peer = kind->peers[index],
		.count = count,
		.merges = kind->merges,
	};
	struct trace trace;

	if (trace_run(&trace, TRACE_INSTRUCTIONS, run_stepped, &stepped))
		bench_fail("cannot trace: ptrace(2) is not allowed here");
	return trace;
}

static void count_instructions(struct bench *bench, const struct kind *kind)
{
	static struct bench_series instructions;

	bench_series_init(&instructions, "instructions", "/post", "%s",
			  kind->name);
	name_subjects(&instructions, kind);
	for (size_t i = 0; i < count_peers(kind); i++) {
		const struct trace few = trace_posts(kind, i, 1);
		const struct trace many = trace_posts(kind, i, 1 + STEPPED);

		bench_add_exact(bench, &instructions, i, many.total - few.total,
				many.most - few.total, STEPPED);
	}
	bench_print(bench, &instructions);
	/* A send in libuv promises less, and no limit has the same promise. */
	if (!kind->merges)
		bench_target_ratio(bench, BENCH_EXACT, &instructions,
				   "limit: stack with a claim", 1.3);
}

/* Everything. */

static void measure_all(struct bench *bench, const struct kind *kind)
{
	static const enum bench_place places[] = { BENCH_ONE_PROCESSOR,
						   BENCH_TWO_PROCESSORS };
	static struct bursts bursts;

	bursts.bench = bench;
	bursts.count = bench->quick ? 5 : 10;
	for (size_t i = 0; i < 2; i++)
		measure_trips(bench, kind, places[i]);
	for (size_t i = 0; i < 2; i++)
		measure_bursts(&bursts, kind, 1, places[i]);
	for (size_t i = 0; i < 2; i++)
		measure_bursts(&bursts, kind, MOST_PRODUCERS, places[i]);
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "post", argc, argv) > 1)
		bench_fail("post [--quick] [--check] [--results DIRECTORY]");
	for (size_t i = 0; i < KINDS; i++)
		count_calls(&bench, &kinds[i]);
	for (size_t i = 0; i < KINDS; i++)
		count_instructions(&bench, &kinds[i]);
	for (size_t i = 0; i < KINDS && !bench.check; i++)
		measure_all(&bench, &kinds[i]);
	return bench_end(&bench);
}
