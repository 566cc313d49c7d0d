/*
 * process/process.c - processes, as handles of a loop.
 *
 *  1. A start is done when it returns. What is left of a process is its record,
 *     from the start to the close of the handle, or to the next start: child.c.
 *  2. If a child runs and its exit can be watched in no way, because there is
 *     no memory for example, it is killed and waited for, and the start fails.
 */
#include "rota/process.h"

#include <signal.h>
#include <string.h>

#include "base/exit.h"
#include "base/fd.h"
#include "base/sized.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "process/child.h"
#include "process/children.h"
#include "process/prepare.h"
#include "process/ways.h"

enum {
	LEAST_SPAWN_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_spawn_options, reserved),
};

ROTAI_SIZED(struct rota_spawn_options, reserved);
ROTAI_SIZED(struct rota_exit, core_dumped);

static struct rota_process *process_of(struct rota_handle *handle)
{
	return rota_container_of(handle, struct rota_process, handle);
}

static int is_running(const struct rota_process *process)
{
	return process->internal.child != NULL &&
	       !process->internal.child->is_over;
}

static void drop_child(struct rota_process *process)
{
	struct rotai_child *child = process->internal.child;

	if (child == NULL)
		return;
	process->internal.child = NULL;
	rotai_handle_set_active(&process->handle, 0);
	rotai_child_abandon(child);
}

static void kill_child(const struct rotai_child *child, int signal)
{
	if (child->leads)
		(void)rotai_exit_kill_group(child->pidfd, child->pid, signal,
					    child->is_over);
	if (!child->is_over)
		(void)rotai_exit_kill(child->pidfd, child->pid, signal);
}

static void stop_process(struct rota_handle *handle)
{
	struct rota_process *process = process_of(handle);

	/* Not the child of the process that has forked this one. */
	if (is_running(process) && process->internal.child->is_killed &&
	    process->internal.child->kind == ROTAI_CHILD_OWN)
		kill_child(process->internal.child, SIGKILL);
	drop_child(process);
}

static int process_fd(const struct rota_handle *handle)
{
	const struct rota_process *process =
		rota_container_of(handle, struct rota_process, handle);

	return process->internal.child != NULL ? process->internal.child->fd
					       : -1;
}

static const struct rotai_handle_class process_class = {
	.type = "process",
	.stop = stop_process,
	.fd = process_fd,
};

static void report_exit(struct rotai_child *child)
{
	struct rota_process *process = child->process;
	struct rota_loop *loop = process->handle.internal.loop;
	rota_exit_fn *fn = process->internal.fn;
	struct rota_exit exit = child->exit;

	rotai_handle_set_active(&process->handle, 0);
	if (fn == NULL)
		return;
	rotai_callback_begin(loop, process_class.type,
			     process->handle.internal.name, process);
	fn(process, &exit);
	rotai_callback_end(loop, process_class.type, process);
}

int rota_process_init(struct rota_process *process, struct rota_loop *loop)
{
	ROTAI_ENTER("process", process, loop);
	ROTAI_LIVE_CHECK_INIT(&process->handle.internal.open);
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (rotai_children_of(loop) == NULL)
		return ROTA_ENOMEM;
	rotai_children_sweep();
	process->internal.child = NULL;
	process->internal.fn = NULL;
	rotai_handle_open(&process->handle, loop, &process_class);
	return 0;
}

/* The handle may begin_waiting_for to wait for a process: 0, or an error. */
static int may_begin(const struct rota_process *process)
{
	int error = rotai_handle_usable(&process->handle);

	if (error == 0 && is_running(process))
		error = ROTA_EALREADY;
	return error;
}

/* Have the handle wait for @child: 0, or an error. */
static int begin_waiting_for(struct rota_process *process,
			     struct rotai_child *child, rota_exit_fn *fn)
{
	struct rota_loop *loop = process->handle.internal.loop;
	int error = rotai_child_watch(child, rotai_children_of(loop));

	if (error < 0)
		return error;
	drop_child(process); /* one that is over */
	child->process = process;
	process->internal.child = child;
	process->internal.fn = fn;
	rotai_handle_set_active(&process->handle, 1);
	return 0;
}

/* (2) */
static void end_child(const struct rotai_spawn *spawn)
{
	struct rota_exit exit = { .size = sizeof(exit) };

	(void)rotai_exit_kill(spawn->pidfd, spawn->pid, SIGKILL);
	rotai_exit_await(spawn->pid);
	(void)rotai_exit_take(spawn->pid, -1, &exit);
	if (spawn->pidfd >= 0)
		rotai_fd_close(spawn->pidfd);
}

static int start_child(struct rota_process *process,
		       struct rotai_prepared *prepared,
		       struct rotai_child *child, rota_exit_fn *fn)
{
	struct rotai_spawn *spawn = &prepared->spawn;
	int error;

	spawn->way = (int)rotai_spawn_way;
	error = rotai_spawn_start(spawn);
	if (error < 0)
		return error;
	child->pid = spawn->pid;
	child->pidfd = spawn->pidfd;
	child->kind = ROTAI_CHILD_OWN;
	child->leads = (prepared->options.flags &
			(ROTA_SPAWN_NEW_SESSION | ROTA_SPAWN_NEW_GROUP)) != 0;
	child->is_killed =
		(prepared->options.flags & ROTA_SPAWN_KILL_ON_CLOSE) != 0;
	error = begin_waiting_for(process, child, fn);
	if (error < 0) {
		spawn->step = ROTA_SPAWN_STEP_PREPARE;
		end_child(spawn);
	}
	return error;
}

