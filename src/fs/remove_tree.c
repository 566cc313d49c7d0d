/*
 * fs/remove_tree.c - removing a tree in one trip to the pool.
 *
 *  1. The arguments are in fs->internal: the path, the flags in `flags`, and
 *     the memory for the path that failed in `target` and `limit`.
 *  2. Nothing is removed by a path: each name is removed in its directory,
 *     which was opened without following a link. If somebody puts a link in the
 *     place of a directory, the link is removed.
 *  3. A directory is removed when its end was read. If it is not empty then,
 *     because somebody makes new files, or because the file system skips
 *     entries while others are removed, it is read again: at most MOST_PASSES
 *     times. If something in it could not be removed, it stays, and so do those
 *     above it. That is no further error.
 *  4. What vanishes meanwhile is removed: no error.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/descent.h"
#include "fs/operation.h"
#include "rota/error.h"
#include "rota/fs_tree.h"

enum {
	ALL_REMOVE_FLAGS =
		ROTA_REMOVE_STOP | ROTA_REMOVE_MOUNTS | ROTA_REMOVE_MISSING,
	MOST_PASSES = 16,
};

struct removal {
	struct rotai_descent way;
	int flags;
	int stopped;
	int error;    /* the first one */
	char *failed; /* its path */
	size_t failed_size;
	int64_t removed;
};

/* Something at the current path could not be removed. The end of a long path
 * says more than its beginning. */
static void note_left(struct removal *r, int error)
{
	const char *path = r->way.path;
	size_t size = strlen(path) + 1;

	if (r->way.depth > 0)
		rotai_descent_top(&r->way)->failed = 1;
	if (r->error < 0)
		return;
	r->error = error;
	r->stopped = (r->flags & ROTA_REMOVE_STOP) != 0;
	if (r->failed_size == 0)
		return;
	if (size > r->failed_size) {
		path += size - r->failed_size;
		size = r->failed_size;
	}
	memcpy(r->failed, path, size);
}

static void note_removed(struct removal *r)
{
	r->removed++;
	if (r->way.depth > 0)
		rotai_descent_top(&r->way)->skip--;
}

