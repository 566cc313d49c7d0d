/*
 * fswatch/release.c - the end of a view.
 */
#include "fswatch/release.h"

#include <stdlib.h>

#include "fswatch/job.h"
#include "fswatch/picture.h"
#include "fswatch/tell.h"

void rotai_view_release(struct rotai_view *view)
{
	if (view->is_released)
		return;
	view->is_released = 1;
	rota_timer_stop(&view->timer);
	if (view->job != NULL)
		rotai_job_drop(view->job);
	view->job = NULL;
	rotai_picture_clear(view);
	if (view->self.id >= 0)
		view->notifier->unbind(&view->self);
	if (view->parent.id >= 0)
		view->notifier->unbind(&view->parent);
	view->notifier->leave(view);
}

void rotai_view_free(struct rotai_view *view)
{
	ROTA_ASSERT(view->is_released);
	rotai_tell_clear(view);
	for (size_t i = 0; i < ROTAI_RENAMES; i++)
		free(view->renamed[i].names);
	if (rotai_link_is_linked(&view->due))
		rotai_list_remove(&view->due);
	if (rotai_link_is_linked(&view->touched))
		rotai_list_remove(&view->touched);
	rotai_list_remove(&view->in_loop);
	free(view->path);
	free(view->parent_path);
	free(view);
}
