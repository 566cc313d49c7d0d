/*
 * fswatch/root.c - what is at the watched path itself.
 *
 *  1. When the kernel reports something about the watched file, or about names
 *     in the directory with the path, a thread looks at the path. The device
 *     and the inode show whether the same file is there. This also finds that a
 *     symbolic link on the way leads elsewhere.
 *  2. An inode may be used again at once. So a file of which the kernel has
 *     reported that it moved or ended counts as another one: root_is_lost.
 *  3. A file is bound after the look that found it. If it is replaced in
 *     between, the directory reports that, and a thread looks again.
 */
#include "fswatch/root.h"

#include "fswatch/change.h"
#include "fswatch/picture.h"
#include "fswatch/tell.h"

static int follows(const struct rotai_view *view)
{
	return (view->flags & ROTA_FSWATCH_FOLLOW) != 0;
}

static int is_nothing(int error)
{
	return error == ROTA_ENOENT || error == ROTA_ENOTDIR;
}

/* Add the root: 0, or ROTA_ENOMEM. */
static int add_root(struct rotai_view *view, int is_directory)
{
	view->root = rotai_picture_add(
		view, NULL, "", 0,
		is_directory ? (unsigned)ROTAI_ENTRY_DIRECTORY : 0);
	if (view->root == NULL)
		return ROTA_ENOMEM;
	if (is_directory &&
	    rotai_picture_open(view, view->root, ROTAI_BOUND_ROOT) < 0) {
		rotai_picture_remove(view, view->root);
		return ROTA_ENOMEM;
	}
	return 0;
}

static int bind_directory(struct rotai_view *view)
{
	int error = add_root(view, 1);

	if (error < 0)
		return error;
	error = view->notifier->bind(&view->root->directory->bound, view->path);
	if (error < 0)
		rotai_picture_remove(view, view->root);
	else
		rotai_view_scan(view, view->root->directory);
	return error;
}

static int bind_file(struct rotai_view *view)
{
	int error = view->notifier->bind(&view->self, view->path);

	if (error < 0)
		return error;
	error = add_root(view, 0);
	if (error < 0)
		view->notifier->unbind(&view->self);
	return error;
}

int rotai_root_begin(struct rotai_view *view)
{
	int error = 0;

	view->look_at_root = 1;
	if ((view->flags & ROTA_FSWATCH_POLL) != 0)
		return 0;
	if (follows(view))
		error = view->notifier->bind(&view->parent, view->parent_path);
	if (error < 0)
		return error;
	error = bind_directory(view);
	if (error == ROTA_ENOTDIR)
		error = bind_file(view);
	if (is_nothing(error) && follows(view))
		error = 0;
	if (error < 0 && view->parent.id >= 0)
		view->notifier->unbind(&view->parent);
	return error;
}

int rotai_root_forked(struct rotai_view *view)
{
	int error = 0;

	if (follows(view) && (view->flags & ROTA_FSWATCH_POLL) == 0)
		error = view->notifier->bind(&view->parent, view->parent_path);
	view->root_is_lost = 0;
	if (error == 0 && view->root != NULL && view->root->directory == NULL)
		error = view->notifier->bind(&view->self, view->path);
	return is_nothing(error) ? 0 : error;
}

/* Something is there that was not. (3) */
static void root_appears(struct rotai_view *view, const struct rotai_look *look,
			 int tells)
{
	int error = add_root(view, (int)look->is_directory);

	view->root_look = *look;
	if (error == 0 && !look->is_directory)
		error = view->notifier->bind(&view->self, view->path);
	if (error < 0 && !is_nothing(error)) {
		rotai_view_fail(view, error);
		return;
	}
	if (tells)
		rotai_tell(view, ROTA_FSWATCH_CREATED, view->root, 0);
	if (view->root->directory == NULL)
		return;
	view->root->directory->tells = (uint8_t)tells;
	rotai_view_scan(view, view->root->directory);
}

static void root_vanishes(struct rotai_view *view)
{
	if (view->self.id >= 0)
		view->notifier->unbind(&view->self);
	rotai_change_remove(view, view->root);
	view->root_is_lost = 0;
}

/* Whether the root of the picture is what was looked at. */
static int is_the_same(const struct rotai_view *view,
		       const struct rotai_look *look)
{
	int was_directory = (view->root->flags & ROTAI_ENTRY_DIRECTORY) != 0;

	if (view->root_is_lost || was_directory != (int)look->is_directory)
		return 0;
	return !view->root_is_known ||
	       rotai_look_is_same(&view->root_look, look);
}

static void root_remains(struct rotai_view *view, const struct rotai_look *look)
{
	int change = 0;

	if (view->root_is_known && view->notifier->looks)
		change = rotai_look_compare(&view->root_look, look);
	view->root_look = *look;
	if (change != 0)
		rotai_tell(view, (enum rota_fswatch_type)change, view->root, 0);
}

void rotai_root_looked(struct rotai_view *view, int error,
		       const struct rotai_look *look)
{
	int was_known = view->root_is_known;

	if (error < 0 && !is_nothing(error)) {
		rotai_view_fail(view, error);
		return;
	}
	if (error == 0 && view->root != NULL && is_the_same(view, look)) {
		root_remains(view, look);
		view->root_is_known = 1;
		return;
	}
	view->root_is_known = 1;
	if (!follows(view)) {
		if (view->root != NULL)
			rotai_view_is_gone(view);
		else if (error < 0)
			rotai_view_fail(view, error);
		else
			root_appears(view, look, 0);
		return;
	}
	if (view->root != NULL)
		root_vanishes(view);
	if (error == 0)
		root_appears(view, look,
			     was_known ||
				     (view->flags & ROTA_FSWATCH_POLL) == 0);
}

void rotai_root_lost(struct rotai_view *view)
{
	if (!follows(view)) {
		rotai_view_is_gone(view);
		return;
	}
	view->root_is_lost = 1;
	view->look_at_root = 1;
}
