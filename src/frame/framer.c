/*
 * frame/framer.c - reads records from a stream.
 *
 * A framer feeds what the stream has read to its splitter, and calls back for
 * each record. It is the tap of the stream, as a pump is, so it works for every
 * class of them, and nothing of the stream that is the program's is used.
 *
 *  1. The callback may stop and free the framer. While records are reported,
 *     `stopped` points to a variable on the stack of report_records(), which a
 *     stop sets.
 *  2. If the framer is paused, or memory runs out, while bytes are left, a hold
 *     keeps these. Meanwhile the stream does not read. Then a task reports what
 *     is left, and starts reading again.
 *  3. How the input has ended is stored in `status`, and reported after the
 *     last record, which may be after a pause.
 *  4. The calls for the records of one buffer are parts of one callback of the
 *     stream: corked output is held back until the last of them. But ticks and
 *     microtasks run between them (T10).
 *  5. A stream that closes or ends is given back at once. The framer stays
 *     started until the program stops it, but is not called any more.
 */
#include "frame/splitter.h"
#include "io/tap.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "rota/error.h"

static const struct rota_record no_record = { NULL, 0, 0 };

static struct rota_loop *loop_of(const struct rota_framer *framer)
{
	return rota_handle_loop(&framer->internal.stream->handle);
}

static int framer_is_started(const struct rota_framer *framer)
{
	return framer->internal.splitter.internal.allocator != NULL;
}

/* Whether the program has begun to close the stream. */
static int is_leaving(const struct rota_framer *framer)
{
	const struct rota_stream *stream = framer->internal.stream;

	return rota_handle_is_closing(&stream->handle) ||
	       rota_stream_is_ending(stream);
}

/* For the check of the caller. */
static inline __attribute__((unused)) struct rota_loop *
loop_if_started(const struct rota_framer *framer)
{
	return framer_is_started(framer) ? loop_of(framer) : NULL;
}

/* Whether there may be more callbacks. In a forked child the bytes are the
 * parent's. (F2) */
static int may_go_on(const struct rota_framer *framer)
{
	return !is_leaving(framer) &&
	       rotai_loop_inherited(loop_of(framer)) == 0;
}

static size_t left_over(const struct rota_framer *framer)
{
	return framer->internal.splitter.internal.left;
}

/* The bytes that were kept are all used, or dropped. */
static void release_kept(struct rota_framer *framer)
{
	if (framer->internal.hold != NULL)
		rota_buf_release(framer->internal.hold);
	framer->internal.hold = NULL;
}

/* Keep the bytes that are left, and no others. (2) */
static void keep_left_over(struct rota_framer *framer)
{
	if (left_over(framer) == 0)
		release_kept(framer);
	if (left_over(framer) == 0 || framer->internal.hold != NULL)
		return;
	framer->internal.hold = rota_buf_keep(framer->internal.stream);
	ROTA_ASSERT(framer->internal.hold != NULL);
}

static int is_tapping(const struct rota_framer *framer)
{
	const struct rota_stream *stream = framer->internal.stream;

	return rotai_stream_has(stream, ROTAI_TAPPED) &&
	       stream->internal.fn.tap == &framer->internal.tap;
}

static void stop_reading(struct rota_framer *framer)
{
	if (is_tapping(framer))
		rotai_flow_stop(framer->internal.stream);
}

/* Give the stream back. */
static void release_stream(struct rota_framer *framer)
{
	if (is_tapping(framer))
		rotai_tap_give_back(framer->internal.stream);
}

static void stop_framer(struct rota_framer *framer)
{
	release_stream(framer);
	release_kept(framer);
	(void)rotai_task_cancel(&framer->internal.task);
	rota_splitter_free(&framer->internal.splitter);
	if (framer->internal.stopped != NULL)
		*framer->internal.stopped = 1;
	framer->internal.stopped = NULL;
}

static void call_framer(struct rota_framer *framer, int status,
			const struct rota_record *record)
{
	struct rota_loop *loop = loop_of(framer);
	uint8_t held;

	rotai_callback_begin(loop, "record", NULL, framer);
	framer->internal.fn(framer, status, record);
	held = loop->after & ROTAI_AFTER_EXTENSIONS;
	loop->after &= (uint8_t)~ROTAI_AFTER_EXTENSIONS; /* (4) */
	rotai_callback_end(loop, "record", framer);
	loop->after |= held;
}

/* The last call: the framer is stopped, and may be freed. */
static void end_framer(struct rota_framer *framer, int status)
{
	stop_framer(framer);
	call_framer(framer, status, &no_record);
}

/* Report that there is no memory, and pause until the program tries again. */
static void pause_for_memory(struct rota_framer *framer)
{
	stop_reading(framer);
	framer->internal.is_paused = 1;
	keep_left_over(framer);
	call_framer(framer, ROTA_ENOMEM, &no_record);
}

/* The splitter has returned @found, or 1 and the framer is paused. */
static int end_records(struct rota_framer *framer, int found)
{
	if (found == 1) {
		stop_reading(framer);
		keep_left_over(framer);
		return 0;
	}
	if (found == ROTA_ENOMEM) {
		pause_for_memory(framer);
		return 0;
	}
	release_kept(framer);
	if (found == 0)
		found = framer->internal.status; /* (3) */
	if (found < 0)
		end_framer(framer, found);
	return found == 0;
}

/* Call back for the records that there are. Returns 1 if all bytes are used and
 * reading may go on, 0 if not: then the framer may be gone. */
