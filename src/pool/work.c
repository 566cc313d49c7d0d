/*
 * pool/work.c - rota_work: the jobs of programs.
 *
 *  1. While a thread may be working on it, the work's fn and status are the
 *     thread's. The base, done and late are always the loop's.
 *  2. Detachable work has its item in memory of its own, which the threads use
 *     in place of the work.
 */
#include "pool/work.h"

#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "pool/detached.h"
#include "pool/item.h"
#include "pool/serial.h"
#include "rota/error.h"

static struct rota_work *work_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_work, request);
}

static struct rota_work *work_of_item(struct rotai_item *item)
{
	return rota_container_of(item, struct rota_work, internal.item);
}

static void call_work(struct rota_request *request)
{
	struct rota_work *work = work_of(request);

	if (ROTAI_UNLIKELY(work->internal.serial != NULL))
		rotai_serial_count_out(work->internal.serial);
	work->internal.done(work, request->internal.status);
}

static int cancel_work(struct rota_request *request, int status)
{
	struct rota_work *work = work_of(request);
	int error = work->internal.detached != NULL
			    ? rotai_detached_cancel(work->internal.detached)
			    : rotai_item_cancel(&work->internal.item);

	if (error == 0 && work->internal.serial != NULL)
		rotai_serial_left(work->internal.serial, &work->internal.item);
	if (error == 0)
		rotai_request_finish(request, status);
	else if (status == ROTA_ETIMEDOUT)
		work->internal.late = 1;
	return error;
}

static void work_forked(struct rota_request *request)
{
	struct rota_work *work = work_of(request);

	if (work->internal.detached != NULL)
		rotai_detached_forked(work->internal.detached);
	if (work->internal.serial != NULL)
		rotai_serial_forked(work->internal.serial);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class work_class = {
	.type = "work",
	.call = call_work,
	.cancel = cancel_work,
	.forked = work_forked,
};

void rotai_work_run(struct rotai_item *item)
{
	struct rota_work *work = work_of_item(item);

	work->internal.status = work->internal.fn(work);
}

void rotai_work_ended(struct rotai_item *item, int error)
{
	struct rota_work *work = work_of_item(item);
	int status = error < 0 ? error : work->internal.status;

	if (ROTAI_UNLIKELY(work->internal.serial != NULL))
		rotai_serial_came_back(work->internal.serial, item, error);
	rotai_request_complete(&work->request, rotai_work_status(work, status));
}

void rota_work_init(struct rota_work *work, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&work->request.internal.link);
	work->request.internal.loop = loop;
	work->request.internal.state = 0; /* at rest */
	work->request.internal.priority = 0;
}

int rotai_work_usable(const struct rota_work *work, enum rota_lane lane)
{
	struct rota_loop *loop = work->request.internal.loop;
	int error;

	if ((unsigned)lane >= ROTA_LANE_COUNT)
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error < 0)
		return error;
	if (rota_request_is_active(&work->request))
		return ROTA_EBUSY;
	return rotai_item_prepare(loop);
}

void rotai_work_begin(struct rota_work *work, rota_work_done_fn *done)
{
	work->internal.done = done;
	work->internal.detached = NULL;
	work->internal.serial = NULL;
	work->internal.late = 0;
	rotai_request_begin(&work->request, work->request.internal.loop, NULL,
			    &work_class);
}

int rota_work_queue(struct rota_work *work, enum rota_lane lane,
		    rota_work_fn *fn, rota_work_done_fn *done)
{
	ROTAI_ENTER("work", work, work->request.internal.loop);
	int error;

	if (fn == NULL || done == NULL)
		return ROTA_EINVAL;
	error = rotai_work_usable(work, lane);
	if (error < 0)
		return error;
	work->internal.fn = fn;
	rotai_work_begin(work, done);
	rotai_item_queue_for(&work->internal.item, &work->request, lane,
			     rotai_work_run, rotai_work_ended);
	return 0;
}

int rota_request_set_priority(struct rota_request *request,
			      enum rota_priority priority)
{
	ROTAI_ENTER_LIVE("request", request, &request->internal.link,
			 request->internal.loop);

	if (priority < ROTA_PRIORITY_LOW || priority > ROTA_PRIORITY_HIGH)
		return ROTA_EINVAL;
	if (rota_request_is_active(request))
		return ROTA_EBUSY;
	request->internal.priority =
		priority == ROTA_PRIORITY_HIGH  ? ROTAI_ITEM_HIGH
		: priority == ROTA_PRIORITY_LOW ? ROTAI_ITEM_LOW
						: 0;
	return 0;
}

int rota_work_queue_detachable(struct rota_work *work, enum rota_lane lane,
			       const struct rota_detachable *how,
			       rota_work_done_fn *done)
{
	ROTAI_ENTER("work", work, work->request.internal.loop);
	struct rotai_detached *detached;
	int error;

	if (how == NULL || how->run == NULL || how->discard == NULL ||
	    done == NULL)
		return ROTA_EINVAL;
	error = rotai_work_usable(work, lane);
	if (error < 0)
		return error;
	detached = rotai_detached_new(work, how);
	if (detached == NULL)
		return ROTA_ENOMEM;
	rotai_work_begin(work, done);
	work->internal.detached = detached;
	rotai_detached_queue(detached, lane);
	return 0;
}
