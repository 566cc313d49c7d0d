/*
 * process/hold.c - see hold.h.
 */
#include "process/hold.h"

#include "base/exit.h"
#include "process/child.h"
#include "process/children.h"

void rotai_process_hold(struct rota_process *process)
{
	process->internal.child->is_held = 1;
}

void rotai_process_release(struct rota_process *process, struct rota_exit *exit)
{
	struct rotai_child *child = process->internal.child;

	rotai_children_lock();
	if (child->kind == ROTAI_CHILD_OWN && !child->is_taken) {
		(void)rotai_exit_take(child->pid, child->pidfd, &child->exit);
		child->is_taken = 1;
		rotai_children_remove(child);
	}
	rotai_children_unlock();
	*exit = child->exit;
}
