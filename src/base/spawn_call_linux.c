/*
 * base/spawn_call_linux.c - the calls of spawn_call.h, by their numbers.
 *
 * syscall(2) sets errno, which is the parent's, and nothing else. The parent
 * restores it.
 */
#include "base/spawn_call.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/spawn.h"
#include "rota/error.h"

/* Where user and group ids once had 16 bits, the calls with 32 bits have other
 * names. */
#ifdef SYS_setgroups32
enum {
	CALL_SETGROUPS = SYS_setgroups32,
	CALL_SETRESGID = SYS_setresgid32,
	CALL_SETRESUID = SYS_setresuid32,
};
#else
enum {
	CALL_SETGROUPS = SYS_setgroups,
	CALL_SETRESGID = SYS_setresgid,
	CALL_SETRESUID = SYS_setresuid,
};
#endif

#ifdef SYS_fcntl64
enum { CALL_FCNTL = SYS_fcntl64 };
#else
enum { CALL_FCNTL = SYS_fcntl };
#endif

enum {
	CALL_CLOSE_RANGE = 436, /* on every processor but Alpha */
	CLOSE_ON_EXEC = 1 << 2, /* CLOSE_RANGE_CLOEXEC, since Linux 5.11 */

	SIGNALS = _NSIG,               /* one more than the last */
	SIGSET_SIZE = (_NSIG - 1) / 8, /* of the kernel's signal set */
	NAMES_SIZE = 1024,
};

/* The kernel's struct sigaction begins with the handler, except on MIPS. It is
 * not longer than this. */
struct kernel_action {
	unsigned long words[8];
};

#ifdef __mips__
enum { HANDLER_WORD = 1 };
#else
enum { HANDLER_WORD = 0 };
#endif

/* The kernel's struct linux_dirent64 without its name. */
struct fd_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

ROTAI_IN_CHILD static int result_of_call(long result)
{
	return result < 0 ? -errno : (int)result;
}

ROTAI_IN_CHILD int rotai_child_open_null(void)
{
	return result_of_call(syscall(SYS_openat, (long)AT_FDCWD, "/dev/null",
				      (long)(O_RDWR | O_CLOEXEC), 0L));
}

ROTAI_IN_CHILD int rotai_child_dup_above(int fd, int least)
{
	int copy = result_of_call(syscall(CALL_FCNTL, (long)fd,
					  (long)F_DUPFD_CLOEXEC, (long)least));

	return copy == ROTA_EINVAL ? ROTA_EMFILE : copy; /* above the limit */
}

ROTAI_IN_CHILD int rotai_child_dup_to(int fd, int to)
{
	int copy;

	do {
		copy = result_of_call(
			syscall(SYS_dup3, (long)fd, (long)to, 0L));
	} while (copy == ROTA_EINTR || copy == ROTA_EBUSY);
	if (copy == ROTA_EBADF && to >= 0 &&
	    syscall(CALL_FCNTL, (long)fd, (long)F_GETFD, 0L) >= 0)
		return ROTA_EMFILE; /* @to is above the limit */
	return copy;
}

ROTAI_IN_CHILD int rotai_child_keep(int fd)
{
	return result_of_call(syscall(CALL_FCNTL, (long)fd, (long)F_SETFD, 0L));
}

ROTAI_IN_CHILD void rotai_child_close(int fd)
{
	(void)syscall(SYS_close, (long)fd);
}

ROTAI_IN_CHILD int rotai_child_join_cgroup(int directory)
{
	int fd = result_of_call(syscall(SYS_openat, (long)directory,
					"cgroup.procs",
					(long)(O_WRONLY | O_CLOEXEC), 0L));
	int error;

	if (fd < 0)
		return fd;
	error = result_of_call(syscall(SYS_write, (long)fd, "0", 1L));
	rotai_child_close(fd);
	return error < 0 ? error : 0;
}

ROTAI_IN_CHILD int rotai_child_session(void)
{
	return result_of_call(syscall(SYS_setsid));
}

ROTAI_IN_CHILD int rotai_child_job(pid_t group)
{
	return result_of_call(syscall(SYS_setpgid, 0L, (long)group));
}

ROTAI_IN_CHILD int rotai_child_terminal(int fd)
{
	return result_of_call(
		syscall(SYS_ioctl, (long)fd, (long)TIOCSCTTY, 0L));
}

ROTAI_IN_CHILD int rotai_child_limit(int resource, uint64_t soft, uint64_t hard)
{
	const uint64_t limit[2] = { soft, hard }; /* struct rlimit64 */

	return result_of_call(
		syscall(SYS_prlimit64, 0L, (long)resource, limit, NULL));
}

/* The call returns 20 less the nice value. */
ROTAI_IN_CHILD int rotai_child_nice(int increment)
{
	int now = result_of_call(
		syscall(SYS_getpriority, (long)PRIO_PROCESS, 0L));

	if (now < 0)
		return now;
	return result_of_call(syscall(SYS_setpriority, (long)PRIO_PROCESS, 0L,
				      (long)(20 - now + increment)));
}

ROTAI_IN_CHILD int rotai_child_affinity(const unsigned long *mask, size_t size)
{
	return result_of_call(
		syscall(SYS_sched_setaffinity, 0L, (unsigned long)size, mask));
}

