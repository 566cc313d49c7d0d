/*
 * fswatch/root.h - what is at the watched path itself.
 */
#ifndef ROTAI_FSWATCH_ROOT_H
#define ROTAI_FSWATCH_ROOT_H

#include "fswatch/view.h"

/* Bind what is there: 0 or an error, with nothing bound. */
int rotai_root_begin(struct rotai_view *view);

/* A thread has looked: @error, or *@look. */
void rotai_root_looked(struct rotai_view *view, int error,
		       const struct rotai_look *look);

/* What was there is not, or is not the same any more. */
void rotai_root_lost(struct rotai_view *view);

/* Bind the parent and the file again, in a forked child: 0 or an error. */
int rotai_root_forked(struct rotai_view *view);

#endif
