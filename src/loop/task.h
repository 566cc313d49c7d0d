/*
 * loop/task.h - the queues of tasks, to the files beside task.c.
 */
#ifndef ROTAI_LOOP_TASK_H
#define ROTAI_LOOP_TASK_H

#include "loop/loop.h"

struct rota_task;

/* As rota_task_cancel(), in a forked child too: in memory. */
int rotai_task_cancel(struct rota_task *task);

/* Take the immediates that are queued so far: those that the next call of
 * rotai_immediates_run() will call. */
static inline void rotai_immediates_take(struct rota_loop *loop)
{
	if (!rotai_queue_is_empty(&loop->immediates))
		rotai_queue_prepend(&loop->taken, &loop->immediates);
}

/* Call the immediates that were taken; there are some. */
void rotai_immediates_call(struct rota_loop *loop);

/* Call the immediates that were taken. */
static inline void rotai_immediates_run(struct rota_loop *loop)
{
	if (!rotai_queue_is_empty(&loop->taken))
		rotai_immediates_call(loop);
}

/* Drain what ran into the budget, with a fresh one. */
void rotai_ticks_run_deferred(struct rota_loop *loop);

#endif
