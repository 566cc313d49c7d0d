/*
 * base/sysctl_posix.c - for all systems except Linux: see sysctl.h.
 *
 *  1. macOS has sysctl(3), and the calls of Mach for what changes often.
 *  2. Ticks of processors are hundredths of a second on macOS.
 *  3. The BSDs differ in most of it. What they have in common is used.
 */
#include "base/sysctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rota/error.h"

#ifdef __APPLE__

#include <crt_externs.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <sys/sysctl.h>
#include <sys/time.h>

enum { TICKS_PER_SECOND = 100, SYSCTL_PATH_SIZE = 4096 };

int rotai_sysctl_uptime(uint64_t *uptime_ns)
{
	struct timeval booted;
	struct timespec now;
	size_t size = sizeof(booted);

	if (sysctlbyname("kern.boottime", &booted, &size, NULL, 0) < 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -errno;
	*uptime_ns = (uint64_t)(now.tv_sec - booted.tv_sec) * 1000000000;
	return 0;
}

int rotai_sysctl_memory(struct rota_memory *memory)
{
	mach_msg_type_number_t n = HOST_VM_INFO64_COUNT;
	struct vm_statistics64 pages;
	struct xsw_usage swap = { 0 };
	mach_port_t host = mach_host_self();
	size_t size = sizeof(memory->total);
	uint64_t page = (uint64_t)getpagesize();
	kern_return_t failed;

	if (sysctlbyname("hw.memsize", &memory->total, &size, NULL, 0) < 0)
		return -errno;
	failed = host_statistics64(host, HOST_VM_INFO64, (host_info64_t)&pages,
				   &n);
	(void)mach_port_deallocate(mach_task_self(), host);
	if (failed)
		return ROTA_ENOTSUP;
	memory->free = pages.free_count * page;
	memory->available = (pages.free_count + pages.inactive_count +
			     pages.purgeable_count) *
			    page;
	size = sizeof(swap);
	(void)sysctlbyname("vm.swapusage", &swap, &size, NULL, 0);
	memory->swap_total = swap.xsu_total;
	memory->swap_free = swap.xsu_avail;
	return 0;
}

int rotai_sysctl_model(char *model, size_t size, uint64_t *speed_hz)
{
	size_t speed_size = sizeof(*speed_hz);

	*speed_hz = 0;
	(void)sysctlbyname("hw.cpufrequency", speed_hz, &speed_size, NULL, 0);
	if (sysctlbyname("machdep.cpu.brand_string", model, &size, NULL, 0) < 0)
		return -errno;
	return 0;
}

static uint64_t mach_ticks_ns(natural_t ticks)
{
	return (uint64_t)ticks * (1000000000 / TICKS_PER_SECOND); /* (2) */
}

int rotai_sysctl_processors(struct rota_processor *processors, size_t *count)
{
	mach_msg_type_number_t n;
	processor_cpu_load_info_t load;
	mach_port_t host = mach_host_self();
	kern_return_t failed;
	natural_t there;

	failed = host_processor_info(host, PROCESSOR_CPU_LOAD_INFO, &there,
				     (processor_info_array_t *)&load, &n);
	(void)mach_port_deallocate(mach_task_self(), host);
	if (failed)
		return ROTA_ENOTSUP;
	if (processors == NULL || there < *count)
		*count = there;
	for (size_t i = 0; processors != NULL && i < *count; i++) {
		const natural_t *ticks = load[i].cpu_ticks;

		processors[i].user_ns = mach_ticks_ns(ticks[CPU_STATE_USER]);
		processors[i].nice_ns = mach_ticks_ns(ticks[CPU_STATE_NICE]);
		processors[i].system_ns =
			mach_ticks_ns(ticks[CPU_STATE_SYSTEM]);
		processors[i].idle_ns = mach_ticks_ns(ticks[CPU_STATE_IDLE]);
	}
	(void)vm_deallocate(mach_task_self(), (vm_address_t)load,
			    n * sizeof(natural_t));
	return 0;
}

int rotai_sysctl_resident(uint64_t *resident)
{
	mach_msg_type_number_t n = MACH_TASK_BASIC_INFO_COUNT;
	struct mach_task_basic_info info;

	if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO,
		      (task_info_t)&info, &n))
		return ROTA_ENOTSUP;
	*resident = info.resident_size;
	return 0;
}

