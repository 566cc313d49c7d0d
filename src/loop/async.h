/*
 * loop/async.h - asyncs, to the files beside async.c.
 */
#ifndef ROTAI_LOOP_ASYNC_H
#define ROTAI_LOOP_ASYNC_H

struct rota_entry;
struct rota_loop;

/* Call the async of an entry that was just taken out of the posts. */
void rotai_async_call(struct rota_loop *loop, struct rota_entry *entry);

/* Let those be sent again that a thread, which the child does not have, was
 * sending at the moment of a fork. */
void rotai_asyncs_repair(struct rota_loop *loop);

/* Stop them all. */
void rotai_asyncs_stop(struct rota_loop *loop);

#endif
