/*
 * timers.c - is a wheel of timers as quick as the best of heaps, and how far is
 * it from the least that a wheel can be?
 *
 * Load: 10,000, 100,000 and 1,000,000 timers in an array, with due times that
 * are uniform from 1 ms to 60 s, or of every order of magnitude from 1 us to an
 * hour. All subjects have the same due times in the same order. The operations,
 * one after the other on one set:
 *
 *     start            all, in the order of the array, none running before
 *     restart          all running timers, in random order, for another time
 *     restart, idle    the same, each a fixed time from a clock that advances:
 *                      the idle timeouts of connections
 *     stop             all, in random order
 *     expiry           all are due at once, and one turn calls them
 *     expiry by turns  all in 60,000 turns, between which the clock advances by
 *                      the same step. This includes the turns themselves, which
 *                      are most of it if there are few timers
 *
 * A million timers have neither the idle restart nor the turns: it would take
 * too long, and the turns are a small part there.
 *
 * Metrics, for each timer:
 *
 *     cpu           ns of this thread's processor time; a row has the name of
 *                   its operation
 *     instructions  in user space, with 256 timers    exact
 *
 * For expiry time must pass, 60 s or an hour of it. So this program has a
 * clock_gettime() of its own, which adds an offset to the system's time. It
 * replaces the C library's for all subjects alike. They use their usual clocks
 * and need not know. No subject sleeps or has due times of its own, and reading
 * the clock costs all of them the same, some 2 ns more than usual.
 *
 * Subjects: one limit is a 4-ary heap, support/heap.h, another one a wheel with
 * only what a wheel needs, support/wheel.h, each with a turn by hand. rota
 * starts timers with rota_timer_start_at(), at absolute times, which does not
 * read the clock. Nor do libuv's and libev's starts, which count from the
 * loop's now. A further row has rota_timer_start(), which reads it, as
 * libevent's event_add() does. libuv rounds to milliseconds. libev restarts
 * with ev_timer_again(), as it advises. libevent's lists for timers of one
 * length are not used; they would make the idle restart cheap. The sets stay
 * from round to round: arrays have grown in the first round, which does not
 * count.
 *
 * Bad news: anything above the targets: the wheel would not be worth its code.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "peers/timers.h"
#include "support/bench.h"
#include "support/heap.h"
#include "support/random.h"
#include "support/server.h"
#include "support/trace.h"
#include "support/wheel.h"

enum operation {
	START,
	RESTART,
	RESTART_IDLE,
	STOP,
	EXPIRY,
	EXPIRY_BY_TURNS,
	OPERATIONS,
};

enum { TURNS = 60000, LARGE = 1000000 };

static const struct timers_peer *const peers[] = {
	&timers_rota,  &timers_heap,     &timers_wheel,         &timers_libuv,
	&timers_libev, &timers_libevent, &timers_rota_relative,
};

enum { PEERS = sizeof(peers) / sizeof(*peers) };

static const struct {
	const char *name;
	double to_libuv; /* targets; 0: none */
	double to_libev;
} operations[OPERATIONS] = {
	{ "start", 0.3, 1.0 },     { "restart", 0.15, 1.0 },
	{ "restart, idle", 0, 0 }, { "stop", 0.12, 0.8 },
	{ "expiry", 0.3, 1.0 },    { "expiry by turns", 0, 0 },
};

/* A clock that can be advanced. */

typedef int clock_fn(clockid_t clock, struct timespec *time);

static const uint64_t SECOND_NS = 1000000000;

static uint64_t moved_ns;

/* For exact counts the clock is constant except for moved_ns: the slots into
 * which timers fall depend on the time of day. */
static bool stands_still;

