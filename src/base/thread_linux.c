/*
 * base/thread_linux.c - thread names, and the processors that this process may
 * use.
 */
#include "base/thread.h"

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
