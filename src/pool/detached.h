/*
 * pool/detached.h - work whose memory is not the user's.
 */
#ifndef ROTAI_POOL_DETACHED_H
#define ROTAI_POOL_DETACHED_H

#include "pool/item.h"
#include "rota/pool.h"

struct rotai_detached {
	struct rotai_item item;
	struct rota_detachable how;
	struct rota_work *work; /* until it is let go of */
	int status;
};

/* For @work, which is not queued yet: NULL if there is no memory. */
struct rotai_detached *rotai_detached_new(struct rota_work *work,
					  const struct rota_detachable *how);

void rotai_detached_queue(struct rotai_detached *detached, enum rota_lane lane);

/* End the work at once: 0, and it is out of the user's reach; or
 * ROTA_EALREADY: it has ended by itself and is on its way back. */
int rotai_detached_cancel(struct rotai_detached *detached);

/* In a forked child: end it. */
void rotai_detached_forked(struct rotai_detached *detached);

#endif
