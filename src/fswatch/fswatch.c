/*
 * fswatch/fswatch.c - watchers of files and directories, as handles of a loop.
 *
 *  1. What a started watcher has is in a view: view.h. It is made by the start,
 *     and freed by the stop, or before the call that reports its end.
 *  2. The notifier is inotify(7) where there is one, or kqueue(2); without
 *     either, and if the program wants it, contents and names are found by
 *     looks alone. A loop with the poller "kqueue" uses kqueue in any case,
 *     which is how the tests test it on Linux.
 *  3. When a forked child has rebuilt its loop, everything is bound and listed
 *     again, as after an overflow. The picture shows what the program has been
 *     told before the fork, so only the differences are told.
 */
#include "rota/fswatch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sized.h"
#include "fswatch/call.h"
#include "fswatch/change.h"
#include "fswatch/hints.h"
#include "fswatch/job.h"
#include "fswatch/notices.h"
#include "fswatch/release.h"
#include "fswatch/root.h"
#include "fswatch/step.h"
#include "loop/enter.h"
#include "loop/handle.h"

enum {
	LEAST_WATCH_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_fswatch_options, events),
	WATCH_FLAGS = (ROTA_FSWATCH_POLL << 1) - 1,
	WATCH_EVENTS = ROTA_FSWATCH_READY - 1,
	USUAL_EVENTS = WATCH_EVENTS & ~ROTA_FSWATCH_CLOSED,
};

ROTAI_SIZED(struct rota_fswatch_options, events);

static const uint64_t USUAL_LOOKS_NS = ROTA_SEC(1);
static const uint64_t LEAST_LOOKS_NS = ROTA_MSEC(1);

static int polling_join(struct rotai_view *view)
{
	(void)view;
	return 0;
}

static void polling_leave(struct rotai_view *view)
{
	(void)view;
}

static int polling_bind(struct rotai_bound *bound, const char *path)
{
	(void)bound;
	(void)path;
	return 0;
}

static void polling_unbind(struct rotai_bound *bound)
{
	(void)bound;
}

static uint64_t polling_fence(struct rotai_view *view)
{
	(void)view;
	return 0;
}

static const struct rotai_notifier looks_alone = {
	.looks = 1,
	.join = polling_join,
	.leave = polling_leave,
	.bind = polling_bind,
	.unbind = polling_unbind,
	.fence = polling_fence,
};

static struct rotai_views *views_of_extension(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_views, extension);
}

static void stop_view(struct rota_fswatch *watcher)
{
	struct rotai_view *view = watcher->internal.view;

	if (view == NULL)
		return;
	watcher->internal.view = NULL;
	rotai_view_release(view);
	rotai_view_free(view);
	rotai_handle_set_active(&watcher->handle, 0);
}

static void stop_fswatch(struct rota_handle *handle)
{
	stop_view(rota_container_of(handle, struct rota_fswatch, handle));
}

static int fswatch_fd(const struct rota_handle *handle)
{
	(void)handle;
	return -1;
}

static const struct rotai_handle_class fswatch_class = {
	.type = rotai_fswatch_type,
	.stop = stop_fswatch,
	.fd = fswatch_fd,
};

/* (3) */
static void view_forked(struct rotai_view *view, int error)
{
	if (view->is_released)
		return;
	if (view->job != NULL)
		rotai_job_forked(view->job);
	view->job = NULL;
	if (!rotai_view_is_over(view)) {
		rotai_change_lost(view);
		if (error == 0)
			error = rotai_root_forked(view);
		if (error < 0)
			rotai_view_fail(view, error);
	}
	rotai_view_step(view);
}

static void views_forked(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	struct rotai_views *views = views_of_extension(extension);
	int notices_error = rotai_notices_forked(views);
	int hints_error = rotai_hints_forked(views);
	struct rota_link *at;

	while (!rotai_list_is_empty(&views->orphans)) {
		struct rotai_job *job = rota_container_of(
			views->orphans.next, struct rotai_job, orphan);

		rotai_job_adopt(job);
		rotai_job_free(job);
	}
	for (at = views->all.next; at != &views->all; at = at->next) {
		struct rotai_view *view =
			rota_container_of(at, struct rotai_view, in_loop);

		view_forked(view, view->notifier == &rotai_notices
					  ? notices_error
				  : view->notifier == &rotai_hints ? hints_error
								   : 0);
	}
	rotai_extension_call_pending(loop, extension);
}

