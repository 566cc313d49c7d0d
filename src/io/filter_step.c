/*
 * io/filter_step.c - see filter_step.h.
 *
 *  1. FILTER_IN_MORE is set while input() may have something to give: after new
 *     input or an end, and until it takes nothing and makes nothing. Whenever
 *     it is set, the stream is reported as readable.
 *  2. FILTER_OUT_DUE is set while output() may have something to give without
 *     new bytes of the program, in the same way.
 *  3. The results of input() go straight into the buffer of the reader. They go
 *     into memory of the filter (made) if that buffer is too small for what the
 *     class demands, or if nobody reads: while output() waits for input.
 *  4. Nothing here calls the user. The functions of the class are called from
 *     inside calls of the user's and from the loop, but never from inside each
 *     other.
 *  5. One batch makes at most ROTA_BYTES_PER_EVENT bytes, and what fits into
 *     its memory. Then FILTER_OUT_LATER is set and a task goes on, so an
 *     output() that makes much of little does not stop the loop.
 *  6. A direction that waits for the other is called once more when the other
 *     has ended, because nothing else would come.
 */
#include "io/filter_step.h"

#include <string.h>

#include "base/memory.h"
#include "io/tap.h"
#include "rota/error.h"

enum {
	BATCH_LEAST = 4096,
	BATCH_MOST = 68 * 1024, /* a buffer of the loop's, and some more */
	MADE_LEAST = 4096,
};

/* What output() makes, until it is sent below. */
struct filter_batch {
	struct rota_filter *filter;
	struct rota_buf memory;
	size_t used;
	size_t left; /* bytes that it may still make (5) */
	int is_sent; /* some of it */
};

static const struct rota_const_buf no_bytes = { NULL, 0 };

static const struct rota_allocator *
filter_allocator(const struct rota_filter *filter)
{
	return &filter->handle.internal.loop->allocator;
}

/* The room that the class demands. */
static size_t room_of(const struct rota_filter *filter)
{
	size_t room = filter->internal.class_->room;

	return room > 0 ? room : 1;
}

static size_t made_capacity(const struct rota_filter *filter)
{
	size_t room = room_of(filter);

	return room > MADE_LEAST ? room : MADE_LEAST;
}

static void release_input(struct rota_filter *filter)
{
	if (filter->internal.hold != NULL)
		rota_buf_release(filter->internal.hold);
	filter->internal.hold = NULL;
	filter->internal.input.size = 0;
}

static void free_made(struct rota_filter *filter)
{
	rotai_memory_free(filter_allocator(filter), filter->internal.made,
			  made_capacity(filter));
	filter->internal.made = NULL;
	filter->internal.made_from = 0;
	filter->internal.made_size = 0;
}

void rotai_filter_input_due(struct rota_filter *filter)
{
	rotai_filter_clear(filter, FILTER_IN_WAITS);
	rotai_filter_set(filter, FILTER_IN_MORE);
	rota_stream_ready(&filter->stream, ROTA_READABLE);
}

void rotai_filter_output_due(struct rota_filter *filter)
{
	rotai_filter_clear(filter, FILTER_OUT_WAITS);
	rotai_filter_set(filter, FILTER_OUT_DUE);
	rota_stream_ready(&filter->stream, ROTA_WRITABLE);
}

static void input_ended(struct rota_filter *filter, int status)
{
	if (filter->internal.input_status < 0)
		return;
	filter->internal.input_status = status;
	if (!rotai_filter_has(filter, FILTER_KEEP_BELOW))
		release_input(filter); /* else it is the program's */
	if (rotai_filter_has(filter, FILTER_OUT_WAITS))
		rotai_filter_output_due(filter); /* (6) */
	rota_stream_ready(&filter->stream, ROTA_READABLE);
}

static void output_ended(struct rota_filter *filter)
{
	if (rotai_filter_has(filter, FILTER_IN_WAITS))
		rotai_filter_input_due(filter); /* (6) */
	rota_stream_ready(&filter->stream, ROTA_WRITABLE);
}

void rotai_filter_fail_output(struct rota_filter *filter, int error)
{
	if (filter->internal.output_status < 0)
		return;
	filter->internal.output_status = error;
	output_ended(filter);
}

