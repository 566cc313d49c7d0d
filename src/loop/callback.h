/*
 * loop/callback.h - what the loop does before and after every callback.
 *
 *     rotai_callback_begin(loop, "timer", NULL, timer);
 *     fn(timer);
 *     rotai_callback_end(loop, "timer", timer);
 *
 * The object may no longer exist after its callback (O4): rotai_callback_end()
 * uses its address only for the tracer.
 */
#ifndef ROTAI_LOOP_CALLBACK_H
#define ROTAI_LOOP_CALLBACK_H

#include "loop/enter.h"
#include "loop/loop.h"

/* Do what loop->after says. */
void rotai_callback_after(struct rota_loop *loop);

void rotai_trace_begin(struct rota_loop *loop, const char *type,
		       const char *name, const void *object);
void rotai_trace_end(struct rota_loop *loop, const char *type,
		     const void *object);

static inline void rotai_callback_begin(struct rota_loop *loop,
					const char *type, const char *name,
					const void *object)
{
	if (ROTAI_UNLIKELY(loop->tracer != NULL))
		rotai_trace_begin(loop, type, name, object);
	ROTAI_FUNCTION_LEAVE;
}

/* The end of a callback without the drain: for ticks and microtasks
 * themselves. */
static inline void rotai_callback_count(struct rota_loop *loop,
					const char *type, const void *object)
{
	ROTAI_FUNCTION_BACK;
	loop->calls++;
	if (ROTAI_UNLIKELY(loop->tracer != NULL))
		rotai_trace_end(loop, type, object);
}

static inline void rotai_callback_end(struct rota_loop *loop, const char *type,
				      const void *object)
{
	rotai_callback_count(loop, type, object);
	if (ROTAI_UNLIKELY(loop->after != 0))
		rotai_callback_after(loop); /* T10 */
}

#endif
