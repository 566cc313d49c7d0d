/*
 * loop/closing.h - the closing phase, for the other files of src/loop.
 */
#ifndef ROTAI_LOOP_CLOSING_H
#define ROTAI_LOOP_CLOSING_H

#include "base/list.h"
#include "loop/loop.h"

/* Run the closing phase. There is something to do. */
void rotai_closing_call(struct rota_loop *loop);

/* Run the closing phase: call the callbacks of handles that have closed, and of
 * their requests. */
static inline void rotai_closing_run(struct rota_loop *loop)
{
	if (!rotai_list_is_empty(&loop->closing) ||
	    !rotai_list_is_empty(&loop->closing_ended))
		rotai_closing_call(loop);
}

/* Close every open handle. */
void rotai_handles_close(struct rota_loop *loop);

#endif
