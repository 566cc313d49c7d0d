/*
 * process/reap.c - see reap.h.
 *
 * waitid(2) returns any child that has ended, and the same one again until it
 * is waited for. So children of records are waited for here, too, and their
 * exits put into the records. A child that has no record is somebody else's,
 * unless a start is in progress: that one is not in the table yet, and is
 * looked at again afterwards. The number of starts is read after the child was
 * found: if it is 0, the start of this child has ended.
 */
#include "process/reap.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "base/exit.h"
#include "process/child.h"
#include "process/children.h"

/* Returns the number of a child that has ended, or 0. */
static pid_t find_ended(void)
{
	siginfo_t info;
	int error;

	memset(&info, 0, sizeof(info));
	do {
		error = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	} while (error < 0 && errno == EINTR);
	return error < 0 ? 0 : info.si_pid;
}

enum rotai_reap rotai_reap(pid_t *pid, struct rota_exit *exit)
{
	enum rotai_reap found = ROTAI_REAP_TAKEN;
	struct rotai_child *child;

	*pid = find_ended();
	if (*pid == 0)
		return ROTAI_REAP_NONE;
	rotai_children_lock();
	child = rotai_children_find(*pid);
	if (child != NULL && !child->is_taken) {
		(void)rotai_exit_take(*pid, -1, &child->exit);
		child->is_taken = 1;
		found = ROTAI_REAP_OTHER;
	} else if (child == NULL && rotai_children_are_starting()) {
		found = ROTAI_REAP_LATER;
	}
	rotai_children_unlock();
	if (found != ROTAI_REAP_TAKEN)
		return found;
	exit->size = sizeof(*exit);
	(void)rotai_exit_take(*pid, -1, exit);
	/* Somebody else may have been faster. */
	return exit->error < 0 ? ROTAI_REAP_OTHER : ROTAI_REAP_TAKEN;
}
