/*
 * support/server.h - a server in a process of its own, and what it costs.
 *
 * A server is a forked child that its parent, the client, keeps busy. Its cost
 * is the processor time that the scheduler has counted for it (what Linux shows
 * in /proc/PID/schedstat as well): reading that disturbs nobody.
 *
 * Where the system allows it, server and client have a real-time priority
 * (SCHED_FIFO), the same: what else the machine does waits, and of two on one
 * processor the other runs when the one sleeps, and not before. So client and
 * server go in lock step.
 */
#ifndef BENCH_SUPPORT_SERVER_H
#define BENCH_SUPPORT_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct bench_server {
	pid_t pid;
	clockid_t clock;
};

/* Where the client and the servers are. */
enum bench_place {
	BENCH_ONE_PROCESSOR,  /* in lock step, on the same */
	BENCH_TWO_PROCESSORS, /* the client on another, if there is one */
};

/* Start @serve(@arg) in a child, which ends at the latest with its parent. Has
 * no descriptor but the first three, and those from @first to @last, if these
 * are not negative; @last may be INT_MAX. */
void bench_server_start(struct bench_server *server, void (*serve)(void *arg),
			void *arg, int first, int last);

/* End it and wait for that. */
void bench_server_end(struct bench_server *server);

/* Nanoseconds that its threads have run so far. */
uint64_t bench_server_ns(const struct bench_server *server);

/* Put this process and @server in their places. Says on stdout, once, if a
 * real-time priority was not to be had. */
void bench_place(const struct bench_server *server, enum bench_place place);

/* This process, and the threads that it starts from now on, share one
 * processor, with a real-time priority if there is one to be had. Undone by
 * bench_go_back(). */
void bench_stay_here(void);
void bench_go_back(void);

/* The same for this thread, on the processor of that index, from 0 on, or on
 * the last if there are not so many. */
void bench_stay_at(int index);

/* The same as bench_stay_here() and bench_go_back(), for all threads that this
 * process has. */
void bench_move_threads(enum bench_place place);

/* This process, and what it starts from now on, stays on the @index-th of the
 * processors that it may use, from 0, or on the last if there are not so many.
 * Its priority is what it was. Undone by bench_go_back(). */
void bench_stay_on(int index);

/* How many processors this process may use. */
int bench_processors(void);

#endif
