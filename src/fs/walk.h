/*
 * fs/walk.h - reading a tree batch by batch, for a thread of the pool. Only one
 * thread at a time uses a walk; the loop uses it in between.
 */
#ifndef ROTAI_FS_WALK_H
#define ROTAI_FS_WALK_H

#include "fs/descent.h"
#include "rota/fs_tree.h"

enum {
	ROTAI_WALK_ENTRIES = 256,
	ROTAI_WALK_TEXT = 32 * 1024, /* bytes of paths that end a batch */
};

struct rotai_walk {
	struct rotai_descent way;
	int flags;
	int status; /* of the trip: 1, there is more; 0, the end; or an
			   error */
	uint8_t begun;
	uint8_t enters; /* the current name is a directory, to be entered */

	/* The batch. Until it is complete, a path is an offset in text. */
	size_t count;
	size_t used; /* bytes of text */
	size_t capacity;
	char *text;
	struct rota_file_info *infos; /* or NULL */
	struct rota_tree_entry entries[ROTAI_WALK_ENTRIES];
};

/* A walk through the tree @path, which begins at the directory @base; or NULL:
 * there is no memory. */
struct rotai_walk *rotai_walk_new(int base, const char *path, int flags);
void rotai_walk_free(struct rotai_walk *w);

/* Read the next batch, and set w->status. */
void rotai_walk_read(struct rotai_walk *w);

#endif
