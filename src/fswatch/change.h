/*
 * fswatch/change.h - a name in a directory was created, removed, changed or
 * moved.
 */
#ifndef ROTAI_FSWATCH_CHANGE_H
#define ROTAI_FSWATCH_CHANGE_H

#include "fswatch/view.h"

/* A name, and the position of the event that reports it. */
struct rotai_change_place {
	struct rotai_directory *in;
	const char *name;
	size_t length;
	uint64_t position;
	int is_directory;
};

void rotai_change_created(struct rotai_view *view,
			  const struct rotai_change_place *place);
void rotai_change_removed(struct rotai_view *view,
			  const struct rotai_change_place *place);
void rotai_change_content(struct rotai_view *view,
			  const struct rotai_change_place *place,
			  enum rota_fswatch_type type);

/* Something is at that name that was somewhere else, outside. */
void rotai_change_moved_in(struct rotai_view *view,
			   const struct rotai_change_place *place);
/* What was at that name is outside. */
void rotai_change_moved_out(struct rotai_view *view,
			    const struct rotai_change_place *place);
void rotai_change_moved(struct rotai_view *view,
			const struct rotai_change_place *from,
			const struct rotai_change_place *to);

/* Add a name that is not there, with these flags. Tell it if @tells. Returns
 * NULL if there is no memory: then the view fails. */
struct rotai_entry *rotai_change_add(struct rotai_view *view,
				     const struct rotai_change_place *place,
				     unsigned flags, int tells);

/* Remove @entry with all that is in it, and tell that. */
void rotai_change_remove(struct rotai_view *view, struct rotai_entry *entry);

/* Compare the whole picture with the tree. Nothing awaits a listing. */
void rotai_change_verify(struct rotai_view *view);

/* Events were lost: everything is listed again. */
void rotai_change_lost(struct rotai_view *view);

#endif
