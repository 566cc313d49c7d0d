/*
 * fswatch/hints.h - kqueue(2), as a notifier.
 */
#ifndef ROTAI_FSWATCH_HINTS_H
#define ROTAI_FSWATCH_HINTS_H

#include "fswatch/view.h"

extern const struct rotai_notifier rotai_hints;

/* In a forked child, before the views are bound again: 0 or an error. */
int rotai_hints_forked(struct rotai_views *views);

#endif
