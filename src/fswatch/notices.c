/*
 * fswatch/notices.c - inotify(7), as a notifier.
 *
 *  1. All watchers of a loop share one descriptor, which is made with the first
 *     and closed with the last: a user may have only 128 of them (the default
 *     of fs.inotify.max_user_instances).
 *  2. The kernel gives a file one number, however often it is added, and the
 *     masks add up. So a number has a list of what is bound to it, and a notice
 *     goes to all of them. It is removed with the last one.
 *  3. A rename within the tree is two notices, one after the other. If the
 *     second is not in the buffer yet, the first and all that follows it are
 *     held for a moment. Then it counts as a move out of the tree.
 *  4. The position of a notice is the number of bytes before it, so it can be
 *     compared with what was left to read at some time: change.c (3).
 *  5. If much is to be told already, nothing more is read, so memory is
 *     bounded. In the end the kernel's queue overflows, and says so.
 *  6. A forked child shares the open file with its parent. So it must neither
 *     read it nor remove a number. The rebuilt loop closes its descriptor and
 *     makes another.
 */
#include "fswatch/notices.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/inotify.h"
#include "fswatch/call.h"
#include "fswatch/change.h"
#include "fswatch/numbers.h"
#include "fswatch/root.h"
#include "fswatch/step.h"
#include "fswatch/tell.h"
#include "loop/timer.h"
#include "loop/watch.h"

enum {
	NOTICE_BYTES = 32 * 1024, /* more than one notice with a long name */
	MOST_QUEUED = 4 * ROTA_FSWATCH_EVENTS_PER_TURN, /* (5) */
};

static const uint64_t HOLD_NS = ROTA_MSEC(2); /* (3) */

struct rotai_notices {
	struct rotai_views *views;
	size_t users;
	struct rotai_numbers numbers; /* (2) */
	struct rota_watch watch;      /* of the descriptor */
	int fd;
	struct rota_timer hold;
	uint8_t hold_is_over;
	uint64_t read; /* bytes in total */
	size_t at;     /* in the buffer, */
	size_t end;    /* of what is in it */
	char buffer[NOTICE_BYTES];
};

/* Forget a number to which nothing is bound any more. */
static void number_drop(struct rotai_notices *notices, int number)
{
	rotai_numbers_drop(&notices->numbers, number);
	rotai_inotify_remove(notices->fd, number);
}

static void notices_unbind(struct rotai_bound *bound)
{
	struct rotai_notices *notices = bound->view->views->notices;
	struct rotai_numbered *numbered =
		rotai_numbers_find(&notices->numbers, bound->id);

	rotai_list_remove(&bound->link);
	bound->id = -1;
	if (rotai_list_is_empty(&numbered->bounds) && !numbered->busy)
		number_drop(notices, numbered->number);
}

static unsigned wanted(const struct rotai_bound *bound)
{
	const struct rotai_view *view = bound->view;
	unsigned want = 0;

	if (bound->kind != ROTAI_BOUND_FILE)
		want |= ROTAI_WANT_DIRECTORY;
	if (bound->kind == ROTAI_BOUND_DIRECTORY)
		want |= ROTAI_WANT_NO_LINK;
	if (bound->kind == ROTAI_BOUND_PARENT)
		return want;
	if (view->events & ROTA_FSWATCH_CHANGED)
		want |= ROTAI_WANT_CHANGED;
	/* The last link of a file was removed: that changes its count. */
	if ((view->events & ROTA_FSWATCH_ATTRIBUTES) ||
	    bound->kind == ROTAI_BOUND_FILE)
		want |= ROTAI_WANT_ATTRIBUTES;
	if (view->events & ROTA_FSWATCH_CLOSED)
		want |= ROTAI_WANT_CLOSED;
	return want;
}

/* Another directory of the view may have had this path before: change.c (7). */
static void note_sharing(const struct rotai_numbered *numbered,
			 struct rotai_view *view)
{
	struct rota_link *at;

	for (at = numbered->bounds.next; at != &numbered->bounds; at = at->next)
		if (rota_container_of(at, struct rotai_bound, link)->view ==
		    view)
			rotai_view_doubt(view);
}

static int notices_bind(struct rotai_bound *bound, const char *path)
{
	struct rotai_notices *notices = bound->view->views->notices;
	int number = rotai_inotify_add(notices->fd, path, wanted(bound));
	struct rotai_numbered *numbered;

	if (number < 0)
		return number;
	if (bound->id == number)
		return 0;
	numbered = rotai_numbers_get(&notices->numbers, number);
	if (numbered == NULL) {
		rotai_inotify_remove(notices->fd, number);
		return ROTA_ENOMEM;
	}
	if (bound->id >= 0)
		notices_unbind(bound);
	bound->id = number;
	note_sharing(numbered, bound->view);
	rotai_list_append(&numbered->bounds, &bound->link);
	return 0;
}

