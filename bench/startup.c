/*
 * startup.c - what does it cost to have a loop at all?
 *
 * Load and metrics:
 *
 *     made and unmade     one loop after the other, without a turn
 *         cpu             ns of this thread per loop, including the kernel's
 *                         share
 *         instructions    in user space                  exact
 *         calls           system calls                   exact
 *         descriptors     that a loop has                exact
 *     first callback      a process of its own makes a loop and starts a timer
 *                         of 0, and ends when that calls back
 *         cpu from exec   us of the process since exec(3). This program is
 *                         linked with all the libraries, so this includes the
 *                         dynamic linker's work for all of them, which is most
 *                         of it
 *         cpu from main   us since main() began: memory is touched for the
 *                         first time, and functions of shared libraries are
 *                         looked up
 *         instructions    in user space since main(), with the same lookups
 *         calls           system calls since main()
 *
 * Subjects: the limit makes an epoll and an eventfd, adds the eventfd to the
 * epoll, and closes both; its first callback comes after one reading of the
 * clock. rota and libuv have a loop that other threads can wake. libev and
 * libevent add that only when the program asks for it: here libev need not
 * make, register and close an eventfd. libuv, libev and libevent are shared
 * libraries, and rota is linked in.
 *
 * Bad news: a loop that costs more than twice the plain calls.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/libevent.h"
#include "peers/startup.h"
#include "support/bench.h"
#include "support/descriptors.h"
#include "support/server.h"
#include "support/trace.h"

static const struct startup_peer *const peers[] = {
	&startup_rota,  &startup_limit,    &startup_libuv,
	&startup_libev, &startup_libevent,
};

enum { PEERS = sizeof(peers) / sizeof(*peers), TRACED = 5 };

static void name_series(struct bench_series *series, const char *load,
			const char *metric, const char *unit)
{
	bench_series_init(series, metric, unit, "%s", load);
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, peers[i]->name);
}

/* Made and unmade. */

static const char MADE[] = "made and unmade";

static void make_traced(void *arg)
{
	const struct startup_peer *peer = arg;

	peer->free(peer->make());
	trace_on();
	for (size_t i = 0; i < TRACED; i++)
		peer->free(peer->make());
	trace_off();
}

static void count_made(struct bench *bench, struct bench_series *series,
		       size_t index, enum trace_what what)
{
	struct trace trace;

	if (trace_run(&trace, what, make_traced, (void *)peers[index]))
		bench_fail("cannot trace: ptrace(2) is not allowed here");
	bench_add_exact(bench, series, index, trace.total, trace.most, TRACED);
}

static size_t count_descriptors(const struct startup_peer *peer)
{
	size_t before;
	size_t after;
	void *loop;

	peer->free(peer->make());
	before = descriptors_open();
	loop = peer->make();
	after = descriptors_open();
	peer->free(loop);
	if (descriptors_open() != before)
		bench_fail("%s leaves descriptors open", peer->name);
	return after - before;
}

static void count_all_made(struct bench *bench)
{
	static struct bench_series calls, instructions, descriptors;

	name_series(&calls, MADE, "calls", "/loop");
	name_series(&instructions, MADE, "instructions", "/loop");
	name_series(&descriptors, MADE, "descriptors", "/loop");
	for (size_t i = 0; i < PEERS; i++) {
		size_t open = count_descriptors(peers[i]);

		count_made(bench, &calls, i, TRACE_CALLS);
		bench_add_exact(bench, &descriptors, i, open, open, 1);
		if (bench_counts(bench, peers[i]->name))
			count_made(bench, &instructions, i, TRACE_INSTRUCTIONS);
	}
	bench_print(bench, &calls);
	bench_target_ratio(bench, BENCH_EXACT, &calls, "limit", 1);
	bench_print(bench, &descriptors);
	bench_target_figure(bench, BENCH_EXACT, &descriptors, 2);
	bench_print(bench, &instructions);
}

struct timing {
	struct bench *bench;
	size_t count;
	struct bench_series cpu;
	struct bench_series since_exec;
	struct bench_series since_main;
};

static void time_made(void *arg, size_t subject)
{
	struct timing *timing = arg;
	const struct startup_peer *peer = peers[subject];
	uint64_t begin_ns = bench_thread_ns();

	for (size_t i = 0; i < timing->count; i++)
		peer->free(peer->make());
	bench_add(timing->bench, &timing->cpu, subject,
		  (double)(bench_thread_ns() - begin_ns) /
			  (double)timing->count);
}

