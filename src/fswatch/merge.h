/*
 * fswatch/merge.h - a listing is compared with the picture.
 */
#ifndef ROTAI_FSWATCH_MERGE_H
#define ROTAI_FSWATCH_MERGE_H

#include "fswatch/job.h"

/* The directory cannot be bound or listed. */
void rotai_merge_error(struct rotai_view *view,
		       struct rotai_directory *directory, int error);

/* Merge what @job has found, and free it. */
void rotai_merge(struct rotai_view *view, struct rotai_job *job);

#endif
