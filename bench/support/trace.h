/*
 * support/trace.h - count exactly what a piece of code does: its system calls
 * and its instructions in user space.
 *
 * A child runs the code, and its parent follows it with ptrace(2): from system
 * call to system call, or one instruction at a time. That needs no hardware
 * counter, which virtual machines often lack, and is the same in every run, but
 * for a reading of the clock that the vdso begins again.
 * One step takes some microseconds: use it for thousands of instructions, not
 * for billions.
 */
#ifndef BENCH_SUPPORT_TRACE_H
#define BENCH_SUPPORT_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum trace_what {
	TRACE_CALLS,
	TRACE_INSTRUCTIONS,
	/* System calls of all threads, which take turns: each has its own until
	 * it sleeps. */
	TRACE_THREAD_CALLS,
};

enum { TRACE_NUMBERS = 512 };

struct trace {
	uint64_t total;
	uint64_t calls[TRACE_NUMBERS]; /* by number; of system calls only */
};

/* Run @fn(@arg) in a child, and count what happens there between each
 * trace_on() and the trace_off() after it. Returns 0, or -1 if this system
 * does not let us. */
int trace_run(struct trace *trace, enum trace_what what, void (*fn)(void *arg),
	      void *arg);

/* In the child, and there in the thread that called @fn. What they cost
 * themselves is taken off. */
void trace_on(void);
void trace_off(void);

/* Print the system calls by name, for each of @count. */
void trace_print_calls(FILE *file, const struct trace *trace, uint64_t count);

#endif
