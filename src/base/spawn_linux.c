/*
 * base/spawn_linux.c - a child that shares the memory of its parent until it
 * executes its program, as with vfork(2).
 *
 *  1. The calling thread stops until the child has executed its program or has
 *     ended. Its other threads run on. The child has a stack of its own, within
 *     that of the caller. Nothing is copied, so the time that this takes does
 *     not depend on how much memory the parent has.
 *  2. All signals are blocked meanwhile, those of the C library too: a handler
 *     would run in the child, in the memory of the parent.
 *  3. The child begins without an exit signal. If a step fails, its end
 *     therefore sends no SIGCHLD, no other thread that waits for any child
 *     finds it, and it is not reaped by itself where SIGCHLD is ignored. The
 *     kernel sets the exit signal to SIGCHLD when the child executes its
 *     program (execve(2)).
 *  4. The pidfd comes with the child, so that no later call can fail.
 *  5. clone3(2) also removes the signal handlers, and puts the child into its
 *     cgroup. Otherwise the child does that. Old kernels do not have it or some
 *     flags, and filters of system calls refuse it with ENOSYS or EPERM.
 *     The thread sanitizer takes the child of a clone(2) for a fork, so that is
 *     not called under it.
 *  6. A child that changes its user makes the memory that it shares one that
 *     may not be dumped: PR_SET_DUMPABLE of prctl(2). That protects the parent
 *     from processes of that user, as long as it is shared. When no such child
 *     is left, the parent gets back what it was: it would leave no core dumps,
 *     and debuggers and its own descriptors in /proc would refuse it.
 *  7. Where there is no clone(2) of this kind, as in emulations of Linux that
 *     make a fork(2) of it, a fork is made.
 */
#include "base/spawn.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clone3.h"
#include "base/fd.h"
#include "base/fork.h"
#include "base/lock.h"
#include "base/spawn_call.h"
#include "base/thread.h"
#include "rota/error.h"

enum {
	STACK_SIZE = 16 * 1024, /* (1) */
	ALL_SIGNALS_SIZE = (_NSIG - 1) / 8,
	WITH_PIDFD = 0x1000, /* CLONE_PIDFD, since Linux 5.2 */
};

/* Whether this process may be dumped. (6) */
static struct {
	struct rotai_lock lock;
	uint32_t owner; /* 1 more than the generation of the process */
	unsigned children;
	int before;
} dumps;

ROTAI_IN_CHILD static int run_sharing(void *arg)
{
	rotai_spawn_child(arg);
	rotai_child_end();
}

/* (2) */
static void block_all(sigset_t *before)
{
	sigset_t all;

	(void)sigemptyset(before);
	(void)sigfillset(&all);
	for (unsigned i = 0; i < sizeof(all); i++)
		((unsigned char *)&all)[i] = 0xff;
	(void)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &all, before,
		      (long)ALL_SIGNALS_SIZE);
}

static void unblock(const sigset_t *before)
{
	(void)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, before, NULL,
		      (long)ALL_SIGNALS_SIZE);
}

/* Wait for a child that has ended before it has executed anything. (3) */
static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
}

#if defined(__SANITIZE_THREAD__)
enum { HAS_CLONE = 0 };
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
enum { HAS_CLONE = 0 };
#else
enum { HAS_CLONE = 1 };
#endif
#else
enum { HAS_CLONE = 1 };
#endif

/* Returns the child's number, or an error. */
static int clone_child(struct rotai_spawn *spawn, char *stack)
{
	pid_t pid;

	if (!HAS_CLONE)
		return ROTA_ENOSYS; /* (5) */
	pid = clone(run_sharing, stack + STACK_SIZE,
		    CLONE_VM | CLONE_VFORK | WITH_PIDFD, spawn, &spawn->pidfd);

	return pid < 0 ? -errno : pid;
}

/* The same with more flags. (5) */
static int clone3_child(struct rotai_spawn *spawn, char *stack)
{
	struct rotai_clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | WITH_PIDFD |
			 ROTAI_CLONE_CLEAR_SIGHAND,
		.pidfd = (uintptr_t)&spawn->pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = STACK_SIZE,
	};

	spawn->has_cleared = 1;
	if (spawn->options->flags & ROTA_SPAWN_SET_CGROUP) {
		args.flags |= ROTAI_CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)spawn->options->cgroup;
		spawn->has_joined = 1;
	}
	return (int)rotai_clone3(&args, run_sharing, spawn);
}