/* Clocks of processor time are not changed. */
static int is_moved(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME ||
	       clock == CLOCK_MONOTONIC_COARSE ||
	       clock == CLOCK_REALTIME_COARSE || clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	static clock_fn *next;
	uint64_t ns;
	int result;

	if (!next)
		next = (clock_fn *)(uintptr_t)dlsym(RTLD_NEXT, __func__);
	result = next(clock, time);
	if (result || !is_moved(clock))
		return result;
	if (stands_still)
		*time = (struct timespec){ .tv_sec = 1000000 };
	ns = (uint64_t)time->tv_nsec + moved_ns;
	time->tv_sec += (time_t)(ns / SECOND_NS);
	time->tv_nsec = (long)(ns % SECOND_NS);
	return 0;
}

/* The load. */

/* The data that is the same for all peers, generated before any of them
 * runs. */
struct load {
	size_t count;
	uint64_t last_ns;
	uint64_t *due_ns;
	uint64_t *again_ns;
	uint64_t *idle_ns[2];
	uint32_t *order[3];
};

typedef uint64_t delay_fn(struct random *random, uint64_t from, uint64_t to);

struct distribution {
	const char *name;
	delay_fn *delay;
	uint64_t from_ns;
	uint64_t to_ns;
};

static const struct distribution distributions[] = {
	{ "uniform", random_uniform, UINT64_C(1000000), UINT64_C(60000000000) },
	{ "every magnitude", random_log, 1000, UINT64_C(3600000000000) },
};

static uint64_t *draw_times(struct random *random,
			    const struct distribution *from, size_t count)
{
	uint64_t *times = malloc(count * sizeof(*times));

	for (size_t i = 0; i < count; i++)
		times[i] = from->delay(random, from->from_ns, from->to_ns);
	return times;
}

static void draw(struct load *load, const struct distribution *from,
		 size_t count)
{
	struct random random = { 20240229 };

	load->count = count;
	load->last_ns = from->to_ns + 1000000;
	load->due_ns = draw_times(&random, from, count);
	load->again_ns = draw_times(&random, from, count);
	for (size_t pass = 0; pass < 2; pass++) {
		uint64_t *idle_ns = malloc(count * sizeof(*idle_ns));

		for (size_t i = 0; i < count; i++)
			idle_ns[i] = 60 * SECOND_NS + (pass * count + i) * 1000;
		load->idle_ns[pass] = idle_ns;
	}
	for (size_t i = 0; i < 3; i++) {
		load->order[i] = malloc(count * sizeof(uint32_t));
		random_order(&random, load->order[i], count);
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

/* The operations. */

struct run {
	struct bench *bench;
	struct load load;
	void *sets[PEERS];
	struct bench_series series[OPERATIONS];
};

static void keep(struct run *run, size_t peer, enum operation operation,
		 uint64_t begin_ns)
{
	uint64_t end_ns = bench_thread_ns();

	bench_add(run->bench, &run->series[operation], peer,
		  (double)(end_ns - begin_ns) / (double)run->load.count);
}

/* Advance the clock to the end in @steps, with a turn after each. Some more
 * turns follow, because a peer that rounds is late, and a turn may leave timers
 * to the next one. */
static void expire(struct run *run, size_t peer, enum operation operation,
		   uint64_t steps)
{
	const struct load *load = &run->load;
	size_t calls = 0;
	uint64_t begin_ns;

	peers[peer]->start(run->sets[peer], load->due_ns);
	begin_ns = bench_thread_ns();
	for (uint64_t i = 0; i < steps; i++) {
		moved_ns += load->last_ns / steps + 1;
		calls += peers[peer]->turn(run->sets[peer]);
	}
	for (size_t i = 0; calls < load->count; i++) {
		if (i == load->count)
			bench_fail("%s: timers were lost", peers[peer]->name);
		calls += peers[peer]->turn(run->sets[peer]);
	}
	keep(run, peer, operation, begin_ns);
}

/* The first pass makes the state of a long-running program. */
static void restart_idle(struct run *run, size_t peer)
{
	const struct load *load = &run->load;
	void *set = run->sets[peer];
	uint64_t begin_ns;

	peers[peer]->restart(set, load->order[1], load->idle_ns[0]);
	begin_ns = bench_thread_ns();
	peers[peer]->restart(set, load->order[2], load->idle_ns[1]);
	keep(run, peer, RESTART_IDLE, begin_ns);
	peers[peer]->restart(set, load->order[0], load->again_ns);
}

static void run_one(void *arg, size_t peer)
{
	struct run *run = arg;
	const struct timers_peer *tested = peers[peer];
	const struct load *load = &run->load;
	void *set = run->sets[peer];
	uint64_t begin_ns;

	tested->turn(set);
	begin_ns = bench_thread_ns();
	tested->start(set, load->due_ns);
	keep(run, peer, START, begin_ns);

	begin_ns = bench_thread_ns();
	tested->restart(set, load->order[0], load->again_ns);
	keep(run, peer, RESTART, begin_ns);

	if (load->count < LARGE)
		restart_idle(run, peer);
	begin_ns = bench_thread_ns();
	tested->stop(set, load->order[1]);
	keep(run, peer, STOP, begin_ns);

	expire(run, peer, EXPIRY, 1);
	if (load->count < LARGE)
		expire(run, peer, EXPIRY_BY_TURNS, TURNS);
}

static void report(struct run *run)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		const struct bench_series *series = &run->series[i];

		if (!series->count[0])
			continue;
		bench_print(run->bench, series);
		if (operations[i].to_libuv <= 0 || run->load.count < 100000)
			continue;
		bench_target_ratio(run->bench, BENCH_NOISY, series, "libuv",
				   operations[i].to_libuv);
		bench_target_ratio(run->bench, BENCH_NOISY, series, "libev,",
				   operations[i].to_libev);
	}
}