static uint64_t notices_fence(struct rotai_view *view)
{
	const struct rotai_notices *notices = view->views->notices;

	return notices->read + rotai_inotify_left(notices->fd); /* (4) */
}

static uint64_t position_of(const struct rotai_notices *notices)
{
	return notices->read - (notices->end - notices->at);
}

static struct rotai_change_place place_in(const struct rotai_notices *notices,
					  const struct rotai_bound *bound,
					  const struct rotai_notice *notice)
{
	return (struct rotai_change_place){
		.in = bound->directory,
		.name = notice->name,
		.length = notice->length,
		.position = position_of(notices),
		.is_directory = (notice->what & ROTAI_NOTICE_DIRECTORY) != 0,
	};
}

static void tell_what(struct rotai_view *view, unsigned what,
		      const struct rotai_change_place *place)
{
	static const struct {
		unsigned what;
		enum rota_fswatch_type type;
	} types[] = {
		{ ROTAI_NOTICE_CHANGED, ROTA_FSWATCH_CHANGED },
		{ ROTAI_NOTICE_ATTRIBUTES, ROTA_FSWATCH_ATTRIBUTES },
		{ ROTAI_NOTICE_CLOSED, ROTA_FSWATCH_CLOSED },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if ((what & types[i].what) == 0)
			continue;
		if (place != NULL)
			rotai_change_content(view, place, types[i].type);
		else if (view->root != NULL)
			rotai_tell(view, types[i].type, view->root, 0);
	}
}

/* Something happened to a name in a watched directory. */
static void apply_to_name(const struct rotai_notices *notices,
			  const struct rotai_bound *bound,
			  const struct rotai_notice *notice)
{
	struct rotai_view *view = bound->view;
	const struct rotai_change_place place =
		place_in(notices, bound, notice);

	if (notice->what & ROTAI_NOTICE_CREATED)
		rotai_change_created(view, &place);
	else if (notice->what & ROTAI_NOTICE_REMOVED)
		rotai_change_removed(view, &place);
	else if (notice->what & ROTAI_NOTICE_FROM)
		rotai_change_moved_out(view, &place);
	else if (notice->what & ROTAI_NOTICE_TO)
		rotai_change_moved_in(view, &place);
	else
		tell_what(view, notice->what, &place);
}

/* Something happened to what is watched itself. */
static void apply_to_self(struct rotai_bound *bound,
			  const struct rotai_notice *notice)
{
	struct rotai_view *view = bound->view;
	int ends =
		(notice->what & (ROTAI_NOTICE_SELF | ROTAI_NOTICE_ENDED)) != 0;

	switch ((enum rotai_bound_kind)bound->kind) {
	case ROTAI_BOUND_FILE:
	case ROTAI_BOUND_ROOT:
		tell_what(view, notice->what, NULL);
		if (notice->what & ROTAI_NOTICE_ATTRIBUTES)
			view->look_at_root = 1;
		if (ends)
			rotai_root_lost(view);
		break;
	case ROTAI_BOUND_PARENT:
		if (ends)
			rotai_view_is_gone(view);
		break;
	case ROTAI_BOUND_DIRECTORY:
		/* Its parent reports it, too, unless it was unmounted. */
		if (notice->what & ROTAI_NOTICE_ENDED)
			rotai_view_scan(view, bound->directory);
		break;
	}
}

static void apply_to_bound(const struct rotai_notices *notices,
			   struct rotai_bound *bound,
			   const struct rotai_notice *notice)
{
	if (rotai_view_is_over(bound->view))
		return;
	rotai_view_touch(bound->view);
	if (notice->length == 0)
		apply_to_self(bound, notice);
	else if (bound->kind == ROTAI_BOUND_PARENT)
		bound->view->look_at_root = 1;
	else
		apply_to_name(notices, bound, notice);
}

static struct rotai_bound *bound_of(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_bound, link);
}

/* The kernel does not use the number any more. */
static void end_number(struct rotai_notices *notices,
		       struct rotai_numbered *numbered)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(&numbered->bounds)) != NULL)
		bound_of(link)->id = -1;
	rotai_numbers_drop(&notices->numbers, numbered->number);
}

/* Pass the notice on to all that is bound to its number. That may bind and
 * unbind others. */
