/*
 * loop/task.h - the queues of tasks, for the other files of this module.
 */
#ifndef ROTAI_LOOP_TASK_H
#define ROTAI_LOOP_TASK_H

#include "loop/loop.h"

struct rota_task;

/* As rota_task_cancel(), but also in a forked child, where it changes memory
 * only. */
int rotai_task_cancel(struct rota_task *task);

/* Take the immediates that are queued so far. The next call of
 * rotai_immediates_run() calls these. */
static inline void rotai_immediates_take(struct rota_loop *loop)
{
	if (!rotai_queue_is_empty(&loop->immediates))
		rotai_queue_prepend(&loop->taken, &loop->immediates);
}

/* Call the immediates that were taken. There must be some. */
void rotai_immediates_call(struct rota_loop *loop);

/* Call the immediates that were taken. */
static inline void rotai_immediates_run(struct rota_loop *loop)
{
	if (!rotai_queue_is_empty(&loop->taken))
		rotai_immediates_call(loop);
}

/* Drain the ticks and microtasks that the budget has deferred, with a new
 * budget. */
void rotai_ticks_run_deferred(struct rota_loop *loop);

#endif
