/*
 * base/thread_posix.c - thread names and processors, on all systems except
 * Linux.
 */
#include "base/thread.h"

#include <unistd.h>

#include "rota/error.h"

#ifdef __APPLE__

void rotai_thread_set_name(const char *name)
{
	(void)pthread_setname_np(name);
}

#else

void rotai_thread_set_name(const char *name)
{
	(void)name; /* systems differ in the function, or have none */
}

#endif

int rotai_thread_processor(void)
{
	return 0;
}

unsigned rotai_thread_processors(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : (unsigned)online;
}

int rotai_thread_pin(unsigned index)
{
	(void)index;
	return ROTA_ENOTSUP;
}
