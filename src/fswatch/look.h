/*
 * fswatch/look.h - the status of a file, as far as it shows changes.
 */
#ifndef ROTAI_FSWATCH_LOOK_H
#define ROTAI_FSWATCH_LOOK_H

#include <stdint.h>

struct stat;

struct rotai_look {
	uint64_t device;
	uint64_t inode;
	uint64_t bytes;
	uint64_t links;
	int64_t modified_ns;
	int64_t changed_ns;
	uint32_t mode;
	uint32_t user;
	uint32_t group;
	uint32_t is_directory;
};

void rotai_look_fill(struct rotai_look *look, const struct stat *status);

/* Whether both are of one file. */
static inline int rotai_look_is_same(const struct rotai_look *a,
				     const struct rotai_look *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->is_directory == b->is_directory;
}

/* Return ROTA_FSWATCH_CHANGED, ROTA_FSWATCH_ATTRIBUTES, or 0. */
int rotai_look_compare(const struct rotai_look *a, const struct rotai_look *b);

#endif
