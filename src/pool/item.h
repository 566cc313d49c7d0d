/*
 * pool/item.h - one piece of work for a pool, as requests of this room and of
 * those to the right embed it beside their struct rota_request.
 *
 *     error = rotai_item_prepare(loop);
 *     ...
 *     rotai_request_begin(&fs->request, loop, NULL, &fs_class);
 *     rotai_item_queue(&fs->internal.item, loop, ROTA_LANE_IO, run, ended);
 *
 * run() is called by a thread of the lane, and then ended() by the loop's
 * thread, which ends the request: mostly in the poll phase, and in the pending
 * phase if very many ended at once. If the lane has no threads at all, the
 * loop's thread calls both in the pending phase.
 *
 * In a forked child neither is called any more: the request's class->forked
 * finishes the request with ROTA_ECANCELED, and leaves the item alone.
 */
#ifndef ROTAI_POOL_ITEM_H
#define ROTAI_POOL_ITEM_H

#include "rota/pool.h"

/* Do the work. Any thread. Touches the request as far as it is the thread's
 * own by agreement: the fields of input and of results, never its base. */
typedef void rotai_item_run_fn(struct rotai_item *item);

/* The work is done; or @error is why it was not: ROTA_EAGAIN if there is no
 * thread and none could be made. The loop's thread. Finishes or completes the
 * request. For an item that was let go of see rotai_item_abandon(). */
typedef void rotai_item_ended_fn(struct rotai_item *item, int error);

/* Have all that an item of @loop needs: 0, or ROTA_ENOMEM, which can only be
 * before the loop's first one. */
int rotai_item_prepare(struct rota_loop *loop);

/* Queue @item. It is published at the end of the current callback and its
 * ticks; outside callbacks at once. */
void rotai_item_queue(struct rotai_item *item, struct rota_loop *loop,
		      enum rota_lane lane, rotai_item_run_fn *run,
		      rotai_item_ended_fn *ended);

/* The same with an item that may be let go of: see rotai_item_abandon(). */
void rotai_item_queue_detachable(struct rotai_item *item,
				 struct rota_loop *loop, enum rota_lane lane,
				 rotai_item_run_fn *run,
				 rotai_item_ended_fn *ended);

/* Take @item back: 0, and neither function will be called; or an error, and
 * ended() is still to come. ROTA_EBUSY: a thread is at it, and
 * rota_work_canceled() tells the thread. ROTA_EALREADY: no thread is any more;
 * what the thread has done can be seen. */
int rotai_item_cancel(struct rotai_item *item);

/* After a cancel that was told ROTA_EBUSY: let go of an item whose memory is
 * not the user's. 0: the thread goes on alone and calls ended() itself, with
 * ROTA_ECANCELED, when nobody else will touch the item any more; until then it
 * is the thread's. Or ROTA_EALREADY: the thread is done with it, and ended()
 * is to come as ever. */
int rotai_item_abandon(struct rotai_item *item);

/* In a forked child, for class->forked: whether a thread may have been at
 * @item when the process forked, and left its work half done. */
int rotai_item_was_taken(const struct rotai_item *item);

#endif
