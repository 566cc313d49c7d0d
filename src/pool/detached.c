/*
 * pool/detached.c - work that neither the loop nor the program has to wait for.
 *
 *  1. The item, the functions and the context are in a block of memory that
 *     the library allocates. The block is the loop's until the item is
 *     published, and again when the item is back. If the loop abandons the
 *     item in between, the block is the thread's, which frees it, and touches
 *     neither loop nor work. See rotai_item_abandon().
 *  2. The last one to own the block frees it. The status that the user's
 *     callback gets says who owns the context from then on: goes_back().
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

/* Whether the user owns the context again. (2) */
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

	if (error == ROTA_ECANCELED) { /* it was abandoned: (1) */
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
	const struct rota_request *request = &detached->work->request;

	rotai_item_queue_detachable(&detached->item, request->internal.loop,
				    request->internal.priority, lane,
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