static void free_views(struct rotai_extension *extension,
		       struct rota_loop *loop)
{
	rotai_memory_free(&loop->allocator, views_of_extension(extension),
			  sizeof(struct rotai_views));
}

/* What @loop keeps, made if it is the first time; or NULL. */
static struct rotai_views *prepare_views(struct rota_loop *loop)
{
	struct rotai_extension *extension =
		rotai_extension_get(loop, ROTAI_EXTENSION_FSWATCH);
	struct rotai_views *views;

	if (extension != NULL)
		return views_of_extension(extension);
	views = rotai_memory_new(&loop->allocator, sizeof(*views));
	if (views == NULL)
		return NULL;
	*views = (struct rotai_views){
		.extension = { .free = free_views,
			       .take = rotai_views_take,
			       .pending = rotai_views_pending,
			       .forked = views_forked },
		.loop = loop,
		.turn = UINT64_MAX,
	};
	rotai_list_init(&views->all);
	rotai_list_init(&views->due);
	rotai_list_init(&views->touched);
	rotai_list_init(&views->orphans);
	rotai_extension_set(loop, ROTAI_EXTENSION_FSWATCH, &views->extension);
	return views;
}

int rota_fswatch_init(struct rota_fswatch *watcher, struct rota_loop *loop)
{
	ROTAI_ENTER("fswatch", watcher, loop);
	ROTAI_LIVE_CHECK_INIT(&watcher->handle.internal.open);
	int error = rotai_loop_admits(loop);

	if (error == 0 && prepare_views(loop) == NULL)
		error = ROTA_ENOMEM;
	if (error == 0)
		error = rotai_item_prepare(loop);
	if (error < 0)
		return error;
	watcher->internal.fn = NULL;
	watcher->internal.view = NULL;
	rotai_handle_open(&watcher->handle, loop, &fswatch_class);
	return 0;
}

static int check_watch(const struct rota_fswatch *watcher, rota_fswatch_fn *fn,
		       const char *path,
		       const struct rota_fswatch_options *options)
{
	int error = rotai_handle_usable(&watcher->handle);

	if (error < 0)
		return error;
	if (fn == NULL || path == NULL || *path == '\0')
		return ROTA_EINVAL;
	if (options != NULL &&
	    (options->size < LEAST_WATCH_OPTIONS ||
	     (options->flags & ~(unsigned)WATCH_FLAGS) != 0 ||
	     (options->events & ~(unsigned)WATCH_EVENTS) != 0))
		return ROTA_EINVAL;
	return watcher->internal.view != NULL ? ROTA_EALREADY : 0;
}

/* Join the two as a path, without slashes at the end: or NULL. */
static char *join_path(const char *directory, const char *path)
{
	size_t before = strlen(directory);
	size_t length = strlen(path);
	char *joined = malloc(before + 1 + length + 1);

	if (joined == NULL)
		return NULL;
	memcpy(joined, directory, before);
	joined[before] = '/';
	memcpy(joined + before + 1, path, length + 1);
	length += before + 1;
	while (length > 1 && joined[length - 1] == '/')
		joined[--length] = '\0';
	return joined;
}

/* Set the paths: 0 or an error. */
static int set_paths(struct rotai_view *view, const char *path)
{
	char directory[PATH_MAX] = "";
	size_t length;

	if (strlen(path) >= PATH_MAX)
		return ROTA_ENAMETOOLONG;
	if (*path == '/')
		path++;
	else if (getcwd(directory, sizeof(directory)) == NULL)
		return errno == ERANGE ? ROTA_ENAMETOOLONG : -errno;
	if (strcmp(directory, "/") == 0)
		directory[0] = '\0';
	view->path = join_path(directory, path);
	if (view->path == NULL)
		return ROTA_ENOMEM;
	length = (size_t)(strrchr(view->path, '/') - view->path);
	if (length == 0)
		length = 1;
	view->parent_path = calloc(1, length + 1);
	if (view->parent_path == NULL)
		return ROTA_ENOMEM;
	memcpy(view->parent_path, view->path, length);
	return 0;
}

