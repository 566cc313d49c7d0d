/*
 * loop/hook.c - hooks: calls before and after the wait.
 *
 * Each kind of hook has a list, in the order in which hooks were started (T9).
 * The walk does not move hooks out of the list, because they are called in
 * every turn and are seldom started or stopped (bench/turn.c):
 *
 *  1. hook_next is the hook that the walk will call next. When that hook
 *     leaves the list, hook_next becomes the hook after it.
 *  2. A hook that is started in the phase in which its kind is called records
 *     the turn, and is not called in that turn (T8). It is skipped by the
 *     current walk, at the end of whose list it is; and, if an idle hook has
 *     started a prepare hook, by the walk over the prepare hooks.
 */
#include "loop/hook.h"

#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"

static int hook_is_active(const struct rota_hook *hook)
{
	return rotai_link_is_linked(&hook->internal.started);
}

/* The number of the turn, in the 32 bits that a hook has for it. Never 0. */
static uint32_t this_turn(const struct rota_loop *loop)
{
	return (uint32_t)loop->stats.turns | UINT32_C(1) << 31;
}

void rota_hook_init(struct rota_hook *hook, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&hook->internal.started);
	hook->internal.loop = loop;
	hook->internal.started.next = NULL;
	hook->internal.fn = NULL;
	hook->internal.kind = ROTA_HOOK_IDLE;
	hook->internal.flags = 0;
	hook->internal.started_in = 0;
}

/* (2) */
static int is_called_now(const struct rota_loop *loop, enum rota_hook_kind kind)
{
	static const enum rota_phase phases[ROTA_HOOK_KIND_COUNT] = {
		[ROTA_HOOK_IDLE] = ROTA_PHASE_PREPARE,
		[ROTA_HOOK_PREPARE] = ROTA_PHASE_PREPARE,
		[ROTA_HOOK_CHECK] = ROTA_PHASE_CHECK,
		[ROTA_HOOK_POLL] = ROTA_PHASE_POLL,
	};

	return loop->phase == phases[kind];
}

/* (1) */
static void leave_hook(struct rota_loop *loop, struct rota_hook *hook)
{
	if (loop->hook_next == &hook->internal.started)
		loop->hook_next = hook->internal.started.next;
	rotai_list_remove(&hook->internal.started);
}

int rota_hook_start(struct rota_hook *hook, rota_hook_fn *fn,
		    enum rota_hook_kind kind)
{
	ROTAI_ENTER("hook", hook, hook->internal.loop);
	struct rota_loop *loop = hook->internal.loop;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (fn == NULL || kind < ROTA_HOOK_IDLE ||
	    (unsigned)kind >= ROTA_HOOK_KIND_COUNT)
		return ROTA_EINVAL;
	hook->internal.fn = fn;
	if (hook_is_active(hook)) {
		if (hook->internal.kind == kind)
			return 0;
		leave_hook(loop, hook);
	} else {
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "hook", hook,
				 &hook->internal.started, loop,
				 &hook->internal.loop);
		rotai_loop_hold(loop,
				rotai_flags_referenced(hook->internal.flags));
	}
	hook->internal.kind = (uint8_t)kind;
	hook->internal.started_in =
		is_called_now(loop, kind) ? this_turn(loop) : 0;
	rotai_list_append(&loop->hooks[kind], &hook->internal.started);
	return 0;
}

void rota_hook_stop(struct rota_hook *hook)
{
	ROTAI_ENTER_LIVE("hook", hook, &hook->internal.started,
			 hook->internal.loop);
	if (!hook_is_active(hook))
		return;
	leave_hook(hook->internal.loop, hook);
	ROTAI_LIVE_END(&hook->internal.started);
	rotai_loop_release(hook->internal.loop,
			   rotai_flags_referenced(hook->internal.flags));
}

int rota_hook_is_active(const struct rota_hook *hook)
{
	ROTAI_ENTER_LIVE("hook", hook, &hook->internal.started,
			 hook->internal.loop);
	return hook_is_active(hook);
}

void rota_hook_ref(struct rota_hook *hook)
{
	ROTAI_ENTER_LIVE("hook", hook, &hook->internal.started,
			 hook->internal.loop);
	rotai_flags_refer(&hook->internal.flags, hook->internal.loop,
			  hook_is_active(hook), 1);
}

void rota_hook_unref(struct rota_hook *hook)
{
	ROTAI_ENTER_LIVE("hook", hook, &hook->internal.started,
			 hook->internal.loop);
	rotai_flags_refer(&hook->internal.flags, hook->internal.loop,
			  hook_is_active(hook), 0);
}

int rota_hook_has_ref(const struct rota_hook *hook)
{
	ROTAI_ENTER_LIVE("hook", hook, &hook->internal.started,
			 hook->internal.loop);
	return rotai_flags_referenced(hook->internal.flags);
}

void rotai_hooks_call(struct rota_loop *loop, enum rota_hook_kind kind)
{
	struct rota_link *end = &loop->hooks[kind];
	struct rota_link *link;

	for (link = end->next; link != end; link = loop->hook_next) {
		struct rota_hook *hook = rota_container_of(
			link, struct rota_hook, internal.started);

		ROTAI_LIVE_CHECK_LINK(link);
		loop->hook_next = link->next;
		if (ROTAI_UNLIKELY(hook->internal.started_in ==
				   this_turn(loop)))
			continue; /* (2) */
		hook->internal.started_in = 0;
		rotai_callback_begin(loop, "hook", NULL, hook);
		hook->internal.fn(hook);
		loop->hook_calls++;
		rotai_callback_end(loop, "hook", hook);
	}
	loop->hook_next = NULL;
}

void rotai_hooks_stop(struct rota_loop *loop)
{
	for (int kind = ROTA_HOOK_IDLE; kind < ROTA_HOOK_KIND_COUNT; kind++)
		while (!rotai_list_is_empty(&loop->hooks[kind]))
			rota_hook_stop(rota_container_of(loop->hooks[kind].next,
							 struct rota_hook,
							 internal.started));
}
