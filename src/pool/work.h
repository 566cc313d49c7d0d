/*
 * pool/work.h - what work.c and detached.c share about a struct rota_work.
 */
#ifndef ROTAI_POOL_WORK_H
#define ROTAI_POOL_WORK_H

#include "rota/error.h"
#include "rota/pool.h"

/* The status for the callback, if that of the job is @status. */
static inline int rotai_work_status(const struct rota_work *work, int status)
{
	return work->internal.late ? ROTA_ETIMEDOUT : status;
}

#endif
