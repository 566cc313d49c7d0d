/*
 * fs/descent.c - see descent.h.
 *
 *  1. The first level is the tree itself. Its name is the whole path that the
 *     caller gave, and its parent is the current directory of the process. The
 *     name of another level is a part of the path, between the end of the level
 *     above and its own.
 *  2. At most ROTAI_DESCENT_OPEN directories are open, and fewer if the process
 *     has no more descriptors: then the highest of them is closed. It is opened
 *     again on the way back, by ".." of the directory below, or, if that one
 *     was moved, by all names from the top. In both cases device and inode must
 *     be those of before, or the directory is lost.
 *  3. A directory that is opened again is read from its beginning. `skip` says
 *     how many entries were read before and are still there. If somebody has
 *     changed the directory meanwhile, an entry may be missed or found twice.
 *     Each time an entry is found twice the number grows, so that ends.
 *  4. The way may lead back to a directory in which we are, by a link that is
 *     followed, by a mount, or because directories are moved meanwhile. So each
 *     directory is compared with all on the way.
 */
#include "fs/descent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "base/storage.h"
#include "rota/error.h"

enum { FIRST_PATH = 512, FIRST_LEVELS = 16 };

static int path_make_room(struct rotai_descent *d, size_t size)
{
	size_t capacity = d->capacity == 0 ? FIRST_PATH : d->capacity;
	char *path;

	if (size <= d->capacity)
		return 0;
	while (capacity < size)
		capacity *= 2;
	path = realloc(d->path, capacity);
	if (path == NULL)
		return ROTA_ENOMEM;
	d->path = path;
	d->capacity = capacity;
	return 0;
}

int rotai_descent_begin(struct rotai_descent *d, int base, const char *path)
{
	size_t size = strlen(path);
	int error;

	while (size > 1 && path[size - 1] == '/')
		size--;
	error = path_make_room(d, size + 1);
	if (error < 0)
		return error;
	memcpy(d->path, path, size);
	d->path[size] = '\0';
	d->base = base;
	d->end = size;
	return 0;
}

static void close_level(struct rotai_descent *d, struct rotai_level *level)
{
	if (level->stream == NULL)
		return;
	closedir(level->stream);
	level->stream = NULL;
	d->open--;
}

void rotai_descent_end(struct rotai_descent *d)
{
	for (size_t i = 0; i < d->depth; i++)
		close_level(d, &d->levels[i]);
	free(d->levels);
	free(d->path);
	memset(d, 0, sizeof(*d));
}

/* Where the name of level @index begins: (1). */
static size_t name_start(const struct rotai_descent *d, size_t index)
{
	return index == 0 ? 0 : d->levels[index - 1].end + 1;
}

int rotai_descent_directory(const struct rotai_descent *d)
{
	DIR *stream;

	if (d->depth == 0)
		return d->base;
	stream = d->levels[d->depth - 1].stream;
	return stream == NULL ? -1 : dirfd(stream);
}

const char *rotai_descent_name(const struct rotai_descent *d)
{
	return d->path + name_start(d, d->depth);
}

const char *rotai_descent_path(const struct rotai_descent *d)
{
	return d->path[d->end] == '\0' ? "." : d->path + d->end + 1;
}