/* Whether output() may be called. */
int rotai_filter_may_write(const struct rota_filter *filter)
{
	return filter->internal.output_status == 0 &&
	       !rotai_filter_has(filter, FILTER_OUT_WAITS | FILTER_OUT_LATER |
						 FILTER_PRESSED |
						 FILTER_FINISHED);
}

/* Whether input() may be called. */
static int may_read(const struct rota_filter *filter)
{
	return filter->internal.input_status == 0 &&
	       rotai_filter_has(filter, FILTER_IN_MORE) &&
	       !rotai_filter_has(filter, FILTER_IN_WAITS);
}

/* --- output --------------------------------------------------------------- */

/* Get memory for what output() makes of @size bytes: 0, or ROTA_ENOMEM and the
 * output has failed. */
static int begin_batch(struct filter_batch *batch, struct rota_filter *filter,
		       size_t size)
{
	size_t room = room_of(filter);

	size = size < BATCH_MOST ? size + size / 64 + BATCH_LEAST : BATCH_MOST;
	if (size > BATCH_MOST)
		size = BATCH_MOST;
	if (size < room)
		size = room;
	batch->filter = filter;
	batch->memory.size = size;
	batch->memory.data = rotai_memory_new(filter_allocator(filter), size);
	batch->used = 0;
	batch->left = ROTA_BYTES_PER_EVENT;
	batch->is_sent = 0;
	if (batch->memory.data != NULL)
		return 0;
	rotai_filter_fail_output(filter, ROTA_ENOMEM);
	return ROTA_ENOMEM;
}

static void send_below(struct filter_batch *batch)
{
	struct rota_filter *filter = batch->filter;
	int status;

	if (batch->used == 0 || filter->internal.below == NULL)
		return;
	status = rota_stream_send(filter->internal.below, batch->memory.data,
				  batch->used);
	batch->used = 0;
	batch->is_sent |= status >= 0;
	if (status < 0)
		rotai_filter_fail_output(filter, status);
	else if (status > 0)
		rotai_filter_set(filter, FILTER_PRESSED);
}

static void end_batch(struct filter_batch *batch)
{
	send_below(batch);
	rotai_memory_free(filter_allocator(batch->filter), batch->memory.data,
			  batch->memory.size);
}

/* How a direction has ended, or 0: a function has returned @result. */
static int result_of(const struct rota_filter_step *step, int result)
{
	if (step->taken > step->from.size || step->made > step->to.size)
		return ROTA_EINVAL;
	if (result != 0 || step->taken > 0 || step->made > 0)
		return result > 0 ? ROTA_EINVAL : result;
	return step->from.size > 0 ? ROTA_EINVAL : step->end;
}

static int call_class(struct rota_filter *filter, rota_filter_fn *fn,
		      struct rota_filter_step *step)
{
	int result;

	rotai_filter_set(filter, FILTER_CALLING);
	result = result_of(step, fn(filter, step));
	rotai_filter_clear(filter, FILTER_CALLING);
	if (step->taken > step->from.size || step->made > step->to.size)
		step->taken = step->made = 0; /* it cannot be believed */
	return result;
}

static void output_returned(struct rota_filter *filter, int end, int result)
{
	if (result == ROTA_EAGAIN) {
		rotai_filter_set(filter, FILTER_OUT_WAITS);
	} else if (result == ROTA_EOF && end == ROTA_EOF) {
		rotai_filter_set(filter, FILTER_FINISHED);
		output_ended(filter);
	} else if (result == ROTA_EOF) {
		rotai_filter_fail_output(filter, ROTA_EPIPE);
	} else if (result < 0) {
		rotai_filter_fail_output(filter, result);
		input_ended(filter, result);
	}
}

/* Call output() once, and advance @from. The caller has checked
 * rotai_filter_may_write(). */