/* unlinkat(2): 0 or an error. */
static int unlink_at(int directory, const char *name, int flags)
{
	int failed;

	do
		failed = unlinkat(directory, name, flags);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

/* Remove the current name with these flags of unlinkat(2). */
static int remove_name(struct removal *r, int flags)
{
	int error = unlink_at(rotai_descent_directory(&r->way),
			      rotai_descent_name(&r->way), flags);

	if (error == 0)
		note_removed(r);
	return error;
}

static int is_directory(struct removal *r)
{
	struct stat status;

	return rotai_descent_look(&r->way, &status) == 0 &&
	       S_ISDIR(status.st_mode);
}

/* The current name was refused as a directory with @error: it is a file or a
 * link (2), or a directory in which we are, which a mount leads back to. */
static int remove_other(struct removal *r, int error)
{
	int other = remove_name(r, 0);

	if (error == ROTA_ELOOP &&
	    (other == ROTA_EISDIR || other == ROTA_EPERM) && is_directory(r))
		return ROTA_ELOOP;
	return other;
}

/* Go into the directory of the current name. If that is impossible, it may be
 * empty, or something else by now. */
static int remove_directory(struct removal *r)
{
	int error = rotai_descent_enter(&r->way);

	if (error == ROTA_ENOTDIR || error == ROTA_ELOOP)
		return remove_other(r, error);
	if (error == ROTA_EACCES && remove_name(r, AT_REMOVEDIR) == 0)
		return 0;
	return error;
}

/* Remove what the current name is: a file, or the content of a directory
 * first. */
static void remove_current(struct removal *r, int may_be_directory)
{
	int error;

	/* What is no directory is not opened: the flag O_DIRECTORY. */
	error = may_be_directory ? remove_directory(r) : remove_name(r, 0);
	/* Linux has EISDIR for a directory, and POSIX EPERM. */
	if ((error == ROTA_EISDIR || error == ROTA_EPERM) && is_directory(r))
		error = remove_directory(r);
	if (error < 0 && error != ROTA_ENOENT) /* (4) */
		note_left(r, error);
}

/* Whether to read a directory again that is not empty. (3) */
static int once_more(struct removal *r, int error)
{
	struct rotai_level *level = rotai_descent_top(&r->way);

	if ((error != ROTA_ENOTEMPTY && error != ROTA_EEXIST) ||
	    level->passes == MOST_PASSES)
		return 0;
	level->passes++;
	rotai_descent_rewind(&r->way);
	return 1;
}

/* Everything in the directory was read. */
static void finish_directory(struct removal *r)
{
	int left = rotai_descent_top(&r->way)->failed;
	const char *name;
	int parent;
	int error = 0;

	if (!left) {
		error = rotai_descent_parent(&r->way, &parent, &name);
		if (error == 0)
			error = unlink_at(parent, name, AT_REMOVEDIR);
		if (once_more(r, error))
			return;
	}
	rotai_descent_leave(&r->way);
	if (left && r->way.depth > 0)
		rotai_descent_top(&r->way)->failed = 1;
	else if (!left && error == 0)
		note_removed(r);
	else if (error == ROTA_ENOTDIR)
		remove_current(r, 1); /* (2) */
	else if (error < 0 && error != ROTA_ENOENT)
		note_left(r, error);
}

static void remove_next(struct removal *r)
{
	int error;
	const struct dirent *entry = rotai_descent_next(&r->way, &error);

	if (error < 0)
		note_left(r, error);
	if (entry == NULL)
		finish_directory(r);
	else
		remove_current(r, entry->d_type == DT_DIR ||
					  entry->d_type == DT_UNKNOWN);
}

static int remove_all(struct removal *r)
{
	struct stat status;
	int error = rotai_descent_look(&r->way, &status);

	if (error == ROTA_ENOENT && (r->flags & ROTA_REMOVE_MISSING) != 0)
		return 0;
	if (error < 0)
		note_left(r, error);
	else
		remove_current(r, 1);
	while (r->way.depth > 0 && !r->stopped) {
		if (rota_work_canceled())
			return ROTA_ECANCELED;
		remove_next(r);
	}
	return r->error;
}

static void run_remove_tree(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);
	struct removal r = {
		.flags = fs->internal.flags,
		.failed = fs->internal.target,
		.failed_size = fs->internal.limit,
	};
	int error;

	r.way.mounts = (r.flags & ROTA_REMOVE_MOUNTS) != 0;
	if (r.failed_size > 0)
		*r.failed = '\0';
	error = rotai_descent_begin(&r.way, fs->internal.directory,
				    fs->internal.path);
	if (error == 0)
		error = remove_all(&r);
	rotai_descent_end(&r.way);
	fs->internal.result = error < 0 ? error : r.removed;
}

static const struct rotai_fs_operation remove_tree_operation = {
	.class_ = ROTAI_FS_CLASS("fs_remove_tree"),
	.run = run_remove_tree,
};

/* Whether the last name of @path is one that must not be removed. */
static int ends_badly(const char *path)
{
	size_t end = strlen(path);
	size_t start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	return end == start || (end - start == 1 && path[start] == '.') ||
	       (end - start == 2 && strncmp(path + start, "..", 2) == 0);
}

int rota_fs_remove_tree(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
			int flags, struct rota_buf failed)
{
	ROTAI_ENTER_FS(fs);
	int error = rotai_fs_usable(fs, fn);

	if (error < 0)
		return error;
	if (path == NULL || (flags & ~ALL_REMOVE_FLAGS) != 0 ||
	    ends_badly(path) || (failed.data == NULL && failed.size > 0))
		return ROTA_EINVAL;
	error = rotai_fs_take_paths(fs, path, NULL); /* (1) */
	if (error < 0)
		return error;
	fs->internal.target = failed.data;
	fs->internal.limit = failed.size;
	fs->internal.flags = flags;
	rotai_fs_begin(fs, fn, &remove_tree_operation);
	return 0;
}
