/*
 * base/exit.c - the functions of exit.h that are the same on all systems.
 *
 *  1. Somebody else may have waited for a child, or nobody had to, because
 *     SIGCHLD is ignored. Then its number may be that of another child by now,
 *     which must not be taken for it. A pidfd stays with its process: with
 *     P_PIDFD, waitid(2) says ECHILD. Linux has that since 5.4. A child that it
 *     finds keeps its number until it is waited for.
 */
#include "base/exit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "rota/error.h"

/* Children whose exit signal is not SIGCHLD count too: spawn_linux.c (3). */
#ifdef __WALL
enum { ALL_CHILDREN = __WALL };
#else
enum { ALL_CHILDREN = 0 };
#endif

#ifdef __linux__
enum { BY_PIDFD = 3 }; /* P_PIDFD, which the headers may not have */
#endif

/* Darwin counts bytes, all others count KiB. */
#ifdef __APPLE__
enum { RESIDENT_UNIT = 1 };
#else
enum { RESIDENT_UNIT = 1024 };
#endif

static uint64_t ns_of(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 +
	       (uint64_t)time->tv_usec * 1000;
}

static void clear(struct rota_exit *exit)
{
	*exit = (struct rota_exit){ .size = exit->size };
}

void rotai_exit_describe(struct rota_exit *exit, int status)
{
	if (WIFSIGNALED(status)) {
		exit->signal = WTERMSIG(status);
		exit->core_dumped = WCOREDUMP(status) ? 1 : 0;
	} else {
		exit->code = WEXITSTATUS(status);
	}
}

static void add_usage(struct rota_exit *exit, const struct rusage *usage)
{
	exit->user_ns = ns_of(&usage->ru_utime);
	exit->system_ns = ns_of(&usage->ru_stime);
	exit->max_resident = (uint64_t)usage->ru_maxrss * RESIDENT_UNIT;
	exit->minor_faults = (uint64_t)usage->ru_minflt;
	exit->major_faults = (uint64_t)usage->ru_majflt;
	exit->voluntary_switches = (uint64_t)usage->ru_nvcsw;
	exit->involuntary_switches = (uint64_t)usage->ru_nivcsw;
}

/* waitid(2) for one child, which it leaves: 0 or an error. */
static int look_by(idtype_t type, id_t id, siginfo_t *info)
{
	int error;

	memset(info, 0, sizeof(*info));
	do {
		error = waitid(type, id, info,
			       WEXITED | WNOHANG | WNOWAIT | ALL_CHILDREN);
	} while (error < 0 && errno == EINTR);
	return error < 0 ? -errno : 0;
}

/* The same by a pidfd, if there is one, and if the system can do that. (1) */
static int look_by_pidfd(int pidfd, siginfo_t *info)
{
#ifdef __linux__
	if (pidfd >= 0)
		return look_by((idtype_t)BY_PIDFD, (id_t)pidfd, info);
#endif
	(void)pidfd;
	(void)info;
	return ROTA_ENOTSUP;
}

int rotai_exit_take(pid_t pid, int pidfd, struct rota_exit *exit)
{
	struct rusage usage;
	siginfo_t info;
	int status;
	pid_t found;

	clear(exit);
	if (look_by_pidfd(pidfd, &info) == ROTA_ECHILD) {
		exit->error = ROTA_ECHILD;
		return 1;
	}
	do {
		found = wait4(pid, &status, WNOHANG | ALL_CHILDREN, &usage);
	} while (found < 0 && errno == EINTR);
	if (found == 0)
		return 0;
	if (found < 0) {
		exit->error = ROTA_ECHILD;
		return 1;
	}
	rotai_exit_describe(exit, status);
	add_usage(exit, &usage);
	return 1;
}

int rotai_exit_look(pid_t pid, int pidfd, struct rota_exit *exit)
{
	siginfo_t info;
	int error = look_by_pidfd(pidfd, &info);

	clear(exit);
	if (error < 0 && error != ROTA_ECHILD)
		error = look_by(P_PID, (id_t)pid, &info);
	if (error < 0) {
		exit->error = ROTA_ECHILD;
		return 1;
	}
	if (info.si_pid == 0)
		return 0;
	if (info.si_code == CLD_EXITED)
		exit->code = info.si_status;
	else
		exit->signal = info.si_status;
	exit->core_dumped = info.si_code == CLD_DUMPED;
	return 1;
}

void rotai_exit_await(pid_t pid)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)pid, &info,
		      WEXITED | WNOWAIT | ALL_CHILDREN) < 0 &&
	       errno == EINTR)
		continue;
}
