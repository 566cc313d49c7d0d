/*
 * loop/posts.c - calls the tasks and asyncs that came in through the inbox.
 *
 * What exceeds the limit of a turn goes back to the head of the posts, and so
 * keeps its order.
 */
#include "loop/posts.h"

#include "loop/async.h"
#include "loop/callback.h"
#include "rota/limits.h"
#include "rota/task.h"

static inline void call_task(struct rota_loop *loop, struct rota_entry *entry)
{
	struct rota_task *task =
		rota_container_of(entry, struct rota_task, internal.entry);
	rota_task_fn *fn = task->internal.fn;

	ROTAI_LIVE_END(entry);
	rotai_entry_release(entry); /* task.c (1) */
	rotai_callback_begin(loop, "task", NULL, task);
	fn(task);
	rotai_callback_end(loop, "task", task);
}

/* Call an async, or a task that does not keep the loop alive. */
static void call_rare(struct rota_loop *loop, struct rota_entry *entry)
{
	if (rotai_entry_has(entry, ROTAI_ENTRY_ASYNC)) {
		rotai_async_call(loop, entry);
		return;
	}
	rotai_loop_release(loop, 0);
	call_task(loop, entry);
}

void rotai_posts_call(struct rota_loop *loop)
{
	for (unsigned n = 0; n < ROTA_POSTS_PER_TURN; n++) {
		struct rota_entry *entry = loop->taken.first;

		if (entry == &rotai_entry_end)
			break;
		ROTAI_LIVE_CHECK_ENTRY(entry, &rotai_entry_end);
		loop->taken.first = rotai_entry_next(entry);
		if (ROTAI_UNLIKELY(
			    rotai_entry_owner(entry) &
			    (ROTAI_ENTRY_ASYNC | ROTAI_ENTRY_UNREFERENCED))) {
			call_rare(loop, entry);
			continue;
		}
		rotai_loop_release(loop, 1);
		call_task(loop, entry);
	}
	rotai_queue_prepend(&loop->posts, &loop->taken);
}
