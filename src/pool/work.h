/*
 * pool/work.h - work of the user's, to detached.c.
 */
#ifndef ROTAI_POOL_WORK_H
#define ROTAI_POOL_WORK_H

#include "rota/pool.h"

/* The status of @work that its callback is to be told, its own being @status. */
int rotai_work_status(const struct rota_work *work, int status);

/* Call @work back. Touches it no more. */
void rotai_work_end(struct rota_work *work, int status);

#endif
