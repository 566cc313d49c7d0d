/*
 * process/child.c - from the start of a process to the report of its exit.
 *
 *  1. The usual way is a descriptor that becomes readable with the exit: a
 *     pidfd, or a kqueue of its own. The loop watches it like any other.
 *  2. Where there is none, a thread waits for the child, and leaves it a
 *     zombie. It puts the record into the list `ended` of its loop, with the
 *     lock of the table held, and sends the loop's async. A handle that is
 *     closed takes the record away from the thread, which then waits for the
 *     child itself. It needs no reference to the loop: while it has the record,
 *     the handle is open, and the close needs the lock.
 *  3. An own child is waited for here, by its number, and nowhere else: so the
 *     number is not used again before. A reaper may have been faster, and has
 *     then put the exit into the record.
 *  4. The handle of a child may be closed. The record then stays in the loop,
 *     which waits for the child and tells nobody. Its watch no longer counts,
 *     so the loop can be closed. When the loop is freed, the record becomes one
 *     of the orphans. Whatever the library does next with processes, in any
 *     loop, it looks at some of them, in turn: so the cost of each call does
 *     not grow with their number.
 *  5. In a forked child the processes are the children of another process. When
 *     the loop is rebuilt, each handle is told that its exit is not known.
 *  6. A record whose exit was reported stays with its handle until that is
 *     closed or starts another child: its number can be asked for, and its
 *     group can be killed by its pidfd.
 */
#include "process/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "base/fd.h"
#include "base/fork.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/thread.h"
#include "loop/async.h"
#include "loop/loop.h"
#include "loop/watch.h"
#include "process/children.h"
#include "process/ways.h"

/* What a loop keeps for its processes. */
struct rotai_children {
	struct rotai_extension extension;
	struct rota_loop *loop;
	struct rota_link all;
	struct rota_link ended;      /* with the lock of the table: (2) */
	struct rota_link dispatched; /* those that a dispatch has yet to see */
	struct rota_async async;
};

/* What a thread has that waits for a child. */
struct rotai_waiter {
	struct rotai_child *child; /* or NULL; with the lock */
	struct rotai_children *children;
	pid_t pid;
	int reaps; /* with the lock: there is no record any more */
};

enum {
	WAITER_STACK = 64 * 1024,
	ORPHANS_AT_A_TIME = 16,
};

static struct rotai_children *children_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_children, extension);
}

static struct rotai_child *child_of_link(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_child, link);
}

struct rotai_child *rotai_child_new(void (*report)(struct rotai_child *child))
{
	struct rotai_child *child = calloc(1, sizeof(*child));

	if (child == NULL)
		return NULL;
	child->report = report;
	child->fd = -1;
	child->pidfd = -1;
	child->exit.size = sizeof(child->exit);
	return child;
}

void rotai_child_free(struct rotai_child *child)
{
	free(child);
}

/* Close its descriptors; but not the pidfd, if it @keeps it. */
static void close_child(struct rotai_child *child, int keeps)
{
	int shared = child->fd == child->pidfd;

	if (child->fd >= 0 && shared && keeps) {
		rota_watch_stop(&child->watch);
	} else if (child->fd >= 0) {
		rotai_watch_close(&child->watch);
		if (shared)
			child->pidfd = -1;
	}
	child->fd = -1;
	if (child->pidfd >= 0 && !keeps) {
		rotai_fd_close(child->pidfd);
		child->pidfd = -1;
	}
}

/* With the lock held. */
static void unlist(struct rotai_child *child)
{
	rotai_children_remove(child);
	if (rotai_link_is_linked(&child->ended))
		rotai_list_remove(&child->ended);
	if (child->waiter != NULL)
		child->waiter->child = NULL;
	child->waiter = NULL;
}

static void forget_child(struct rotai_child *child)
{
	if (child->is_abandoned && child->fd >= 0)
		rotai_loop_hold(child->children->loop, 0); /* (4) */
	rotai_children_lock();
	if (child->is_held && !child->is_taken)
		(void)rotai_exit_take(child->pid, child->pidfd, &child->exit);
	unlist(child);
	rotai_children_unlock();
	close_child(child, 0);
	if (rotai_link_is_linked(&child->link))
		rotai_list_remove(&child->link);
	free(child);
}

/* Returns whether the process has ended: child->exit tells how. (3) */
static int child_has_ended(struct rotai_child *child)
{
	int ended = 1;

	if (child->kind == ROTAI_CHILD_FOREIGN)
		return rotai_exit_look(child->pid, child->pidfd, &child->exit);
	rotai_children_lock();
	if (child->kind == ROTAI_CHILD_LOST)
		child->exit.error = ROTA_ECHILD;
	else if (!child->is_taken)
		ended = child->is_held
				? rotai_exit_look(child->pid, child->pidfd,
						  &child->exit)
				: rotai_exit_take(child->pid, child->pidfd,
						  &child->exit);
	if (ended && !child->is_held)
		unlist(child);
	rotai_children_unlock();
	return ended;
}

