/*
 * base/fork.c - see fork.h.
 */
#include "base/fork.h"

#include <pthread.h>

uint32_t rotai_fork_generation;

static int observed;

static void count_fork(void)
{
	rotai_fork_generation++;
}

int rotai_fork_observe(void)
{
	int error;

	/* Two threads may both get past this, and a fork then counts twice,
	 * which is as good as once. A lock could be held across a fork. */
	if (__atomic_load_n(&observed, __ATOMIC_RELAXED))
		return 0;
	error = pthread_atfork(NULL, NULL, count_fork);
	if (error != 0)
		return -error;
	__atomic_store_n(&observed, 1, __ATOMIC_RELAXED);
	return 0;
}
