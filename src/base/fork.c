/*
 * base/fork.c - see fork.h.
 */
#include "base/fork.h"

#include <pthread.h>

uint32_t rotai_fork_generation;

static int observed;

/* The child has one thread. The thread sanitizer still compares with what the
 * threads of the parent did: it does not know that a fork ends them. */
__attribute__((no_sanitize("thread"))) static void count_fork(void)
{
	rotai_fork_generation++;
}

int rotai_fork_observe(void)
{
	int error;

	/* If two threads get past this check, a fork counts twice, which does
	 * no harm. A lock would not do: a fork could happen while it is
	 * held. */
	if (__atomic_load_n(&observed, __ATOMIC_RELAXED))
		return 0;
	error = pthread_atfork(NULL, NULL, count_fork);
	if (error != 0)
		return -error;
	__atomic_store_n(&observed, 1, __ATOMIC_RELAXED);
	return 0;
}
