/*
 * fswatch/notices.h - inotify(7), as a notifier.
 */
#ifndef ROTAI_FSWATCH_NOTICES_H
#define ROTAI_FSWATCH_NOTICES_H

#include "fswatch/view.h"

extern const struct rotai_notifier rotai_notices;

/* In a forked child, before the views are bound again: 0 or an error. */
int rotai_notices_forked(struct rotai_views *views);

#endif
