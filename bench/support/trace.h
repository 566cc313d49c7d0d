/*
 * support/trace.h - count exactly what a piece of code does: its system calls
 * and its instructions in user space.
 *
 * A child runs the code, and its parent follows it with ptrace(2): from system
 * call to system call, or one instruction at a time. That needs no hardware
 * counter, which virtual machines often lack. One step takes some microseconds:
 * use it for thousands of instructions, not for billions.
 *
 * The count is exact. Instructions inside the vDSO are left out: its clock
 * reads again while the hypervisor updates the time, so one clock_gettime()
 * takes 180, 252 or 324 instructions by chance. The only other difference
 * between runs is the kernel's timing, such as a packet that arrives a turn
 * late on a busy machine. That can only increase the count. So trace_run()
 * repeats the run until the least count has come twice, and reports that count.
 * The largest one is reported as the spread.
 */
#ifndef BENCH_SUPPORT_TRACE_H
#define BENCH_SUPPORT_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_what {
	TRACE_CALLS,
	TRACE_INSTRUCTIONS,
	/* System calls of all threads. They take turns: each runs until it
	 * sleeps. */
	TRACE_THREAD_CALLS,
};

enum { TRACE_NUMBERS = 512, TRACE_RUNS = 12 };

struct trace {
	uint64_t total; /* the least of all runs */
	uint64_t most;  /* the largest of all runs */
	unsigned runs;
	uint64_t calls[TRACE_NUMBERS]; /* by number; only for system calls */
};

/* Run @fn(@arg) in a child, and count what happens there between each
 * trace_on() and the following trace_off(). Repeat that until the least total
 * has come twice, at most TRACE_RUNS times. Returns 0, or -1 if this system
 * does not permit it. */
int trace_run(struct trace *trace, enum trace_what what, void (*fn)(void *arg),
	      void *arg);

/* For the child, in the thread that called @fn. Their own cost is
 * subtracted. */
void trace_on(void);
void trace_off(void);

/* Print the system calls by name, each divided by @count. */
void trace_print_calls(FILE *file, const struct trace *trace, uint64_t count);

#endif
