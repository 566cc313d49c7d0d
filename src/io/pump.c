/*
 * io/pump.c - rota/pump.h: rota_pump.
 *
 *  1. The request of a pump belongs to the sink. So it is called back before
 *     the close callback of the sink, also if both streams are closed at once.
 *  2. Bytes are sent by rota_stream_send(), which copies only what the kernel
 *     does not take. At most one lent buffer is sent beyond the high watermark.
 *  3. When the input has ended, a request is queued behind all bytes: a
 *     shutdown, or a write of no bytes. When that has completed, the pump has
 *     ended, and until then the source is free.
 */
#include "io/pump.h"

#include "io/tap.h"

/* PUMP_FINISHING: the last request is in flight. (3) */
enum { PUMP_RUNNING, PUMP_FINISHING, PUMP_ENDED };

static struct rota_pump *pump_of_tap(struct rotai_tap *tap)
{
	return rota_container_of(tap, struct rota_pump, internal.tap);
}

static struct rota_pump *pump_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_pump, request);
}

static void release_source(struct rota_pump *pump)
{
	struct rota_stream *source = pump->internal.source;

	if (source == NULL)
		return;
	rotai_tap_give_back(source);
	pump->internal.source = NULL;
}

static void release_sink(struct rota_pump *pump)
{
	struct rota_stream *sink = pump->internal.sink;

	rotai_stream_clear(sink, ROTAI_FED);
	sink->internal.on.drain = pump->internal.tap.drain;
}

static void end_pump(struct rota_pump *pump, int status,
		     enum rota_pump_side side)
{
	release_source(pump);
	release_sink(pump);
	pump->internal.state = PUMP_ENDED;
	pump->side = side;
	rotai_request_finish(&pump->request, status);
}

void rotai_pump_drop(struct rota_pump *pump)
{
	release_source(pump);
	release_sink(pump);
	rotai_request_drop(&pump->request, ROTA_ECANCELED);
}

/* The last request has completed. */
static void end_last(struct rota_pump *pump, int status)
{
	if (pump->internal.late < 0)
		end_pump(pump, pump->internal.late, ROTA_PUMP_NEITHER);
	else
		end_pump(pump, status,
			 status < 0 ? ROTA_PUMP_SINK : ROTA_PUMP_NEITHER);
}

static void on_shut_down(struct rota_shutdown *shutdown, int status)
{
	end_last(rota_container_of(shutdown, struct rota_pump,
				   internal.last.shutdown),
		 status);
}

static void on_written(struct rota_write *write, int status)
{
	end_last(
		rota_container_of(write, struct rota_pump, internal.last.write),
		status);
}

/* The input has ended. (3) */
static void finish_pump(struct rota_pump *pump)
{
	static const struct rota_const_buf nothing = { NULL, 0 };
	struct rota_stream *sink = pump->internal.sink;
	int error;

	release_source(pump);
	pump->internal.state = PUMP_FINISHING;
	if (pump->internal.flags & ROTA_PUMP_KEEP_OPEN)
		error = rota_stream_write(&pump->internal.last.write, sink,
					  &nothing, 1, on_written);
	else
		error = rota_stream_shutdown(&pump->internal.last.shutdown,
					     sink, on_shut_down);
	if (error < 0)
		end_pump(pump, error, ROTA_PUMP_SINK);
}

static void pump_input(struct rotai_tap *tap, int status,
		       const struct rota_buf *buf)
{
	struct rota_pump *pump = pump_of_tap(tap);

	if (status == ROTA_EOF) {
		finish_pump(pump);
		return;
	}
	if (status < 0) {
		end_pump(pump, status, ROTA_PUMP_SOURCE);
		return;
	}
	status = rota_stream_send(pump->internal.sink, buf->data, buf->size);
	if (status < 0) {
		end_pump(pump, status, ROTA_PUMP_SINK);
		return;
	}
	pump->bytes += buf->size;
	if (status > 0) {
		pump->internal.is_paused = 1;
		rotai_flow_stop(pump->internal.source);
	}
}

static void pump_drained(struct rotai_tap *tap, int status)
{
	struct rota_pump *pump = pump_of_tap(tap);

	if (pump->internal.state != PUMP_RUNNING)
		return; /* the last request tells */
	if (status < 0) {
		end_pump(pump, status, ROTA_PUMP_SINK);
		return;
	}
	if (!pump->internal.is_paused)
		return;
	pump->internal.is_paused = 0;
	status = rotai_flow_start(pump->internal.source);
	if (status < 0)
		end_pump(pump, status, ROTA_PUMP_SOURCE);
}

