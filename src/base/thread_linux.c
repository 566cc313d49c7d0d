/*
 * base/thread_linux.c - thread names, and the processors that this process may
 * use.
 */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

/* A cpu_set_t has 1024 processors. Linux can be built for 8192, and refuses a
 * set that is smaller than what the machine may have. */
struct processor_set {
	cpu_set_t parts[8];
};

void rotai_thread_set_name(const char *name)
{
	(void)pthread_setname_np(pthread_self(), name);
}

int rotai_thread_processor(void)
{
	int processor = sched_getcpu();

	return processor < 0 ? 0 : processor;
}

static int get_processors(struct processor_set *set)
{
	return sched_getaffinity(0, sizeof(*set), set->parts) < 0 ? -errno : 0;
}

unsigned rotai_thread_processors(void)
{
	struct processor_set set;
	long online;

	if (get_processors(&set) == 0)
		return (unsigned)CPU_COUNT_S(sizeof(set), set.parts);
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online < 1 ? 1 : (unsigned)online;
}

/* The processor with that index in *@set, which has some. */
static size_t nth_processor(const struct processor_set *set, unsigned index)
{
	size_t processor = 0;

	index %= (unsigned)CPU_COUNT_S(sizeof(*set), set->parts);
	for (;; processor++) {
		if (!CPU_ISSET_S(processor, sizeof(*set), set->parts))
			continue;
		if (index-- == 0)
			return processor;
	}
}

int rotai_thread_pin(unsigned index)
{
	struct processor_set all, one;
	int error = get_processors(&all);

	if (error < 0)
		return error;
	CPU_ZERO_S(sizeof(one), one.parts);
	CPU_SET_S(nth_processor(&all, index), sizeof(one), one.parts);
	/* 0 is the calling thread: see sched_setaffinity(2). */
	return sched_setaffinity(0, sizeof(one), one.parts) < 0 ? -errno : 0;
}
