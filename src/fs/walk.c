/*
 * fs/walk.c - see walk.h.
 *
 *  1. A step handles one name, and puts at most two entries into the batch: the
 *     entry itself, and one for the error of entering it. There is space for
 *     two, or the batch is complete. The text grows if a path does not fit.
 *  2. With ROTA_WALK_PRUNE a directory ends its batch. It is entered at the
 *     beginning of the next one, if `enters` is still set.
 *  3. The type comes from the directory, if it is there. Else, and for links
 *     that are followed, or for infos, each entry is looked up.
 */
#include "fs/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "rota/error.h"

enum { AT_MOST_IN_A_STEP = 2, FIRST_TEXT = 4096 };

static int text_make_room(struct rotai_walk *w, size_t size)
{
	size_t capacity = w->capacity == 0 ? FIRST_TEXT : w->capacity;
	char *text;

	if (size <= w->capacity)
		return 0;
	while (capacity < size)
		capacity *= 2;
	text = realloc(w->text, capacity);
	if (text == NULL)
		return ROTA_ENOMEM;
	w->text = text;
	w->capacity = capacity;
	return 0;
}

/* Put the current path into the batch. @status may be NULL. */
static int add_to_batch(struct rotai_walk *w, uint32_t type, size_t depth,
			int reason, const struct stat *status)
{
	const char *path = rotai_descent_path(&w->way);
	size_t size = strlen(path) + 1;
	struct rota_tree_entry *entry = &w->entries[w->count];
	int error = text_make_room(w, w->used + size);

	if (error < 0)
		return error;
	memcpy(w->text + w->used, path, size);
	w->used += size;
	*entry = (struct rota_tree_entry){
		.depth = depth,
		.type = type,
		.error = reason,
	};
	if (status != NULL && w->infos != NULL) {
		w->infos[w->count].size = sizeof(*w->infos);
		rotai_status_convert(status, &w->infos[w->count]);
		entry->info = &w->infos[w->count];
	}
	w->count++;
	return 0;
}

/* Turn the text into the paths of the entries. */
static void complete_batch(struct rotai_walk *w)
{
	const char *path = w->text;

	for (size_t i = 0; i < w->count; i++) {
		const char *slash = strrchr(path, '/');

		w->entries[i].path = path;
		w->entries[i].name = slash == NULL ? path : slash + 1;
		path += strlen(path) + 1;
	}
}

/* Whether a name that somebody has put there, or removed, since it was read is
 * the reason of @error: not worth a word. */
static int has_vanished(int error)
{
	return error == ROTA_ENOENT;
}

/* Go into the directory of the current name. */
static int enter_current(struct rotai_walk *w)
{
	size_t depth = w->way.depth;
	int error = rotai_descent_enter(&w->way);
	int is_link = error == ROTA_ENOTDIR ||
		      (error == ROTA_ELOOP && !w->way.follow);

	w->enters = 0;
	if (error == ROTA_ENOMEM)
		return error;
	/* With ROTA_WALK_POST this is the entry of the directory, too. */
	if (error < 0 && (w->flags & ROTA_WALK_POST) != 0) {
		struct stat status;
		int looked = rotai_descent_look(&w->way, &status);

		if (looked == 0 && add_to_batch(w, status.st_mode & S_IFMT,
						depth, 0, &status) < 0)
			return ROTA_ENOMEM;
	}
	if (error == 0 || error == ROTA_EXDEV || has_vanished(error) || is_link)
		return 0;
	return add_to_batch(w, S_IFDIR, depth, error, NULL);
}

/* Find out what the current name is, which a directory says is of @type. (3) */
static int look_at_current(struct rotai_walk *w, uint32_t *type,
			   struct stat *status, int *looked)
{
	int error = 0;

	*looked = *type == 0 || w->infos != NULL ||
		  (w->way.follow && *type == S_IFLNK);
	if (*looked)
		error = rotai_descent_look(&w->way, status);
	if (w->way.follow && (error == ROTA_ENOENT || error == ROTA_ELOOP)) {
		/* A link that leads nowhere. */
		w->way.follow = 0;
		error = rotai_descent_look(&w->way, status);
		w->way.follow = 1;
	}
	if (*looked && error == 0)
		*type = (uint32_t)(status->st_mode & S_IFMT);
	return error;
}

