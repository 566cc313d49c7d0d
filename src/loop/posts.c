/*
 * loop/posts.c - call the tasks and asyncs that came in through the inbox.
 *
 * What is beyond the limit of a turn goes back to the head of the posts, where
 * it keeps its place.
 */
#include "loop/posts.h"

#include "loop/async.h"
#include "loop/task.h"
#include "rota/limits.h"

void rotai_posts_call(struct rota_loop *loop)
{
	struct rota_entry *entry;

	for (unsigned n = 0; n < ROTA_POSTS_PER_TURN; n++) {
		entry = rotai_queue_take_first(&loop->taken);
		if (entry == NULL)
			break;
		if (rotai_entry_has(entry, ROTAI_ENTRY_ASYNC))
			rotai_async_call(loop, entry);
		else
			rotai_task_call_posted(loop, entry);
	}
	rotai_queue_prepend(&loop->posts, &loop->taken);
}