static void pump_gone(struct rotai_tap *tap, struct rota_stream *stream)
{
	struct rota_pump *pump = pump_of_tap(tap);

	/* The close of the sink completes the last request. */
	if (pump->internal.state == PUMP_RUNNING)
		end_pump(pump, ROTA_ECANCELED,
			 stream == pump->internal.source ? ROTA_PUMP_SOURCE
							 : ROTA_PUMP_SINK);
}

static const struct rotai_tap_class pump_tap = {
	.input = pump_input,
	.drained = pump_drained,
	.gone = pump_gone,
};

static void call_pump(struct rota_request *request)
{
	pump_of(request)->internal.fn(pump_of(request),
				      request->internal.status);
}

static int cancel_pump(struct rota_request *request, int status)
{
	struct rota_pump *pump = pump_of(request);
	struct rota_request *last = &pump->internal.last.write.request;
	int error;

	if (pump->internal.state == PUMP_RUNNING) {
		end_pump(pump, status, ROTA_PUMP_NEITHER);
		return 0;
	}
	if (!(pump->internal.flags & ROTA_PUMP_KEEP_OPEN))
		last = &pump->internal.last.shutdown.request;
	error = rota_request_cancel(last);
	/* A deadline that passes while the sink is being shut down makes its
	 * writing side fail, as that of the shutdown itself would. */
	if (error == ROTA_EBUSY && status == ROTA_ETIMEDOUT)
		error = last->internal.class_->cancel(last, status);
	if (error == 0)
		pump->internal.late = status;
	return error;
}

static const struct rotai_request_class pump_class = {
	.type = "pump",
	.call = call_pump,
	.cancel = cancel_pump,
};

/* Return 0 if @source can be read by a pump and @sink be written by one. */
static int check_pump(const struct rota_stream *source,
		      const struct rota_stream *sink)
{
	int error = rotai_stream_usable(source, 0);

	if (error < 0)
		return error;
	if (rota_handle_loop(&source->handle) !=
		    rota_handle_loop(&sink->handle) ||
	    rotai_stream_has(source, ROTAI_ENDING) ||
	    rotai_stream_has(sink, ROTAI_ENDING))
		return ROTA_EINVAL;
	error = rotai_output_admits(sink);
	if (error < 0)
		return error;
	if (rotai_stream_has(source, ROTAI_TAPPED) ||
	    rotai_stream_has(sink, ROTAI_FED))
		return ROTA_EBUSY;
	if (rotai_stream_has(source, ROTAI_READ_ENDED))
		return ROTA_EOF;
	return rotai_stream_has(source, ROTAI_PAUSED) &&
			       source->internal.front.read == NULL
		       ? 0
		       : ROTA_EBUSY;
}

/* Read, or wait until the sink has less to send. */
static int begin_pump(struct rota_pump *pump)
{
	struct rota_stream *sink = pump->internal.sink;

	pump->internal.is_paused = sink->internal.queued > sink->internal.high;
	if (!pump->internal.is_paused)
		return rotai_flow_start(pump->internal.source);
	rotai_stream_set(sink, ROTAI_PRESSED);
	return 0;
}

int rota_pump_start(struct rota_pump *pump, struct rota_stream *source,
		    struct rota_stream *sink, unsigned flags, rota_pump_fn *fn)
{
	ROTAI_ENTER_HANDLE(&sink->handle);
	int error = fn == NULL || (flags & ~(unsigned)ROTA_PUMP_KEEP_OPEN) != 0
			    ? ROTA_EINVAL
			    : check_pump(source, sink);

	if (error < 0)
		return error;
	pump->bytes = 0;
	pump->side = ROTA_PUMP_NEITHER;
	pump->internal.tap.class_ = &pump_tap;
	pump->internal.tap.drain = sink->internal.on.drain;
	pump->internal.source = source;
	pump->internal.sink = sink;
	pump->internal.fn = fn;
	pump->internal.late = 0;
	pump->internal.flags = (uint8_t)flags;
	pump->internal.state = PUMP_RUNNING;
	error = begin_pump(pump);
	if (error < 0)
		return error;
	rotai_tap_take(source, &pump->internal.tap);
	sink->internal.on.tap = &pump->internal.tap;
	rotai_stream_set(sink, ROTAI_FED);
	rotai_request_begin(&pump->request, sink->handle.internal.loop,
			    &sink->handle, &pump_class);
	return 0;
}

int rota_pump_stop(struct rota_pump *pump)
{
	ROTAI_ENTER_LIVE("request", &pump->request,
			 &pump->request.internal.link,
			 pump->request.internal.loop);
	return rota_request_cancel(&pump->request);
}
