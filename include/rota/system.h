/*
 * rota/system.h - the machine: its name, processors, memory and load. What
 * concerns this process alone is in rota/self.h.
 *
 *     struct rota_memory memory = { .size = sizeof(memory) };
 *
 *     error = rota_system_memory(&memory);
 *
 * On Linux these functions read files of /proc and /sys, which is fast but not
 * free: rota_system_processors() reads about 1 KiB for each processor.
 */
#ifndef ROTA_SYSTEM_H
#define ROTA_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Store in *@uptime_ns how long the system has been running, in nanoseconds,
 * sleeps included. In a container, that is the time of its host. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @uptime_ns is NULL
 *          ROTA_ENOTSUP  the system does not report it
 *          Others        what clock_gettime(2) or sysctl(3) reports
 *          After any of them *@uptime_ns is unchanged.
 */
int rota_system_uptime(uint64_t *uptime_ns);

/** Memory, in bytes. What the system does not report is 0. A later version may
 * add members at the end. */
struct rota_memory {
	size_t size; /* of this struct, set by the caller */

	/** Of the machine: all that the kernel has; what nobody uses; and what
	 * programs can have before others must be moved to swap space, caches
	 * of files included. See MemAvailable in proc_meminfo(5). */
	uint64_t total;
	uint64_t free;
	uint64_t available;

	/** Swap space of the machine. */
	uint64_t swap_total;
	uint64_t swap_free;

	/** The least limit of the control group of this process and of all
	 * groups above it: memory.max of cgroups(7) version 2, or
	 * memory.limit_in_bytes of version 1. 0: there is no limit. */
	uint64_t limit;

	/** How much this process can have: `available`, or less if a control
	 * group would reach its limit before that. Caches of files that the
	 * group has not used lately count as available. */
	uint64_t available_here;
};

/**
 * Describe the memory of the machine, and the limits for this process, in
 * *@memory. Set @memory->size before the call. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @memory is NULL, or its size is too small
 *          ROTA_EBADMSG  the system's description has no total
 *          ROTA_ENOTSUP  the system does not report it
 *          Others        what open(2), read(2) or sysctl(3) reports
 *          After any of them *@memory is unchanged.
 */
int rota_system_memory(struct rota_memory *memory);

/**
 * Store in @load how many threads were running or waited for a processor, on
 * average over the last 1, 5 and 15 minutes: see getloadavg(3). Linux also
 * counts those that wait for a disk. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @load is NULL
 *          ROTA_ENOTSUP  the system does not report it
 *          After any of them @load is unchanged.
 */
int rota_system_load(double load[3]);

/** Enough bytes for the name of any host, and a 0. */
enum { ROTA_SYSTEM_HOST_NAME_SIZE = 256 };

/**
 * Write the name of this host, as gethostname(2) has it, to @name, which has
 * space for @size bytes, with a terminating 0. ROTA_SYSTEM_HOST_NAME_SIZE bytes
 * are always enough. It may have a domain or not, and DNS need not know it.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @name is NULL
 *          ROTA_ENOBUFS       the name does not fit
 *          ROTA_ENAMETOOLONG  it is longer than the C library permits
 *          After any of them the memory at @name is unchanged.
 */
int rota_system_host_name(char *name, size_t size);

/** What uname(2) reports. A string that is longer is cut. A later version may
 * add members at the end. */
struct rota_uname {
	size_t size; /* of this struct, set by the caller */

	char system[256];  /* such as "Linux" */
	char release[256]; /* of the kernel, such as "6.1.0" */
	char version[256]; /* the build of the kernel */
	char machine[256]; /* such as "x86_64" */
};

/**
 * Describe the kernel and the machine in *@names. Set @names->size before the
 * call. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @names is NULL, or its size is too small
 *          Others       what uname(2) reports
 *          After any of them *@names is unchanged.
 */
int rota_system_uname(struct rota_uname *names);

/** A processor. Times are in nanoseconds, since the system was started. What
 * the system does not report is 0. A later version may add members at the
 * end. */
struct rota_processor {
	unsigned number;   /* from 0; those that are offline are missing */
	const char *model; /* or "unknown" */

	/** Its speed in Hz at this moment; or the one that the manufacturer
	 * states. */
	uint64_t speed_hz;

	uint64_t user_ns;   /* programs; guests of a hypervisor included */
	uint64_t nice_ns;   /* programs with a positive nice value */
	uint64_t system_ns; /* the kernel */
	uint64_t idle_ns;   /* nothing, while no thread waits for a disk */
	uint64_t disk_ns;   /* nothing, while some thread waits for a disk */
	uint64_t irq_ns;    /* interrupts: hardware and software */
	uint64_t stolen_ns; /* a hypervisor runs other guests */
};

/** A list of processors. A later version may add members at the end. */
struct rota_processors {
	size_t count; /* at least 1 */
	const struct rota_processor *processors;
};

/**
 * Set *@list to the processors of this machine that are online, by number. How
 * many of them this process may use is what rota_self_processors() returns. The
 * list does not change later. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller, who frees the list by rota_system_processors_free(). It
 *          is one block of memory.
 * Errors:  ROTA_EINVAL   @list is NULL
 *          ROTA_ENOMEM
 *          ROTA_EBADMSG  the system's description has no processor
 *          ROTA_ENOTSUP  the system does not report it
 *          Others        what open(2), read(2) or sysctl(3) reports
 *          After any of them *@list is unchanged.
 */
int rota_system_processors(const struct rota_processors **list);

/**
 * Free the @list that rota_system_processors() has made. It may be NULL.
 *
 * Thread:  any.
 */
void rota_system_processors_free(const struct rota_processors *list);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
