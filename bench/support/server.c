/*
 * server.c - a server in a process of its own, and what it costs.
 */
#include "support/server.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/bench.h"

enum { PRIORITY = 10 };

/* The processors that this process was allowed to use at its start. */
static cpu_set_t allowed;

static const cpu_set_t *all_allowed(void)
{
	if (CPU_COUNT(&allowed) == 0 &&
	    sched_getaffinity(0, sizeof(allowed), &allowed))
		bench_fail("sched_getaffinity");
	return &allowed;
}

int bench_processors(void)
{
	return CPU_COUNT(all_allowed());
}

/* The allowed processor of that index, from 0; the last one if there are
 * fewer. */
static cpu_set_t processor(int index)
{
	const cpu_set_t *all = all_allowed();
	cpu_set_t one;
	size_t last = 0;

	for (size_t i = 0; i < CPU_SETSIZE && index >= 0; i++) {
		if (!CPU_ISSET(i, all))
			continue;
		last = i;
		index--;
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	return one;
}

static void close_others(int first, int last)
{
	if (first < 0) {
		close_range(3, UINT_MAX, 0);
		return;
	}
	if (first > 3)
		close_range(3, (unsigned)first - 1, 0);
	if (last < INT_MAX)
		close_range((unsigned)last + 1, UINT_MAX, 0);
}

void bench_server_start(struct bench_server *server, void (*serve)(void *arg),
			void *arg, int first, int last)
{
	fflush(NULL);
	server->pid = fork();
	if (server->pid < 0)
		bench_fail("fork");
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_others(first, last);
		serve(arg);
		_exit(0);
	}
	if (clock_getcpuclockid(server->pid, &server->clock))
		bench_fail("clock_getcpuclockid");
}

void bench_server_end(struct bench_server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

uint64_t bench_server_ns(const struct bench_server *server)
{
	struct timespec time;

	if (clock_gettime(server->clock, &time))
		bench_fail("a server has ended");
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)time.tv_nsec;
}

static void schedule(pid_t pid, int policy)
{
	struct sched_param parameters = {
		.sched_priority = policy == SCHED_FIFO ? PRIORITY : 0,
	};
	static bool told;

	if (sched_setscheduler(pid, policy, &parameters) == 0 || told)
		return;
	told = true;
	printf("note: no real-time priority here: expect more noise\n");
}

static void put(pid_t pid, int index)
{
	cpu_set_t one = processor(index);

	if (sched_setaffinity(pid, sizeof(one), &one))
		bench_fail("sched_setaffinity");
	schedule(pid, SCHED_FIFO);
}

void bench_place(const struct bench_server *server, enum bench_place place)
{
	put(server->pid, 0);
	put(0, place == BENCH_TWO_PROCESSORS ? 1 : 0);
}

void bench_stay_here(void)
{
	put(0, 0);
}

void bench_stay_at(int index)
{
	put(0, index);
}

static void take_back(pid_t pid)
{
	schedule(pid, SCHED_OTHER);
	if (sched_setaffinity(pid, sizeof(allowed), all_allowed()))
		bench_fail("sched_setaffinity");
}

void bench_stay_on(int index)
{
	cpu_set_t one = processor(index);

	if (sched_setaffinity(0, sizeof(one), &one))
		bench_fail("sched_setaffinity");
}

void bench_go_back(void)
{
	take_back(0);
}

void bench_move_threads(enum bench_place place)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;

	if (!threads)
		bench_fail("/proc/self/task");
	while ((entry = readdir(threads))) {
		pid_t thread = atoi(entry->d_name);

		if (thread <= 0)
			continue;
		if (place == BENCH_ONE_PROCESSOR)
			put(thread, 0);
		else
			take_back(thread);
	}
	closedir(threads);
}