static void run_load(struct bench *bench, const struct distribution *from,
		     size_t count, size_t rounds)
{
	static struct run run;

	run.bench = bench;
	draw(&run.load, from, count);
	for (size_t i = 0; i < OPERATIONS; i++) {
		bench_series_init(&run.series[i], operations[i].name,
				  "ns/timer", "%zu, %s", count, from->name);
		for (size_t peer = 0; peer < PEERS; peer++)
			bench_series_name(&run.series[i], peers[peer]->name);
	}
	for (size_t peer = 0; peer < PEERS; peer++)
		run.sets[peer] = peers[peer]->make(count);
	bench_stay_here();
	bench_interleave(bench, PEERS, rounds, run_one, &run);
	bench_go_back();
	for (size_t peer = 0; peer < PEERS; peer++)
		peers[peer]->free(run.sets[peer]);
	report(&run);
	load_free(&run.load);
}

/* Instructions. */

enum { STEPPED = 256 };

struct stepped {
	const struct timers_peer *peer;
	const struct load *load;
	enum operation operation;
};

static void step_if(const struct stepped *stepped, enum operation operation,
		    void (*mark)(void))
{
	if (stepped->operation == operation)
		mark();
}

static void run_stepped(void *arg)
{
	const struct stepped *stepped = arg;
	const struct timers_peer *peer = stepped->peer;
	const struct load *load = stepped->load;
	void *set;

	stands_still = true;
	set = peer->make(load->count);
	peer->start(set, load->due_ns);
	peer->stop(set, load->order[0]);
	step_if(stepped, START, trace_on);
	peer->start(set, load->due_ns);
	step_if(stepped, START, trace_off);
	step_if(stepped, RESTART, trace_on);
	peer->restart(set, load->order[0], load->again_ns);
	step_if(stepped, RESTART, trace_off);
	step_if(stepped, STOP, trace_on);
	peer->stop(set, load->order[1]);
	step_if(stepped, STOP, trace_off);
	if (stepped->operation != EXPIRY)
		return;
	peer->start(set, load->due_ns);
	moved_ns += load->last_ns;
	trace_on();
	if (peer->turn(set) != load->count)
		bench_fail("%s: a turn does not call all", peer->name);
	trace_off();
}

