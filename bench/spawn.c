/*
 * spawn.c - what does it cost to start a program and to learn of its end, and
 * does that depend on how much memory the parent has?
 *
 * Load: /bin/true, one after the other or 100 at once, from a process that has
 * little memory, and from one with 1 GiB resident.
 *
 * Metric: time, in microseconds of the wall clock per program. Most of it is
 * the kernel's and the program's own: loading it, and ending it.
 *
 * Subjects: the limit is vfork(2), execve(2) and waitpid(2), with no
 * descriptor changed and no signal reset. posix_spawn(3) of the C library.
 * rota: rota_process_spawn(); its children have /dev/null as their standard
 * streams, no other descriptor, and all signals reset. libuv: uv_spawn(), which
 * does the same, and forks.
 *
 * Counts: system calls and instructions of the parent for one child, from its
 * start to its exit: with one child at a time, with 100 and with 1,000. The
 * children end when all have been started, and before the loop runs: so the
 * counts are the same each time. Those of the child itself do not count.
 *
 * Bad news: more time than libuv; more than 1.2 of the time with 1 GiB; or more
 * system calls for each of 1,000 children than 1.1 of those for each of 100.
 */
#include <string.h>
#include <sys/mman.h>

#include "peers/spawn.h"
#include "support/bench.h"
#include "support/count.h"

static const char program[] = "/bin/true";
static const size_t RESIDENT = (size_t)1 << 30;

static const struct spawn_peer *const peers[] = {
	&spawn_rota,
	&spawn_libuv,
	&spawn_vfork,
	&spawn_posix,
};

enum { PEERS = sizeof(peers) / sizeof(*peers) };

struct timing {
	struct bench *bench;
	struct bench_series time;
	size_t count;
	int together;
};

static void time_peer(void *arg, size_t subject)
{
	struct timing *timing = arg;
	const struct spawn_peer *peer = peers[subject];
	uint64_t begin_ns = bench_wall_ns();

	if (timing->together)
		peer->at_once(program, timing->count);
	else
		peer->one_by_one(program, timing->count);
	bench_add(timing->bench, &timing->time, subject,
		  (double)(bench_wall_ns() - begin_ns) / 1000 /
			  (double)timing->count);
}

static void time_peers(struct bench *bench, int together)
{
	static struct timing timing;

	timing.bench = bench;
	timing.together = together;
	timing.count = bench->quick ? 50 : 200;
	bench_series_init(&timing.time, "time", "us/program", "%s",
			  together ? "all at once" : "one by one");
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(&timing.time, peers[i]->name);
	bench_interleave(bench, PEERS, bench->quick ? 7 : 21, time_peer,
			 &timing);
	bench_print(bench, &timing.time);
	bench_target_ratio(bench, BENCH_NOISY, &timing.time, "libuv", 1.0);
}

static void *fill_memory(void)
{
	void *memory = mmap(NULL, RESIDENT, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_fail("mmap");
	memset(memory, 1, RESIDENT);
	return memory;
}

/* Even subjects have 1 GiB. */
static void time_with_memory(void *arg, size_t subject)
{
	struct timing *timing = arg;
	void *memory = subject % 2 == 0 ? fill_memory() : NULL;
	uint64_t begin_ns = bench_wall_ns();

	peers[subject / 2]->one_by_one(program, timing->count);
	bench_add(timing->bench, &timing->time, subject,
		  (double)(bench_wall_ns() - begin_ns) / 1000 /
			  (double)timing->count);
	if (memory)
		munmap(memory, RESIDENT);
}

static void time_memory(struct bench *bench)
{
	static struct timing timing;

	timing.bench = bench;
	timing.count = bench->quick ? 5 : 20; /* a fork takes long */
	bench_series_init(&timing.time, "time", "us/program",
			  "with 1 GiB resident, and without");
	bench_series_name(&timing.time, "rota, 1 GiB");
	bench_series_name(&timing.time, "rota, little");
	bench_series_name(&timing.time, "libuv, 1 GiB");
	bench_series_name(&timing.time, "libuv, little");
	bench_interleave(bench, 4, bench->quick ? 5 : 11, time_with_memory,
			 &timing);
	bench_print(bench, &timing.time);
	bench_target_ratio(bench, BENCH_NOISY, &timing.time, "rota, little",
			   1.2);
}

static void count_rota(struct bench *bench)
{
	static struct bench_series calls, instructions;
	static struct spawn_marked marked[] = { { 1000, 1 },
						{ 100, 1 },
						{ 1, 10 } };
	static const char *const names[] = { "rota, 1000 at once",
					     "rota, 100 at once", "rota" };

	bench_series_init(&calls, "calls", "/child", "counted");
	bench_series_init(&instructions, "instructions", "/child", "counted");
	for (size_t i = 0; i < 3; i++) {
		const struct bench_counted counted = {
			.name = names[i],
			.fn = spawn_rota_marked,
			.arg = &marked[i],
			.units = marked[i].together * marked[i].rounds,
		};

		bench_series_name(&calls, names[i]);
		bench_series_name(&instructions, names[i]);
		bench_count(bench, &calls, i, &counted, TRACE_CALLS);
		if (marked[i].together == 1)
			bench_count(bench, &instructions, i, &counted,
				    TRACE_INSTRUCTIONS);
	}
	bench_print(bench, &calls);
	bench_target_ratio(bench, BENCH_EXACT, &calls, "rota, 100 at once",
			   1.1);
	bench_print(bench, &instructions);
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "spawn", argc, argv) > 1)
		bench_fail("spawn [--quick] [--check]");
	count_rota(&bench);
	if (!bench.check) {
		time_peers(&bench, 0);
		time_peers(&bench, 1);
		time_memory(&bench);
	}
	return bench_end(&bench);
}
