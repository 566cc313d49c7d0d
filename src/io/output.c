/*
 * io/output.c - the output queue of a stream: copies of sent data, write
 * requests, and possibly a shutdown as the last entry. Everything is written in
 * order, gathered into few system calls.
 *
 *  1. queued is the sum of left over all entries of the queue.
 *  2. A queue that is not empty waits for one of four things: the stream gets
 *     connected; the callback ends in which the stream is corked (deferred.c);
 *     the stream becomes writable (ROTAI_BLOCKED); or a thread has read a part
 *     of the file that comes next (ROTAI_FETCHING).
 *  3. Nothing in this file calls a user callback. Requests are finished here
 *     and called back in the pending phase. on_drain is only marked as due;
 *     read.c calls it in the poll phase, or deferred.c in the pending phase.
 *  4. A class may need more than one call to shut down: it says ROTA_EAGAIN,
 *     and is called again when the stream is writable.
 *  5. A shutdown without a request is reported by on_drain, unless it is done
 *     at once.
 *  6. The descriptors of a write go with the first byte of a system call. So
 *     such a write begins a call. They have gone when a part of it is written.
 *  7. Files have no bytes in memory: the member left of their entries is 0, and
 *     queued does not count them. One flush sends at most ROTA_BYTES_PER_EVENT
 *     of them; the rest waits for the next event, which is made here.
 */
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/socket.h"
#include "io/file_output.h"
#include "io/transport.h"

enum {
	GATHERED = 512, /* buffers in one call; IOV_MAX is 1024 */
};

static struct rota_request *request_of(struct rotai_output *output)
{
	if (output->kind != ROTAI_OUTPUT_SHUTDOWN)
		return &rota_container_of(output, struct rota_write,
					  internal.output)
				->request;
	return &rota_container_of(output, struct rota_shutdown, internal.output)
			->request;
}

/* Remove the first entry from the queue and return it. */
static struct rotai_output *take_first(struct rota_stream *stream)
{
	struct rotai_output *first = stream->internal.first_output;

	stream->internal.first_output = first->next;
	return first;
}

static void end_output(struct rota_stream *stream, struct rotai_output *output,
		       int status)
{
	if (output->kind == ROTAI_OUTPUT_COPY)
		rotai_chunk_free(rotai_io_of(stream), output);
	else if (ROTAI_UNLIKELY(output->kind == ROTAI_OUTPUT_FILE))
		rotai_file_output_end(output, status);
	else
		rotai_request_finish(request_of(output), status);
}

void rotai_output_consume(struct rota_stream *stream, size_t n)
{
	struct rotai_output *first;

	stream->internal.queued -= n; /* (1) */
	while ((first = stream->internal.first_output) != NULL &&
	       first->kind <= ROTAI_OUTPUT_PASS && first->left <= n) {
		n -= first->left;
		end_output(stream, take_first(stream), 0);
	}
	if (n == 0)
		return;
	first->begun = 1;
	first->left -= n;
	n += first->offset;
	while (n >= first->bufs->size) {
		n -= first->bufs->size;
		first->bufs++;
		first->count--;
	}
	first->offset = n;
}

/* Gather the head of the queue into @bufs: returns the number of bytes, and
 * sets *@count to the number of buffers and *@next to the entry at which it has
 * stopped, or NULL. */
static size_t gather_output(const struct rota_stream *stream,
			    struct iovec *bufs, size_t *count,
			    struct rotai_output **next)
{
	const struct rotai_output *first = stream->internal.first_output;
	struct rotai_output *at = stream->internal.first_output;
	size_t total = 0;
	size_t n = 0;

	for (; at != NULL && at->kind <= ROTAI_OUTPUT_PASS; at = at->next) {
		size_t offset = at->offset;

		if (at->kind == ROTAI_OUTPUT_PASS && at != first)
			break; /* (6) */
		for (uint32_t i = 0; i < at->count; i++, offset = 0) {
			if (at->bufs[i].size == offset)
				continue; /* an empty one */
			if (n == GATHERED)
				goto full;
			bufs[n].iov_base =
				(char *)(uintptr_t)at->bufs[i].data + offset;
			bufs[n].iov_len = at->bufs[i].size - offset;
			total += bufs[n].iov_len;
			n++;
		}
	}
full:
	*next = at;
	*count = n;
	return total;
}

