/*
 * rota/process.h - child processes: start one, get its exit, send it signals;
 * and the exit of processes that something else has started.
 *
 * How a child is started is in rota/spawn.h.
 */
#ifndef ROTA_PROCESS_H
#define ROTA_PROCESS_H

#include "rota/handle.h"
#include "rota/spawn.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Enough bytes for what rota_exit_text() writes, its terminating 0 included.
 */
enum { ROTA_EXIT_TEXT_SIZE = 64 };

#pragma GCC visibility push(default)

struct rota_process;
struct rotai_child;

/** How a process has ended. A later version may add members at the end. */
struct rota_exit {
	size_t size; /* of this struct */

	/** The resources that it and its children have used that it has waited
	 * for: see getrusage(2). */
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t max_resident; /* bytes */
	uint64_t minor_faults;
	uint64_t major_faults;
	uint64_t voluntary_switches;
	uint64_t involuntary_switches;

	/** 0; or ROTA_ECHILD: the process has ended, but the kernel does not
	 * report how. It was no child of this process, or something else has
	 * waited for it, or SIGCHLD was ignored. All members below, and the
	 * resources, are 0 then. */
	int32_t error;

	int32_t code;        /* its exit status, if no signal has ended it */
	int32_t signal;      /* the signal that has ended it, or 0 */
	int32_t core_dumped; /* 1: it has left a core dump */
};

/**
 * Called once when the process has ended. It has been waited for, unless it was
 * given to rota_process_watch(): its number may be used again. Output that it
 * has written may still be in its pipes, and processes that it has started may
 * still write to them.
 *
 * Phase:   poll. The callback may close or free any object, @process included,
 *          and may start the next child with it.
 * Thread:  the loop's.
 * Owner:   @exit is valid during the call.
 */
typedef void rota_exit_fn(struct rota_process *process,
			  const struct rota_exit *exit);

/**
 * A process, as a handle. It is active from its start until its exit is
 * reported, so it keeps its loop alive unless it is unreferenced.
 *
 * A close does not end the child, unless ROTA_SPAWN_KILL_ON_CLOSE is set: the
 * child goes on, its exit is not reported, and the library waits for it later,
 * so that it does not stay a zombie. That is done by the loop while the loop
 * runs. After the loop has closed, each call of rota_process_init() and
 * rota_process_spawn() in this process looks at up to 16 such children in turn,
 * and so do each exit of another child and the close of each loop that has had
 * processes.
 *
 * Owner:   as struct rota_handle
 */
