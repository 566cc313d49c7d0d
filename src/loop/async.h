/*
 * loop/async.h - asyncs, to the files beside async.c.
 */
#ifndef ROTAI_LOOP_ASYNC_H
#define ROTAI_LOOP_ASYNC_H

#include "rota/async.h"

struct rota_entry;
struct rota_loop;

/* Start an async of the library's own: it keeps the loop neither alive nor
 * open, its call is not one of the user's, and there is no stopping it. It
 * lives as long as the loop's memory. */
void rotai_async_start_own(struct rota_async *async, struct rota_loop *loop,
			   rota_async_fn *fn);

/* In a forked child: let it be sent again. */
void rotai_async_repair(struct rota_async *async);

/* Call the async of an entry that was just taken out of the posts. */
void rotai_async_call(struct rota_loop *loop, struct rota_entry *entry);

/* Let those be sent again that a thread, which the child does not have, was
 * sending at the moment of a fork. */
void rotai_asyncs_repair(struct rota_loop *loop);

/* Stop them all. */
void rotai_asyncs_stop(struct rota_loop *loop);

#endif
