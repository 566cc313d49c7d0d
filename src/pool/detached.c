/*
 * pool/detached.c - work that need not be waited for.
 *
 *  1. The item, the functions and the context are in a block of the library's.
 *     It is the loop's until it is published, and again when it is back; if
 *     the loop lets go of it in between, it is the thread's until that frees
 *     it, which touches neither loop nor work. See rotai_item_abandon().
 *  2. Whoever has the block last frees it. What becomes of the context, stands
 *     in the status that the user is told: goes_back().
 */
#include "pool/detached.h"

#include <stdlib.h>

#include "loop/request.h"
#include "pool/work.h"
#include "rota/error.h"

static struct rotai_detached *detached_of(struct rotai_item *item)
{
	return rota_container_of(item, struct rotai_detached, item);
}

/* Whether the context is the user's again. (2) */
static int goes_back(int status)
{
	return status != ROTA_ECANCELED && status != ROTA_ETIMEDOUT &&
	       status != ROTA_EAGAIN;
}

static void free_all(struct rotai_detached *detached)
{
	detached->how.discard(detached->how.context);
	free(detached);
}

struct rotai_detached *rotai_detached_new(struct rota_work *work,
					  const struct rota_detachable *how)
{
	struct rotai_detached *detached = calloc(1, sizeof(*detached));

	if (detached == NULL)
		return NULL;
	detached->how = *how;
	detached->work = work;
	return detached;
}

static void run_detached(struct rotai_item *item)
{
	struct rotai_detached *detached = detached_of(item);

	detached->status = detached->how.run(detached->how.context);
}

static void detached_ended(struct rotai_item *item, int error)
{
	struct rotai_detached *detached = detached_of(item);
	struct rota_work *work = detached->work;
	int status;

	if (error == ROTA_ECANCELED) { /* it was let go of: (1) */
		free_all(detached);
		return;
	}
	status = rotai_work_status(work, error < 0 ? error : detached->status);
	if (goes_back(status))
		free(detached);
	else
		free_all(detached);
	rotai_request_complete(&work->request, status);
}

void rotai_detached_queue(struct rotai_detached *detached, enum rota_lane lane)
{
	rotai_item_queue_detachable(&detached->item,
				    detached->work->request.internal.loop, lane,
				    run_detached, detached_ended);
}

int rotai_detached_cancel(struct rotai_detached *detached)
{
	int error = rotai_item_cancel(&detached->item);

	if (error == 0)
		free_all(detached);
	return error == ROTA_EBUSY ? rotai_item_abandon(&detached->item)
				   : error;
}

void rotai_detached_forked(struct rotai_detached *detached)
{
	if (rotai_item_was_taken(&detached->item))
		free(detached); /* its context may be half done */
	else
		free_all(detached);
}