/* Handle the current name. */
static int visit_current(struct rotai_walk *w, uint32_t type)
{
	struct stat status;
	int looked;
	int error = look_at_current(w, &type, &status, &looked);
	int is_directory = type == S_IFDIR;

	if (has_vanished(error))
		return 0;
	if (error < 0)
		return add_to_batch(w, type, w->way.depth, error, NULL);
	if (!is_directory || (w->flags & ROTA_WALK_POST) == 0)
		error = add_to_batch(w, type, w->way.depth, 0,
				     looked ? &status : NULL);
	if (error < 0 || !is_directory)
		return error;
	if ((w->flags & ROTA_WALK_PRUNE) == 0)
		return enter_current(w);
	w->enters = 1; /* (2) */
	return 0;
}

/* Leave the directory that was read. */
static int leave_directory(struct rotai_walk *w)
{
	struct stat status;
	int has_status = w->infos != NULL &&
			 rotai_descent_look_at_top(&w->way, &status) == 0;

	rotai_descent_leave(&w->way);
	if ((w->flags & ROTA_WALK_POST) == 0)
		return 0;
	return add_to_batch(w, S_IFDIR, w->way.depth, 0,
			    has_status ? &status : NULL);
}

static int visit_next(struct rotai_walk *w)
{
	int error;
	const struct dirent *entry = rotai_descent_next(&w->way, &error);

	if (entry != NULL)
		return visit_current(w, (uint32_t)DTTOIF(entry->d_type));
	if (error == ROTA_ENOMEM)
		return error;
	if (error < 0 && !has_vanished(error) &&
	    add_to_batch(w, S_IFDIR, w->way.depth - 1, error, NULL) < 0)
		return ROTA_ENOMEM;
	return leave_directory(w);
}

/* Begin with the tree itself. If it is not there, the walk fails. */
static int visit_first(struct rotai_walk *w)
{
	struct stat status;
	int error = rotai_descent_look(&w->way, &status);

	w->begun = 1;
	if (error == ROTA_ENOENT && w->way.follow) {
		w->way.follow = 0;
		error = rotai_descent_look(&w->way, &status);
		w->way.follow = 1;
	}
	return error < 0 ? error : visit_current(w, 0);
}

static int is_complete(const struct rotai_walk *w)
{
	return w->count + AT_MOST_IN_A_STEP > ROTAI_WALK_ENTRIES ||
	       w->used >= ROTAI_WALK_TEXT || (w->enters && w->count > 0);
}

void rotai_walk_read(struct rotai_walk *w)
{
	int error = 0;

	w->count = 0;
	w->used = 0;
	if (w->enters)
		error = enter_current(w);
	else if (!w->begun)
		error = visit_first(w);
	while (error == 0 && w->way.depth > 0 && !is_complete(w))
		error = rota_work_canceled() ? ROTA_ECANCELED : visit_next(w);
	complete_batch(w);
	w->status = error < 0 ? error : w->way.depth > 0 || w->enters;
}

/* A slash at the end of a path means the directory, and not a link to it. */
static int begin_way(struct rotai_walk *w, int base, const char *path)
{
	size_t size = strlen(path);
	char *inside;
	int error;

	if (path[size - 1] != '/')
		return rotai_descent_begin(&w->way, base, path);
	inside = malloc(size + 2);
	if (inside == NULL)
		return ROTA_ENOMEM;
	memcpy(inside, path, size);
	memcpy(inside + size, ".", 2);
	error = rotai_descent_begin(&w->way, base, inside);
	free(inside);
	return error;
}

struct rotai_walk *rotai_walk_new(int base, const char *path, int flags)
{
	struct rotai_walk *w = calloc(1, sizeof(*w));
	int has_infos = (flags & ROTA_WALK_INFO) != 0;

	if (w == NULL)
		return NULL;
	w->flags = flags;
	w->way.follow = (flags & ROTA_WALK_FOLLOW) != 0;
	w->way.mounts = (flags & ROTA_WALK_MOUNTS) != 0;
	if (has_infos)
		w->infos = calloc(ROTAI_WALK_ENTRIES, sizeof(*w->infos));
	if ((has_infos && w->infos == NULL) || begin_way(w, base, path) < 0) {
		rotai_walk_free(w);
		return NULL;
	}
	return w;
}

void rotai_walk_free(struct rotai_walk *w)
{
	rotai_descent_end(&w->way);
	free(w->text);
	free(w->infos);
	free(w);
}
