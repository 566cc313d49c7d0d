/*
 * base/thread.h - threads, the processors that they run on, and condition
 * variables whose waits have a time-out.
 */
#ifndef ROTAI_BASE_THREAD_H
#define ROTAI_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Start a detached thread that runs @run(@arg), with a stack of @stack_size
 * bytes; 0: the system's default size. In that thread all signals are blocked,
 * except those that faults raise. Returns 0 or an error. */
int rotai_thread_start(void *(*run)(void *arg), void *arg, size_t stack_size);

/* Start a thread that the caller joins: pthread_join(3). With @inherits it has
 * the caller's signal mask; without, all signals are blocked as above. Returns
 * 0 or an error. */
int rotai_thread_start_joinable(pthread_t *thread, void *(*run)(void *arg),
				void *arg, size_t stack_size, int inherits);

/* Check that a thread can have a stack of @stack_size bytes. Returns 0, or
 * ROTA_EINVAL if not. */
int rotai_thread_check_stack(size_t stack_size);

/* Name the calling thread, for debuggers and ps(1): up to 15 characters. Has an
 * effect on Linux and Darwin only. */
void rotai_thread_set_name(const char *name);

/* Wait briefly for something that another thread is about to do. @tries is the
 * number of calls so far: after many of them this sleeps, so that a thread of
 * lower priority can run. */
void rotai_thread_pause(unsigned tries);

/* Disable cancellation of the calling thread, and restore what it was: around
 * calls that would be a cancellation point at the wrong moment. Also in signal
 * handlers, as it only changes the thread's own state. */
int rotai_thread_disable_cancel(void);
void rotai_thread_restore_cancel(int before);

/* The processor that the calling thread is on. The thread may have moved before
 * the caller uses the result. 0 if the system does not report it. */
int rotai_thread_processor(void);

/* How many processors this process may run on; at least 1. */
unsigned rotai_thread_processors(void);

/* Let the calling thread run on one processor only: the one with that index
 * among those that it may run on now, and after the last the first again.
 * Returns 0, ROTA_ENOTSUP if the system cannot do this, or another error. */
int rotai_thread_pin(unsigned index);

/* How long to busy-wait, and how many pauses of the processor take that long:
 * see base/processor.h. */
struct rotai_spin {
	uint64_t ns;
	uint32_t pauses; /* 0: not at all */
};

/* Measure how many pauses take @ns nanoseconds. The result is 0 pauses if @ns
 * is 0, or if there is only one processor: busy-waiting would keep the awaited
 * thread from running. */
struct rotai_spin rotai_thread_spin(uint64_t ns);

/* Make a condition variable whose waits use the monotonic clock. Returns 0 or
 * an error. */
int rotai_condition_init(pthread_cond_t *condition);

/* Wait for a signal, at most @timeout_ns; UINT64_MAX: no limit. Returns 0 if
 * the time has passed. Another result means nothing, as with
 * pthread_cond_wait(3): check whether what was waited for has happened. */
int rotai_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
			 uint64_t timeout_ns);

#endif