/* With the lock held: wait for a child without a loop, if it has ended. */
static void look_at_orphan(struct rotai_child *child)
{
	if (!child->is_taken &&
	    !rotai_exit_take(child->pid, -1, &child->exit)) {
		rotai_children_orphan(child);
		return;
	}
	rotai_children_remove(child);
	free(child);
}

void rotai_children_sweep(void)
{
	uint32_t count = rotai_children_orphan_count();
	struct rotai_child *child;

	if (count == 0)
		return;
	if (count > ORPHANS_AT_A_TIME)
		count = ORPHANS_AT_A_TIME;
	rotai_children_lock();
	while (count-- > 0 && (child = rotai_children_take_orphan()) != NULL)
		look_at_orphan(child);
	rotai_children_unlock();
}

static void look_at_child(struct rotai_child *child)
{
	if (child->is_over || !child_has_ended(child))
		return;
	child->is_over = 1;
	rotai_children_sweep(); /* (4) */
	if (child->process == NULL) {
		forget_child(child);
		return;
	}
	close_child(child, child->leads); /* (6) */
	child->report(child);
}

static void on_exit_event(struct rota_watch *watch, unsigned events)
{
	struct rotai_child *child =
		rota_container_of(watch, struct rotai_child, watch);

	(void)events;
	if (rotai_loop_inherited(child->children->loop) == 0)
		look_at_child(child);
}

/* With the lock held: have the loop look at the child. */
static void put_ended(struct rotai_child *child)
{
	if (!rotai_link_is_linked(&child->ended))
		rotai_list_append(&child->children->ended, &child->ended);
}

static void dispatch_ended(struct rota_async *async)
{
	struct rotai_children *children =
		rota_container_of(async, struct rotai_children, async);
	struct rota_loop *loop = children->loop;
	struct rota_link *link;

	rotai_children_lock();
	rotai_list_splice(&children->dispatched, &children->ended);
	rotai_children_unlock();
	while (rotai_loop_inherited(loop) == 0) {
		link = rotai_list_take_first(&children->dispatched);
		if (link == NULL)
			return;
		look_at_child(
			rota_container_of(link, struct rotai_child, ended));
	}
}

/* (2) */
static void *wait_for_child(void *arg)
{
	struct rotai_waiter *waiter = arg;
	struct rota_exit exit;
	int reaps;

	rotai_thread_set_name("rota-wait");
	rotai_exit_await(waiter->pid);
	rotai_children_lock();
	if (waiter->child != NULL) {
		waiter->child->waiter = NULL;
		put_ended(waiter->child);
		(void)rota_async_send(&waiter->children->async);
	}
	reaps = waiter->reaps;
	rotai_children_unlock();
	if (reaps)
		(void)rotai_exit_take(waiter->pid, -1, &exit);
	free(waiter);
	return NULL;
}

static int start_waiter(struct rotai_child *child)
{
	struct rotai_waiter *waiter = calloc(1, sizeof(*waiter));
	int error;

	if (waiter == NULL)
		return ROTA_ENOMEM;
	waiter->child = child;
	waiter->children = child->children;
	waiter->pid = child->pid;
	child->waiter = waiter;
	error = rotai_thread_start(wait_for_child, waiter, WAITER_STACK);
	if (error < 0) {
		child->waiter = NULL;
		free(waiter);
	}
	return error;
}

/* Returns 0, or an error with nothing changed. (1) */
static int start_watch(struct rotai_child *child, int with_kqueue)
{
	int fd = child->pidfd;
	int error;

	if (fd < 0 || with_kqueue)
		fd = rotai_exit_open(child->pid, with_kqueue);
	if (fd < 0)
		return fd;
	rotai_watch_init_own(&child->watch, child->children->loop, fd, 0);
	error = rota_watch_start(&child->watch, on_exit_event, ROTA_READABLE);
	if (error < 0) {
		if (fd != child->pidfd)
			rotai_fd_close(fd);
		return error;
	}
	child->fd = fd;
	if (child->pidfd < 0 && !with_kqueue)
		child->pidfd = fd;
	return 0;
}

static int begin_waiting(struct rotai_child *child)
{
	struct rota_loop *loop = child->children->loop;
	int with_kqueue = strcmp(loop->ops->name, "kqueue") == 0;
	int error = ROTA_ENOTSUP;

	if (rotai_exit_way == ROTAI_EXIT_USUAL)
		error = start_watch(child, with_kqueue);
	if (error == ROTA_ESRCH && child->kind == ROTAI_CHILD_OWN) {
		rotai_children_lock();
		put_ended(child);
		rotai_children_unlock();
		(void)rota_async_send(&child->children->async);
		return 0;
	}
	if (error < 0 && child->kind == ROTAI_CHILD_OWN)
		error = start_waiter(child);
	return error;
}

