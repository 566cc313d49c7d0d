/*
 * pool/work.h - what the files of this module share about a struct
 * rota_work.
 */
#ifndef ROTAI_POOL_WORK_H
#define ROTAI_POOL_WORK_H

#include "pool/item.h"
#include "rota/error.h"
#include "rota/pool.h"

/* Return 0 if @work can be queued in @lane, or the error. */
int rotai_work_usable(const struct rota_work *work, enum rota_lane lane);

/* @work is in flight from now on. Its item is to be queued next. */
void rotai_work_begin(struct rota_work *work, rota_work_done_fn *done);

/* What the item of a work does whose fn is set. */
rotai_item_run_fn rotai_work_run;
rotai_item_ended_fn rotai_work_ended;

/* The status for the callback, if that of the job is @status. */
static inline int rotai_work_status(const struct rota_work *work, int status)
{
	return work->internal.late ? ROTA_ETIMEDOUT : status;
}

#endif