int rotai_descent_look(const struct rotai_descent *d, struct stat *status)
{
	int failed;

	do
		failed = fstatat(rotai_descent_directory(d),
				 rotai_descent_name(d), status,
				 d->follow ? 0 : AT_SYMLINK_NOFOLLOW);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

static int level_status(int fd, struct stat *status)
{
	int failed;

	do
		failed = fstat(fd, status);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int rotai_descent_look_at_top(struct rotai_descent *d, struct stat *status)
{
	const struct rotai_level *level = rotai_descent_top(d);

	return level->stream == NULL
		       ? ROTA_ENOENT
		       : level_status(dirfd(level->stream), status);
}

/* Close the highest open directory, but not the lowest level: 1, or 0 if there
 * is none. (2) */
static int close_one(struct rotai_descent *d)
{
	for (size_t i = 0; i + 1 < d->depth; i++)
		if (d->levels[i].stream != NULL) {
			close_level(d, &d->levels[i]);
			return 1;
		}
	return 0;
}

/* Open the current name: a descriptor or an error. */
static int open_name(struct rotai_descent *d)
{
	int mounts = d->mounts || d->depth == 0;
	int fd;

	while (d->open >= ROTAI_DESCENT_OPEN && close_one(d))
		;
	do
		fd = rotai_storage_enter(rotai_descent_directory(d),
					 rotai_descent_name(d), d->follow,
					 mounts);
	while ((fd == ROTA_EMFILE || fd == ROTA_ENFILE) && close_one(d));
	return fd;
}

/* Check that we may go into the directory with this status: 0 or an error. */
static int check_way(const struct rotai_descent *d, const struct stat *status)
{
	if (d->depth == 0)
		return 0;
	if (!d->mounts && status->st_dev != d->levels[d->depth - 1].device)
		return ROTA_EXDEV;
	for (size_t i = 0; i < d->depth; i++) /* (4) */
		if (d->levels[i].device == status->st_dev &&
		    d->levels[i].inode == status->st_ino)
			return ROTA_ELOOP;
	return 0;
}

static int add_level(struct rotai_descent *d)
{
	size_t count = d->level_count == 0 ? FIRST_LEVELS : d->level_count * 2;
	struct rotai_level *levels;

	if (d->depth < d->level_count)
		return 0;
	levels = realloc(d->levels, count * sizeof(*levels));
	if (levels == NULL)
		return ROTA_ENOMEM;
	d->levels = levels;
	d->level_count = count;
	return 0;
}

/* fdopendir(3): a stream that owns @fd; or NULL and the *@error. */
static DIR *stream_of(int fd, int *error)
{
	DIR *stream;

	do
		stream = fdopendir(fd);
	while (stream == NULL && errno == EINTR);
	*error = stream == NULL ? -errno : 0;
	return stream;
}

/* Put the directory @fd on the way. */
static int push_level(struct rotai_descent *d, int fd)
{
	struct rotai_level level = { .end = strlen(d->path) };
	struct stat status;
	int error = level_status(fd, &status);

	if (error == 0)
		error = check_way(d, &status);
	if (error == 0)
		error = add_level(d);
	if (error < 0)
		return error;
	level.device = status.st_dev;
	level.inode = status.st_ino;
	level.stream = stream_of(fd, &error);
	if (error < 0)
		return error;
	d->levels[d->depth++] = level;
	d->open++;
	return 0;
}

int rotai_descent_enter(struct rotai_descent *d)
{
	int fd = open_name(d);
	int error = fd < 0 ? fd : push_level(d, fd);

	if (error < 0 && fd >= 0)
		rotai_fd_close(fd);
	return error;
}

/* --- opening a directory again: (2) --- */

/* Follow the names from the top down to level @index: a descriptor or an
 * error. */
static int open_by_names(struct rotai_descent *d, size_t index)
{
	int at = d->base;

	for (size_t i = 0; i <= index; i++) {
		char *end = d->path + d->levels[i].end;
		char kept = *end;
		int fd;

		*end = '\0';
		fd = rotai_storage_enter(at, d->path + name_start(d, i),
					 d->follow, 1);
		*end = kept;
		if (i > 0)
			rotai_fd_close(at);
		if (fd < 0)
			return fd;
		at = fd;
	}
	return at;
}

/* Return @fd if it is the directory of @level. Else close it. */
static int recognize(int fd, const struct rotai_level *level)
{
	struct stat status;
	int error = fd < 0 ? fd : level_status(fd, &status);

	if (error == 0 &&
	    (status.st_dev != level->device || status.st_ino != level->inode))
		error = ROTA_ENOENT;
	if (error == 0)
		return fd;
	if (fd >= 0)
		rotai_fd_close(fd);
	return error;
}

/* (3) */
static int skip_entries(struct rotai_level *level)
{
	const struct dirent *entry;
	int more = 1;

	for (uint64_t left = level->skip; left > 0 && more > 0; left--)
		more = rotai_next_entry(level->stream, &entry);
	return more < 0 ? more : 0;
}

/* Open the directory of level @index, which may be closed. */
static int reopen(struct rotai_descent *d, size_t index)
{
	struct rotai_level *level = &d->levels[index];
	int fd = ROTA_ENOENT;
	int error;

	if (level->stream != NULL)
		return 0;
	if (index + 1 < d->depth && d->levels[index + 1].stream != NULL)
		fd = recognize(
			rotai_storage_enter(dirfd(d->levels[index + 1].stream),
					    "..", 0, 1),
			level);
	if (fd < 0)
		fd = recognize(open_by_names(d, index), level);
	if (fd < 0)
		return fd;
	level->stream = stream_of(fd, &error);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	d->open++;
	return skip_entries(level);
}

/* --- */

static int append_name(struct rotai_descent *d, const char *name)
{
	size_t end = rotai_descent_top(d)->end;
	size_t size = strlen(name) + 1;
	int error = path_make_room(d, end + 1 + size);

	if (error < 0)
		return error;
	/* The root directory ends with a slash already; two do no harm. */
	d->path[end] = '/';
	memcpy(d->path + end + 1, name, size);
	return 0;
}

const struct dirent *rotai_descent_next(struct rotai_descent *d, int *error)
{
	struct rotai_level *level = rotai_descent_top(d);
	const struct dirent *entry;
	int more;

	*error = reopen(d, d->depth - 1);
	if (*error == 0) {
		more = rotai_next_entry(level->stream, &entry);
		level->skip += more > 0;
		*error = more > 0 ? append_name(d, entry->d_name) : more;
		if (more > 0 && *error == 0)
			return entry;
	}
	d->path[level->end] = '\0';
	return NULL;
}

void rotai_descent_rewind(struct rotai_descent *d)
{
	struct rotai_level *level = rotai_descent_top(d);

	level->skip = 0;
	if (level->stream != NULL)
		rewinddir(level->stream);
}

int rotai_descent_parent(struct rotai_descent *d, int *directory,
			 const char **name)
{
	int error;

	*name = d->path + name_start(d, d->depth - 1);
	*directory = d->base;
	d->path[rotai_descent_top(d)->end] = '\0';
	if (d->depth == 1)
		return 0;
	error = reopen(d, d->depth - 2);
	if (error == 0)
		*directory = dirfd(d->levels[d->depth - 2].stream);
	return error;
}

void rotai_descent_leave(struct rotai_descent *d)
{
	struct rotai_level *level = rotai_descent_top(d);

	/* While this one is open, it leads to the one above. If not: (2). */
	if (d->depth > 1 && level->stream != NULL)
		(void)reopen(d, d->depth - 2);
	d->path[level->end] = '\0';
	close_level(d, level);
	d->depth--;
}
