/*
 * pool/work.h - what work.c and detached.c both need of a struct rota_work.
 */
#ifndef ROTAI_POOL_WORK_H
#define ROTAI_POOL_WORK_H

#include "rota/error.h"
#include "rota/pool.h"

/* The status to call back with, where the job's own is @status. */
static inline int rotai_work_status(const struct rota_work *work, int status)
{
	return work->internal.late ? ROTA_ETIMEDOUT : status;
}

#endif