ROTAI_IN_CHILD void rotai_child_umask(unsigned mask)
{
	(void)syscall(SYS_umask, (unsigned long)mask);
}

ROTAI_IN_CHILD int rotai_child_groups(const unsigned *groups, unsigned count)
{
	return result_of_call(
		syscall(CALL_SETGROUPS, (unsigned long)count, groups));
}

ROTAI_IN_CHILD int rotai_child_group(unsigned group)
{
	return result_of_call(syscall(CALL_SETRESGID, (unsigned long)group,
				      (unsigned long)group,
				      (unsigned long)group));
}

ROTAI_IN_CHILD int rotai_child_user(unsigned user)
{
	return result_of_call(syscall(CALL_SETRESUID, (unsigned long)user,
				      (unsigned long)user,
				      (unsigned long)user));
}

ROTAI_IN_CHILD int rotai_child_directory(const char *path)
{
	return result_of_call(syscall(SYS_chdir, path));
}

ROTAI_IN_CHILD int rotai_child_no_new_privileges(void)
{
	return result_of_call(
		syscall(SYS_prctl, (long)PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
}

/* Set one signal to its default action, unless it is ignored and stays so. */
ROTAI_IN_CHILD static void reset_signal(int number, int keeps_ignored)
{
	struct kernel_action action;

	if (keeps_ignored &&
	    (syscall(SYS_rt_sigaction, (long)number, NULL, &action,
		     (long)SIGSET_SIZE) < 0 ||
	     action.words[HANDLER_WORD] == (unsigned long)SIG_IGN ||
	     action.words[HANDLER_WORD] == (unsigned long)SIG_DFL))
		return;
	for (unsigned i = 0; i < sizeof(action.words) / sizeof(long); i++)
		__atomic_store_n(&action.words[i], 0, __ATOMIC_RELAXED);
	/* This fails for SIGKILL and SIGSTOP. */
	(void)syscall(SYS_rt_sigaction, (long)number, &action, NULL,
		      (long)SIGSET_SIZE);
}

/* The handlers have to go before the mask allows signals: they would run in the
 * memory of the parent. If the kernel has removed them already, only what is
 * ignored is left. */
ROTAI_IN_CHILD int rotai_child_signals(const struct rotai_spawn *spawn)
{
	int keeps = (spawn->options->flags & ROTA_SPAWN_KEEP_IGNORED) != 0;
	unsigned long none[SIGSET_SIZE / sizeof(unsigned long)] = { 0 };
	const void *mask = none;

	if (!spawn->has_cleared || !keeps)
		for (int number = 1; number < SIGNALS; number++)
			reset_signal(number, keeps);
	if (spawn->options->flags & ROTA_SPAWN_KEEP_MASK)
		mask = &spawn->mask;
	return result_of_call(syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK,
				      mask, NULL, (long)SIGSET_SIZE));
}

/* Make the descriptor that a name in /proc/self/fd stands for close-on-exec. */
ROTAI_IN_CHILD static void close_named(const char *name, int first)
{
	int fd = 0;

	for (; *name >= '0' && *name <= '9'; name++)
		fd = fd * 10 + (*name - '0');
	if (*name == '\0' && fd >= first)
		(void)syscall(CALL_FCNTL, (long)fd, (long)F_SETFD,
			      (long)FD_CLOEXEC);
}

/* Returns an error if there is no /proc. */
ROTAI_IN_CHILD static int close_listed(int first)
{
	uint64_t names[NAMES_SIZE / sizeof(uint64_t)];
	int fd = result_of_call(
		syscall(SYS_openat, (long)AT_FDCWD, "/proc/self/fd",
			(long)(O_RDONLY | O_CLOEXEC | O_DIRECTORY), 0L));
	int n;

	if (fd < 0)
		return fd;
	while ((n = result_of_call(syscall(SYS_getdents64, (long)fd, names,
					   (long)sizeof(names)))) > 0)
		for (int at = 0; at < n;) {
			const struct fd_entry *entry =
				(const struct fd_entry *)((const char *)names +
							  at);

			close_named(entry->name, first);
			at += entry->size;
		}
	rotai_child_close(fd);
	return n;
}

ROTAI_IN_CHILD int rotai_child_no_others(int first, int limit)
{
	if (syscall(CALL_CLOSE_RANGE, (long)first, (long)~0U,
		    (long)CLOSE_ON_EXEC) == 0 ||
	    close_listed(first) == 0)
		return 0;
	for (int fd = first; fd < limit; fd++)
		(void)syscall(CALL_FCNTL, (long)fd, (long)F_SETFD,
			      (long)FD_CLOEXEC);
	return 0;
}

/* The signal is only sent for a parent that ends from now on. */
ROTAI_IN_CHILD int rotai_child_death(int signal, pid_t parent)
{
	int error = result_of_call(syscall(SYS_prctl, (long)PR_SET_PDEATHSIG,
					   (long)signal, 0L, 0L, 0L));

	if (error == 0 && syscall(SYS_getppid) != parent)
		return ROTA_ESRCH;
	return error;
}

ROTAI_IN_CHILD int rotai_child_execute(const char *path, char *const *argv,
				       char *const *environment)
{
	return result_of_call(syscall(SYS_execve, path, argv, environment));
}

ROTAI_IN_CHILD _Noreturn void rotai_child_end(void)
{
	for (;;)
		(void)syscall(SYS_exit_group, 127L);
}
