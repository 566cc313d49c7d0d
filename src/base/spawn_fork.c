/*
 * base/spawn_fork.c - a child by fork(2).
 *
 *  1. The child writes what has failed to a pipe. If it executes its program,
 *     its end of the pipe is closed, and the parent reads the end.
 *  2. The child's end of the pipe has a number that the child's descriptors do
 *     not reach.
 *  3. All signals are blocked in the child until its handlers are reset: they
 *     are meant for the parent.
 */
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn_call.h"
#include "base/thread.h"
#include "rota/error.h"

/* Descriptors that a child looks at if there is no limit. */
enum { LIMIT_MOST = 1 << 20 };

struct failure {
	int step;
	int error;
};

static int open_failure_pipe(int fds[2], int least)
{
	int error = rotai_fd_pipe(fds);
	int raised;

	if (error < 0)
		return error;
	(void)rotai_fd_set_nonblocking(fds[0], 0);
	raised = fcntl(fds[1], F_DUPFD_CLOEXEC, least); /* (2) */
	error = raised < 0 ? -errno : 0;
	rotai_fd_close(fds[1]);
	fds[1] = raised;
	if (error < 0)
		rotai_fd_close(fds[0]);
	return error == ROTA_EINVAL ? ROTA_EMFILE : error;
}

static _Noreturn void run_child(struct rotai_spawn *spawn, int fd)
{
	struct failure report;
	ssize_t n;

	rotai_spawn_child(spawn);
	report = (struct failure){ .step = spawn->step, .error = spawn->error };
	do {
		n = write(fd, &report, sizeof(report));
	} while (n < 0 && errno == EINTR);
	rotai_child_end();
}

/* Returns 0, or an error that the child has reported. (1) */
static int read_report(struct rotai_spawn *spawn, int fd)
{
	struct failure report = { 0, 0 };
	ssize_t n;

	do {
		n = read(fd, &report, sizeof(report));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(report))
		return 0;
	spawn->step = report.step;
	spawn->error = report.error;
	return report.error;
}

static pid_t fork_child(struct rotai_spawn *spawn, int fd)
{
	sigset_t all;
	pid_t pid;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &spawn->mask); /* (3) */
	pid = fork();
	if (pid == 0)
		run_child(spawn, fd);
	if (pid < 0)
		pid = -errno;
	(void)pthread_sigmask(SIG_SETMASK, &spawn->mask, NULL);
	return pid;
}

static int start_forked(struct rotai_spawn *spawn)
{
	int fds[2];
	int error = open_failure_pipe(fds, (int)spawn->source_count);
	pid_t pid;

	if (error < 0)
		return error;
	pid = fork_child(spawn, fds[1]);
	rotai_fd_close(fds[1]);
	if (pid < 0) {
		rotai_fd_close(fds[0]);
		return pid;
	}
	spawn->pid = pid;
	error = read_report(spawn, fds[0]);
	rotai_fd_close(fds[0]);
	if (error < 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	return error;
}

int rotai_spawn_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur > (rlim_t)LIMIT_MOST)
		return LIMIT_MOST;
	return (int)limit.rlim_cur;
}

int rotai_spawn_fork(struct rotai_spawn *spawn)
{
	int before = errno;
	int cancel = rotai_thread_disable_cancel();
	int error;

	spawn->parent = spawn->options->death_signal != 0 ? getpid() : 0;
	spawn->pidfd = -1;
	spawn->error = 0;
	spawn->has_cleared = 0;
	spawn->has_joined = 0;
	spawn->limit = rotai_spawn_limit();
	spawn->step = ROTA_SPAWN_STEP_START;
	error = start_forked(spawn);
	if (error == 0)
		spawn->step = ROTA_SPAWN_STEP_NONE;
	rotai_thread_restore_cancel(cancel);
	errno = before;
	return error;
}
