/*
 * loop.c - what does the loop itself cost, with nothing to wait for?
 *
 * Load and units:
 *
 *     descriptors, bytes, calls  that a loop takes; system calls of a
 *                                make-and-free          exact
 *     make and free  ns of processor time for one loop, without a turn. Ratio:
 *                    to epoll_create1, eventfd, epoll_ctl and two closes
 *     turn           ns for a turn with one idle callback. Ratio: to a bare
 *                    epoll_wait
 *     call           ns for a callback that is called soon and asks for the
 *                    next, 100 being on their way. Ratio: to libev
 *     timer start    ns to start a timer over at an absolute time; after a
 *                    delay, which reads the clock; and the reading alone
 *
 * Bad news: more than two descriptors or 16 KiB; make and free above three
 * times the bare calls; a relative start dearer by more than one reading of the
 * clock; memory that does not come through the loop's allocator.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "peers/loop.h"
#include "rota.h"
#include "support/allocations.h"
#include "support/bench.h"
#include "support/trace.h"

static const struct loop_peer *const peers[] = {
	&loop_bare, &loop_rota, &loop_libev, &loop_libevent, &loop_libuv,
};

static const struct call_peer *const calls[] = {
	&call_libev,          &call_libevent,       &call_rota_tick,
	&call_rota_microtask, &call_rota_immediate, &call_rota_post,
};

enum {
	PEERS = sizeof(peers) / sizeof(*peers),
	CALLS = sizeof(calls) / sizeof(*calls),
	BARE = 0,
	ROTA = 1,
	MOST_DESCRIPTORS = 2,
	MOST_BYTES = 16384,
};

static size_t open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t count = 0;

	if (!directory)
		bench_fail("there is no /proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void make_and_free_traced(void *arg)
{
	const struct loop_peer *peer = arg;

	peer->free(peer->make());
	trace_on();
	peer->free(peer->make());
	trace_off();
}

static void count_one(struct bench *bench, size_t index)
{
	const struct loop_peer *peer = peers[index];
	struct allocations before;
	struct allocations after;
	struct trace trace;
	size_t descriptors;
	size_t bytes;
	void *loop;

	peer->free(peer->make());
	descriptors = open_descriptors();
	before = allocations_so_far();
	loop = peer->make();
	after = allocations_so_far();
	descriptors = open_descriptors() - descriptors;
	bytes = after.bytes - before.bytes;
	peer->free(loop);
	if (allocations_so_far().bytes != before.bytes)
		printf("note: %s leaks\n", peer->name);
	if (trace_run(&trace, TRACE_CALLS, make_and_free_traced, (void *)peer))
		bench_fail("cannot trace: ptrace(2) is not allowed here");

	printf("%-18s %11zu %9zu %12zu %12llu\n", peer->name, descriptors,
	       bytes, after.calls - before.calls,
	       (unsigned long long)trace.total);
	if (index == ROTA) {
		bench_target(bench, BENCH_EXACT, "descriptors",
			     (double)descriptors, MOST_DESCRIPTORS);
		bench_target(bench, BENCH_EXACT, "bytes", (double)bytes,
			     MOST_BYTES);
	}
}

static void *count_bytes(void *context, void *pointer, size_t old, size_t size)
{
	size_t *bytes = context;

	*bytes += size - old;
	if (size)
		return realloc(pointer, size);
	free(pointer);
	return NULL;
}

static void count_allocator(struct bench *bench)
{
	size_t bytes = 0;
	struct rota_allocator allocator = { count_bytes, &bytes };
	struct rota_loop_options options;
	struct allocations before = allocations_so_far();
	struct allocations after;
	struct rota_loop *loop;
	size_t asked;

	rota_loop_options_init(&options);
	options.allocator = &allocator;
	if (rota_loop_new(&loop, &options))
		bench_fail("rota_loop_new");
	after = allocations_so_far();
	asked = bytes;
	rota_loop_close(loop);
	printf("%-18s %11s %9zu  asked of the allocator option\n", "rota", "-",
	       asked);
	bench_target(bench, BENCH_EXACT, "bytes around the allocator",
		     (double)(after.bytes - before.bytes) - (double)asked, 0);
	bench_target(bench, BENCH_EXACT, "bytes kept by a closed loop",
		     (double)bytes, 0);
}

struct run {
	struct bench *bench;
	struct bench_series series;
	size_t count;
};

static void keep(struct run *run, size_t peer, uint64_t begin_ns)
{
	bench_add(run->bench, &run->series, peer,
		  (double)(bench_process_ns() - begin_ns) / (double)run->count);
}

static void run_make(void *arg, size_t peer)
{
	struct run *run = arg;
	uint64_t begin_ns = bench_process_ns();

	for (size_t i = 0; i < run->count; i++)
		peers[peer]->free(peers[peer]->make());
	keep(run, peer, begin_ns);
}

static void run_turns(void *arg, size_t peer)
{
	struct run *run = arg;
	void *loop = peers[peer]->make();
	uint64_t begin_ns = bench_process_ns();

	peers[peer]->turn(loop, run->count);
	keep(run, peer, begin_ns);
	peers[peer]->free(loop);
}

static void run_calls(void *arg, size_t peer)
{
	struct run *run = arg;
	uint64_t begin_ns = bench_process_ns();

	calls[peer]->call(run->count);
	keep(run, peer, begin_ns);
}

static void on_timer(struct rota_timer *timer)
{
	(void)timer;
}

/* START_AT has to be the first, which the ratios are to. */
enum { START_AT, START, CLOCK, STARTS };