/* Whether the head of the queue has descriptors that go with it. (6) */
static int passes(const struct rota_stream *stream)
{
	const struct rotai_output *first = stream->internal.first_output;

	return first->kind == ROTAI_OUTPUT_PASS && !first->begun;
}

int rotai_output_shut_down(struct rota_stream *stream)
{
	int error = rotai_transport_shutdown(stream);

	if (error == ROTA_EAGAIN)
		rotai_stream_set(stream, ROTAI_SHUT_DUE | ROTAI_BLOCKED);
	else
		rotai_stream_clear(stream, ROTAI_SHUT_DUE);
	return error;
}

/* The queue has nothing more to write: do the shutdown that is its last entry,
 * or has no request, if there is one. (4) */
static void shut_down_queued(struct rota_stream *stream)
{
	struct rotai_output *last = stream->internal.first_output;
	int status;

	if (last == NULL && !rotai_stream_has(stream, ROTAI_SHUT_DUE))
		return;
	status = rotai_output_shut_down(stream);
	if (status == ROTA_EAGAIN) {
		if (last != NULL)
			last->begun = 1;
		return;
	}
	if (last != NULL) {
		end_output(stream, take_first(stream), status);
		return;
	}
	rotai_stream_set(stream, ROTAI_DRAIN_DUE); /* (5) */
	stream->internal.error = status;
	if (status < 0)
		rotai_output_fail(stream, status);
}

void rotai_drain_note(struct rota_stream *stream)
{
	if (!rotai_stream_has(stream, ROTAI_PRESSED | ROTAI_REFUSED))
		return;
	if (rotai_stream_has(stream, ROTAI_PRESSED)
		    ? stream->internal.queued <= stream->internal.low
		    : stream->internal.first_output == NULL &&
			      !rotai_stream_has(stream, ROTAI_BLOCKED)) {
		rotai_stream_clear(stream, ROTAI_PRESSED | ROTAI_REFUSED);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
	}
}

/* Send the @total bytes in the @count buffers at @bufs, which has room for one
 * more, and the file behind them if it is short. Returns as
 * rotai_transport_send(), without what was sent of the file. */
static __attribute__((noinline)) ssize_t
send_before_file(struct rota_stream *stream, struct iovec *bufs, size_t count,
		 size_t total, struct rotai_output *file)
{
	char piece[ROTAI_FILE_SHORT];
	size_t size = rotai_file_output_peek(file, piece);
	ssize_t n;

	if (size == 0)
		return rotai_file_output_has_bytes(file)
			       ? rotai_transport_send_more(stream, bufs, count)
			       : rotai_transport_send(stream, bufs, count);
	bufs[count] = (struct iovec){ piece, size };
	n = rotai_transport_send(stream, bufs, count + 1);
	if (n <= (ssize_t)total)
		return n;
	rotai_file_output_took(file, (size_t)n - total);
	return (ssize_t)total;
}

/* Write the buffers at the head of the queue. Returns 1 to go on behind
 * them. */
static inline __attribute__((always_inline)) int
flush_bufs(struct rota_stream *stream)
{
	struct iovec bufs[GATHERED + 1];
	struct rotai_output *next;
	size_t count;
	size_t total = gather_output(stream, bufs, &count, &next);
	ssize_t n = 0;

	if (total > 0 && ROTAI_UNLIKELY(passes(stream)))
		n = rotai_transport_pass(stream, bufs, count);
	else if (total > 0 && ROTAI_UNLIKELY(next != NULL &&
					     next->kind == ROTAI_OUTPUT_FILE))
		n = send_before_file(stream, bufs, count, total, next);
	else if (total > 0)
		n = rotai_transport_send(stream, bufs, count);
	if (n < 0 && n != ROTA_EAGAIN) {
		rotai_output_fail(stream, (int)n);
		return 0;
	}
	rotai_output_consume(stream, n < 0 ? 0 : (size_t)n);
	if (n >= 0 && (size_t)n == total)
		return 1;
	rotai_stream_set(stream, ROTAI_BLOCKED);
	return 0;
}

