/*
 * timers.c - is a wheel of timers as quick as the best of heaps?
 *
 * Load: 100,000 and 1,000,000 timers in an array, with due times that are
 * uniform over 1 s to 60 s, or of every order of magnitude from 1 us to 1 h.
 * The reference is a 4-ary heap, support/heap.h, which is in the same run and
 * has the same due times in the same order; further rows show libuv, libev and
 * libevent. The operations, one after the other on one set:
 *
 *     start            all, in the order of the array, none running before
 *     restart          all that run, in random order, for another time
 *     restart, idle    the same, each a fixed time from a now that goes on: the
 *                      idle time-outs of connections
 *     stop             all, in random order
 *     expiry           all in one go: rota in one turn of a loop whose clock is
 *                      virtual, the heap by popping
 *     expiry by turns  all in 60,000 turns, each with a wait of zero
 *
 * rota starts them by rota_timer_start_at(), which reads no clock; what the
 * reading adds is in loop.c.
 *
 * Unit: ns of processor time for each timer. Ratio: to the heap.
 *
 * Bad news: a ratio above 1.0 for start and restart, 0.8 for stop, or 1.3 for
 * expiry: the wheel would not be worth its code.
 */
#include <stdio.h>
#include <stdlib.h>

#include "peers/timers.h"
#include "support/bench.h"
#include "support/heap.h"
#include "support/random.h"

enum operation {
	START,
	RESTART,
	RESTART_IDLE,
	STOP,
	EXPIRY,
	EXPIRY_BY_TURNS,
	OPERATIONS,
};

enum { HEAP = 0, ROTA = 1, TURNS = 60000 };

static const struct timers_peer *const peers[] = {
	&timers_heap,     &timers_rota,  &timers_libev,
	&timers_libevent, &timers_libuv,
};

static const char *const names[OPERATIONS] = {
	"start", "restart", "restart, idle",
	"stop",  "expiry",  "expiry by turns",
};

static const double targets[OPERATIONS] = { 1.0, 1.0, 1.0, 0.8, 1.3, 0 };

/* What is the same for all peers, drawn before any of them runs. */
struct load {
	const char *name;
	size_t count;
	uint64_t last_ns;
	uint64_t *due_ns;
	uint64_t *again_ns;
	uint64_t *idle_ns[2];
	uint32_t *order[3];
};

struct run {
	struct bench *bench;
	struct load load;
	struct bench_series series[OPERATIONS];
};

typedef uint64_t delay_fn(struct random *random, uint64_t from, uint64_t to);

static uint64_t *draw_times(struct random *random, delay_fn *delay,
			    uint64_t from_ns, uint64_t to_ns, size_t count)
{
	uint64_t *times = malloc(count * sizeof(*times));

	for (size_t i = 0; i < count; i++)
		times[i] = delay(random, from_ns, to_ns);
	return times;
}

static void draw(struct load *load, delay_fn *delay, uint64_t from_ns,
		 uint64_t to_ns)
{
	struct random random = { 20240229 };

	load->last_ns = to_ns + 1;
	load->due_ns = draw_times(&random, delay, from_ns, to_ns, load->count);
	load->again_ns =
		draw_times(&random, delay, from_ns, to_ns, load->count);
	for (size_t pass = 0; pass < 2; pass++) {
		uint64_t *idle_ns = malloc(load->count * sizeof(*idle_ns));

		for (size_t i = 0; i < load->count; i++)
			idle_ns[i] = UINT64_C(60000000000) +
				     (pass * load->count + i) * 1000;
		load->idle_ns[pass] = idle_ns;
	}
	for (size_t i = 0; i < 3; i++) {
		load->order[i] = malloc(load->count * sizeof(uint32_t));
		random_order(&random, load->order[i], load->count);
	}
}

static void load_free(struct load *load)
{
	free(load->due_ns);
	free(load->again_ns);
	for (size_t i = 0; i < 2; i++)
		free(load->idle_ns[i]);
	for (size_t i = 0; i < 3; i++)
		free(load->order[i]);
}

static void keep(struct run *run, size_t peer, enum operation operation,
		 uint64_t begin_ns)
{
	uint64_t end_ns = bench_process_ns();

	bench_add(run->bench, &run->series[operation], peer,
		  (double)(end_ns - begin_ns) / (double)run->load.count);
}

static void expire(struct run *run, size_t peer, void *set)
{
	const struct load *load = &run->load;
	uint64_t begin_ns;

	peers[peer]->prime(set, load->due_ns);
	begin_ns = bench_process_ns();
	if (peers[peer]->expire(set, load->last_ns) != load->count)
		bench_fail("%s: timers were lost", peers[peer]->name);
	keep(run, peer, EXPIRY, begin_ns);

	if (!peers[peer]->expire_by_turns)
		return;
	peers[peer]->prime(set, load->due_ns);
	begin_ns = bench_process_ns();
	if (peers[peer]->expire_by_turns(set, load->last_ns,
					 load->last_ns / TURNS + 1) !=
	    load->count)
		bench_fail("%s: timers were lost", peers[peer]->name);
	keep(run, peer, EXPIRY_BY_TURNS, begin_ns);
}