static int report_records(struct rota_framer *framer)
{
	struct rota_splitter *splitter = &framer->internal.splitter;
	struct rota_record record;
	int stopped = 0; /* (1) */
	int found;

	framer->internal.stopped = &stopped;
	do {
		found = framer->internal.status == ROTA_EOF
				? rota_splitter_finish(splitter, &record)
				: rota_splitter_next(splitter, &record);
		if (found != 1)
			break;
		call_framer(framer, 0, &record);
		if (stopped)
			return 0;
	} while (!framer->internal.is_paused && may_go_on(framer));
	framer->internal.stopped = NULL;
	if (may_go_on(framer))
		return end_records(framer, found);
	if (framer->internal.is_paused)
		stop_reading(framer); /* for a child that rebuilds the loop */
	splitter->internal.left = 0;
	release_kept(framer);
	return 0;
}

static struct rota_framer *framer_of_tap(struct rotai_tap *tap)
{
	return rota_container_of(tap, struct rota_framer, internal.tap);
}

static void framer_input(struct rotai_tap *tap, int status,
			 const struct rota_buf *buf)
{
	struct rota_framer *framer = framer_of_tap(tap);

	if (status == ROTA_ENOMEM) { /* for the loop's buffer */
		pause_for_memory(framer);
		return;
	}
	framer->internal.status = status;
	if (status == 0)
		(void)rota_splitter_feed(&framer->internal.splitter, *buf);
	(void)report_records(framer);
}

/* (5) */
static void framer_gone(struct rotai_tap *tap, struct rota_stream *stream)
{
	(void)stream;
	release_stream(framer_of_tap(tap));
}

static const struct rotai_tap_class framer_tap = {
	.input = framer_input,
	.gone = framer_gone,
};

/* Where reading is started, and then the tap takes over. */
static void no_reader(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	(void)stream;
	(void)status;
	(void)buf;
}

static int read_again(struct rota_framer *framer)
{
	struct rota_stream *stream = framer->internal.stream;
	int error = rotai_stream_usable(stream, 0);

	if (error == 0 && !is_tapping(framer))
		error = ROTA_EINVAL; /* (5) */
	if (error == 0 && rotai_stream_has(stream, ROTAI_READ_ENDED))
		error = ROTA_EOF;
	return error == 0 ? rotai_flow_start(stream) : error;
}

/* (2) */
static void go_on_later(struct rota_task *task)
{
	struct rota_framer *framer =
		rota_container_of(task, struct rota_framer, internal.task);
	int error;

	if (framer->internal.is_paused || is_leaving(framer) ||
	    !report_records(framer))
		return;
	error = read_again(framer);
	if (error == ROTA_ENOMEM)
		pause_for_memory(framer);
	else if (error < 0)
		end_framer(framer, error);
}

int rota_frame_start(struct rota_framer *framer, struct rota_stream *stream,
		     const struct rota_frame_options *options,
		     rota_frame_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_loop *loop = rota_handle_loop(&stream->handle);
	int error = fn != NULL ? rotai_frame_check(options) : ROTA_EINVAL;

	if (error < 0)
		return error;
	if (framer_is_started(framer))
		return ROTA_EALREADY;
	error = rota_stream_read_start(stream, no_reader);
	if (error < 0)
		return error;
	framer->internal.tap.class_ = &framer_tap;
	rotai_tap_take(stream, &framer->internal.tap);
	framer->internal.stream = stream;
	framer->internal.fn = fn;
	framer->internal.hold = NULL;
	framer->internal.stopped = NULL;
	framer->internal.status = 0;
	framer->internal.is_paused = 0;
	rotai_splitter_begin(&framer->internal.splitter, options,
			     &loop->allocator);
	rota_task_init(&framer->internal.task, loop);
	return 0;
}

void rota_frame_stop(struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	if (framer_is_started(framer))
		stop_framer(framer);
}

void rota_frame_pause(struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	if (!framer_is_started(framer) || framer->internal.is_paused)
		return;
	framer->internal.is_paused = 1;
	if (framer->internal.stopped == NULL)
		stop_reading(framer);
}

int rota_frame_resume(struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	int error = 0;

	if (!framer_is_started(framer))
		return ROTA_EINVAL;
	if (!framer->internal.is_paused)
		return 0;
	if (framer->internal.stopped == NULL) {
		if (left_over(framer) > 0 || framer->internal.status < 0)
			error = rota_task_immediate(&framer->internal.task,
						    go_on_later);
		else
			error = read_again(framer);
	}
	if (error < 0 && error != ROTA_EALREADY)
		return error;
	framer->internal.is_paused = 0;
	return 0;
}

int rota_frame_change(struct rota_framer *framer,
		      const struct rota_frame_options *options,
		      rota_frame_fn *fn)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	int error = fn != NULL && framer_is_started(framer)
			    ? rotai_frame_check(options)
			    : ROTA_EINVAL;

	if (error == 0)
		error = rotai_splitter_change(&framer->internal.splitter,
					      options);
	if (error == 0)
		framer->internal.fn = fn;
	return error;
}

struct rota_buf rota_frame_rest(const struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	return rota_splitter_rest(&framer->internal.splitter);
}

int rota_frame_is_started(const struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	return framer_is_started(framer);
}

struct rota_stream *rota_frame_stream(const struct rota_framer *framer)
{
	ROTAI_ENTER("framer", framer, loop_if_started(framer));
	return framer->internal.stream;
}
