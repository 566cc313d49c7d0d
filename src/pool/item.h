/*
 * pool/item.h - one job for a pool. Requests of this module and of the modules
 * above embed an item beside their struct rota_request.
 *
 *     error = rotai_item_prepare(loop);
 *     ...
 *     rotai_request_begin(&fs->request, loop, NULL, &fs_class);
 *     rotai_item_queue(&fs->internal.item, loop, ROTA_LANE_IO, run, ended);
 *
 * A thread of the lane calls run(). Then the loop's thread calls ended(), which
 * ends the request: normally in the poll phase, or in the pending phase if more
 * items came back than one turn calls. If the lane has no threads at all, the
 * loop's thread calls both in the pending phase.
 *
 * In a forked child neither is called any more: the request's class->forked
 * finishes the request with ROTA_ECANCELED, and leaves the item alone.
 */
#ifndef ROTAI_POOL_ITEM_H
#define ROTAI_POOL_ITEM_H

#include "rota/pool.h"

/* Do the work. Any thread. Of the request it uses only the members that are the
 * thread's by agreement: inputs and results, never the base. */
typedef void rotai_item_run_fn(struct rotai_item *item);

/* The work is done; or @error says why it was not: ROTA_EAGAIN if there is no
 * thread and none could be started. The loop's thread. Must finish or complete
 * the request. For an item that was abandoned see rotai_item_abandon(). */
typedef void rotai_item_ended_fn(struct rotai_item *item, int error);

/* Make what the items of @loop need: 0, or ROTA_ENOMEM, which is possible only
 * before the first item of the loop. */
int rotai_item_prepare(struct rota_loop *loop);

/* The flags of an item. Those of the priority are also what a request has in
 * internal.priority. */
enum {
	ROTAI_ITEM_DETACHABLE = 1, /* the loop need not wait for it */
	ROTAI_ITEM_SERIAL = 2,     /* of a struct rota_work with a serial */
	ROTAI_ITEM_HIGH = 4,
	ROTAI_ITEM_LOW = 8,
	ROTAI_ITEM_PRIORITY = ROTAI_ITEM_HIGH | ROTAI_ITEM_LOW,
};

/* Queue @item. It is published at the end of the current callback and its
 * ticks, or at once outside callbacks. */
void rotai_item_queue(struct rotai_item *item, struct rota_loop *loop,
		      enum rota_lane lane, rotai_item_run_fn *run,
		      rotai_item_ended_fn *ended);

/* Do the same with the priority of @request, whose item it is. */
void rotai_item_queue_for(struct rotai_item *item,
			  const struct rota_request *request,
			  enum rota_lane lane, rotai_item_run_fn *run,
			  rotai_item_ended_fn *ended);

/* Have the loop's thread call run() and then ended(), in the next pending
 * phase, as if the lane had no threads. ended() may queue the item in a
 * lane. */
void rotai_item_queue_here(struct rotai_item *item, struct rota_loop *loop,
			   rotai_item_run_fn *run, rotai_item_ended_fn *ended);

/* Whether @lane of the pool of @loop has threads. */
int rotai_item_has_threads(const struct rota_loop *loop, enum rota_lane lane);

/* As rotai_item_queue(), with an item that may be abandoned: see
 * rotai_item_abandon(). @priority is that of its request, or 0. */
void rotai_item_queue_detachable(struct rotai_item *item,
				 struct rota_loop *loop, uint8_t priority,
				 enum rota_lane lane, rotai_item_run_fn *run,
				 rotai_item_ended_fn *ended);

/* Prepare an item of a struct rota_work that has a serial, for serial.h. */
void rotai_item_set_up_serial(struct rotai_item *item,
			      const struct rota_request *request,
			      enum rota_lane lane, rotai_item_run_fn *run,
			      rotai_item_ended_fn *ended);

/* Take @item back. If this returns 0, neither function will be called. Else
 * ended() is still to come. ROTA_EBUSY: a thread is working on the item, and
 * rota_work_canceled() returns 1 in that thread from now on. ROTA_EALREADY: no
 * thread is working on it any more, and the caller sees what the thread has
 * written. */
int rotai_item_cancel(struct rotai_item *item);

/* After a cancel that returned ROTA_EBUSY: abandon an item whose memory is not
 * the user's. Returns 0 if the thread goes on alone. It then owns the item, and
 * calls ended() itself, with ROTA_ECANCELED, when nobody else will touch the
 * item any more. Or returns ROTA_EALREADY: the thread is done with the item,
 * and ended() will be called as usual. */
int rotai_item_abandon(struct rotai_item *item);

/* In a forked child, for class->forked: whether a thread may have been working
 * on @item when the process forked, and left the work half done. */
int rotai_item_was_taken(const struct rotai_item *item);

#endif