static void run_starts(void *arg, size_t peer)
{
	struct run *run = arg;
	struct rota_loop *loop = loop_rota.make();
	struct rota_timer timer;
	uint64_t due_ns = rota_loop_now(loop) + ROTA_SEC(60);
	uint64_t begin_ns;

	rota_timer_init(&timer, loop);
	begin_ns = bench_process_ns();
	for (size_t i = 0; i < run->count; i++) {
		if (peer == START_AT)
			rota_timer_start_at(&timer, on_timer, due_ns + i);
		else if (peer == START)
			rota_timer_start(&timer, on_timer, ROTA_SEC(60));
		else
			bench_wall_ns();
	}
	keep(run, peer, begin_ns);
	rota_timer_stop(&timer);
	loop_rota.free(loop);
}

static void compare(struct run *run, size_t count, size_t rounds,
		    bench_run_fn *fn)
{
	run->count = run->bench->quick ? count / 10 : count;
	bench_interleave(run->bench, run->series.peers,
			 run->bench->quick ? 5 : rounds, fn, run);
	bench_print(&run->series);
}

static void time_all(struct bench *bench)
{
	static struct run run;

	run.bench = bench;
	bench_print_head();
	run.series = (struct bench_series){ "make and free", "ns",
					    .peers = PEERS, .base = BARE };
	for (size_t i = 0; i < PEERS; i++)
		run.series.peer[i] = peers[i]->name;
	compare(&run, 1000, 31, run_make);
	bench_target(bench, BENCH_NOISY, "make and free, rota to bare calls",
		     bench_ratio(&run.series, ROTA), 3);

	run.series = (struct bench_series){ "turn", "ns", .peers = PEERS };
	for (size_t i = 0; i < PEERS; i++)
		run.series.peer[i] = peers[i]->name;
	compare(&run, 20000, 31, run_turns);

	run.series = (struct bench_series){ "call", "ns", .peers = CALLS };
	for (size_t i = 0; i < CALLS; i++)
		run.series.peer[i] = calls[i]->name;
	compare(&run, 200000, 31, run_calls);

	run.series = (struct bench_series){
		"timer start",
		"ns",
		{ "rota, absolute", "rota, relative", "the clock alone" },
		.peers = STARTS,
	};
	compare(&run, 200000, 31, run_starts);
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "loop", argc, argv) > 1)
		bench_fail("loop [--quick] [--check]");
	printf("%-18s %11s %9s %12s %12s\n", "a loop takes", "descriptors",
	       "bytes", "allocations", "system calls");
	for (size_t i = 0; i < PEERS; i++)
		count_one(&bench, i);
	count_allocator(&bench);
	if (!bench.check)
		time_all(&bench);
	return bench_end(&bench);
}
