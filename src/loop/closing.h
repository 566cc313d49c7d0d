/*
 * loop/closing.h - the closing phase, for the files beside closing.c.
 */
#ifndef ROTAI_LOOP_CLOSING_H
#define ROTAI_LOOP_CLOSING_H

#include "base/list.h"
#include "loop/loop.h"

/* The closing phase, with something to do. */
void rotai_closing_call(struct rota_loop *loop);

/* Call back for what has closed: the closing phase. */
static inline void rotai_closing_run(struct rota_loop *loop)
{
	if (!rotai_list_is_empty(&loop->closing) ||
	    !rotai_list_is_empty(&loop->closing_ended))
		rotai_closing_call(loop);
}

/* Close every handle that is open. */
void rotai_handles_close(struct rota_loop *loop);

#endif