static void call_output(struct filter_batch *batch, struct rota_const_buf *from,
			int end)
{
	struct rota_filter *filter = batch->filter;
	struct rota_filter_step step = { .from = *from, .end = end };
	int result;

	step.to.data = batch->memory.data + batch->used;
	step.to.size = batch->memory.size - batch->used;
	result = call_class(filter, filter->internal.class_->output, &step);
	batch->used += step.made;
	if (step.taken > 0) {
		from->data += step.taken;
		from->size -= step.taken;
	}
	if (step.taken > 0 || step.made > 0) {
		rotai_filter_set(filter, FILTER_OUT_DUE);
		if (rotai_filter_has(filter, FILTER_IN_WAITS))
			rotai_filter_input_due(filter);
	} else if (step.from.size == 0) {
		rotai_filter_clear(filter, FILTER_OUT_DUE); /* (2) */
	}
	output_returned(filter, end, result);
	if (batch->memory.size - batch->used < room_of(filter))
		send_below(batch);
	batch->left -= step.made < batch->left ? step.made : batch->left;
	if (batch->left == 0 && rotai_filter_may_write(filter)) { /* (5) */
		rotai_filter_set(filter, FILTER_OUT_LATER);
		(void)rota_task_immediate(&filter->internal.task,
					  rotai_filter_go_on_later);
	}
}

/* Call output() without bytes of the program's until it has no more. */
static void write_rest(struct filter_batch *batch, int end)
{
	struct rota_const_buf from = no_bytes;

	while (rotai_filter_may_write(batch->filter) &&
	       rotai_filter_has(batch->filter, FILTER_OUT_DUE))
		call_output(batch, &from, end);
}

/* The same in a batch of its own. */
void rotai_filter_write_due(struct rota_filter *filter, int end)
{
	struct filter_batch batch;

	if (begin_batch(&batch, filter, 0) < 0)
		return;
	rotai_filter_set(filter, FILTER_OUT_DUE);
	write_rest(&batch, end);
	end_batch(&batch);
}

/* --- input ---------------------------------------------------------------- */

static void input_returned(struct rota_filter *filter, int result)
{
	if (result == ROTA_EAGAIN) {
		rotai_filter_set(filter, FILTER_IN_WAITS);
		return;
	}
	if (result == 0)
		return;
	/* Its own error, and not that of the stream below. */
	if (result != ROTA_EOF && result != filter->internal.input_end) {
		rotai_filter_clear(filter, FILTER_OUT_WAITS);
		if (rotai_filter_may_write(filter))
			rotai_filter_write_due(filter, result);
		rotai_filter_fail_output(filter, result);
	}
	input_ended(filter, result);
}

/* Call input() once. Returns how many bytes it has stored at @to. */
static size_t call_input(struct rota_filter *filter, struct rota_buf to)
{
	struct rota_buf *input = &filter->internal.input;
	struct rota_filter_step step = {
		.from = rota_bytes(input->data, input->size),
		.to = to,
	};
	int result;

	if (input->size == 0)
		step.end = filter->internal.input_end;
	result = call_class(filter, filter->internal.class_->input, &step);
	if (step.taken > 0) {
		input->data += step.taken;
		input->size -= step.taken;
		if (input->size == 0)
			release_input(filter);
	}
	if (result == ROTA_EAGAIN || step.taken > 0 || step.made > 0)
		rotai_filter_set(filter, FILTER_IN_MORE);
	else
		rotai_filter_clear(filter, FILTER_IN_MORE); /* (1) */
	if ((step.taken > 0 || step.made > 0) &&
	    rotai_filter_has(filter, FILTER_OUT_WAITS))
		rotai_filter_output_due(filter);
	input_returned(filter, result);
	return step.made;
}

/* Whether input() may make something that nobody reads yet. (3) */
static int has_room_ahead(const struct rota_filter *filter)
{
	return made_capacity(filter) - filter->internal.made_from -
		       filter->internal.made_size >=
	       room_of(filter);
}

static void make_ahead(struct rota_filter *filter)
{
	struct rota_buf to = { NULL, made_capacity(filter) };
	size_t used = filter->internal.made_from + filter->internal.made_size;

	if (filter->internal.made == NULL)
		filter->internal.made =
			rotai_memory_new(filter_allocator(filter), to.size);
	if (filter->internal.made == NULL) {
		rotai_filter_fail_output(filter, ROTA_ENOMEM);
		input_ended(filter, ROTA_ENOMEM);
		return;
	}
	to.data = filter->internal.made + used;
	to.size -= used;
	filter->internal.made_size += call_input(filter, to);
	if (filter->internal.made_size == 0)
		free_made(filter);
	else
		rota_stream_ready(&filter->stream, ROTA_READABLE);
}

