/*
 * io/filter.c - rota/filter.h: a stream of a class, over another stream.
 *
 *  1. The filter is the tap of the stream below, as a pump is. What it reads
 *     below is kept by a hold until input() has taken it. What output() makes
 *     is sent below.
 *  2. A shutdown below that is not done at once is reported by on_drain, which
 *     may also come earlier. So the state of the stream below decides.
 *  3. When the loop shuts down, the stream below closes first, because it was
 *     opened first. Then the filter has none any more, and closes alone.
 */
#include "rota/filter.h"

#include <string.h>

#include "base/sized.h"
#include "io/filter_step.h"
#include "io/tap.h"
#include "loop/enter.h"
#include "rota/error.h"

/* The first version of the struct ended here. */
enum { LEAST_FILTER_CLASS = ROTAI_SIZE_UP_TO(struct rota_filter_class, room) };

ROTAI_SIZED(struct rota_filter_class, room);

static struct rota_filter *filter_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct rota_filter, stream);
}

static struct rota_filter *filter_of_tap(struct rotai_tap *tap)
{
	return rota_container_of(tap, struct rota_filter, internal.tap);
}

static ptrdiff_t filter_receive(struct rota_stream *stream, struct rota_buf buf)
{
	struct rota_filter *filter = filter_of(stream);
	size_t n = rotai_filter_read(filter, buf);

	if (n > 0)
		return (ptrdiff_t)n;
	if (filter->internal.input_status == 0)
		return ROTA_EAGAIN;
	return filter->internal.input_status == ROTA_EOF
		       ? 0
		       : filter->internal.input_status;
}

static ptrdiff_t filter_send(struct rota_stream *stream,
			     const struct rota_const_buf *bufs, size_t count)
{
	struct rota_filter *filter = filter_of(stream);
	size_t n = rotai_filter_write(filter, bufs, count);

	if (n > 0) /* an error after a part is for the next call */
		return (ptrdiff_t)n;
	return filter->internal.output_status < 0
		       ? filter->internal.output_status
		       : ROTA_EAGAIN;
}

/* The output is all made: end that of the stream below. (2) */
static int shut_below(struct rota_filter *filter)
{
	struct rota_stream *below = filter->internal.below;
	int result = 0;

	if (rotai_filter_has(filter, FILTER_KEEP_BELOW) || below == NULL)
		return 0;
	if (!rotai_filter_has(filter, FILTER_SHUT_BELOW))
		result = rota_stream_shutdown(NULL, below, NULL);
	rotai_filter_set(filter, FILTER_SHUT_BELOW);
	if (result >= 0 && rotai_stream_has(below, ROTAI_BROKEN))
		result = below->internal.error < 0 ? below->internal.error
						   : ROTA_EPIPE;
	if (result < 0 && result != ROTA_EALREADY) {
		rotai_filter_fail_output(filter, result);
		return result;
	}
	return rotai_stream_has(below, ROTAI_SHUT_DUE) ? ROTA_EAGAIN : 0;
}

static int filter_shutdown(struct rota_stream *stream)
{
	struct rota_filter *filter = filter_of(stream);

	rotai_filter_set(filter, FILTER_ENDING);
	if (rotai_filter_may_write(filter))
		rotai_filter_write_due(filter, ROTA_EOF);
	rotai_filter_serve(filter);
	if (filter->internal.output_status < 0)
		return filter->internal.output_status;
	return rotai_filter_has(filter, FILTER_FINISHED) ? shut_below(filter)
							 : ROTA_EAGAIN;
}

static void filter_interest(struct rota_stream *stream, unsigned events)
{
	struct rota_filter *filter = filter_of(stream);

	filter->internal.asked = (uint8_t)events;
	rotai_filter_update_reading(filter);
}

/* Give the stream below back. */
static void release_below(struct rota_filter *filter)
{
	struct rota_stream *below = filter->internal.below;

	filter->internal.below = NULL;
	rotai_stream_clear(below, ROTAI_FED);
	below->internal.on.drain = filter->internal.tap.drain;
	rotai_tap_give_back(below);
}

static void filter_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	struct rota_filter *filter = filter_of(stream);
	struct rota_stream *below = filter->internal.below;

	(void)rota_task_cancel(&filter->internal.task);
	rotai_filter_drop_input(filter);
	if (filter->internal.class_->close != NULL)
		filter->internal.class_->close(filter);
	if (below == NULL)
		return;
	release_below(filter);
	if (rotai_filter_has(filter, FILTER_KEEP_BELOW))
		return;
	if (kind == ROTA_CLOSE_RESET)
		(void)rota_stream_close_reset(below, NULL);
	else if (rota_handle_close_now(&below->handle) == ROTA_EBUSY)
		(void)rota_handle_close(&below->handle, NULL);
}

static const struct rota_stream_class filter_class = {
	.size = sizeof(filter_class),
	.type = "filter",
	.receive = filter_receive,
	.send = filter_send,
	.shutdown = filter_shutdown,
	.interest = filter_interest,
	.close = filter_close,
};

/* --- the stream below ----------------------------------------------------- */

