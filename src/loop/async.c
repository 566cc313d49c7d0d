/*
 * loop/async.c - asyncs: wake-ups of a loop from any thread.
 *
 *  1. ROTAI_ENTRY_QUEUED is set by the send that pushes the entry, and cleared
 *     just before the callback. A send in between has nothing to do.
 *     inbox.c (4) explains why the callback sees what was written before such
 *     a send.
 *  2. A send that found the async started may push the entry after the stop
 *     has searched the queues. Such an entry is dropped when it is taken from
 *     its queue, or by a later stop.
 */
#include "rota/async.h"

#include "loop/async.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"

static struct rota_async *async_of(struct rota_entry *entry)
{
	return rota_container_of(entry, struct rota_async, internal.entry);
}

static int async_is_active(const struct rota_async *async)
{
	return rotai_link_is_linked(&async->internal.started);
}

void rota_async_init(struct rota_async *async, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&async->internal.started);
	async->internal.entry.owner = (uintptr_t)loop | ROTAI_ENTRY_ASYNC;
	async->internal.fn = NULL;
	async->internal.started.next = NULL;
}

int rota_async_start(struct rota_async *async, rota_async_fn *fn)
{
	ROTAI_ENTER("async", async, rotai_entry_loop(&async->internal.entry));
	struct rota_loop *loop = rotai_entry_loop(&async->internal.entry);
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	__atomic_store_n(&async->internal.fn, fn, __ATOMIC_RELAXED);
	if (!async_is_active(async)) {
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "async", async,
				 &async->internal.started, loop,
				 &async->internal.entry.owner);
		rotai_list_append(&loop->asyncs, &async->internal.started);
		rotai_loop_hold(loop, rotai_entry_is_referenced(
					      &async->internal.entry));
	}
	return 0;
}

int rota_async_send(struct rota_async *async)
{
	struct rota_entry *entry = &async->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);
	int status;

	if (__atomic_load_n(&async->internal.fn, __ATOMIC_RELAXED) == NULL)
		return loop != NULL && rotai_inbox_refuses(&loop->inbox)
			       ? ROTA_ESHUTDOWN
			       : ROTA_EINVAL;
	if (!rotai_entry_claim(entry)) /* (1) */
		return rotai_loop_inherited(loop);
	status = rotai_inbox_push(loop, entry, entry);
	if (status < 0)
		rotai_entry_release(entry);
	return status;
}

void rotai_async_take_back(struct rota_async *async)
{
	struct rota_entry *entry = &async->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);

	rotai_inbox_take_over(loop);
	if (!rotai_entry_has(entry, ROTAI_ENTRY_QUEUED))
		return;
	if (rotai_queue_remove(&loop->posts, entry) ||
	    rotai_queue_remove(&loop->taken, entry)) {
		ROTAI_LIVE_END(entry);
		rotai_entry_release(entry);
	}
}

void rota_async_stop(struct rota_async *async)
{
	ROTAI_ENTER("async", async, rotai_entry_loop(&async->internal.entry));
	struct rota_entry *entry = &async->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);

	if (async_is_active(async)) {
		__atomic_store_n(&async->internal.fn, NULL, __ATOMIC_RELAXED);
		rotai_list_remove(&async->internal.started);
		ROTAI_LIVE_END(&async->internal.started);
		rotai_loop_release(loop, rotai_entry_is_referenced(
						 &async->internal.entry));
	}
	if (loop != NULL) /* else it was never initialized */
		rotai_async_take_back(async);
}

int rota_async_is_active(const struct rota_async *async)
{
	ROTAI_ENTER_LIVE("async", async, &async->internal.started,
			 rotai_entry_loop(&async->internal.entry));
	return async_is_active(async);
}

static void refer_async(struct rota_async *async, int referenced)
{
	struct rota_entry *entry = &async->internal.entry;

	if (async_is_active(async))
		rotai_loop_exchange(rotai_entry_loop(entry),
				    rotai_entry_is_referenced(entry),
				    referenced);
	rotai_entry_refer(entry, referenced);
}

void rota_async_ref(struct rota_async *async)
{
	ROTAI_ENTER_LIVE("async", async, &async->internal.started,
			 rotai_entry_loop(&async->internal.entry));
	refer_async(async, 1);
}

void rota_async_unref(struct rota_async *async)
{
	ROTAI_ENTER_LIVE("async", async, &async->internal.started,
			 rotai_entry_loop(&async->internal.entry));
	refer_async(async, 0);
}

int rota_async_has_ref(const struct rota_async *async)
{
	ROTAI_ENTER_LIVE("async", async, &async->internal.started,
			 rotai_entry_loop(&async->internal.entry));
	return rotai_entry_is_referenced(&async->internal.entry);
}

void rotai_async_call(struct rota_loop *loop, struct rota_entry *entry)
{
	struct rota_async *async = async_of(entry);

	ROTAI_LIVE_END(entry);
	rotai_entry_release(entry);
	if (rotai_entry_has(entry, ROTAI_ENTRY_OWN)) {
		async->internal.fn(async);
		return;
	}
	if (!async_is_active(async))
		return; /* (2) */
	rotai_callback_begin(loop, "async", NULL, async);
	async->internal.fn(async);
	rotai_callback_end(loop, "async", async);
}

void rotai_async_start_own(struct rota_async *async, struct rota_loop *loop,
			   rota_async_fn *fn)
{
	rota_async_init(async, loop);
	async->internal.entry.owner |= ROTAI_ENTRY_OWN;
	async->internal.fn = fn;
}

void rotai_async_repair(struct rota_async *async)
{
	struct rota_entry *entry = &async->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);

	rotai_inbox_take_over(loop);
	if (!rotai_queue_has(&loop->posts, entry) &&
	    !rotai_queue_has(&loop->taken, entry))
		rotai_entry_release(entry);
}

void rotai_asyncs_repair(struct rota_loop *loop)
{
	const struct rota_link *asyncs = &loop->asyncs;

	for (struct rota_link *at = asyncs->next; at != asyncs; at = at->next)
		rotai_async_repair(rota_container_of(at, struct rota_async,
						     internal.started));
}

void rotai_asyncs_stop(struct rota_loop *loop)
{
	while (!rotai_list_is_empty(&loop->asyncs))
		rota_async_stop(rota_container_of(loop->asyncs.next,
						  struct rota_async,
						  internal.started));
}
