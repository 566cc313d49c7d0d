/*
 * loop/async.h - what other files use of async.c.
 */
#ifndef ROTAI_LOOP_ASYNC_H
#define ROTAI_LOOP_ASYNC_H

#include "rota/async.h"

struct rota_entry;
struct rota_loop;

/* Start an async that belongs to the library. It keeps the loop neither alive
 * nor open, its call does not count as a callback of the user, and it cannot be
 * stopped. It exists as long as the memory of the loop. */
void rotai_async_start_own(struct rota_async *async, struct rota_loop *loop,
			   rota_async_fn *fn);

/* In a forked child: make sends work again, also if a thread that the child
 * does not have was sending @async when the process forked. */
void rotai_async_repair(struct rota_async *async);

/* Undo a send of @async that has not led to a call yet. Any thread may send it
 * again. The loop's thread. */
void rotai_async_take_back(struct rota_async *async);

/* Call the async of @entry, which was just taken from the queue of posts. */
void rotai_async_call(struct rota_loop *loop, struct rota_entry *entry);

/* Do the same as rotai_async_repair() for all started asyncs of the user. */
void rotai_asyncs_repair(struct rota_loop *loop);

/* Stop all asyncs of the user. */
void rotai_asyncs_stop(struct rota_loop *loop);

#endif
