/*
 * pool/detached.h - work whose memory the library owns.
 */
#ifndef ROTAI_POOL_DETACHED_H
#define ROTAI_POOL_DETACHED_H

#include "pool/item.h"
#include "rota/pool.h"

struct rotai_detached {
	struct rotai_item item;
	struct rota_detachable how;
	struct rota_work *work; /* until it is abandoned */
	int status;
};

/* Make a block for @work, which is not queued yet. NULL if there is no
 * memory. */
struct rotai_detached *rotai_detached_new(struct rota_work *work,
					  const struct rota_detachable *how);

void rotai_detached_queue(struct rotai_detached *detached, enum rota_lane lane);

/* End the work at once. Returns 0, and @detached must not be used any more; or
 * ROTA_EALREADY: the job is done, and on its way back. */
int rotai_detached_cancel(struct rotai_detached *detached);

/* In a forked child: free @detached, and discard its context, unless a thread
 * had taken the job. */
void rotai_detached_forked(struct rotai_detached *detached);

#endif