static size_t take_made(struct rota_filter *filter, struct rota_buf buf)
{
	size_t size = filter->internal.made_size;

	if (size > buf.size)
		size = buf.size;
	memcpy(buf.data, filter->internal.made + filter->internal.made_from,
	       size);
	filter->internal.made_from += size;
	filter->internal.made_size -= size;
	if (filter->internal.made_size == 0)
		free_made(filter);
	return size;
}

/* Read the stream below while somebody wants input and none is here. */
void rotai_filter_update_reading(struct rota_filter *filter)
{
	struct rota_stream *below = filter->internal.below;
	int error;
	int reads;

	if (below == NULL || filter->internal.input_end < 0)
		return;
	reads = ((filter->internal.asked & ROTA_READABLE) ||
		 rotai_filter_has(filter, FILTER_OUT_WAITS)) &&
		filter->internal.input_status == 0 &&
		filter->internal.input.size == 0 &&
		!rotai_filter_has(filter, FILTER_IN_MORE) &&
		has_room_ahead(filter);
	if (reads != rotai_stream_has(below, ROTAI_PAUSED))
		return;
	if (!reads) {
		rotai_flow_stop(below);
		return;
	}
	error = rotai_flow_start(below);
	if (error < 0) {
		filter->internal.input_end = error;
		rotai_filter_input_due(filter);
	}
}

/* Do what can be done without the program. */
void rotai_filter_serve(struct rota_filter *filter)
{
	for (;;) {
		if (rotai_filter_may_write(filter) &&
		    rotai_filter_has(filter, FILTER_OUT_DUE) &&
		    !rotai_filter_has(filter, FILTER_ENDING))
			rotai_filter_write_due(filter, 0);
		else if (may_read(filter) &&
			 rotai_filter_has(filter, FILTER_OUT_WAITS) &&
			 has_room_ahead(filter))
			make_ahead(filter);
		else
			break;
	}
	rotai_filter_update_reading(filter);
}

/* Go on with what was put off. If the filter is ending, its shutdown function
 * does, which the report causes to be called. */
void rotai_filter_go_on_later(struct rota_task *task)
{
	struct rota_filter *filter =
		rota_container_of(task, struct rota_filter, internal.task);

	if (rotai_loop_inherited(filter->handle.internal.loop) < 0)
		return;
	rotai_filter_clear(filter, FILTER_OUT_LATER);
	rota_stream_ready(&filter->stream, ROTA_WRITABLE);
	rotai_filter_serve(filter);
}

/* --- the functions of the stream's class --------------------------------- */

size_t rotai_filter_read(struct rota_filter *filter, struct rota_buf buf)
{
	size_t n = 0;

	while (n == 0) {
		if (filter->internal.made_size > 0)
			n = take_made(filter, buf);
		else if (!may_read(filter))
			break;
		else if (buf.size >= room_of(filter))
			n = call_input(filter, buf);
		else
			make_ahead(filter);
	}
	rotai_filter_serve(filter);
	return n;
}

static size_t sum_sizes(const struct rota_const_buf *bufs, size_t count)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += bufs[i].size;
	return total;
}

size_t rotai_filter_write(struct rota_filter *filter,
			  const struct rota_const_buf *bufs, size_t count)
{
	struct filter_batch batch;
	size_t total = 0;

	if (!rotai_filter_may_write(filter) ||
	    begin_batch(&batch, filter, sum_sizes(bufs, count)) < 0)
		return 0;
	for (size_t i = 0; i < count && rotai_filter_may_write(filter); i++) {
		struct rota_const_buf from = bufs[i];

		while (from.size > 0 && rotai_filter_may_write(filter))
			call_output(&batch, &from, 0);
		total += bufs[i].size - from.size;
	}
	write_rest(&batch, 0);
	end_batch(&batch);
	rotai_filter_serve(filter);
	/* If nothing has left, an error is the result of the whole call. */
	return filter->internal.output_status < 0 && !batch.is_sent ? 0 : total;
}

void rotai_filter_drop_input(struct rota_filter *filter)
{
	release_input(filter);
	free_made(filter);
}
