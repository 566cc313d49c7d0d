/*
 * loop/task.h - the queues of tasks, to the files beside task.c.
 */
#ifndef ROTAI_LOOP_TASK_H
#define ROTAI_LOOP_TASK_H

struct rota_entry;
struct rota_loop;

/* Call the task of an entry that was just taken out of a queue. */
void rotai_task_call(struct rota_loop *loop, struct rota_entry *entry);

/* Call the immediates. */
void rotai_immediates_run(struct rota_loop *loop);

/* Drain what ran into the budget, with a fresh one. */
void rotai_ticks_run_deferred(struct rota_loop *loop);

#endif
