/*
 * fswatch/picture.h - the entries of a view.
 */
#ifndef ROTAI_FSWATCH_PICTURE_H
#define ROTAI_FSWATCH_PICTURE_H

#include <stddef.h>

#include "fswatch/view.h"

/* Return the entry of that name in @in, dead or alive, or NULL. */
struct rotai_entry *rotai_picture_find(const struct rotai_view *view,
				       const struct rotai_directory *in,
				       const char *name, size_t length);

/* Add a name that is not there. With @in NULL it is the root. Returns NULL if
 * there is no memory. */
struct rotai_entry *rotai_picture_add(struct rotai_view *view,
				      struct rotai_directory *in,
				      const char *name, size_t length,
				      unsigned flags);

/* Make @entry a directory whose names are watched: 0, or ROTA_ENOMEM. */
int rotai_picture_open(struct rotai_view *view, struct rotai_entry *entry,
		       enum rotai_bound_kind kind);

/* The entry is no watched directory any more. It has no children. */
void rotai_picture_shut(struct rotai_view *view, struct rotai_entry *entry);

/* Remove @entry, which has no children. */
void rotai_picture_remove(struct rotai_view *view, struct rotai_entry *entry);

/* Give @entry another place, where nothing is. Returns the entry that takes its
 * place, or NULL if there is no memory, with nothing changed. */
struct rotai_entry *rotai_picture_move(struct rotai_view *view,
				       struct rotai_entry *entry,
				       struct rotai_directory *in,
				       const char *name, size_t length);

/* A leaf in the tree of @entry, or that itself. */
struct rotai_entry *rotai_picture_leaf(struct rotai_entry *entry);

/* Whether @directory is @entry's, or in its tree. */
int rotai_picture_is_in(const struct rotai_directory *directory,
			const struct rotai_entry *entry);

/* The length of the path of @entry, relative to the root; and the path, with a
 * 0 at the end. */
size_t rotai_picture_length(const struct rotai_entry *entry);
void rotai_picture_path(const struct rotai_entry *entry, char *path);

/* The absolute path, by malloc(3), or NULL. */
char *rotai_picture_full_path(const struct rotai_view *view,
			      const struct rotai_entry *entry);

/* Remove everything, and say nothing. */
void rotai_picture_clear(struct rotai_view *view);

#endif
