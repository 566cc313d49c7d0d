/*
 * loop/hook.h - hooks, to the files beside hook.c.
 */
#ifndef ROTAI_LOOP_HOOK_H
#define ROTAI_LOOP_HOOK_H

#include "rota/hook.h"

/* Call the hooks of one kind. */
void rotai_hooks_run(struct rota_loop *loop, enum rota_hook_kind kind);

/* Stop them all. */
void rotai_hooks_stop(struct rota_loop *loop);

#endif
