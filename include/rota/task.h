/*
 * rota/task.h - call a function soon: after the current callback, in a phase of
 * this turn or the next, or from another thread.
 *
 *                     runs                                  queued from
 *     next_tick       before the loop's next callback       the loop's thread
 *     microtask       the same, after all ticks             the loop's thread
 *     immediate       in the check phase                    the loop's thread
 *     post            in the poll phase                     any thread
 */
#ifndef ROTA_TASK_H
#define ROTA_TASK_H

#include "rota/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_loop;
struct rota_task;

/**
 * Called once for a queued task, which is out of its queue by then. The
 * callback may queue the task again, cancel others, or free it.
 *
 * Phase:   that of the function which queued the task.
 * Thread:  the loop's.
 */
typedef void rota_task_fn(struct rota_task *task);

/**
 * One call of a function, soon, on the loop that the task was initialized for.
 *
 * A task is in at most one queue. It can be queued again as soon as its
 * callback begins. To queue a queued task is harmless and returns
 * ROTA_EALREADY. So to run a task once for any number of reasons, queue it for
 * each of them in the same way, and ignore ROTA_EALREADY: the callback sees
 * everything that was written to memory before a post which returns this. But
 * do not queue a task in another way while other threads may post it: then only
 * one of the two callbacks may run.
 *
 * Owner:   the caller, who keeps it alive and in place while it is queued.
 */
struct rota_task {
	void *data; /* for the caller */
	struct {
		struct rota_entry entry;
		rota_task_fn *fn;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @task for use on @loop. It is not queued, and referenced. Its data
 * member is left unchanged.
 *
 * Thread:  any, before the task is shared.
 */
void rota_task_init(struct rota_task *task, struct rota_loop *loop);

/**
 * Call @fn before the loop's next callback: right after the callback that is
 * running, or, outside callbacks, at the beginning of the next run. Such calls,
 * ticks, run in the order in which they were queued, and all of them before any
 * microtask. Returns 0.
 *
 * Phase:   between callbacks, in every phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL
 *          ROTA_EALREADY  the task is in a queue, and stays where it is
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 *          After any of them nothing has changed.
 */
int rota_task_next_tick(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn before the loop's next callback, when no tick is queued any more. A
 * tick that a microtask queues runs after the microtasks, and also before the
 * next callback. Returns 0.
 *
 * Phase:   between callbacks, in every phase.
 * Thread:  the loop's.
 * Errors:  as rota_task_next_tick()
 */
int rota_task_microtask(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn in the next check phase, after the check hooks. An immediate that is
 * queued in the check phase runs in that of the next turn. Returns 0.
 *
 * Phase:   check.
 * Thread:  the loop's.
 * Errors:  as rota_task_next_tick()
 */
int rota_task_immediate(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn on the loop's thread. Each post results in one call, and the posts
 * of one thread run in the order in which they were made. If the loop sleeps,
 * it is woken; if it is awake, a post makes no system call. Returns 0.
 *
 * Phase:   poll, after the events of the kernel.
 * Thread:  any, and signal handlers. Other threads must hold a reference to the
 *          loop (rota_loop_ref()).
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_EALREADY   the task is in a queue, and stays where it is
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed: the task will
 *                          not run, and is the caller's again
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_task_post(struct rota_task *task, rota_task_fn *fn);

/**
 * Post @count tasks of one loop together: call @fn for each, in the order of
 * the array. One atomic operation adds all of them, and the loop is woken at
 * most once. A task that is already in a queue stays where it is and is
 * skipped; so is the second of two equal entries. Returns how many tasks were
 * posted, 0 to @count.
 *
 * Phase:   poll, after the events of the kernel.
 * Thread:  any, and signal handlers. Other threads must hold a reference to the
 *          loop (rota_loop_ref()).
 * Owner:   the library does not use the array after the call.
 * Errors:  ROTA_EINVAL     @fn is NULL, the tasks are of different loops, or
 *                          @count is more than INT_MAX
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them no task was posted.
 */
int rota_task_post_all(struct rota_task *const *tasks, size_t count,
		       rota_task_fn *fn);

/**
 * Take @task out of its queue: it is not called, and its memory may be freed at
 * once. A post that another thread is in the middle of counts as made later.
 * The time this takes is proportional to the number of tasks queued before
 * @task. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT  @task is in no queue
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 *          After either nothing has changed.
 */
int rota_task_cancel(struct rota_task *task);

/**
 * Return 1 if @task is in a queue, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_task_is_queued(const struct rota_task *task);

/**
 * Let @task keep the loop alive while it is queued. This is the default.
 *
 * Thread:  the loop's, while no other thread is posting @task.
 */
void rota_task_ref(struct rota_task *task);

/**
 * Do not let @task keep the loop alive. It then runs only while something else
 * does.
 *
 * Thread:  the loop's, while no other thread is posting @task.
 */
void rota_task_unref(struct rota_task *task);

/**
 * Return 1 if @task keeps the loop alive while it is queued, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_task_has_ref(const struct rota_task *task);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
