/*
 * fs/place.c - see place.h.
 *
 *  1. A path is followed link by link: the directory of a link is opened, and
 *     the content of the link is a path that begins there. At most 40 links
 *     follow each other, as for the kernel itself.
 */
#include "fs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "base/storage.h"
#include "rota/error.h"

enum { MOST_LINKS = 40 };

static int open_at(int directory, const char *name, int flags, unsigned mode)
{
	int fd;

	do
		fd = openat(directory, name, flags | O_CLOEXEC, (mode_t)mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static void close_directory(struct rotai_place *place)
{
	if (place->opened)
		rotai_fd_close(place->directory);
	place->opened = 0;
}

/* Go on to the directory @name, which begins at the present one. */
static int change_directory(struct rotai_place *place, const char *name)
{
	int searched = 0;
	int fd = open_at(place->directory, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd == ROTA_EACCES) {
		fd = rotai_storage_search(place->directory, name);
		searched = 1;
	}
	if (fd < 0)
		return fd;
	close_directory(place);
	place->directory = fd;
	place->opened = 1;
	place->searched = searched;
	return 0;
}

/* Take the path in place->text apart. */
static int split_path(struct rotai_place *place)
{
	char *text = place->text;
	char *slash = strrchr(text, '/');
	int error = 0;

	if (slash == NULL) {
		place->name = text;
		if (!place->opened)
			error = change_directory(place, ".");
	} else if (slash == text) {
		place->name = text + 1;
		error = change_directory(place, "/");
	} else {
		place->name = slash + 1;
		*slash = '\0';
		error = change_directory(place, text);
	}
	if (error < 0)
		return error;
	if (*text == '\0' && slash == NULL)
		return ROTA_ENOENT;
	if (*place->name == '\0' || strcmp(place->name, ".") == 0 ||
	    strcmp(place->name, "..") == 0)
		return ROTA_EISDIR;
	return 0;
}

/* Replace the text by the content of the link there: 1. If there is none,
 * return 0; or an error. (1) */
static int read_link(struct rotai_place *place)
{
	char *text = malloc(PATH_MAX);
	ssize_t n;
	int error;

	if (text == NULL)
		return ROTA_ENOMEM;
	do
		n = readlinkat(place->directory, place->name, text, PATH_MAX);
	while (n < 0 && errno == EINTR);
	if (n > 0 && n < PATH_MAX) {
		text[n] = '\0';
		free(place->text);
		place->text = text;
		return 1;
	}
	error = n < 0 ? -errno : ROTA_ENAMETOOLONG;
	free(text);
	return error == ROTA_EINVAL || error == ROTA_ENOENT ? 0 : error;
}

static int follow_links(struct rotai_place *place, int follow)
{
	for (int i = 0; i <= MOST_LINKS; i++) {
		int found = split_path(place);

		if (found == 0 && follow)
			found = read_link(place);
		if (found <= 0)
			return found;
	}
	return ROTA_ELOOP;
}

int rotai_place_find(struct rotai_place *place, int base, const char *path,
		     int follow)
{
	int error;

	place->directory = base;
	place->opened = 0;
	place->text = strdup(path);
	if (place->text == NULL)
		return ROTA_ENOMEM;
	error = follow_links(place, follow);
	if (error < 0)
		rotai_place_end(place);
	return error;
}

void rotai_place_end(struct rotai_place *place)
{
	close_directory(place);
	free(place->text);
	place->text = NULL;
}

int rotai_place_look(const struct rotai_place *place, struct stat *status)
{
	int failed;

	do
		failed = fstatat(place->directory, place->name, status,
				 AT_SYMLINK_NOFOLLOW);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int rotai_place_open(const struct rotai_place *place, int flags, unsigned mode)
{
	return open_at(place->directory, place->name, flags | O_NOFOLLOW, mode);
}

int rotai_name_remove(int directory, const char *name)
{
	int failed;

	do
		failed = unlinkat(directory, name, 0);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

void rotai_place_remove(const struct rotai_place *place, int fd)
{
	struct stat there, ours;
	int failed;

	do
		failed = fstat(fd, &ours);
	while (failed && errno == EINTR);
	if (!failed && rotai_place_look(place, &there) == 0 &&
	    there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
		(void)rotai_name_remove(place->directory, place->name);
}

int rotai_place_rename_new(const struct rotai_place *place, const char *from)
{
	int error;

	do
		error = rotai_rename_with(place->directory, from, place->name,
					  ROTA_FS_RENAME_NO_REPLACE);
	while (error == ROTA_EINTR);
	return error == ROTA_ENOTSUP || error == ROTA_EINVAL ? ROTA_EOPNOTSUPP
							     : error;
}

int rotai_place_sync_file(int fd)
{
	int error;

	do
		error = rotai_sync_file(fd, 0);
	while (error == ROTA_EINTR);
	return error;
}

int rotai_place_sync(const struct rotai_place *place)
{
	int error;

	if (place->searched)
		return ROTA_EACCES;
	error = rotai_place_sync_file(place->directory);
	/* Some file systems cannot do that for a directory. */
	return error == ROTA_EINVAL || error == ROTA_EOPNOTSUPP ? 0 : error;
}