static void apply_to_all(struct rotai_notices *notices,
			 const struct rotai_notice *notice)
{
	struct rotai_numbered *numbered =
		rotai_numbers_find(&notices->numbers, notice->number);
	struct rota_link to_do;
	struct rota_link *link;

	if (numbered == NULL || notice->what == 0)
		return;
	numbered->busy = 1;
	rotai_list_init(&to_do);
	rotai_list_splice(&to_do, &numbered->bounds);
	while ((link = rotai_list_take_first(&to_do)) != NULL) {
		rotai_list_append(&numbered->bounds, link);
		apply_to_bound(notices, bound_of(link), notice);
	}
	numbered->busy = 0;
	if (notice->what & ROTAI_NOTICE_ENDED)
		end_number(notices, numbered);
	else if (rotai_list_is_empty(&numbered->bounds))
		number_drop(notices, numbered->number);
}

static void lose_all(struct rotai_views *views)
{
	struct rota_link *at;

	for (at = views->all.next; at != &views->all; at = at->next) {
		struct rotai_view *view =
			rota_container_of(at, struct rotai_view, in_loop);

		if (view->notifier == &rotai_notices &&
		    !rotai_view_is_over(view)) {
			rotai_change_lost(view);
			view->tells |= ROTAI_TELL_OVERFLOW;
			rotai_view_touch(view);
		}
	}
}

/* Find the second notice of a rename. Returns where it is in the buffer, or
 * 0. */
static size_t find_second(const struct rotai_notices *notices,
			  const struct rotai_notice *first,
			  struct rotai_notice *second)
{
	size_t at = notices->at + first->size;

	for (; at < notices->end; at += second->size) {
		rotai_inotify_parse(notices->buffer + at, second);
		if ((second->what & ROTAI_NOTICE_TO) &&
		    second->cookie == first->cookie)
			return at;
	}
	return 0;
}

/* The bound of @view among those of @number, or NULL. */
static struct rotai_bound *bound_with(const struct rotai_notices *notices,
				      int number, const struct rotai_view *view)
{
	struct rotai_numbered *numbered =
		rotai_numbers_find(&notices->numbers, number);
	struct rota_link *at;

	if (numbered == NULL)
		return NULL;
	for (at = numbered->bounds.next; at != &numbered->bounds; at = at->next)
		if (bound_of(at)->view == view &&
		    bound_of(at)->directory != NULL)
			return bound_of(at);
	return NULL;
}

/* A name was renamed. Each view has the one directory, the other, or both. */
static void apply_rename(struct rotai_notices *notices,
			 const struct rotai_notice *first,
			 const struct rotai_notice *second)
{
	struct rota_link *at = notices->views->all.next;

	while (at != &notices->views->all) {
		struct rotai_view *view =
			rota_container_of(at, struct rotai_view, in_loop);
		struct rotai_bound *from, *to;

		at = at->next;
		if (view->notifier != &rotai_notices ||
		    rotai_view_is_over(view))
			continue;
		if (view->parent.id == first->number ||
		    view->parent.id == second->number)
			view->look_at_root = 1;
		from = bound_with(notices, first->number, view);
		to = bound_with(notices, second->number, view);
		rotai_view_touch(view);
		if (from != NULL && to != NULL) {
			const struct rotai_change_place old =
				place_in(notices, from, first);
			const struct rotai_change_place new =
				place_in(notices, to, second);

			rotai_change_moved(view, &old, &new);
		} else if (from != NULL) {
			apply_to_name(notices, from, first);
		} else if (to != NULL) {
			apply_to_name(notices, to, second);
		}
	}
}

/* The first notice of a rename is at the front: 1, or 0 if it is held. (3) */
static int take_rename(struct rotai_notices *notices,
		       const struct rotai_notice *first)
{
	struct rotai_notice second;
	size_t at = find_second(notices, first, &second);

	if (at > 0) {
		apply_rename(notices, first, &second);
		rotai_inotify_erase(notices->buffer + at);
		return 1;
	}
	if (!notices->hold_is_over)
		return 0;
	apply_to_all(notices, first);
	return 1;
}

/* Work on the notice at the front: 1, or 0 if it is held. */
static int take_notice(struct rotai_notices *notices)
{
	struct rotai_notice notice;

	rotai_inotify_parse(notices->buffer + notices->at, &notice);
	if (notice.what & ROTAI_NOTICE_LOST)
		lose_all(notices->views);
	else if ((notice.what & ROTAI_NOTICE_FROM) == 0)
		apply_to_all(notices, &notice);
	else if (!take_rename(notices, &notice))
		return 0;
	notices->at += notice.size;
	notices->hold_is_over = 0;
	rota_timer_stop(&notices->hold);
	return 1;
}

static int is_half_full(const struct rotai_notices *notices)
{
	return notices->end - notices->at >= NOTICE_BYTES / 2;
}

/* The descriptor cannot be read: nothing may be lost silently. */
static void fail_all(struct rotai_views *views, int error)
{
	struct rota_link *at;

	for (at = views->all.next; at != &views->all; at = at->next) {
		struct rotai_view *view =
			rota_container_of(at, struct rotai_view, in_loop);

		if (view->notifier != &rotai_notices || view->is_released)
			continue;
		rotai_view_fail(view, error);
		rotai_view_touch(view);
	}
}

