/*
 * fswatch/tell.h - what the program will be told.
 */
#ifndef ROTAI_FSWATCH_TELL_H
#define ROTAI_FSWATCH_TELL_H

#include "fswatch/view.h"

/* An event that waits for its call. */
struct rotai_told {
	struct rotai_told *next;
	struct rota_fswatch_event event;
	char text[]; /* the paths */
};

/* Tell an event of @entry, unless the program does not want it. If there is no
 * memory, the view fails. */
void rotai_tell(struct rotai_view *view, enum rota_fswatch_type type,
		const struct rotai_entry *entry, int status);

/* Tell that @entry was at @old_path. */
void rotai_tell_renamed(struct rotai_view *view, const char *old_path,
			const struct rotai_entry *entry);

/* Have the program called for what view->tells says, and for the end. */
void rotai_tell_more(struct rotai_view *view);

/* Take the first event out, or return NULL. */
struct rotai_told *rotai_tell_take(struct rotai_view *view);

/* Forget what was not told. */
void rotai_tell_clear(struct rotai_view *view);

#endif
