/*
 * fswatch/tell.c - what the program will be told.
 *
 *  1. Paths are those of the moment of the change, so they are copied.
 *  2. An event that equals the last one in the queue is left out: a change of
 *     a content, or of attributes, that comes before the program has seen the
 *     one before.
 */
#include "fswatch/tell.h"

#include <stdlib.h>
#include <string.h>

#include "fswatch/picture.h"

enum {
	ALWAYS_TOLD = ~(ROTA_FSWATCH_READY - 1),
	MERGED = ROTA_FSWATCH_CHANGED | ROTA_FSWATCH_ATTRIBUTES |
		 ROTA_FSWATCH_CLOSED,
};

void rotai_tell_more(struct rotai_view *view)
{
	if (!rotai_link_is_linked(&view->due))
		rotai_list_append(&view->views->due, &view->due);
}

/* (2) */
static int is_told(const struct rotai_view *view, const struct rotai_told *told)
{
	const struct rotai_told *last = view->last_told;

	return last != NULL && (told->event.type & MERGED) != 0 &&
	       last->event.type == told->event.type &&
	       strcmp(last->event.path, told->event.path) == 0;
}

static void queue_told(struct rotai_view *view, struct rotai_told *told)
{
	if (view->last_told != NULL)
		view->last_told->next = told;
	else
		view->first_told = told;
	view->last_told = told;
	view->views->queued++;
	rotai_tell_more(view);
}

static void tell_one(struct rotai_view *view, enum rota_fswatch_type type,
		     const struct rotai_entry *entry, int status,
		     const char *old_path)
{
	size_t length = entry != NULL ? rotai_picture_length(entry) : 0;
	size_t old_size = old_path != NULL ? strlen(old_path) + 1 : 0;
	struct rotai_told *told;

	if (rotai_view_is_over(view) ||
	    ((unsigned)type & (view->events | (unsigned)ALWAYS_TOLD)) == 0)
		return;
	told = malloc(sizeof(*told) + length + 1 + old_size);
	if (told == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return;
	}
	told->next = NULL;
	told->text[0] = '\0';
	if (entry != NULL)
		rotai_picture_path(entry, told->text);
	if (old_path != NULL)
		memcpy(told->text + length + 1, old_path, old_size);
	told->event = (struct rota_fswatch_event){
		.type = type,
		.status = status,
		.path = told->text,
		.old_path = old_path != NULL ? told->text + length + 1 : NULL,
		.is_directory = entry != NULL &&
				(entry->flags & ROTAI_ENTRY_DIRECTORY) != 0,
	};
	if (is_told(view, told))
		free(told);
	else
		queue_told(view, told);
}

void rotai_tell(struct rotai_view *view, enum rota_fswatch_type type,
		const struct rotai_entry *entry, int status)
{
	if (entry == NULL || (entry->flags & ROTAI_ENTRY_LEFT_OUT) == 0)
		tell_one(view, type, entry, status, NULL);
}

void rotai_tell_renamed(struct rotai_view *view, const char *old_path,
			const struct rotai_entry *entry)
{
	if ((entry->flags & ROTAI_ENTRY_LEFT_OUT) == 0)
		tell_one(view, ROTA_FSWATCH_RENAMED, entry, 0, old_path);
}

struct rotai_told *rotai_tell_take(struct rotai_view *view)
{
	struct rotai_told *told = view->first_told;

	if (told == NULL)
		return NULL;
	view->first_told = told->next;
	if (told->next == NULL)
		view->last_told = NULL;
	view->views->queued--;
	return told;
}

void rotai_tell_clear(struct rotai_view *view)
{
	struct rotai_told *told;

	while ((told = rotai_tell_take(view)) != NULL)
		free(told);
}