/* The same with the file at the head of the queue. (7) */
static int flush_file(struct rota_stream *stream, size_t *budget)
{
	struct rotai_output *first = stream->internal.first_output;
	int result = rotai_file_output_step(stream, first, budget);

	if (result < 0)
		rotai_output_fail(stream, result);
	if (result > 0)
		end_output(stream, take_first(stream), 0);
	return result > 0;
}

/* The first entry is a file: write it and what is behind it. Returns 1 if some
 * of it is left for an event that nobody will report. (7) */
static __attribute__((noinline)) int flush_files(struct rota_stream *stream)
{
	size_t budget = ROTA_BYTES_PER_EVENT;
	const struct rotai_output *first;
	int goes_on = 1;

	while (goes_on && (first = stream->internal.first_output) != NULL &&
	       first->kind != ROTAI_OUTPUT_SHUTDOWN)
		goes_on = first->kind == ROTAI_OUTPUT_FILE
				  ? flush_file(stream, &budget)
				  : flush_bufs(stream);
	return budget == 0 && rotai_stream_has(stream, ROTAI_BLOCKED);
}

void rotai_output_flush(struct rota_stream *stream)
{
	const struct rotai_output *first;
	int is_left = 0;
	int error;

	while ((first = stream->internal.first_output) != NULL &&
	       first->kind <= ROTAI_OUTPUT_PASS)
		if (!flush_bufs(stream))
			goto written;
	if (first != NULL && first->kind == ROTAI_OUTPUT_FILE &&
	    !rotai_stream_has(stream, ROTAI_FETCHING))
		is_left = flush_files(stream);
written:
	if (!rotai_stream_has(stream,
			      ROTAI_BLOCKED | ROTAI_BROKEN | ROTAI_FETCHING))
		shut_down_queued(stream);
	rotai_drain_note(stream);
	error = rotai_stream_update(stream);
	if (error < 0)
		rotai_output_fail(stream, error);
	else if (ROTAI_UNLIKELY(is_left))
		rotai_transport_again(stream, ROTA_WRITABLE);
}

void rotai_output_drop(struct rota_stream *stream, struct rotai_output *from,
		       int status)
{
	struct rotai_output **at = &stream->internal.first_output;
	struct rotai_output *last = NULL;
	int told = status;

	while (*at != from) {
		last = *at;
		at = &last->next;
	}
	*at = NULL;
	stream->internal.last_output = last;
	while (from != NULL) {
		struct rotai_output *next = from->next;

		stream->internal.queued -= from->left;
		if (from->kind == ROTAI_OUTPUT_COPY) {
			stream->internal.error = status;
			rotai_stream_set(stream, ROTAI_DRAIN_DUE);
			end_output(stream, from, 0);
		} else {
			end_output(stream, from, told);
			told = ROTA_ECANCELED;
		}
		from = next;
	}
}

void rotai_output_break(struct rota_stream *stream, struct rotai_output *from,
			int error)
{
	rotai_stream_set(stream, ROTAI_BROKEN);
	rotai_end_note(stream, error);
	if (rotai_stream_has(stream,
			     ROTAI_PRESSED | ROTAI_REFUSED | ROTAI_SHUT_DUE)) {
		rotai_stream_clear(stream, ROTAI_PRESSED | ROTAI_REFUSED |
						   ROTAI_SHUT_DUE);
		rotai_stream_set(stream, ROTAI_DRAIN_DUE);
		stream->internal.error = error;
	}
	rotai_output_drop(stream, from, error);
}

void rotai_output_fail(struct rota_stream *stream, int error)
{
	rotai_stream_clear(stream, ROTAI_BLOCKED);
	rotai_output_break(stream, stream->internal.first_output, error);
	(void)rotai_stream_update(stream);
}
