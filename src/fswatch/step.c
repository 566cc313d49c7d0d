/*
 * fswatch/step.c - what a view does next.
 *
 *  1. A view has at most one job. It takes up to ROTAI_LISTINGS directories.
 *     The loop's thread binds them just before, so that what changes in them
 *     from then on is reported or is in the listing.
 *  2. When nothing is left to list, what waited for that is told. If contents
 *     are found by looks, everything is listed again after the interval.
 *  3. A view in doubt verifies its picture after a time that grows with the
 *     number of names: change.c (7). So in a tree that changes all the time,
 *     listing takes a small part of a thread's time.
 */
#include "fswatch/step.h"

#include <stdlib.h>

#include "base/clock.h"
#include "fswatch/call.h"
#include "fswatch/change.h"
#include "fswatch/job.h"
#include "fswatch/merge.h"
#include "fswatch/picture.h"
#include "fswatch/release.h"
#include "fswatch/tell.h"
#include "loop/timer.h"

/* (3) */
static const uint64_t VERIFY_NS = ROTA_MSEC(10);
static const uint64_t VERIFY_NAME_NS = ROTA_USEC(10);

/* The directory was bound to the number @before, and has another now: events
 * were of another directory, and some of its own are missing. */
static void note_rebound(struct rotai_view *view,
			 const struct rotai_directory *directory, int before)
{
	if (view->notifier->looks || directory->bound.id == before)
		return;
	if (before >= 0 || directory->is_listed ||
	    !rotai_list_is_empty(&directory->children))
		rotai_view_doubt(view);
	if (before >= 0 && directory->is_listed)
		view->later |= ROTAI_TELL_RESCAN;
}

/* Bind @directory and add it to @job. */
static void add_to_job(struct rotai_view *view, struct rotai_job *job,
		       struct rotai_directory *directory)
{
	char *path = rotai_picture_full_path(view, directory->entry);
	int before = directory->bound.id;
	int error;

	if (path == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return;
	}
	error = view->notifier->bind(&directory->bound, path);
	if (error < 0) {
		free(path);
		rotai_merge_error(view, directory, error);
		return;
	}
	note_rebound(view, directory, before);
	rotai_job_add(job, directory, path, directory->entry == view->root);
}

static void scan_ended(struct rotai_item *item, int error)
{
	struct rotai_job *job = rotai_job_of(item);
	struct rotai_view *view = job->view;
	struct rota_loop *loop;

	if (error == ROTA_ECANCELED || view == NULL) {
		if (error != ROTA_ECANCELED)
			rotai_job_adopt(job);
		rotai_job_free(job);
		return;
	}
	loop = job->loop;
	view->job = NULL;
	if (error < 0)
		rotai_view_fail(view, error);
	rotai_merge(view, job);
	rotai_view_step(view);
	rotai_views_call(loop);
}

/* Begin a job, if there is something for one: 1 or 0. (1) */
static int begin_job(struct rotai_view *view)
{
	struct rotai_job *job =
		rotai_job_new(view, view->look_at_root ? view->path : NULL);
	struct rota_link *link;

	if (job == NULL) {
		rotai_view_fail(view, ROTA_ENOMEM);
		return 0;
	}
	view->look_at_root = 0;
	while (job->count < ROTAI_LISTINGS && !rotai_view_is_over(view) &&
	       (link = rotai_list_take_first(&view->to_scan)) != NULL)
		add_to_job(view, job,
			   rota_container_of(link, struct rotai_directory,
					     to_scan));
	view->job = job;
	if (job->count == 0 && job->root == NULL) {
		rotai_job_free(job);
		view->job = NULL;
		return 0;
	}
	rotai_job_queue(job, scan_ended);
	return 1;
}

static void look_again(struct rota_timer *timer)
{
	struct rotai_view *view =
		rota_container_of(timer, struct rotai_view, timer);
	struct rota_loop *loop = rotai_view_loop(view);
	struct rota_link *at;

	view->look_at_root = 1;
	for (at = view->directories.next; at != &view->directories;
	     at = at->next)
		rotai_view_scan(view, rota_container_of(
					      at, struct rotai_directory, all));
	rotai_view_step(view);
	rotai_views_call(loop);
}

/* (3) */
static void verify_picture(struct rota_timer *timer)
{
	struct rotai_view *view =
		rota_container_of(timer, struct rotai_view, timer);
	struct rota_loop *loop = rotai_view_loop(view);

	if (view->job != NULL)
		return; /* all_is_listed() comes again */
	view->in_doubt = 0;
	rotai_change_verify(view);
	rotai_view_step(view);
	rotai_views_call(loop);
}

/* (2), (3) */
static void all_is_listed(struct rotai_view *view)
{
	struct rota_loop *loop = rotai_view_loop(view);
	uint64_t after = view->interval_ns;

	view->tells |= view->later;
	view->later = 0;
	if (!view->notifier->looks)
		after = VERIFY_NS + view->entry_count * VERIFY_NAME_NS;
	else
		view->in_doubt = 0;
	if ((view->notifier->looks || view->in_doubt) &&
	    !rota_timer_is_active(&view->timer))
		rotai_timer_start_own(
			&view->timer,
			view->notifier->looks ? look_again : verify_picture,
			rotai_add_saturated(loop->clock(loop), after));
}

void rotai_view_step(struct rotai_view *view)
{
	while (!rotai_view_is_over(view) && view->job == NULL &&
	       (view->look_at_root || !rotai_list_is_empty(&view->to_scan)))
		if (begin_job(view))
			break;
	if (rotai_view_is_over(view))
		rotai_view_release(view);
	else if (view->job == NULL)
		all_is_listed(view);
	if (view->tells != 0 || rotai_view_is_over(view))
		rotai_tell_more(view);
}

void rotai_views_step(struct rotai_views *views)
{
	struct rota_link *link;

	while ((link = rotai_list_take_first(&views->touched)) != NULL)
		rotai_view_step(
			rota_container_of(link, struct rotai_view, touched));
}
