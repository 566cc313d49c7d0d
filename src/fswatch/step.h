/*
 * fswatch/step.h - what a view does next.
 */
#ifndef ROTAI_FSWATCH_STEP_H
#define ROTAI_FSWATCH_STEP_H

#include "fswatch/view.h"

/* Something has changed: begin to list what there is to list, or wait, or
 * end. Calls nobody. */
void rotai_view_step(struct rotai_view *view);

/* Step all views that were touched. */
void rotai_views_step(struct rotai_views *views);

#endif
