/*
 * fs/place.h - a place for a file: an open directory, and a name in it. What is
 * done there by the ...at() calls is done in this directory, whatever happens
 * to the path meanwhile. Errors are negative codes.
 */
#ifndef ROTAI_FS_PLACE_H
#define ROTAI_FS_PLACE_H

#include <sys/stat.h>

struct rotai_place {
	int directory;
	int opened;       /* the directory, by this place */
	int searched;     /* the directory is not readable, so not synced */
	const char *name; /* in text */
	char *text;       /* allocated */
};

/* Find the place to which @path leads, which begins at the directory @base. If
 * @follow is not 0 and there is a symbolic link, this is the place to which the
 * link leads, whether or not there is a file. Returns 0 or an error. */
int rotai_place_find(struct rotai_place *place, int base, const char *path,
		     int follow);

/* Close the directory, and free the name. */
void rotai_place_end(struct rotai_place *place);

/* What is at the place, without following a link: 0 or an error. */
int rotai_place_look(const struct rotai_place *place, struct stat *status);

/* openat(2) with O_CLOEXEC and O_NOFOLLOW: a descriptor or an error. */
int rotai_place_open(const struct rotai_place *place, int flags, unsigned mode);

/* Remove the file @name in @directory: 0 or an error. */
int rotai_name_remove(int directory, const char *name);

/* Remove what is at the place, if it is the file of @fd. */
void rotai_place_remove(const struct rotai_place *place, int fd);

/* Give the file @from in the directory the name of the place, unless there is
 * one already: ROTA_EEXIST. Returns 0 or an error, which is ROTA_EOPNOTSUPP if
 * the system or the file system cannot do it. */
int rotai_place_rename_new(const struct rotai_place *place, const char *from);

/* Wait until the content of @fd is on the disk: 0 or an error. */
int rotai_place_sync_file(int fd);

/* Wait until the directory is on the disk: 0 or an error. */
int rotai_place_sync(const struct rotai_place *place);

#endif
