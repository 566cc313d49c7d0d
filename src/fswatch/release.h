/*
 * fswatch/release.h - the end of a view.
 */
#ifndef ROTAI_FSWATCH_RELEASE_H
#define ROTAI_FSWATCH_RELEASE_H

#include "fswatch/view.h"

/* Bind nothing any more, and drop the job. The rest can still be told. */
void rotai_view_release(struct rotai_view *view);

/* Free a view that is released, and what it has not told. */
void rotai_view_free(struct rotai_view *view);

#endif
