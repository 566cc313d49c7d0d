/*
 * base/exit_posix.c - systems without pidfds. The number of a child that has
 * not been waited for is not used again, so kill(2) is safe as long as that is
 * so.
 */
#include "base/exit.h"

#include <errno.h>
#include <signal.h>

#include "rota/error.h"

int rotai_exit_open(pid_t pid, int with_kqueue)
{
	(void)with_kqueue;
	return rotai_exit_open_queue(pid);
}

int rotai_exit_kill(int pidfd, pid_t pid, int signal)
{
	(void)pidfd;
	return kill(pid, signal) < 0 ? -errno : 0;
}

int rotai_exit_kill_group(int pidfd, pid_t pid, int signal, int is_gone)
{
	(void)pidfd;
	if (is_gone)
		return ROTA_ESRCH;
	return kill(-pid, signal) < 0 ? -errno : 0;
}

int rota_cgroup_kill(int cgroup)
{
	(void)cgroup;
	return ROTA_ENOTSUP;
}
