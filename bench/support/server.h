/*
 * support/server.h - a server in a process of its own, and what it costs.
 *
 * A server is a forked child that its parent, the client, keeps busy. Its cost
 * is the processor time that the scheduler has counted for it (which is also in
 * /proc/PID/schedstat). Reading that disturbs nothing.
 *
 * If the system allows it, server and client have the same real-time priority
 * (SCHED_FIFO). Then other processes wait. If the two share a processor, one
 * runs when the other sleeps, and not before. So client and server run in lock
 * step.
 */
#ifndef BENCH_SUPPORT_SERVER_H
#define BENCH_SUPPORT_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct bench_server {
	pid_t pid;
	clockid_t clock;
};

/* Where the client and the servers run. */
enum bench_place {
	BENCH_ONE_PROCESSOR,  /* in lock step, on the same processor */
	BENCH_TWO_PROCESSORS, /* the client on another one, if possible */
};

/* Start @serve(@arg) in a child, which ends when its parent ends, or earlier.
 * It has no descriptors except the first three, and those from @first to @last,
 * if these are not negative; @last may be INT_MAX. */
void bench_server_start(struct bench_server *server, void (*serve)(void *arg),
			void *arg, int first, int last);

/* End it, and wait until it has ended. */
void bench_server_end(struct bench_server *server);

/* Nanoseconds that its threads have run so far. */
uint64_t bench_server_ns(const struct bench_server *server);

/* Place this process and @server. Prints on stdout, once, if there is no
 * real-time priority. */
void bench_place(const struct bench_server *server, enum bench_place place);

/* This process, and the threads that it starts from now on, share one
 * processor, with a real-time priority if possible. Undone by
 * bench_go_back(). */
void bench_stay_here(void);
void bench_go_back(void);

/* The same for this thread, on the processor of that index, from 0 on, or on
 * the last one if there are fewer. */
void bench_stay_at(int index);

/* The same as bench_stay_here() and bench_go_back(), for all existing threads
 * of this process. */
void bench_move_threads(enum bench_place place);

/* This process, and what it starts from now on, stays on the processor of that
 * index among those that it may use, from 0, or on the last one if there are
 * fewer. Its priority does not change. Undone by bench_go_back(). */
void bench_stay_on(int index);

/* How many processors this process may use. */
int bench_processors(void);

#endif