int rotai_child_watch(struct rotai_child *child,
		      struct rotai_children *children)
{
	int error;

	child->children = children;
	if (child->kind == ROTAI_CHILD_OWN) {
		rotai_children_lock();
		rotai_children_add(child);
		rotai_children_unlock();
	}
	error = begin_waiting(child);
	if (error == 0) {
		rotai_list_append(&children->all, &child->link);
		return 0;
	}
	rotai_children_lock();
	rotai_children_remove(child);
	rotai_children_unlock();
	return error;
}

void rotai_child_abandon(struct rotai_child *child)
{
	child->process = NULL;
	if (child->is_over || child->kind != ROTAI_CHILD_OWN) {
		forget_child(child);
		return;
	}
	child->is_abandoned = 1;
	if (child->fd >= 0) {
		rotai_loop_release(child->children->loop, 0); /* (4) */
		return;
	}
	rotai_children_lock();
	if (child->waiter != NULL) {
		child->waiter->reaps = 1;
		child->is_held = 0;
		rotai_children_remove(child);
		unlist(child);
		child->is_over = 1;
	}
	rotai_children_unlock();
	if (child->is_over)
		forget_child(child);
}

/* (5) */
static void lose(struct rotai_child *child)
{
	if (child->waiter != NULL) { /* its thread is not there */
		free(child->waiter);
		child->waiter = NULL;
	}
	if (child->process == NULL) {
		forget_child(child);
		return;
	}
	close_child(child, 0);
	child->kind = ROTAI_CHILD_LOST;
	child->leads = 0;
	rotai_children_lock();
	put_ended(child);
	rotai_children_unlock();
}

/* A watch of a foreign process goes on, if it can. */
static void watch_again(struct rotai_child *child)
{
	if (child->fd == child->pidfd)
		return; /* a pidfd is inherited */
	rota_watch_stop(&child->watch);
	child->fd = -1;
	if (start_watch(child, 1) < 0)
		lose(child);
}

static void children_forked(struct rotai_extension *extension,
			    struct rota_loop *loop)
{
	struct rotai_children *children = children_of(extension);
	struct rota_link *at, *next;

	(void)loop;
	rotai_async_repair(&children->async);
	/* A dispatch that forked goes no further. */
	rotai_children_lock();
	rotai_list_splice(&children->ended, &children->dispatched);
	rotai_children_unlock();
	for (at = children->all.next; at != &children->all; at = next) {
		struct rotai_child *child = child_of_link(at);

		next = at->next;
		if (child->is_over)
			continue;
		if (child->kind == ROTAI_CHILD_FOREIGN)
			watch_again(child);
		else
			lose(child);
	}
	if (!rotai_list_is_empty(&children->ended))
		(void)rota_async_send(&children->async);
}

/* The loop has gone: so have its watches. (4) */
static void free_children(struct rotai_extension *extension,
			  struct rota_loop *loop)
{
	struct rotai_children *children = children_of(extension);
	struct rota_link *at;

	rotai_children_sweep();
	while ((at = rotai_list_take_first(&children->all)) != NULL) {
		struct rotai_child *child = child_of_link(at);

		if (child->fd >= 0)
			rotai_fd_close(child->fd);
		if (child->pidfd >= 0 && child->pidfd != child->fd)
			rotai_fd_close(child->pidfd);
		child->fd = -1;
		child->pidfd = -1;
		rotai_children_lock();
		if (rotai_link_is_linked(&child->ended))
			rotai_list_remove(&child->ended);
		look_at_orphan(child);
		rotai_children_unlock();
	}
	rotai_memory_free(&loop->allocator, children, sizeof(*children));
}

struct rotai_children *rotai_children_of(struct rota_loop *loop)
{
	struct rotai_extension *extension =
		rotai_extension_get(loop, ROTAI_EXTENSION_PROCESS);
	struct rotai_children *children;

	if (extension != NULL)
		return children_of(extension);
	if (rotai_fork_observe() < 0)
		return NULL;
	children = rotai_memory_new(&loop->allocator, sizeof(*children));
	if (children == NULL)
		return NULL;
	children->extension = (struct rotai_extension){
		.free = free_children,
		.forked = children_forked,
	};
	children->loop = loop;
	rotai_list_init(&children->all);
	rotai_list_init(&children->ended);
	rotai_list_init(&children->dispatched);
	rotai_async_start_own(&children->async, loop, dispatch_ended);
	rotai_extension_set(loop, ROTAI_EXTENSION_PROCESS,
			    &children->extension);
	return children;
}