/* Read behind what is in the buffer: 1, or 0 if there was nothing. */
static int read_more(struct rotai_notices *notices)
{
	int got;

	memmove(notices->buffer, notices->buffer + notices->at,
		notices->end - notices->at);
	notices->end -= notices->at;
	notices->at = 0;
	got = rotai_inotify_read(notices->fd, notices->buffer + notices->end,
				 NOTICE_BYTES - notices->end);
	if (got < 0) {
		/* EINVAL: the space is too small for the next. */
		if (got != ROTA_EAGAIN && !is_half_full(notices))
			fail_all(notices->views, got);
		return 0;
	}
	notices->end += (size_t)got;
	notices->read += (uint64_t)got;
	return 1;
}

/* Work on what there is, until enough is to be told. */
static void take_notices(struct rotai_notices *notices)
{
	if (notices->hold_is_over)
		(void)read_more(notices);
	while (notices->views->queued < MOST_QUEUED) {
		if (notices->at < notices->end && take_notice(notices))
			continue;
		if (read_more(notices))
			continue;
		/* If so many others follow, the second notice is not there. */
		if (!is_half_full(notices))
			return;
		notices->hold_is_over = 1;
	}
}

static void on_hold_over(struct rota_timer *timer)
{
	struct rotai_notices *notices =
		rota_container_of(timer, struct rotai_notices, hold);

	notices->hold_is_over = 1;
	rotai_watch_report(&notices->watch, ROTA_READABLE);
}

static void on_notices(struct rota_watch *watch, unsigned events)
{
	struct rotai_notices *notices =
		rota_container_of(watch, struct rotai_notices, watch);
	struct rotai_views *views = notices->views;
	struct rota_loop *loop = views->loop;

	(void)events;
	if (rotai_loop_inherited(loop) < 0)
		return; /* (6) */
	take_notices(notices);
	if (views->queued >= MOST_QUEUED)
		rotai_watch_report(&notices->watch, ROTA_READABLE);
	else if (notices->at < notices->end &&
		 !rota_timer_is_active(&notices->hold))
		rotai_timer_start_own(&notices->hold, on_hold_over,
				      loop->clock(loop) + HOLD_NS);
	rotai_views_step(views);
	rotai_views_call(loop);
}

/* Make the descriptor: 0 or an error. */
static int open_notices(struct rotai_notices *notices)
{
	int fd = rotai_inotify_open();
	int error;

	if (fd < 0)
		return fd;
	rotai_watch_init_own(&notices->watch, notices->views->loop, fd, 0);
	rotai_watch_share(&notices->watch, 0); /* (6) */
	error = rota_watch_start(&notices->watch, on_notices, ROTA_READABLE);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	notices->fd = fd;
	notices->at = 0;
	notices->end = 0;
	notices->read = 0;
	notices->hold_is_over = 0;
	return 0;
}

static int notices_join(struct rotai_view *view)
{
	struct rotai_views *views = view->views;
	struct rotai_notices *notices = views->notices;
	int error;

	if (notices != NULL) {
		notices->users++;
		return 0;
	}
	notices = calloc(1, sizeof(*notices));
	if (notices == NULL)
		return ROTA_ENOMEM;
	notices->views = views;
	notices->users = 1;
	rota_timer_init(&notices->hold, views->loop);
	error = rotai_numbers_init(&notices->numbers);
	if (error == 0)
		error = open_notices(notices);
	if (error < 0) {
		rotai_numbers_free(&notices->numbers);
		free(notices);
		return error;
	}
	views->notices = notices;
	return 0;
}

static void notices_leave(struct rotai_view *view)
{
	struct rotai_notices *notices = view->views->notices;

	if (--notices->users > 0)
		return;
	view->views->notices = NULL;
	rota_timer_stop(&notices->hold);
	if (notices->fd >= 0)
		rotai_watch_close(&notices->watch);
	rotai_numbers_free(&notices->numbers);
	free(notices);
}

int rotai_notices_forked(struct rotai_views *views)
{
	struct rotai_notices *notices = views->notices;
	struct rotai_numbered *numbered;

	if (notices == NULL)
		return 0;
	while ((numbered = rotai_numbers_any(&notices->numbers)) != NULL)
		end_number(notices, numbered);
	rota_timer_stop(&notices->hold);
	rotai_watch_close(&notices->watch);
	notices->fd = -1;
	return open_notices(notices);
}

const struct rotai_notifier rotai_notices = {
	.join = notices_join,
	.leave = notices_leave,
	.bind = notices_bind,
	.unbind = notices_unbind,
	.fence = notices_fence,
};
