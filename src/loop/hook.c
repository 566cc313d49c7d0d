/*
 * loop/hook.c - calls before and after the wait.
 *
 * A list for each kind, in the order of starting. A walk takes the list whole
 * and moves each hook from hooks_taken to hooks_called before calling it. What
 * is started meanwhile gathers in the kind's own list and ends up behind all of
 * them (T9). What is stopped is in none.
 *
 * Idle and prepare hooks share a phase: a prepare hook that an idle hook starts
 * is in the list before the walk. What is started in that phase notes the turn,
 * and is not called in it (T8).
 */
#include "loop/hook.h"

#include "loop/callback.h"
#include "loop/loop.h"

enum { UNREFERENCED = 1 << 0 };

static int is_active(const struct rota_hook *hook)
{
	return rotai_link_is_linked(&hook->internal.started);
}

static int is_referenced(const struct rota_hook *hook)
{
	return !(hook->internal.flags & UNREFERENCED);
}

/* The number of the turn, as a hook has room for it; never 0. */
static uint32_t this_turn(const struct rota_loop *loop)
{
	return (uint32_t)loop->stats.turns | UINT32_C(1) << 31;
}

void rota_hook_init(struct rota_hook *hook, struct rota_loop *loop)
{
	hook->internal.loop = loop;
	hook->internal.started.next = NULL;
	hook->internal.fn = NULL;
	hook->internal.kind = ROTA_HOOK_IDLE;
	hook->internal.flags = 0;
	hook->internal.started_in = 0;
}

int rota_hook_start(struct rota_hook *hook, rota_hook_fn *fn,
		    enum rota_hook_kind kind)
{
	struct rota_loop *loop = hook->internal.loop;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (fn == NULL || kind < ROTA_HOOK_IDLE || kind > ROTA_HOOK_CHECK)
		return ROTA_EINVAL;
	hook->internal.fn = fn;
	if (is_active(hook)) {
		if (hook->internal.kind == kind)
			return 0;
		rotai_list_remove(&hook->internal.started);
	} else {
		rotai_loop_hold(loop, is_referenced(hook));
	}
	hook->internal.kind = (uint8_t)kind;
	hook->internal.started_in = 0;
	if (loop->phase == ROTA_PHASE_PREPARE && kind != ROTA_HOOK_CHECK)
		hook->internal.started_in = this_turn(loop);
	rotai_list_append(&loop->hooks[kind], &hook->internal.started);
	return 0;
}

void rota_hook_stop(struct rota_hook *hook)
{
	if (!is_active(hook))
		return;
	rotai_list_remove(&hook->internal.started);
	rotai_loop_release(hook->internal.loop, is_referenced(hook));
}

int rota_hook_is_active(const struct rota_hook *hook)
{
	return is_active(hook);
}

static void set_referenced(struct rota_hook *hook, int referenced)
{
	if (is_active(hook)) {
		rotai_loop_release(hook->internal.loop, is_referenced(hook));
		rotai_loop_hold(hook->internal.loop, referenced);
	}
	hook->internal.flags = referenced ? 0 : UNREFERENCED;
}

void rota_hook_ref(struct rota_hook *hook)
{
	set_referenced(hook, 1);
}

void rota_hook_unref(struct rota_hook *hook)
{
	set_referenced(hook, 0);
}

int rota_hook_has_ref(const struct rota_hook *hook)
{
	return is_referenced(hook);
}

void rotai_hooks_call(struct rota_loop *loop, enum rota_hook_kind kind)
{
	struct rota_link *link;

	rotai_list_splice(&loop->hooks_taken, &loop->hooks[kind]);
	while ((link = rotai_list_take_first(&loop->hooks_taken)) != NULL) {
		struct rota_hook *hook = rota_container_of(
			link, struct rota_hook, internal.started);

		rotai_list_append(&loop->hooks_called, link);
		if (hook->internal.started_in == this_turn(loop))
			continue;
		hook->internal.started_in = 0;
		rotai_callback_begin(loop, "hook", NULL, hook);
		hook->internal.fn(hook);
		loop->hook_calls++;
		rotai_callback_end(loop, "hook", hook);
	}
	rotai_list_splice(&loop->hooks_called, &loop->hooks[kind]);
	rotai_list_splice(&loop->hooks[kind], &loop->hooks_called);
}

void rotai_hooks_stop(struct rota_loop *loop)
{
	for (int kind = ROTA_HOOK_IDLE; kind <= ROTA_HOOK_CHECK; kind++)
		while (!rotai_list_is_empty(&loop->hooks[kind]))
			rota_hook_stop(rota_container_of(loop->hooks[kind].next,
							 struct rota_hook,
							 internal.started));
}