static void count_operation(struct bench *bench, const struct load *load,
			    enum operation operation)
{
	static struct bench_series series;

	bench_series_init(&series, "instructions", "/timer", "%s, %d",
			  operations[operation].name, STEPPED);
	for (size_t i = 0; i < PEERS; i++) {
		struct stepped stepped = { peers[i], load, operation };
		struct trace trace;

		bench_series_name(&series, peers[i]->name);
		/* No exact target is for other libraries. */
		if (bench->check && !strncmp(peers[i]->name, "lib", 3))
			continue;
		if (trace_run(&trace, TRACE_INSTRUCTIONS, run_stepped,
			      &stepped))
			bench_fail("cannot trace: ptrace(2) is not allowed "
				   "here");
		bench_add_exact(bench, &series, i, trace.total, trace.most,
				STEPPED);
	}
	bench_print(bench, &series);
}

static void count_all(struct bench *bench)
{
	static const enum operation counted[] = { START, RESTART, STOP,
						  EXPIRY };
	struct load load;

	draw(&load, &distributions[0], STEPPED);
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++)
		count_operation(bench, &load, counted[i]);
	load_free(&load);
}

/* Is the limit correct? */

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

/* Start, restart and stop at random, and check that the rest are called in the
 * order of due times, and equal ones in the order of starts. */
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

struct tested_in_wheel {
	struct wheel_timer timer;
	uint64_t started;
};

static const struct tested_in_wheel *last_in_wheel;
static uint64_t wheel_now_ns;

static void on_tested_in_wheel(struct wheel_timer *timer)
{
	const struct tested_in_wheel *tested = (const void *)timer;

	if (timer->due << 10 > wheel_now_ns)
		bench_fail("the wheel calls too early");
	if (last_in_wheel && (last_in_wheel->timer.due > timer->due ||
			      (last_in_wheel->timer.due == timer->due &&
			       last_in_wheel->started > tested->started)))
		bench_fail("the wheel calls in the wrong order");
	last_in_wheel = tested;
}

/* Start, restart and stop at random while time advances, for due times of every
 * order of magnitude. Each call of wheel_expire() is checked for its order. */
static void test_wheel(void)
{
	static struct tested_in_wheel timers[TESTED];
	static struct wheel wheel;
	struct random random = { 11 };

	wheel_init(&wheel, 0);
	for (uint64_t i = 1; i < 40 * TESTED; i++) {
		struct tested_in_wheel *tested =
			&timers[random_uniform(&random, 0, TESTED - 1)];

		wheel_stop(&wheel, &tested->timer);
		if (random_uniform(&random, 0, 2) == 0)
			continue;
		tested->started = i;
		wheel_start(&wheel, &tested->timer, on_tested_in_wheel,
			    wheel_now_ns + random_log(&random, 1000,
						      3600 * SECOND_NS));
		if (i % 16)
			continue;
		wheel_now_ns += random_log(&random, 1000, SECOND_NS);
		last_in_wheel = NULL;
		wheel_expire(&wheel, wheel_now_ns);
	}
	last_in_wheel = NULL;
	wheel_now_ns += 7200 * SECOND_NS;
	wheel_expire(&wheel, wheel_now_ns);
	for (size_t i = 0; i < TESTED; i++)
		if (timers[i].timer.link.next)
			bench_fail("the wheel loses timers");
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "timers", argc, argv) > 1)
		bench_fail("timers [--quick] [--check]");
	test_heap();
	test_wheel();
	count_all(&bench);
	if (bench.check)
		return bench_end(&bench);
	run_load(&bench, &distributions[0], 10000, bench.quick ? 9 : 31);
	run_load(&bench, &distributions[0], 100000, bench.quick ? 5 : 11);
	if (!bench.quick) {
		run_load(&bench, &distributions[1], 100000, 9);
		run_load(&bench, &distributions[0], 1000000, 3);
	}
	return bench_end(&bench);
}