/* Whether clone(2) may do what clone3(2) has not done. */
static int is_refused(int error)
{
	return error == ROTA_ENOSYS || error == ROTA_EINVAL ||
	       error == ROTA_E2BIG || error == ROTA_EPERM;
}

/* Whether the cgroup is what clone3(2) could not use. */
static int is_of_cgroup(const struct rotai_spawn *spawn, int error)
{
	return spawn->has_joined && error != ROTA_EAGAIN &&
	       error != ROTA_ENOMEM;
}

static int make_child(struct rotai_spawn *spawn)
{
	char stack[STACK_SIZE] __attribute__((aligned(16)));
	int pid = ROTA_ENOSYS;

	spawn->step = ROTA_SPAWN_STEP_NONE;
	if (spawn->way == ROTAI_SPAWN_USUAL)
		pid = clone3_child(spawn, stack);
	if (is_refused(pid)) {
		spawn->has_cleared = 0;
		spawn->has_joined = 0;
		pid = clone_child(spawn, stack);
	}
	if (pid < 0)
		spawn->step = is_of_cgroup(spawn, pid) ? ROTA_SPAWN_STEP_CGROUP
						       : ROTA_SPAWN_STEP_START;
	return pid;
}

static int start_sharing(struct rotai_spawn *spawn)
{
	int pid = make_child(spawn);

	if (pid < 0)
		return pid;
	spawn->pid = pid;
	if (spawn->error == 0) {
		if (spawn->pidfd >= 0)
			spawn->pidfd = rotai_fd_raise(spawn->pidfd);
		return 0; /* without a pidfd, if it could not be raised */
	}
	reap(pid);
	if (spawn->pidfd >= 0)
		rotai_fd_close(spawn->pidfd);
	spawn->pidfd = -1;
	return spawn->error;
}

/* (6) */
static int changes_identity(const struct rotai_spawn *spawn)
{
	return (spawn->options->flags &
		(ROTA_SPAWN_SET_USER | ROTA_SPAWN_SET_GROUP)) != 0;
}

/* In a forked child there are no such children yet. */
static void lock_dumps(void)
{
	rotai_lock_take(&dumps.lock);
	if (dumps.owner != rotai_fork_generation + 1)
		dumps.children = 0;
	dumps.owner = rotai_fork_generation + 1;
}

static void keep_dumpable(void)
{
	lock_dumps();
	if (dumps.children++ == 0)
		dumps.before = prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L);
	rotai_lock_release(&dumps.lock);
}

static void restore_dumpable(void)
{
	lock_dumps();
	/* No other value than 0 and 1 can be set. */
	if (--dumps.children == 0 && dumps.before == 1)
		(void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
	rotai_lock_release(&dumps.lock);
}

static int start_keeping_dumpable(struct rotai_spawn *spawn)
{
	int error;

	if (!changes_identity(spawn))
		return start_sharing(spawn);
	keep_dumpable();
	error = start_sharing(spawn);
	restore_dumpable();
	return error;
}

char **rotai_spawn_environment(void)
{
	return environ;
}

int rotai_spawn_start(struct rotai_spawn *spawn)
{
	int before = errno;
	int cancel, error;

	if (spawn->way == ROTAI_SPAWN_FORK)
		return rotai_spawn_fork(spawn);
	cancel = rotai_thread_disable_cancel();
	spawn->parent = spawn->options->death_signal != 0 ? getpid() : 0;
	spawn->pidfd = -1;
	spawn->error = 0;
	spawn->limit = rotai_spawn_limit();
	block_all(&spawn->mask);
	error = start_keeping_dumpable(spawn);
	unblock(&spawn->mask);
	rotai_thread_restore_cancel(cancel);
	errno = before;
	if (error < 0 && spawn->step == ROTA_SPAWN_STEP_START &&
	    (error == ROTA_EINVAL || error == ROTA_ENOSYS))
		return rotai_spawn_fork(spawn); /* (7) */
	return error;
}