struct rota_process {
	union {
		struct rota_handle handle;
	};
	struct {
		struct rotai_child *child; /* or NULL */
		rota_exit_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @process as an open handle of @loop. It has no child yet. Returns
 * 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM     also if pthread_atfork(3) has no memory
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @process is not open and need not be closed.
 */
int rota_process_init(struct rota_process *process, struct rota_loop *loop);

/**
 * Start a child, and call @fn when it has ended; @fn may be NULL. When this
 * returns 0, the child executes its program. The call blocks until then, a
 * fraction of a millisecond as a rule; it does not depend on how much memory
 * this process has. Returns 0.
 *
 * If it returns an error, there is no child and no zombie, no descriptor and no
 * memory is left, and no pipe of the options is open. The member failed of the
 * options tells the step.
 *
 * No handler of SIGCHLD is installed, and only this child is waited for.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    the options are not valid, or @process is closing or
 *                         was never initialized
 *          ROTA_EALREADY  @process has a child whose exit was not reported yet
 *          ROTA_ENOTSUP   this system does not have what an option asks for
 *          ROTA_ENOENT, ROTA_EACCES, ROTA_ENOEXEC, ROTA_E2BIG and others of
 *                         execve(2): there is no such program, it may not be
 *                         executed, it is no program, or the arguments and the
 *                         environment are too long
 *          ROTA_EAGAIN    the user has too many processes: of clone(2), or of
 *                         execve(2) after ROTA_SPAWN_SET_USER
 *          ROTA_EPERM     a step needs privileges
 *          ROTA_EBADF     a descriptor is not open
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          Others         what the call of the step reports
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_process_init()
 */
int rota_process_spawn(struct rota_process *process,
		       const struct rota_spawn_options *options,
		       rota_exit_fn *fn);

/**
 * Call @fn when the process @pid has ended. It is a process that something else
 * has started. If it is a child of this process, @exit tells how it has ended,
 * without the resources that it has used; it is not waited for, and the program
 * does that. Otherwise the member error of @exit is ROTA_ECHILD. Returns 0.
 *
 * Phase:   @fn runs in the poll phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL, or @pid is less than 1, or @process is
 *                         closing or was never initialized
 *          ROTA_EALREADY  @process has a child or is watching already
 *          ROTA_ESRCH     there is no such process
 *          ROTA_ENOTSUP   the kernel has no pidfd_open(2), and no kqueue(2)
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_process_init()
 *          After any of them @process is unchanged.
 */
int rota_process_watch(struct rota_process *process, int pid, rota_exit_fn *fn);

/**
 * As rota_process_watch(), for a child of this process that the program has
 * started by itself, with fork(2) for example. From now on it belongs to the
 * library as a child of rota_process_spawn() does: its exit is waited for, and
 * the program must not do that.
 *
 * Phase, Thread, Owner: as rota_process_watch()
 * Errors:  as rota_process_watch(); ROTA_ENOTSUP does not occur; and
 *          ROTA_ECHILD    @pid is no child of this process
 *          ROTA_EALREADY  the library waits for @pid already
 */
int rota_process_adopt(struct rota_process *process, int pid, rota_exit_fn *fn);

/**
 * Return the number of the process that @process has started or watches, and
 * after its end the number that it had; 0 if there was none.
 *
 * Thread:  the loop's.
 */
int rota_process_pid(const struct rota_process *process);

/**
 * Send a signal to the process; 0 only checks whether it is there. A process
 * whose exit has not been reported is there: a signal to one that has ended has
 * no effect. The number of a process that has ended is never used, so no other
 * process is hit. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ESRCH   the exit was reported, or there was no process
 *          ROTA_EINVAL  @signal is no signal, or @process is closing or was
 *                       never initialized
 *          ROTA_EPERM   see kill(2)
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_process_kill(struct rota_process *process, int signal);

/**
 * Send a signal to all processes of the group that the child leads: it was
 * started with ROTA_SPAWN_NEW_SESSION or ROTA_SPAWN_NEW_GROUP. Where the kernel
 * can do that (Linux 6.9), this also works after the exit of the child was
 * reported, for the members of the group that are left. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EPERM   the child does not lead a group that it was started
 *                       with; or see kill(2)
 *          ROTA_ESRCH   the exit was reported; or there is no member left
 *          ROTA_EINVAL, ROTA_ECHILD: as rota_process_kill()
 */
int rota_process_kill_group(struct rota_process *process, int signal);

/**
 * Return the exit status that a shell would report for @exit: its code, or 128
 * and the number of the signal. A program that runs one other program ends with
 * it. Returns ROTA_ECHILD, which is negative, if the exit is not known.
 *
 * Thread:  any.
 */
int rota_exit_status(const struct rota_exit *exit);

/**
 * Write to @text how a process has ended, for messages: "exit status 3",
 * "signal 15, SIGTERM", "signal 11, SIGSEGV, core dumped" or "exit not known".
 * ROTA_EXIT_TEXT_SIZE bytes are always enough. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL  @exit or @text is NULL
 *          ROTA_ENOSPC  @size is too small. What fits is there, and a 0 behind
 *                       it, unless @size is 0.
 */
int rota_exit_text(const struct rota_exit *exit, char *text, size_t size);

/**
 * Kill all processes of a cgroup and of those below it, at once: cgroup.kill of
 * cgroups(7), since Linux 5.14. @cgroup is a descriptor of its directory. The
 * kernel does it in a way that no process can escape by forking. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller keeps @cgroup open during the call.
 * Errors:  ROTA_EBADF    @cgroup is not open
 *          ROTA_ENOTDIR  it is no directory
 *          ROTA_ENOENT   the directory has no cgroup.kill
 *          ROTA_EACCES   see access to files
 *          ROTA_ENOTSUP  not on Linux, or a cgroup of threads
 */
int rota_cgroup_kill(int cgroup);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
