/*
 * rota/task.h - call back soon: after this callback, in a phase of this turn
 * or the next, or on the loop's thread from any other.
 *
 *                     runs                                  queued from
 *     next_tick       before the loop's next callback       the loop's thread
 *     microtask       there too, after all ticks            the loop's thread
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
 * Called when a task's turn has come.
 *
 * Phase:   as queued. The task is out of its queue: the callback may queue it
 *          again, cancel others, or free it.
 */
typedef void rota_task_fn(struct rota_task *task);

/**
 * One call that is due soon, on the loop it was made for. A task is in one
 * queue at the most; it can be queued again as soon as its callback begins.
 * Queueing one that is queued does no harm: to have a task run once for any
 * number of reasons, queue it for each, in the same way, and pass over
 * ROTA_EALREADY. What was written before a post that returns that is seen by
 * the callback. But a task that other threads post is not to be queued in
 * another way at the same time: of the two, one may get the callback alone.
 *
 * Owner:   the caller, who keeps it alive and in place while it is queued.
 */
struct rota_task {
	void *data; /* yours */
	struct {
		struct rota_entry entry;
		rota_task_fn *fn;
	} internal; /* the library's: neither read nor write it */
};

/**
 * Make @task ready for use on @loop. It starts unqueued and referenced.
 *
 * Thread:  any, before the task is shared.
 */
void rota_task_init(struct rota_task *task, struct rota_loop *loop);

/**
 * Call @fn before the loop's next callback: right after the callback that runs
 * now, or, outside callbacks, first thing in the next run. Ticks run in the
 * order they were queued, and all of them before any microtask.
 *
 * Phase:   between callbacks, in every phase.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL
 *          ROTA_EALREADY  the task is in a queue, and stays where it is
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_task_next_tick(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn when no tick is left, before the loop's next callback. A tick that
 * a microtask queues runs after the microtasks, and still before that.
 *
 * Phase:   between callbacks, in every phase.
 * Thread:  the loop's.
 * Errors:  as rota_task_next_tick()
 */
int rota_task_microtask(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn in the next check phase, after the check hooks. One that is queued
 * by an immediate runs in the turn after.
 *
 * Phase:   check.
 * Thread:  the loop's.
 * Errors:  as rota_task_next_tick()
 */
int rota_task_immediate(struct rota_task *task, rota_task_fn *fn);

/**
 * Call @fn on the loop's thread. Posts of one thread run in the order they
 * were made; none is lost and none stands for two. A loop that sleeps is
 * woken; one that is awake costs no system call.
 *
 * Phase:   poll, after the events of the kernel.
 * Thread:  any, and signal handlers; other threads hold a reference to the
 *          loop (rota_loop_ref()).
 * Errors:  ROTA_EINVAL     @fn is NULL
 *          ROTA_EALREADY   the task is in a queue, and stays where it is
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed: the task will
 *                          not run, and is the caller's again
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_task_post(struct rota_task *task, rota_task_fn *fn);

/**
 * Post @count tasks of one loop at once, to call @fn for each, in the order of
 * the array: one atomic operation puts all of them in, and wakes the loop at
 * most once. A task that is in a queue stays where it is and is skipped, as is
 * one that is in the array a second time. Returns how many were posted, from 0
 * to @count. After an error none was.
 *
 * Phase:   poll, after the events of the kernel.
 * Thread:  any, and signal handlers; other threads hold a reference to the
 *          loop (rota_loop_ref()).
 * Owner:   the array is the caller's again when the call returns.
 * Errors:  ROTA_EINVAL     @fn is NULL, the tasks are of different loops, or
 *                          @count is more than INT_MAX
 *          ROTA_ESHUTDOWN  the loop is shutting down or closed: none of the
 *                          tasks that were not queued will run
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_task_post_all(struct rota_task *const *tasks, size_t count,
		       rota_task_fn *fn);

/**
 * Take @task out of its queue: it will not be called, and its memory may go at
 * once. A post that another thread is still making counts as not yet made.
 * The cost is the number of tasks queued ahead of it.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_ENOENT  it is in no queue; nothing has changed
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
int rota_task_cancel(struct rota_task *task);

/**
 * Tell whether @task is in a queue: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_task_is_queued(const struct rota_task *task);

/**
 * Let @task, while queued, keep the loop alive. That is how it starts.
 *
 * Thread:  the loop's, while no other thread is posting @task.
 */
void rota_task_ref(struct rota_task *task);

/**
 * Let @task run only while something else keeps the loop alive.
 *
 * Thread:  the loop's, while no other thread is posting @task.
 */
void rota_task_unref(struct rota_task *task);

/**
 * Tell whether @task would keep the loop alive: 1 or 0.
 *
 * Thread:  the loop's.
 */
int rota_task_has_ref(const struct rota_task *task);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
