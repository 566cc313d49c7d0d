/*
 * fswatch/call.c - calls the program.
 *
 *  1. The views with something to tell take turns, an event each, so none of
 *     them waits for all events of another. A turn calls at most
 *     ROTA_FSWATCH_EVENTS_PER_TURN; the rest waits for the next pending phase.
 *  2. An event belongs to nobody during its call, which may stop the view. The
 *     last event of a view ends it before the call.
 *  3. If a callback forks, the child goes on when its loop is rebuilt.
 */
#include "fswatch/call.h"

#include <stdlib.h>

#include "fswatch/release.h"
#include "fswatch/tell.h"
#include "loop/callback.h"
#include "loop/handle.h"

const char rotai_fswatch_type[] = "fswatch";

static const struct {
	unsigned tell;
	enum rota_fswatch_type type;
} flagged[] = {
	{ ROTAI_TELL_READY, ROTA_FSWATCH_READY },
	{ ROTAI_TELL_RESCAN, ROTA_FSWATCH_RESCAN },
};

enum { FLAGGED = sizeof(flagged) / sizeof(flagged[0]) };

static int has_more(const struct rotai_view *view)
{
	return view->first_told != NULL || view->tells != 0 ||
	       rotai_view_is_over(view);
}

/* The events without a queue: 1, or 0 if there is none. */
static int take_flagged(struct rotai_view *view,
			struct rota_fswatch_event *event)
{
	for (int i = 0; i < FLAGGED; i++)
		if (view->tells & flagged[i].tell) {
			view->tells &= ~flagged[i].tell;
			event->type = flagged[i].type;
			return 1;
		}
	return 0;
}

/* Take the next event of @view. Returns its memory, or NULL if it has none. If
 * it is the last, @view is freed. (2) */
static struct rotai_told *take_event(struct rotai_view *view,
				     struct rota_fswatch_event *event)
{
	struct rotai_told *told;

	*event = (struct rota_fswatch_event){ .path = "" };
	if (view->tells & ROTAI_TELL_OVERFLOW) {
		view->tells &= ~(unsigned)ROTAI_TELL_OVERFLOW;
		event->type = ROTA_FSWATCH_OVERFLOW;
		return NULL;
	}
	told = rotai_tell_take(view);
	if (told != NULL) {
		*event = told->event;
		return told;
	}
	if (take_flagged(view, event))
		return NULL;
	event->type =
		view->failed < 0 ? ROTA_FSWATCH_FAILED : ROTA_FSWATCH_GONE;
	event->status = view->failed;
	rotai_view_release(view);
	view->watcher->internal.view = NULL;
	rotai_handle_set_active(&view->watcher->handle, 0);
	rotai_view_free(view);
	return NULL;
}

static void call_program(struct rota_loop *loop, struct rotai_view *view)
{
	struct rota_fswatch *watcher = view->watcher;
	struct rota_fswatch_event event;
	struct rotai_told *told = take_event(view, &event);

	if (watcher->internal.view != NULL && has_more(view))
		rotai_tell_more(view); /* (1) */
	rotai_callback_begin(loop, rotai_fswatch_type,
			     watcher->handle.internal.name, watcher);
	watcher->internal.fn(watcher, &event);
	rotai_callback_end(loop, rotai_fswatch_type, watcher);
	free(told);
}

static struct rotai_views *views_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_views, extension);
}

void rotai_views_call(struct rota_loop *loop)
{
	struct rotai_views *views =
		views_of(rotai_extension_get(loop, ROTAI_EXTENSION_FSWATCH));
	struct rota_link *link;

	if (views->turn != loop->stats.turns) {
		views->turn = loop->stats.turns;
		views->left = ROTA_FSWATCH_EVENTS_PER_TURN;
	}
	while (views->left > 0 && rotai_loop_inherited(loop) == 0 &&
	       (link = rotai_list_take_first(&views->due)) != NULL) {
		views->left--;
		call_program(loop,
			     rota_container_of(link, struct rotai_view, due));
	}
	if (!rotai_list_is_empty(&views->due))
		rotai_extension_call_pending(loop, &views->extension);
}

void rotai_views_take(struct rotai_extension *extension)
{
	(void)extension;
}

void rotai_views_pending(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	(void)extension;
	rotai_views_call(loop);
}
