/*
 * base/spawn_call_posix.c - the calls of spawn_call.h by the C library: the
 * child is a fork with one thread and memory of its own.
 */
#include "base/spawn_call.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "rota/error.h"

#ifdef NSIG
enum { SIGNALS = NSIG };
#else
enum { SIGNALS = 129 };
#endif

static int result_or_error(int result)
{
	return result < 0 ? -errno : result;
}

int rotai_child_open_null(void)
{
	return result_or_error(open("/dev/null", O_RDWR | O_CLOEXEC));
}

int rotai_child_dup_above(int fd, int least)
{
	int copy = result_or_error(fcntl(fd, F_DUPFD_CLOEXEC, least));

	return copy == ROTA_EINVAL ? ROTA_EMFILE : copy; /* above the limit */
}

int rotai_child_dup_to(int fd, int to)
{
	int copy;

	do {
		copy = result_or_error(dup2(fd, to));
	} while (copy == ROTA_EINTR);
	return copy;
}

int rotai_child_keep(int fd)
{
	return result_or_error(fcntl(fd, F_SETFD, 0));
}

void rotai_child_close(int fd)
{
	(void)close(fd);
}

int rotai_child_join_cgroup(int directory)
{
	(void)directory;
	return ROTA_ENOTSUP;
}

int rotai_child_session(void)
{
	return result_or_error((int)setsid());
}

int rotai_child_job(pid_t group)
{
	return result_or_error(setpgid(0, group));
}

int rotai_child_terminal(int fd)
{
	return result_or_error(ioctl(fd, TIOCSCTTY, 0));
}

static rlim_t rlimit_of(uint64_t limit)
{
	return limit == UINT64_MAX ? RLIM_INFINITY : (rlim_t)limit;
}

int rotai_child_limit(int resource, uint64_t soft, uint64_t hard)
{
	const struct rlimit limit = {
		.rlim_cur = rlimit_of(soft),
		.rlim_max = rlimit_of(hard),
	};

	return result_or_error(setrlimit(resource, &limit));
}

int rotai_child_nice(int increment)
{
	int now;

	errno = 0;
	now = getpriority(PRIO_PROCESS, 0);
	if (now == -1 && errno != 0)
		return -errno;
	return result_or_error(setpriority(PRIO_PROCESS, 0, now + increment));
}

int rotai_child_affinity(const unsigned long *mask, size_t size)
{
	(void)mask;
	(void)size;
	return ROTA_ENOTSUP;
}

void rotai_child_umask(unsigned mask)
{
	(void)umask((mode_t)mask);
}

int rotai_child_groups(const unsigned *groups, unsigned count)
{
	_Static_assert(sizeof(gid_t) == sizeof(unsigned), "ids have 32 bits");
	return result_or_error(setgroups((int)count, (const gid_t *)groups));
}

/* As root these set all three ids. Otherwise the saved one may stay. */
int rotai_child_group(unsigned group)
{
	return result_or_error(setregid((gid_t)group, (gid_t)group));
}

int rotai_child_user(unsigned user)
{
	return result_or_error(setreuid((uid_t)user, (uid_t)user));
}

int rotai_child_directory(const char *path)
{
	return result_or_error(chdir(path));
}

int rotai_child_no_new_privileges(void)
{
	return ROTA_ENOTSUP;
}

static void reset_disposition(int number, int keeps_ignored)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction now;

	if (keeps_ignored &&
	    (sigaction(number, NULL, &now) < 0 || now.sa_handler == SIG_IGN))
		return;
	(void)sigaction(number, &usual, NULL);
}

int rotai_child_signals(const struct rotai_spawn *spawn)
{
	int keeps = (spawn->options->flags & ROTA_SPAWN_KEEP_IGNORED) != 0;
	const sigset_t *mask = &spawn->mask;
	sigset_t none;

	for (int number = 1; number < SIGNALS; number++)
		reset_disposition(number, keeps);
	(void)sigemptyset(&none);
	if (!(spawn->options->flags & ROTA_SPAWN_KEEP_MASK))
		mask = &none;
	return result_or_error(sigprocmask(SIG_SETMASK, mask, NULL));
}

int rotai_child_no_others(int first, int limit)
{
	for (int fd = first; fd < limit; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int rotai_child_death(int signal, pid_t parent)
{
	(void)signal;
	(void)parent;
	return ROTA_ENOTSUP;
}

int rotai_child_execute(const char *path, char *const *argv,
			char *const *environment)
{
	return result_or_error(execve(path, argv, environment));
}

_Noreturn void rotai_child_end(void)
{
	_exit(127);
}
