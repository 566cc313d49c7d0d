/*
 * loop/posts.h - calls what was posted, in the poll phase.
 */
#ifndef ROTAI_LOOP_POSTS_H
#define ROTAI_LOOP_POSTS_H

#include "loop/loop.h"

/* Call what was taken, up to ROTA_POSTS_PER_TURN. There must be some. */
void rotai_posts_call(struct rota_loop *loop);

/* Take what was posted so far. rotai_posts_run() calls no more than that. */
static inline void rotai_posts_take(struct rota_loop *loop)
{
	if (!rotai_inbox_is_empty(&loop->inbox))
		rotai_inbox_take_over(loop);
	if (!rotai_queue_is_empty(&loop->posts))
		rotai_queue_prepend(&loop->taken, &loop->posts);
}

/* Call what was taken, up to ROTA_POSTS_PER_TURN. */
static inline void rotai_posts_run(struct rota_loop *loop)
{
	if (!rotai_queue_is_empty(&loop->taken))
		rotai_posts_call(loop);
}

#endif