static void set_options(struct rotai_view *view,
			const struct rota_fswatch_options *options)
{
	static const struct rota_fswatch_options usual;

	if (options == NULL)
		options = &usual;
	view->filter = options->filter;
	view->flags = options->flags;
	view->events = options->events != 0 ? options->events : USUAL_EVENTS;
	view->interval_ns = options->interval_ns != 0 ? options->interval_ns
						      : USUAL_LOOKS_NS;
	if (view->interval_ns < LEAST_LOOKS_NS)
		view->interval_ns = LEAST_LOOKS_NS;
}

static void init_bound(struct rotai_view *view, struct rotai_bound *bound,
		       enum rotai_bound_kind kind)
{
	bound->view = view;
	bound->kind = (uint8_t)kind;
	bound->id = -1;
}

/* Choose a notifier, and join it: 0 or an error. (2) */
static int join_notifier(struct rotai_view *view)
{
	const struct rota_loop *loop = rotai_view_loop(view);
	int error = ROTA_ENOTSUP;

	view->notifier = &rotai_notices;
	if (strcmp(loop->ops->name, "kqueue") == 0)
		view->notifier = &rotai_hints;
	if ((view->flags & ROTA_FSWATCH_POLL) == 0)
		error = view->notifier->join(view);
	if (error == ROTA_ENOTSUP && (view->flags & ROTA_FSWATCH_POLL) == 0) {
		view->notifier = &rotai_hints;
		error = view->notifier->join(view);
	}
	if (error != ROTA_ENOTSUP)
		return error;
	view->flags |= ROTA_FSWATCH_POLL;
	view->notifier = &looks_alone;
	return 0;
}

static void discard_view(struct rotai_view *view)
{
	free(view->path);
	free(view->parent_path);
	free(view);
}

/* Make the view of @watcher, and begin to watch: 0 or an error. */
static int make_view(struct rotai_view **made, struct rota_fswatch *watcher,
		     const char *path,
		     const struct rota_fswatch_options *options)
{
	struct rota_loop *loop = watcher->handle.internal.loop;
	struct rotai_view *view = calloc(1, sizeof(*view));
	int error;

	if (view == NULL)
		return ROTA_ENOMEM;
	view->watcher = watcher;
	view->views = prepare_views(loop);
	view->later = ROTAI_TELL_READY;
	rotai_list_init(&view->directories);
	rotai_list_init(&view->to_scan);
	rota_timer_init(&view->timer, loop);
	init_bound(view, &view->self, ROTAI_BOUND_FILE);
	init_bound(view, &view->parent, ROTAI_BOUND_PARENT);
	set_options(view, options);
	error = set_paths(view, path);
	if (error == 0)
		error = join_notifier(view);
	if (error < 0) {
		discard_view(view);
		return error;
	}
	error = rotai_root_begin(view);
	if (error < 0) {
		rotai_view_release(view);
		discard_view(view);
		return error;
	}
	*made = view;
	return 0;
}

int rota_fswatch_start(struct rota_fswatch *watcher, rota_fswatch_fn *fn,
		       const char *path,
		       const struct rota_fswatch_options *options)
{
	ROTAI_ENTER_HANDLE(&watcher->handle);
	struct rotai_view *view;
	int error = check_watch(watcher, fn, path, options);

	if (error == 0)
		error = make_view(&view, watcher, path, options);
	if (error < 0)
		return error;
	rotai_list_append(&view->views->all, &view->in_loop);
	watcher->internal.fn = fn;
	watcher->internal.view = view;
	rotai_handle_set_active(&watcher->handle, 1);
	rotai_view_step(view);
	if (rotai_link_is_linked(&view->due))
		rotai_extension_call_pending(rotai_view_loop(view),
					     &view->views->extension);
	return 0;
}

void rota_fswatch_stop(struct rota_fswatch *watcher)
{
	ROTAI_ENTER_HANDLE(&watcher->handle);
	if (rotai_handle_reachable(&watcher->handle) == 0)
		stop_view(watcher);
}

const char *rota_fswatch_path(const struct rota_fswatch *watcher)
{
	ROTAI_ENTER_HANDLE(&watcher->handle);
	return watcher->internal.view != NULL ? watcher->internal.view->path
					      : NULL;
}
