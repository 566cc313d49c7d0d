/*
 * base/thread.h - threads that nobody joins, and waits that end.
 */
#ifndef ROTAI_BASE_THREAD_H
#define ROTAI_BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Have a thread of its own run @run(@arg), with a stack of @stack_size bytes,
 * or, if that is 0, of as many as the system sees fit: 0, or an error. Nobody
 * joins it. All signals are blocked there but those that a fault of its own
 * raises. */
int rotai_thread_start(void *(*run)(void *arg), void *arg, size_t stack_size);

/* 0, or ROTA_EINVAL: no thread can have a stack of that size. */
int rotai_thread_check_stack(size_t stack_size);

/* Name the calling thread, for debuggers and ps(1): up to 15 characters. Does
 * nothing where threads have no names. */
void rotai_thread_set_name(const char *name);

/* Wait a moment for what another thread is just about to do. @tries counts the
 * times so far: after many it sleeps, so that a thread of lower priority comes
 * to run. */
void rotai_thread_pause(unsigned tries);

/* The processor that the calling thread is on, or is not any more. 0 where that
 * cannot be told. */
int rotai_thread_processor(void);

/* How many processors this process may run on; 1 at the least. */
unsigned rotai_thread_processors(void);

/* For how long to look again and again, and how many pauses of the processor
 * that is: see base/processor.h. */
struct rotai_spin {
	uint64_t ns;
	uint32_t pauses; /* 0: not at all */
};

/* Find out by trying. None for @ns 0, and with one processor alone: it would
 * keep from running who is waited for. */
struct rotai_spin rotai_thread_spin(uint64_t ns);

/* A condition whose waits go by the monotonic clock: 0 or an error. */
int rotai_condition_init(pthread_cond_t *condition);

/* Wait for a signal, @timeout_ns at the most; UINT64_MAX: without an end. 0 if
 * the time is up. As with pthread_cond_wait(3), that it is not says nothing:
 * look whether what was waited for has come. */
int rotai_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
			 uint64_t timeout_ns);

#endif
