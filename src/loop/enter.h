/*
 * loop/enter.h - what checked builds check when a public function is entered:
 * the right thread, and a loop that exists. A release build has none of it.
 *
 * Every public function that only the loop's thread may call has one of these
 * as its first line (tests/lint/entries):
 *
 *     ROTAI_ENTER(kind, object, loop)            it uses the loop
 *     ROTAI_ENTER_LIVE(kind, object, key, loop)  it may also be called for an
 *                                                object at rest, whose loop may
 *                                                have been freed
 *     ROTAI_ENTER_THREAD(kind, object, loop)     the loop may have been closed
 *     ROTAI_ENTER_HANDLE(handle)                 as ROTAI_ENTER_LIVE(), for a
 *                                                handle
 *     ROTAI_ENTER_LOOP(loop)                     it is a function of the loop
 *     ROTAI_LIVE_INIT(key)                       it initialises the object
 */
#ifndef ROTAI_LOOP_ENTER_H
#define ROTAI_LOOP_ENTER_H

#include "loop/loop.h"

static inline const char *rotai_loop_misuse(const struct rota_loop *loop,
					    int is_there)
{
	if (!is_there)
		return "the loop that it names is gone, or it was never "
		       "initialised. Initialise it for a loop that is open.";
	if (rotai_inbox_is_closed(&loop->inbox))
		return "its loop has been closed. Who still holds a reference "
		       "can post to it, send, and call rota_loop_ref() and "
		       "rota_loop_unref(): nothing else.";
	if (!rotai_loop_is_on_thread(loop))
		return "is used by another thread than the one that runs its "
		       "loop. Post a task to the loop that does it there "
		       "(rota_task_post()).";
	return NULL;
}

/* An object at rest whose memory is zero has no loop. The function itself
 * decides what to do with it. Nothing calls this in a release build. */
static inline void rotai_enter(const char *kind, const void *object,
			       const struct rota_loop *loop)
{
	const char *misuse;

	if (loop == NULL)
		return;
	misuse = rotai_loop_misuse(loop, rotai_registry_has(loop));
	if (misuse != NULL)
		rotai_report(kind, object, misuse);
}

#define ROTAI_ENTER(kind, object, loop)                                        \
	ROTAI_WHEN_WATCHFUL(ROTAI_FUNCTION; rotai_enter(kind, object, loop))
#define ROTAI_ENTER_LIVE(kind, object, key, loop)                              \
	ROTAI_WHEN_WATCHFUL(ROTAI_FUNCTION; if (rotai_registry_check(key))     \
				    rotai_enter(kind, object, loop))
#define ROTAI_ENTER_THREAD(kind, object, loop)                                 \
	ROTAI_WHEN_WATCHFUL(ROTAI_FUNCTION;                                    \
			    if (!rotai_inbox_is_closed(&(loop)->inbox))        \
				    rotai_enter(kind, object, loop))
#define ROTAI_ENTER_LOOP(loop) ROTAI_ENTER("loop", loop, loop)
#define ROTAI_ENTER_HANDLE(handle)                                             \
	ROTAI_ENTER_LIVE("handle", handle, &(handle)->internal.open,           \
			 (handle)->internal.loop)

/* A callback of the user's begins, and ends. Reports of what goes wrong in
 * between name the function that the callback calls. */
#define ROTAI_FUNCTION_LEAVE ROTAI_WHEN_WATCHFUL(rotai_function_set(NULL))
#define ROTAI_FUNCTION_BACK                                                    \
	ROTAI_WHEN_WATCHFUL(rotai_function_set("rota_loop_run"))

#endif
