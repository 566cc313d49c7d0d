/*
 * pool/work.h - work of the user's, to detached.c.
 */
#ifndef ROTAI_POOL_WORK_H
#define ROTAI_POOL_WORK_H

#include "rota/pool.h"

/* What the callback of @work is to be told, whose own status is @status. */
int rotai_work_status(const struct rota_work *work, int status);

/* Call @work back. Touches it no more. */
void rotai_work_end(struct rota_work *work, int status);

#endif
