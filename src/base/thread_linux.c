/*
 * base/thread_linux.c - thread names, and the processors that this process may
 * use.
 */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

void rotai_thread_set_name(const char *name)
{
	(void)pthread_setname_np(pthread_self(), name);
}

int rotai_thread_processor(void)
{
	int processor = sched_getcpu();

	return processor < 0 ? 0 : processor;
}

unsigned rotai_thread_processors(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	/* There are more processors than a cpu_set_t can hold. */
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online < 1 ? 1 : (unsigned)online;
}

/* The processor with that index in *@set, which has some. */
static size_t nth_processor(const cpu_set_t *set, unsigned index)
{
	size_t processor = 0;

	index %= (unsigned)CPU_COUNT(set);
	for (;; processor++) {
		if (!CPU_ISSET(processor, set))
			continue;
		if (index-- == 0)
			return processor;
	}
}

int rotai_thread_pin(unsigned index)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return -errno;
	CPU_ZERO(&one);
	CPU_SET(nth_processor(&all, index), &one);
	/* 0 is the calling thread: see sched_setaffinity(2). */
	return sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
}
