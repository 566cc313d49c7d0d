/*
 * loop/hook.h - hooks, for the other files of src/loop.
 */
#ifndef ROTAI_LOOP_HOOK_H
#define ROTAI_LOOP_HOOK_H

#include "loop/loop.h"

/* Call the hooks of one kind. There are some. */
void rotai_hooks_call(struct rota_loop *loop, enum rota_hook_kind kind);

/* Call the hooks of one kind. */
static inline void rotai_hooks_run(struct rota_loop *loop,
				   enum rota_hook_kind kind)
{
	if (!rotai_list_is_empty(&loop->hooks[kind]))
		rotai_hooks_call(loop, kind);
}

/* Stop all hooks. */
void rotai_hooks_stop(struct rota_loop *loop);

#endif
