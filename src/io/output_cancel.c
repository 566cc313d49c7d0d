/*
 * io/output_cancel.c - how the request of an output entry leaves the queue
 * early.
 *
 *  1. If the first entry leaves the queue and it was what the queue waited for,
 *     the rest is written. An entry that waits for room has begun, or the
 *     socket is full: then the rest waits for the same event.
 *  2. If that leaves the queue empty, there is no event to wait for, and a
 *     shutdown without a request, which was behind the queue, is done now.
 */
#include "io/io.h"

void rotai_output_take_out(struct rota_stream *stream,
			   struct rotai_output *output)
{
	struct rotai_output *before = NULL;
	struct rotai_output *at = stream->internal.first_output;

	while (at != output) {
		before = at;
		at = at->next;
	}
	if (before == NULL)
		stream->internal.first_output = output->next;
	else
		before->next = output->next;
	if (stream->internal.last_output == output)
		stream->internal.last_output = before;
	stream->internal.queued -= output->left;
}

void rotai_output_taken_out(struct rota_stream *stream)
{
	if (stream->internal.first_output == NULL)
		rotai_stream_clear(stream, ROTAI_BLOCKED);
	if (stream->internal.first_output == NULL &&
	    rotai_stream_has(stream, ROTAI_SHUT_DUE) &&
	    !rotai_stream_has(stream, ROTAI_CONNECTING))
		rotai_output_flush(stream); /* (2) */
	rotai_drain_note(stream);
	(void)rotai_stream_update(stream);
	rotai_output_shortened(stream);
}

int rotai_output_cancel(struct rota_request *request,
			struct rotai_output *output, int status)
{
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);

	if (status == ROTA_ETIMEDOUT) {
		/* O8: end also what is behind it. What is before it is still
		 * written. */
		rotai_output_break(stream, output, status);
	} else if (output->begun) {
		return ROTA_EBUSY;
	} else {
		rotai_output_take_out(stream, output);
		rotai_request_finish(request, status);
	}
	rotai_output_taken_out(stream);
	return 0;
}