/* From exec to the first callback. */

static const char FIRST[] = "first callback";

/* A program that was started with one of these arguments is this one, executed
 * again: --first SUBJECT CPU-NS-BEFORE-EXEC. */
static const char TIMED[] = "--first";
static const char MARKED[] = "--first-traced";

static struct times {
	uint64_t exec_ns; /* of processor time */
	uint64_t main_ns;
	uint64_t call_ns;
} times;

static void on_first_timed(void)
{
	times.call_ns = bench_process_ns();
	_exit(write(STDOUT_FILENO, &times, sizeof(times)) != sizeof(times));
}

static void on_first_marked(void)
{
	trace_off();
	_exit(0);
}

static int run_first(char **argv, uint64_t main_ns)
{
	const struct startup_peer *peer = peers[argv[2][0] - '0'];

	if (!strcmp(argv[1], MARKED)) {
		trace_on();
		peer->run(peer->make(), on_first_marked);
	} else {
		times.main_ns = main_ns;
		times.exec_ns = strtoull(argv[3], NULL, 10);
		peer->run(peer->make(), on_first_timed);
	}
	return 1;
}

static _Noreturn void begin_anew(const char *how, size_t subject)
{
	char index[] = { (char)('0' + subject), '\0' };
	char before[24];

	snprintf(before, sizeof(before), "%llu",
		 (unsigned long long)bench_process_ns());
	execl("/proc/self/exe", "startup", how, index, before, NULL);
	_exit(1);
}

static void time_first(struct timing *timing, size_t subject)
{
	struct times got;
	int ends[2];
	pid_t pid;

	fflush(NULL);
	if (pipe(ends) || (pid = fork()) < 0)
		bench_fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], STDOUT_FILENO);
		begin_anew(TIMED, subject);
	}
	close(ends[1]);
	if (read(ends[0], &got, sizeof(got)) != sizeof(got))
		bench_fail("%s never calls", peers[subject]->name);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	bench_add(timing->bench, &timing->since_exec, subject,
		  (double)(got.call_ns - got.exec_ns) / 1000);
	bench_add(timing->bench, &timing->since_main, subject,
		  (double)(got.call_ns - got.main_ns) / 1000);
}

static void begin_traced(void *arg)
{
	begin_anew(MARKED, *(size_t *)arg);
}

static void count_all_first(struct bench *bench)
{
	static const struct {
		enum trace_what what;
		const char *metric;
	} counts[] = {
		{ TRACE_CALLS, "calls since main" },
		{ TRACE_INSTRUCTIONS, "instructions since main" },
	};
	static struct bench_series series;

	for (size_t k = 0; k < 2; k++) {
		name_series(&series, FIRST, counts[k].metric, "/process");
		for (size_t i = 0; i < PEERS; i++) {
			struct trace trace;

			if (trace_run(&trace, counts[k].what, begin_traced, &i))
				bench_fail("%s never calls", peers[i]->name);
			bench_add_exact(bench, &series, i, trace.total,
					trace.most, 1);
		}
		bench_print(bench, &series);
	}
}

/* Everything. */

static void time_one(void *arg, size_t subject)
{
	time_made(arg, subject);
	time_first(arg, subject);
}

static void time_all(struct bench *bench)
{
	static struct timing timing;

	timing.bench = bench;
	timing.count = bench->quick ? 1000 : 3000;
	name_series(&timing.cpu, MADE, "cpu", "ns/loop");
	name_series(&timing.since_exec, FIRST, "cpu from exec", "us");
	name_series(&timing.since_main, FIRST, "cpu from main", "us");
	bench_stay_here();
	bench_interleave(bench, PEERS, bench->quick ? 9 : 41, time_one,
			 &timing);
	bench_go_back();
	bench_print(bench, &timing.cpu);
	bench_target_ratio(bench, BENCH_NOISY, &timing.cpu, "limit", 2);
	bench_print(bench, &timing.since_exec);
	bench_print(bench, &timing.since_main);
}

int main(int argc, char **argv)
{
	const uint64_t main_ns = bench_process_ns();
	struct bench bench;

	if (argc == 4 && !strncmp(argv[1], TIMED, strlen(TIMED)))
		return run_first(argv, main_ns);
	if (bench_begin(&bench, "startup", argc, argv) > 1)
		bench_fail("startup [--quick] [--check]");
	libevent_check();
	count_all_made(&bench);
	if (!bench.check) {
		count_all_first(&bench);
		time_all(&bench);
	}
	return bench_end(&bench);
}