int rotai_sysctl_executable(char *path, size_t size)
{
	char given[SYSCTL_PATH_SIZE], *real;
	uint32_t given_size = sizeof(given);
	size_t n;

	if (_NSGetExecutablePath(given, &given_size) < 0)
		return ROTA_ENAMETOOLONG;
	real = realpath(given, NULL);
	if (real == NULL)
		return -errno;
	n = strlen(real) + 1;
	if (n <= size)
		memcpy(path, real, n);
	free(real);
	return n <= size ? 0 : ROTA_ENOBUFS;
}

int rotai_sysctl_thread_usage(struct rota_usage *usage)
{
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;
	struct thread_basic_info info;
	thread_t self = mach_thread_self();
	kern_return_t failed =
		thread_info(self, THREAD_BASIC_INFO, (thread_info_t)&info, &n);

	(void)mach_port_deallocate(mach_task_self(), self);
	if (failed)
		return ROTA_ENOTSUP;
	usage->user_ns = (uint64_t)info.user_time.seconds * 1000000000 +
			 (uint64_t)info.user_time.microseconds * 1000;
	usage->system_ns = (uint64_t)info.system_time.seconds * 1000000000 +
			   (uint64_t)info.system_time.microseconds * 1000;
	return 0;
}

uint64_t rotai_sysctl_most_resident(long reported)
{
	return (uint64_t)reported;
}

int rotai_sysctl_shows_arguments(const char *first)
{
	char **arguments = *_NSGetArgv();

	return arguments != NULL && arguments[0] == first;
}

#else

int rotai_sysctl_uptime(uint64_t *uptime_ns)
{
#ifdef CLOCK_UPTIME
	struct timespec up;

	if (clock_gettime(CLOCK_UPTIME, &up) < 0)
		return -errno;
	*uptime_ns = (uint64_t)up.tv_sec * 1000000000 + (uint64_t)up.tv_nsec;
	return 0;
#else
	(void)uptime_ns;
	return ROTA_ENOTSUP;
#endif
}

int rotai_sysctl_memory(struct rota_memory *memory)
{
#if defined _SC_PHYS_PAGES && defined _SC_PAGESIZE
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (pages <= 0 || page <= 0)
		return ROTA_ENOTSUP;
	memory->total = (uint64_t)pages * (uint64_t)page;
	return 0;
#else
	(void)memory;
	return ROTA_ENOTSUP;
#endif
}

int rotai_sysctl_model(char *model, size_t size, uint64_t *speed_hz)
{
	(void)model;
	(void)size;
	(void)speed_hz;
	return ROTA_ENOTSUP;
}

int rotai_sysctl_processors(struct rota_processor *processors, size_t *count)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online < 1)
		return ROTA_ENOTSUP;
	if (processors == NULL)
		*count = (size_t)online;
	return 0;
}

int rotai_sysctl_resident(uint64_t *resident)
{
	(void)resident;
	return ROTA_ENOTSUP;
}

int rotai_sysctl_executable(char *path, size_t size)
{
	(void)path;
	(void)size;
	return ROTA_ENOTSUP;
}

int rotai_sysctl_thread_usage(struct rota_usage *usage)
{
	(void)usage;
	return ROTA_ENOTSUP;
}

uint64_t rotai_sysctl_most_resident(long reported)
{
	return (uint64_t)reported * 1024;
}

int rotai_sysctl_shows_arguments(const char *first)
{
	(void)first;
	return 0;
}

#endif