static int spawn_prepared(struct rota_process *process,
			  struct rotai_prepared *prepared, rota_exit_fn *fn)
{
	struct rotai_spawn *spawn = &prepared->spawn;
	struct rotai_child *child = rotai_child_new(report_exit);
	int error;

	spawn->step = ROTA_SPAWN_STEP_PREPARE;
	if (child == NULL)
		return ROTA_ENOMEM;
	spawn->step = ROTA_SPAWN_STEP_PIPE;
	error = rotai_prepare_pipes(prepared);
	if (error == 0) {
		rotai_children_start_begin();
		error = start_child(process, prepared, child, fn);
		rotai_children_start_end();
		rotai_prepare_close(prepared, error < 0);
	}
	if (error < 0)
		rotai_child_free(child);
	return error;
}

static int spawn_checked(struct rota_process *process,
			 struct rotai_prepared *prepared, rota_exit_fn *fn,
			 int *step)
{
	int error;

	*step = ROTA_SPAWN_STEP_PREPARE;
	error = rotai_prepare_memory(prepared, process->handle.internal.loop);
	if (error < 0)
		return error;
	error = spawn_prepared(process, prepared, fn);
	*step = error < 0 ? prepared->spawn.step : ROTA_SPAWN_STEP_NONE;
	rotai_prepare_free(prepared);
	return error;
}

int rota_process_spawn(struct rota_process *process,
		       const struct rota_spawn_options *options,
		       rota_exit_fn *fn)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	struct rotai_prepared prepared;
	int step = ROTA_SPAWN_STEP_OPTIONS;
	int error = may_begin(process);

	memset(&prepared, 0, sizeof(prepared));
	prepared.options.size = sizeof(prepared.options);
	if (error == 0 && options == NULL)
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_sized_take(&prepared.options,
					 sizeof(prepared.options), options,
					 LEAST_SPAWN_OPTIONS);
	if (error == 0)
		error = rotai_prepare_check(&prepared.options);
	if (error == 0) {
		rotai_children_sweep();
		error = spawn_checked(process, &prepared, fn, &step);
	}
	if (prepared.options.failed != NULL)
		*prepared.options.failed = (enum rota_spawn_step)step;
	return error;
}

/* Wait for a process that exists. */
static int begin_with_pid(struct rota_process *process, int pid,
			  enum rotai_child_kind kind, rota_exit_fn *fn)
{
	struct rotai_child *child;
	int error = may_begin(process);

	if (error == 0 && (fn == NULL || pid < 1))
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	child = rotai_child_new(report_exit);
	if (child == NULL)
		return ROTA_ENOMEM;
	child->pid = pid;
	child->kind = (uint8_t)kind;
	error = begin_waiting_for(process, child, fn);
	if (error < 0)
		rotai_child_free(child);
	return error;
}

int rota_process_watch(struct rota_process *process, int pid, rota_exit_fn *fn)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	return begin_with_pid(process, pid, ROTAI_CHILD_FOREIGN, fn);
}

/* Whether the library waits for that child already, for a handle or for one
 * that was closed. */
static int is_waited_for(int pid)
{
	const struct rotai_child *child;
	int is_so;

	rotai_children_lock();
	child = rotai_children_find(pid);
	is_so = child != NULL && !child->is_taken && child->children != NULL;
	rotai_children_unlock();
	return is_so;
}

int rota_process_adopt(struct rota_process *process, int pid, rota_exit_fn *fn)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	struct rota_exit exit = { .size = sizeof(exit) };
	int error = rotai_handle_usable(&process->handle);

	if (error == 0 && pid > 0 && rotai_exit_look(pid, -1, &exit) &&
	    exit.error < 0)
		error = ROTA_ECHILD;
	if (error == 0 && is_waited_for(pid))
		error = ROTA_EALREADY;
	if (error < 0)
		return error;
	return begin_with_pid(process, pid, ROTAI_CHILD_OWN, fn);
}

int rota_process_pid(const struct rota_process *process)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	return process->internal.child != NULL ? process->internal.child->pid
					       : 0;
}

/* 0, or why no signal can be sent. */
static int may_kill(const struct rota_process *process, int signal)
{
	int error = rotai_handle_usable(&process->handle);

	if (error < 0 && error != ROTA_ESHUTDOWN)
		return error;
	if (signal < 0)
		return ROTA_EINVAL;
	return process->internal.child == NULL ||
			       process->internal.child->kind == ROTAI_CHILD_LOST
		       ? ROTA_ESRCH
		       : 0;
}

int rota_process_kill(struct rota_process *process, int signal)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	const struct rotai_child *child = process->internal.child;
	int error = may_kill(process, signal);

	if (error < 0)
		return error;
	if (child->is_over)
		return ROTA_ESRCH;
	return rotai_exit_kill(child->pidfd, child->pid, signal);
}

int rota_process_kill_group(struct rota_process *process, int signal)
{
	ROTAI_ENTER_HANDLE(&process->handle);
	const struct rotai_child *child = process->internal.child;
	int error = may_kill(process, signal);

	if (error < 0)
		return error;
	if (!child->leads)
		return ROTA_EPERM;
	return rotai_exit_kill_group(child->pidfd, child->pid, signal,
				     rotai_child_is_gone(child));
}
