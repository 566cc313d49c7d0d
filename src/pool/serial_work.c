/*
 * pool/serial_work.c - the jobs of programs on serial queues. serial.c has how
 * one follows the other.
 */
#include "base/list.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "pool/serial.h"
#include "pool/work.h"
#include "rota/error.h"

int rota_serial_init(struct rota_serial *serial, struct rota_loop *loop,
		     enum rota_lane lane)
{
	ROTAI_ENTER("serial", serial, loop);

	if (serial == NULL || loop == NULL ||
	    (unsigned)lane >= (unsigned)ROTA_LANE_COUNT)
		return ROTA_EINVAL;
	serial->internal.loop = loop;
	serial->internal.head = NULL;
	rotai_list_init(&serial->internal.waiting);
	serial->internal.in_flight = 0;
	serial->internal.lane = (uint8_t)lane;
	serial->internal.closed = 0;
	return 0;
}

int rota_serial_queue(struct rota_serial *serial, struct rota_work *work,
		      rota_work_fn *fn, rota_work_done_fn *done)
{
	ROTAI_ENTER("work", work, work->request.internal.loop);
	enum rota_lane lane;
	int error;

	if (serial == NULL || fn == NULL || done == NULL ||
	    work->request.internal.loop != serial->internal.loop)
		return ROTA_EINVAL;
	lane = (enum rota_lane)serial->internal.lane;
	error = rotai_work_usable(work, lane);
	if (error == 0 && serial->internal.closed)
		error = ROTA_ESHUTDOWN;
	if (error < 0)
		return error;
	work->internal.fn = fn;
	rotai_work_begin(work, done);
	work->internal.serial = serial;
	rotai_item_set_up_serial(&work->internal.item, &work->request, lane,
				 rotai_work_run, rotai_work_ended);
	rotai_serial_enter(serial, &work->internal.item);
	return 0;
}

static struct rota_request *request_of_item(struct rotai_item *item)
{
	return &rota_container_of(item, struct rota_work, internal.item)
			->request;
}

int64_t rota_serial_cancel(struct rota_serial *serial)
{
	ROTAI_ENTER("serial", serial,
		    serial != NULL ? serial->internal.loop : NULL);
	struct rota_link waiting;
	struct rota_link *link;
	struct rotai_item *item;
	int64_t count = 0;
	int error;

	if (serial == NULL)
		return ROTA_EINVAL;
	if (serial->internal.in_flight == 0)
		return 0;
	error = rotai_loop_inherited(serial->internal.loop);
	if (error < 0)
		return error;
	/* None of these may follow the first one when that is cancelled, and
	 * the callbacks come in their order. */
	rotai_list_init(&waiting);
	while ((item = rotai_serial_withdraw(serial)) != NULL)
		rotai_list_append(&waiting, &item->link);
	item = rotai_serial_head(serial);
	if (item != NULL && rota_request_cancel(request_of_item(item)) == 0)
		count++;
	while ((link = rotai_list_take_first(&waiting)) != NULL) {
		item = rota_container_of(link, struct rotai_item, link);
		rotai_request_finish(request_of_item(item), ROTA_ECANCELED);
		count++;
	}
	return count;
}

void rota_serial_close(struct rota_serial *serial)
{
	ROTAI_ENTER("serial", serial, serial->internal.loop);

	serial->internal.closed = 1;
}

uint64_t rota_serial_count(const struct rota_serial *serial)
{
	ROTAI_ENTER("serial", serial, serial->internal.loop);

	return serial->internal.in_flight;
}
