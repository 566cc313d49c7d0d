/*
 * fs/descent.h - a way through a tree of directories, for the thread that
 * removes or walks it. It goes from directory to directory by descriptors, so
 * that no link leads it out of the tree. Errors are negative codes.
 *
 *     rotai_descent_begin(d, base, path)
 *     rotai_descent_enter(d)           the tree itself
 *     rotai_descent_next(d, &error)    an entry of the directory: its name is
 *                                      the current one
 *     rotai_descent_enter(d)           go into that directory
 *     ...
 *     rotai_descent_leave(d)           the directory is the current name again
 *     rotai_descent_end(d)
 */
#ifndef ROTAI_FS_DESCENT_H
#define ROTAI_FS_DESCENT_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* So many directories are open at a time. */
enum { ROTAI_DESCENT_OPEN = 32 };

/* A directory on the way. */
struct rotai_level {
	DIR *stream; /* NULL: closed, to be opened again */
	dev_t device;
	ino_t inode;
	size_t end;    /* of its path, in the descent's path */
	uint64_t skip; /* entries to skip when it is opened again */

	/* For the one who removes: */
	uint8_t failed; /* something is left in it */
	uint8_t passes; /* how often it was read and was not empty then */
};

struct rotai_descent {
	int base;        /* the directory that the path begins at */
	char *path;      /* of the tree, and on to the current name */
	size_t capacity; /* bytes at path */
	size_t end;      /* of the path of the tree */
	struct rotai_level *levels;
	size_t depth; /* levels in use */
	size_t level_count;
	unsigned open;  /* streams */
	uint8_t follow; /* symbolic links */
	uint8_t mounts; /* enter what is mounted in the tree */
};

/* Set the tree, of which nothing is open yet. @path, which begins at the
 * directory @base, is copied, without slashes
 * at its end. @d is all zero, except for the last two members. Returns 0 or
 * ROTA_ENOMEM; @d must be ended in any case. */
int rotai_descent_begin(struct rotai_descent *d, int base, const char *path);

/* Close all and free all. */
void rotai_descent_end(struct rotai_descent *d);

/* The directory of the current name, for the ...at() calls, and the name there.
 * The directory is -1 if it is lost. */
int rotai_descent_directory(const struct rotai_descent *d);
const char *rotai_descent_name(const struct rotai_descent *d);

/* The path of the current name within the tree: "." is the tree. */
const char *rotai_descent_path(const struct rotai_descent *d);

/* What the current name is: 0 or an error. */
int rotai_descent_look(const struct rotai_descent *d, struct stat *status);

/* What the directory is that was entered last: 0 or an error. */
int rotai_descent_look_at_top(struct rotai_descent *d, struct stat *status);

/* Go into the directory of the current name. Returns 0; or ROTA_EXDEV, another
 * file system is mounted there; ROTA_ELOOP, it is a link or leads back to where
 * we are; or another error. */
int rotai_descent_enter(struct rotai_descent *d);

/* Go to the next entry of the directory. It counts as one to skip. Returns
 * NULL at the end, or with *@error set. */
const struct dirent *rotai_descent_next(struct rotai_descent *d, int *error);

/* Read the directory once more from its beginning. */
void rotai_descent_rewind(struct rotai_descent *d);

/* Store the directory that the present one is in, and its name there: 0 or an
 * error. */
int rotai_descent_parent(struct rotai_descent *d, int *directory,
			 const char **name);

/* Leave the directory: its path is the current one. */
void rotai_descent_leave(struct rotai_descent *d);

static inline struct rotai_level *rotai_descent_top(struct rotai_descent *d)
{
	return &d->levels[d->depth - 1];
}

#endif
