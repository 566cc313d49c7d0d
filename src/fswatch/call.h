/*
 * fswatch/call.h - calls the program.
 */
#ifndef ROTAI_FSWATCH_CALL_H
#define ROTAI_FSWATCH_CALL_H

#include "fswatch/view.h"

/* Call the program for what is to be told, as far as this turn may. */
void rotai_views_call(struct rota_loop *loop);

/* In the pending phase. */
void rotai_views_take(struct rotai_extension *extension);
void rotai_views_pending(struct rotai_extension *extension,
			 struct rota_loop *loop);

/* A class's type, for tracers. */
extern const char rotai_fswatch_type[];

#endif