static void below_input(struct rotai_tap *tap, int status,
			const struct rota_buf *buf)
{
	struct rota_filter *filter = filter_of_tap(tap);

	if (status < 0) {
		filter->internal.input_end = status;
	} else {
		filter->internal.hold = rota_buf_keep(filter->internal.below);
		filter->internal.input = *buf;
	}
	rotai_filter_input_due(filter);
	rotai_filter_serve(filter);
}

static void below_drained(struct rotai_tap *tap, int status)
{
	struct rota_filter *filter = filter_of_tap(tap);

	rotai_filter_clear(filter, FILTER_PRESSED);
	if (status < 0)
		rotai_filter_fail_output(filter, status);
	rota_stream_ready(&filter->stream, ROTA_WRITABLE);
	rotai_filter_serve(filter);
}

/* It was closed, by the program or with the loop. */
static void below_gone(struct rotai_tap *tap, struct rota_stream *below)
{
	struct rota_filter *filter = filter_of_tap(tap);
	int shut = rotai_filter_has(filter, FILTER_SHUT_BELOW) &&
		   !rotai_stream_has(below, ROTAI_SHUT_DUE);

	release_below(filter);
	if (filter->internal.input_end == 0)
		filter->internal.input_end = ROTA_ECANCELED;
	rotai_filter_input_due(filter);
	if (!shut)
		rotai_filter_fail_output(filter, ROTA_ECANCELED);
}

static const struct rotai_tap_class filter_tap = {
	.input = below_input,
	.drained = below_drained,
	.gone = below_gone,
};

/* --- the functions of the program ----------------------------------------- */

static int check_filter_class(const struct rota_filter_class *class_)
{
	return class_ != NULL && class_->size >= LEAST_FILTER_CLASS &&
			       class_->input != NULL &&
			       class_->output != NULL &&
			       class_->room <= PTRDIFF_MAX
		       ? 0
		       : ROTA_EINVAL;
}

static int check_below(const struct rota_stream *below)
{
	int error = rotai_stream_usable(below, 0);

	if (error < 0)
		return error;
	if (rotai_stream_has(below, ROTAI_ENDING))
		return ROTA_EINVAL;
	if (rotai_stream_has(below, ROTAI_TAPPED | ROTAI_FED))
		return ROTA_EBUSY;
	return rotai_stream_has(below, ROTAI_PAUSED) &&
			       below->internal.front.read == NULL
		       ? 0
		       : ROTA_EBUSY;
}

static void tap_below(struct rota_filter *filter, struct rota_stream *below)
{
	filter->internal.below = below;
	filter->internal.tap.class_ = &filter_tap;
	filter->internal.tap.drain = below->internal.on.drain;
	rotai_tap_take(below, &filter->internal.tap);
	below->internal.on.tap = &filter->internal.tap;
	rotai_stream_set(below, ROTAI_FED);
	if (rotai_stream_has(below, ROTAI_READ_ENDED)) {
		filter->internal.input_end =
			rotai_stream_has(below, ROTAI_READ_FAILED)
				? ROTA_ECONNRESET
				: ROTA_EOF;
		rotai_filter_input_due(filter);
	}
	if (below->internal.queued > below->internal.high) {
		rotai_filter_set(filter, FILTER_PRESSED);
		rotai_stream_set(below, ROTAI_PRESSED);
	}
}

int rota_filter_open(struct rota_filter *filter, struct rota_stream *below,
		     const struct rota_filter_class *class_, unsigned flags)
{
	ROTAI_ENTER_HANDLE(&below->handle);
	struct rota_loop *loop = rota_handle_loop(&below->handle);
	int error = check_filter_class(class_);

	if (error == 0 && (flags & ~(unsigned)ROTA_FILTER_KEEP_BELOW) != 0)
		error = ROTA_EINVAL;
	if (error == 0)
		error = check_below(below);
	if (error == 0)
		error = rota_stream_open(&filter->stream, loop, &filter_class);
	if (error < 0)
		return error;
	memset(&filter->internal, 0, sizeof(filter->internal));
	filter->internal.class_ = class_;
	if (flags & ROTA_FILTER_KEEP_BELOW)
		rotai_filter_set(filter, FILTER_KEEP_BELOW);
	if (class_->type != NULL)
		rota_handle_set_name(&filter->handle, class_->type);
	rota_task_init(&filter->internal.task, loop);
	tap_below(filter, below);
	return 0;
}

void rota_filter_again(struct rota_filter *filter, unsigned events)
{
	ROTAI_ENTER_HANDLE(&filter->handle);
	if (rotai_handle_usable(&filter->handle) < 0)
		return;
	if (events & ROTA_READABLE)
		rotai_filter_input_due(filter);
	if (events & ROTA_WRITABLE)
		rotai_filter_output_due(filter);
	if (!rotai_filter_has(filter, FILTER_CALLING))
		(void)rota_task_immediate(&filter->internal.task,
					  rotai_filter_go_on_later);
}

struct rota_stream *rota_filter_below(const struct rota_filter *filter)
{
	ROTAI_ENTER_HANDLE(&filter->handle);
	return filter->internal.below;
}

struct rota_const_buf rota_filter_rest(const struct rota_filter *filter)
{
	ROTAI_ENTER_HANDLE(&filter->handle);
	const struct rota_buf *rest = &filter->internal.input;

	return rota_bytes(rest->size > 0 ? rest->data : NULL, rest->size);
}
