/*
 * rota/self.h - this process: its ids, its share of the processors, what it has
 * used, its program, its directory and its priority.
 */
#ifndef ROTA_SELF_H
#define ROTA_SELF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Return the process id of this process: getpid(2).
 *
 * Thread:  any, and signal handlers.
 */
int rota_self_id(void);

/**
 * Return the process id of the parent: getppid(2). It becomes that of another
 * process when the parent ends. 0: the parent is in another PID namespace.
 *
 * Thread:  any, and signal handlers.
 */
int rota_self_parent(void);

/**
 * Return how many processors this process can use at the same time, at least 1:
 * those that the calling thread may run on (sched_setaffinity(2)), or fewer if
 * the control group of this process, or one above it, has a quota of processor
 * time: cpu.max of cgroups(7) version 2, cpu.cfs_quota_us of version 1. A
 * quota of two and a half processors counts as three. Either may change while
 * the program runs.
 *
 * Thread:  any.
 */
unsigned rota_self_processors(void);

/** Whose use of resources. */
enum rota_usage_of {
	ROTA_USAGE_PROCESS,  /* this process, all threads */
	ROTA_USAGE_THREAD,   /* the calling thread */
	ROTA_USAGE_CHILDREN, /* children that have ended and were waited for,
			      * and theirs */
};

/** Used resources: see getrusage(2). What the system does not report is 0. A
 * later version may add members at the end. */
struct rota_usage {
	size_t size; /* of this struct, set by the caller */

	uint64_t user_ns;   /* processor time in programs */
	uint64_t system_ns; /* processor time in the kernel */

	/** The most memory that was resident at one time, in bytes: of the
	 * process, or of the child that had the most. */
	uint64_t most_resident;

	uint64_t minor_faults; /* page faults that needed no disk */
	uint64_t major_faults; /* page faults that did */
	uint64_t blocks_read;  /* from disks */
	uint64_t blocks_written;
	uint64_t voluntary_switches;   /* the thread waited */
	uint64_t involuntary_switches; /* another one was due */
};

/**
 * Store in *@usage what @of has used. Set @usage->size before the call.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @of is not one of the enum, @usage is NULL, or its
 *                        size is too small
 *          ROTA_ENOTSUP  the system does not report it for threads
 *          After any of them *@usage is unchanged.
 */
int rota_self_usage(enum rota_usage_of of, struct rota_usage *usage);

/**
 * Store in *@resident how many bytes of this process are in memory now, with
 * those that it shares with others. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL   @resident is NULL
 *          ROTA_EBADMSG  the system's description is not understood
 *          ROTA_ENOTSUP  the system does not report it
 *          Others        what open(2) or read(2) reports
 *          After any of them *@resident is unchanged.
 */
int rota_self_resident(uint64_t *resident);

/**
 * Write the path of the file that this process executes to @path, which has
 * space for @size bytes, with a terminating 0. It is absolute, without symbolic
 * links, and follows the file when that is renamed. If the file was removed, or
 * another one was renamed over it, it is the path that it had: a program that
 * was upgraded finds its new version there. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @path is NULL
 *          ROTA_ENOBUFS       the path does not fit
 *          ROTA_ENAMETOOLONG  it is longer than the system can tell
 *          ROTA_ENOENT        /proc is not mounted
 *          ROTA_ENOTSUP       the system does not report it
 *          ROTA_ENOMEM
 *          Others             what readlink(2), realpath(3) or sysctl(3)
 *                             reports
 *          After any of them the memory at @path is unchanged.
 */
int rota_self_executable(char *path, size_t size);

/**
 * Write the path of the current directory of this process to @path, which has
 * space for @size bytes, with a terminating 0. It may be longer than PATH_MAX.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL        @path is NULL
 *          ROTA_ENOBUFS       the path does not fit
 *          ROTA_ENOENT        the directory was removed, or is not below the
 *                             root directory of this process
 *          ROTA_ENAMETOOLONG  it is longer than the C library can tell
 *          ROTA_ENOMEM
 *          Others             what getcwd(3) reports
 *          After any of them the memory at @path is unchanged.
 */
int rota_self_directory(char *path, size_t size);

/**
 * Make @path the current directory of this process, for all threads at once.
 * @path may be longer than PATH_MAX. Operations on files that threads of a pool
 * are doing, with relative paths, use the old one or the new one. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @path is NULL
 *          ROTA_ENOMEM
 *          Others       what chdir(2) reports; and for a long path what
 *                       openat(2) reports, such as ROTA_EMFILE
 *          After any of them the directory is unchanged.
 */
int rota_self_set_directory(const char *path);

/**
 * Store in *@priority the nice value of @process, or of this process if
 * @process is 0: -20 is the highest priority, 19 the lowest. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @process is negative, or @priority is NULL
 *          ROTA_ESRCH   there is no such process
 *          After any of them *@priority is unchanged.
 */
int rota_priority_get(int process, int *priority);

/**
 * Set the nice value of @process, or of this process if @process is 0. On Linux
 * it is the value of the main thread of @process, and threads inherit it from
 * the thread that starts them; other threads keep theirs: see sched(7). So set
 * it before threads are started. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @process is negative, or @priority is not in -20..19
 *          ROTA_ESRCH   there is no such process
 *          ROTA_EACCES  a higher priority, without the privilege for that
 *          ROTA_EPERM   it is a process of another user
 *          After any of them the priority is unchanged.
 */
int rota_priority_set(int process, int priority);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