static void run_one(void *arg, size_t peer)
{
	struct run *run = arg;
	const struct timers_peer *tested = peers[peer];
	const struct load *load = &run->load;
	void *set = tested->make(load->count);
	uint64_t begin_ns = bench_process_ns();

	tested->start(set, load->due_ns);
	keep(run, peer, START, begin_ns);

	begin_ns = bench_process_ns();
	tested->restart(set, load->order[0], load->again_ns);
	keep(run, peer, RESTART, begin_ns);

	tested->restart(set, load->order[1], load->idle_ns[0]);
	begin_ns = bench_process_ns();
	tested->restart(set, load->order[2], load->idle_ns[1]);
	keep(run, peer, RESTART_IDLE, begin_ns);

	tested->restart(set, load->order[0], load->again_ns);
	begin_ns = bench_process_ns();
	tested->stop(set, load->order[1]);
	keep(run, peer, STOP, begin_ns);

	expire(run, peer, set);
	tested->free(set);
}

static void report(struct run *run)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		char name[80];

		bench_print(&run->series[i]);
		if (targets[i] <= 0)
			continue;
		snprintf(name, sizeof(name), "%s, rota to heap", names[i]);
		bench_target(run->bench, BENCH_NOISY, name,
			     bench_ratio(&run->series[i], ROTA), targets[i]);
	}
}

static void run_load(struct run *run, size_t count, size_t rounds)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		struct bench_series *series = &run->series[i];

		*series = (struct bench_series){ names[i], "ns/timer",
						 .peers = count, .base = HEAP };
		for (size_t peer = 0; peer < count; peer++)
			series->peer[peer] = peers[peer]->name;
	}
	printf("\n%zu timers, %s\n", run->load.count, run->load.name);
	bench_print_head();
	bench_interleave(run->bench, count, rounds, run_one, run);
	report(run);
	load_free(&run->load);
}

static void uniform(struct run *run, size_t timers, size_t count, size_t rounds)
{
	run->load = (struct load){ .name = "uniform over 1 s to 60 s",
				   .count = timers };
	draw(&run->load, random_uniform, UINT64_C(1000000000),
	     UINT64_C(60000000000));
	run_load(run, count, rounds);
}

static void logarithmic(struct run *run, size_t timers, size_t rounds)
{
	run->load = (struct load){ .name = "every magnitude, 1 us to 1 h",
				   .count = timers };
	draw(&run->load, random_log, 1000, UINT64_C(3600000000000));
	run_load(run, ROTA + 1, rounds);
}

enum { TESTED = 5000 };

struct tested {
	struct heap_timer timer;
	uint64_t due_ns;
	uint64_t started;
};

static const struct tested *last;
static size_t tested_calls;

static void on_tested(struct heap_timer *timer)
{
	const struct tested *tested = (const void *)timer;

	if (last && (last->due_ns > tested->due_ns ||
		     (last->due_ns == tested->due_ns &&
		      last->started > tested->started)))
		bench_fail("the heap calls in the wrong order");
	last = tested;
	tested_calls++;
}

/* Start, restart and stop at random, and see that what is left is called in
 * the order of due times, equal ones in the order they were started. */
static void test_heap(void)
{
	static struct tested timers[TESTED];
	struct random random = { 7 };
	struct heap heap;
	size_t running = 0;

	if (heap_init(&heap, TESTED))
		bench_fail("heap_init");
	for (uint64_t i = 1; i < 20 * TESTED; i++) {
		struct tested *tested =
			&timers[random_uniform(&random, 0, TESTED - 1)];

		if (random_uniform(&random, 0, 2) == 0) {
			heap_stop(&heap, &tested->timer);
			continue;
		}
		tested->due_ns = random_uniform(&random, 0, TESTED / 4);
		tested->started = i;
		heap_start(&heap, &tested->timer, on_tested, tested->due_ns);
	}
	for (size_t i = 0; i < TESTED; i++)
		running += timers[i].timer.place != 0;
	heap_expire(&heap, UINT64_MAX);
	if (tested_calls != running)
		bench_fail("the heap calls too many or too few");
	heap_free(&heap);
}

int main(int argc, char **argv)
{
	static struct run run;
	struct bench bench;

	if (bench_begin(&bench, "timers", argc, argv) > 1)
		bench_fail("timers [--quick] [--check]");
	run.bench = &bench;
	test_heap();

	uniform(&run, 100000, bench.quick ? ROTA + 1 : 5, bench.quick ? 5 : 11);
	logarithmic(&run, 100000, bench.quick ? 5 : 11);
	if (!bench.quick && !bench.check) {
		uniform(&run, 1000000, ROTA + 1, 5);
		logarithmic(&run, 1000000, 5);
	}
	return bench_end(&bench);
}
