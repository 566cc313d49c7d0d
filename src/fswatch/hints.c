/*
 * fswatch/hints.c - kqueue(2), as a notifier.
 *
 *  1. The kernel reports that a directory has changed, but not how. So an event
 *     is a hint to list that directory now, and a listing at the interval finds
 *     what has changed in the contents of files.
 *  2. All watchers of a loop share one kqueue. Each directory, and a watched
 *     file, takes a descriptor.
 *  3. A forked child does not inherit a kqueue. It inherits the descriptors of
 *     the directories, and closes them.
 */
#include "fswatch/hints.h"

#include <stdlib.h>

#include "base/fd.h"
#include "base/vnode.h"
#include "fswatch/call.h"
#include "fswatch/step.h"
#include "loop/watch.h"

enum { HINTS_PER_EVENT = 64 };

struct rotai_hints {
	struct rotai_views *views;
	size_t users;
	struct rota_link bounds;
	struct rota_watch watch; /* of the kqueue */
	int fd;
};

static void hints_unbind(struct rotai_bound *bound)
{
	rotai_list_remove(&bound->link);
	rotai_fd_close(bound->id);
	bound->id = -1;
}

static int hints_bind(struct rotai_bound *bound, const char *path)
{
	struct rotai_hints *hints = bound->view->views->hints;
	unsigned allowed = 0;
	int fd;

	if (bound->id >= 0)
		return 0;
	if (bound->kind != ROTAI_BOUND_DIRECTORY)
		allowed |= ROTAI_VNODE_LINK;
	if (bound->kind == ROTAI_BOUND_FILE)
		allowed |= ROTAI_VNODE_FILE;
	fd = rotai_vnode_add(hints->fd, path, allowed, bound);
	if (fd < 0)
		return fd;
	bound->id = fd;
	rotai_list_append(&hints->bounds, &bound->link);
	return 0;
}

static uint64_t hints_fence(struct rotai_view *view)
{
	(void)view;
	return 0;
}

/* (1) */
static void take_hint(struct rotai_bound *bound)
{
	struct rotai_view *view = bound->view;

	if (rotai_view_is_over(view))
		return;
	if (bound->directory != NULL)
		rotai_view_scan(view, bound->directory);
	if (bound->kind != ROTAI_BOUND_DIRECTORY)
		view->look_at_root = 1;
	rotai_view_touch(view);
}

static void on_hints(struct rota_watch *watch, unsigned events)
{
	struct rotai_hints *hints =
		rota_container_of(watch, struct rotai_hints, watch);
	struct rotai_views *views = hints->views;
	struct rota_loop *loop = views->loop;
	void *bounds[HINTS_PER_EVENT];
	int count;

	(void)events;
	if (rotai_loop_inherited(loop) < 0)
		return; /* (3) */
	count = rotai_vnode_take(hints->fd, bounds, HINTS_PER_EVENT);
	for (int i = 0; i < count; i++)
		take_hint(bounds[i]);
	rotai_views_step(views);
	rotai_views_call(loop);
}

static int open_hints(struct rotai_hints *hints)
{
	int fd = rotai_vnode_open();
	int error;

	if (fd < 0)
		return fd;
	rotai_watch_init_own(&hints->watch, hints->views->loop, fd, 0);
	error = rota_watch_start(&hints->watch, on_hints, ROTA_READABLE);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	hints->fd = fd;
	return 0;
}

static int hints_join(struct rotai_view *view)
{
	struct rotai_hints *hints = view->views->hints;
	int error;

	if (hints != NULL) {
		hints->users++;
		return 0;
	}
	hints = calloc(1, sizeof(*hints));
	if (hints == NULL)
		return ROTA_ENOMEM;
	hints->views = view->views;
	hints->users = 1;
	rotai_list_init(&hints->bounds);
	error = open_hints(hints);
	if (error < 0) {
		free(hints);
		return error;
	}
	view->views->hints = hints;
	return 0;
}

static void hints_leave(struct rotai_view *view)
{
	struct rotai_hints *hints = view->views->hints;

	if (--hints->users > 0)
		return;
	view->views->hints = NULL;
	if (hints->fd >= 0)
		rotai_watch_close(&hints->watch);
	free(hints);
}

int rotai_hints_forked(struct rotai_views *views)
{
	struct rotai_hints *hints = views->hints;

	if (hints == NULL)
		return 0;
	while (!rotai_list_is_empty(&hints->bounds)) /* (3) */
		hints_unbind(rota_container_of(hints->bounds.next,
					       struct rotai_bound, link));
	rota_watch_stop(&hints->watch);
	hints->fd = -1;
	return open_hints(hints);
}

const struct rotai_notifier rotai_hints = {
	.looks = 1,
	.join = hints_join,
	.leave = hints_leave,
	.bind = hints_bind,
	.unbind = hints_unbind,
	.fence = hints_fence,
};
