/*
 * io/sendfile.c - rota_stream_sendfile(): the request. The bytes are sent by
 * file_output.c, when the entry is the first one of the output queue.
 *
 *  1. A thread that works for the entry uses the caller's descriptor and
 *     memory. So a request that ends early ends when the thread is done: its
 *     cancel returns ROTA_EBUSY, and a deadline or a close is noted.
 *  2. While a thread works for the first entry, the queue waits for nothing
 *     else. If that entry is taken back, the rest of the queue is written.
 *  3. In a forked child the thread does not exist. The entry cannot be sent to
 *     its end, so the writing side has failed. What is behind it ends in the
 *     pending phase, because only this request may end now.
 */
#include "io/file_output.h"

#include "base/file.h"
#include "loop/extension.h"
#include "pool/item.h"

static struct rota_sendfile *sendfile_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_sendfile, request);
}

static void call_sendfile(struct rota_request *request)
{
	sendfile_of(request)->internal.fn(sendfile_of(request),
					  request->internal.status);
}

/* Cancel an entry that waits for a thread. (1) */
static int cancel_away(struct rota_stream *stream, struct rota_sendfile *s)
{
	int error = s->internal.output.begun
			    ? ROTA_EBUSY
			    : rotai_item_cancel(&s->internal.item);

	if (error < 0)
		return ROTA_EBUSY;
	rotai_file_output_forget(s);
	rotai_stream_clear(stream, ROTAI_FETCHING);
	rotai_output_take_out(stream, &s->internal.output);
	rotai_request_finish(&s->request, ROTA_ECANCELED);
	rotai_output_flush(stream); /* (2) */
	rotai_output_taken_out(stream);
	return 0;
}

static int cancel_sendfile(struct rota_request *request, int status)
{
	struct rota_sendfile *s = sendfile_of(request);
	int error;

	if (s->internal.late < 0)
		return ROTA_EALREADY;
	if (s->internal.away && status != ROTA_ETIMEDOUT)
		return cancel_away(rotai_stream_of(request->internal.handle),
				   s);
	error = rotai_output_cancel(request, &s->internal.output, status);
	if (error == 0 && !s->internal.away)
		rotai_file_output_forget(s);
	return error;
}

/* (3) */
static void sendfile_forked(struct rota_request *request)
{
	struct rota_sendfile *s = sendfile_of(request);
	struct rota_stream *stream = rotai_stream_of(request->internal.handle);
	int late = s->internal.late;

	if (!s->internal.away)
		return;
	rotai_file_output_forget(s);
	if (late < 0) {
		rotai_request_finish(request, late);
		return;
	}
	rotai_stream_clear(stream, ROTAI_FETCHING);
	rotai_output_take_out(stream, &s->internal.output);
	rotai_output_fail_later(stream, ROTA_ECANCELED);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class sendfile_class = {
	.type = "sendfile",
	.call = call_sendfile,
	.cancel = cancel_sendfile,
	.forked = sendfile_forked,
};

static void sendfile_returned(struct rotai_item *item, int error)
{
	struct rota_sendfile *s =
		rota_container_of(item, struct rota_sendfile, internal.item);
	struct rota_stream *stream =
		rotai_stream_of(s->request.internal.handle);
	int result = rotai_file_output_returned(s, error);

	if (result > 0)
		return;
	if (result < 0)
		rotai_output_fail(stream, result);
	else
		rotai_output_flush(stream);
	rotai_output_shortened(stream);
}

static int check_part(int fd, int64_t offset, uint64_t length)
{
	if (offset < 0 || (length != ROTA_TO_THE_END &&
			   length > (uint64_t)(INT64_MAX - offset)))
		return ROTA_EINVAL;
	return rotai_file_check(fd);
}

int rota_stream_sendfile(struct rota_sendfile *sendfile,
			 struct rota_stream *stream, int fd, int64_t offset,
			 uint64_t length, rota_sendfile_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_loop *loop = stream->handle.internal.loop;
	int error = rotai_output_admits(stream);

	if (error == 0)
		error = fn == NULL ? ROTA_EINVAL
				   : check_part(fd, offset, length);
	if (error == 0)
		error = rotai_item_prepare(loop);
	if (error < 0)
		return error;
	sendfile->internal.fn = fn;
	rotai_file_output_init(sendfile, stream, fd, offset, length,
			       sendfile_returned);
	rotai_request_begin(&sendfile->request, loop, &stream->handle,
			    &sendfile_class);
	rotai_output_submit(stream, &sendfile->internal.output);
	return 0;
}
