/*
 * io/file_output.c - sending a part of a file from the output queue.
 *
 *  1. The loop's thread uses only what is in the page cache. Before it calls
 *     sendfile(2), it looks at one byte of each LOOKED_AT bytes: the kernel
 *     reads files in such windows, and mostly drops them whole. `ahead` is how
 *     many bytes have been found in this way. It is 0 again when the socket
 *     takes no more, since the next event may be late.
 *  2. To look at a page that is missing makes the kernel read it, and that page
 *     alone. So after one miss nothing is looked at: a thread reads the whole
 *     chunk, and then the loop's thread sends it without looking.
 *  3. Short parts, and those for streams that are not sockets, are copied: with
 *     one preadv2(2) from the page cache, or if that is not possible, by a
 *     thread into a buffer that the entry has until it ends. For a short part
 *     this is cheaper than to look and to guard the thread against SIGPIPE.
 *  4. While `away` is set, the item is in the pool. fd, offset, left and data
 *     do not change, and the thread writes the result.
 *  5. An entry can leave the queue while it is away: by a deadline or a close.
 *     Then `late` is its status, and it ends when the item comes back.
 */
#include "io/file_output.h"

#include <sys/uio.h>

#include "base/file.h"
#include "base/memory.h"
#include "io/transport.h"
#include "pool/item.h"

enum {
	CHUNK = 256 * 1024,     /* in one look, and one trip to the pool */
	LOOKED_AT = 128 * 1024, /* the window of the kernel by default */
	LEAST_LOOK = 4096,
	FETCHED = 64 * 1024, /* the buffer of an entry */
};

/* How an entry is sent. */
enum { SENDS, SENDS_UNSEEN, COPIES };

static size_t least_of(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

static int is_to_the_end(const struct rota_sendfile *s)
{
	return s->internal.left > INT64_MAX;
}

void rotai_file_output_init(struct rota_sendfile *s,
			    const struct rota_stream *stream, int fd,
			    int64_t offset, uint64_t length,
			    rotai_item_ended_fn *returned)
{
	int sends = ROTAI_FILE_SENDS &&
		    rotai_stream_class_of(stream)->transport == NULL;

	s->sent = 0;
	s->internal.output = (struct rotai_output){
		.kind = ROTAI_OUTPUT_FILE,
	};
	s->internal.item.ended = returned;
	s->internal.offset = offset;
	s->internal.left = length;
	s->internal.ahead = 0;
	s->internal.from = 0;
	s->internal.data = NULL;
	s->internal.result = 0;
	s->internal.fd = fd;
	s->internal.late = 0;
	s->internal.mode = sends ? SENDS : COPIES;
	s->internal.away = 0;
}

static struct rota_sendfile *sendfile_of_item(struct rotai_item *item)
{
	return rota_container_of(item, struct rota_sendfile, internal.item);
}

/* Runs on a thread. (4) */
static void run_fetch(struct rotai_item *item)
{
	struct rota_sendfile *s = sendfile_of_item(item);

	s->internal.result = rotai_file_read(
		s->internal.fd, s->internal.data,
		least_of(s->internal.left, s->internal.capacity),
		s->internal.offset);
}

/* Runs on a thread. (4) */
static void run_read_ahead(struct rotai_item *item)
{
	struct rota_sendfile *s = sendfile_of_item(item);

	s->internal.result = rotai_file_read_ahead(
		s->internal.fd, least_of(s->internal.left, CHUNK),
		s->internal.offset, rota_work_canceled);
}

static void send_away(struct rota_stream *stream, struct rota_sendfile *s,
		      rotai_item_run_fn *run)
{
	s->internal.away = 1;
	s->internal.from = 0;
	rotai_stream_set(stream, ROTAI_FETCHING);
	rotai_item_queue(&s->internal.item, stream->handle.internal.loop,
			 ROTA_LANE_IO, run, s->internal.item.ended);
}

static int fetch_bytes(struct rota_stream *stream, struct rota_sendfile *s)
{
	if (s->internal.data == NULL) {
		s->internal.capacity =
			(uint32_t)least_of(s->internal.left, FETCHED);
		s->internal.data = rotai_memory_new(
			&stream->handle.internal.loop->allocator,
			s->internal.capacity);
	}
	if (s->internal.data == NULL)
		return ROTA_ENOMEM;
	send_away(stream, s, run_fetch);
	return 0;
}

static void free_data(struct rota_sendfile *s)
{
	if (s->internal.data != NULL)
		rotai_memory_free(&s->request.internal.loop->allocator,
				  s->internal.data, s->internal.capacity);
	s->internal.data = NULL;
}

/* @n bytes were sent. */
static void took(struct rota_sendfile *s, size_t n, size_t *budget)
{
	s->sent += n;
	s->internal.offset += (int64_t)n;
	s->internal.left -= n;
	s->internal.output.begun |= n > 0;
	*budget -= n;
}

/* The file ends here. */
static int end_early(struct rota_sendfile *s)
{
	if (!is_to_the_end(s))
		return ROTA_EOF;
	s->internal.left = 0;
	return 1;
}

static ssize_t look_at_byte(const struct rota_sendfile *s, size_t at)
{
	char byte;

	return rotai_file_read_now(s->internal.fd, &byte, 1,
				   s->internal.offset + (int64_t)at);
}

/* Find out how much is in the page cache, and store it in `ahead`. Returns what
 * look_at_byte() has returned: 1, or an error. (1) */
static ssize_t look_ahead(struct rota_sendfile *s)
{
	size_t size = least_of(s->internal.left, CHUNK);
	ssize_t n = 1;

	if (s->sent == 0)
		n = look_at_byte(s, 0);
	for (size_t at = 0; n > 0 && at < size;) {
		at += least_of(size - at, LOOKED_AT);
		n = look_at_byte(s, at - 1);
		/* The file ends before that: where the next bytes are sent. */
		while (n == 0 && size > LEAST_LOOK) {
			size /= 2;
			at = size;
			n = look_at_byte(s, at - 1);
		}
	}
	if (n >= 0)
		s->internal.ahead = (uint32_t)size;
	return n < 0 ? n : 1;
}

/* Send by sendfile(2). Returns 1 to go on, 0 to wait, or an error. */
static int send_directly(struct rota_stream *stream, struct rota_sendfile *s,
			 size_t *budget)
{
	ssize_t found;
	size_t size;
	size_t n;
	int why = 0;

	if (s->internal.ahead == 0) {
		found = s->internal.mode == SENDS ? look_ahead(s) : ROTA_EAGAIN;
		if (found == ROTA_EOPNOTSUPP)
			s->internal.mode = SENDS_UNSEEN;
		if (found == ROTA_EAGAIN || found == ROTA_EOPNOTSUPP) {
			send_away(stream, s, run_read_ahead); /* (2) */
			return 0;
		}
		if (found < 0)
			return (int)found;
	}
	size = rotai_transport_allows(stream,
				      least_of(s->internal.ahead, *budget));
	if (size == 0) {
		rotai_stream_set(stream, ROTAI_BLOCKED);
		return 0;
	}
	n = rotai_file_send(rotai_stream_fd(&stream->handle), s->internal.fd,
			    size, s->internal.offset, &why);
	rotai_transport_took(stream, size, n);
	took(s, n, budget);
	s->internal.ahead -= (uint32_t)n;
	if (n == size)
		return 1;
	if (why == ROTA_EOF)
		return end_early(s);
	if (why == ROTA_EINVAL || why == ROTA_EOPNOTSUPP) {
		s->internal.mode = COPIES;
		return 1;
	}
	if (why != ROTA_EAGAIN)
		return why;
	if (s->internal.mode == SENDS)
		s->internal.ahead = 0; /* (1) */
	rotai_stream_set(stream, ROTAI_BLOCKED);
	return 0;
}

/* Send @size bytes at @data, which were copied from the file. */
static int send_bytes(struct rota_stream *stream, struct rota_sendfile *s,
		      char *data, size_t size, size_t *budget)
{
	struct iovec buf = { data, size };
	ssize_t n = rotai_transport_send(stream, &buf, 1);

	if (n < 0 && n != ROTA_EAGAIN)
		return (int)n;
	if (n > 0)
		took(s, (size_t)n, budget);
	if (n == (ssize_t)size)
		return 1;
	rotai_stream_set(stream, ROTAI_BLOCKED);
	return 0;
}

/* Send what a thread has read. */
static int send_fetched(struct rota_stream *stream, struct rota_sendfile *s,
			size_t *budget)
{
	uint64_t before = s->sent;
	size_t size = (size_t)s->internal.result - s->internal.from;
	int result = send_bytes(stream, s, s->internal.data + s->internal.from,
				least_of(size, *budget), budget);

	s->internal.from += (uint32_t)(s->sent - before);
	return result;
}

/* Send a copy. Returns as send_directly(). (3) */
static int send_copy(struct rota_stream *stream, struct rota_sendfile *s,
		     size_t *budget)
{
	char piece[ROTAI_FILE_SHORT];
	ssize_t n;

	if (s->internal.data != NULL &&
	    (size_t)s->internal.result > s->internal.from)
		return send_fetched(stream, s, budget);
	n = rotai_file_read_now(
		s->internal.fd, piece,
		least_of(least_of(s->internal.left, ROTAI_FILE_SHORT), *budget),
		s->internal.offset);
	if (n == ROTA_EAGAIN || n == ROTA_EOPNOTSUPP)
		return fetch_bytes(stream, s);
	if (n <= 0)
		return n == 0 ? end_early(s) : (int)n;
	return send_bytes(stream, s, piece, (size_t)n, budget);
}

int rotai_file_output_step(struct rota_stream *stream,
			   struct rotai_output *output, size_t *budget)
{
	struct rota_sendfile *s = rotai_sendfile_of(output);
	int result = 1;

	while (result > 0 && s->internal.left > 0) {
		if (*budget == 0) {
			rotai_stream_set(stream, ROTAI_BLOCKED);
			return 0;
		}
		if (s->internal.mode == COPIES || s->internal.data != NULL ||
		    (s->internal.left <= ROTAI_FILE_SHORT &&
		     s->internal.ahead == 0))
			result = send_copy(stream, s, budget);
		else
			result = send_directly(stream, s, budget);
	}
	return result;
}

size_t rotai_file_output_peek(struct rotai_output *output, char *piece)
{
	const struct rota_sendfile *s = rotai_sendfile_of(output);
	uint64_t left = s->internal.left;

	if (left == 0 || left > ROTAI_FILE_SHORT || s->internal.away ||
	    s->internal.data != NULL || s->internal.ahead > 0)
		return 0;
	return rotai_file_read_now(s->internal.fd, piece, (size_t)left,
				   s->internal.offset) == (ssize_t)left
		       ? (size_t)left
		       : 0;
}

void rotai_file_output_took(struct rotai_output *output, size_t n)
{
	size_t budget = n;

	took(rotai_sendfile_of(output), n, &budget);
}

int rotai_file_output_returned(struct rota_sendfile *s, int error)
{
	struct rota_stream *stream =
		rotai_stream_of(s->request.internal.handle);

	s->internal.away = 0;
	if (s->internal.late < 0) { /* (5) */
		free_data(s);
		rotai_request_finish(&s->request, s->internal.late);
		return 1;
	}
	rotai_stream_clear(stream, ROTAI_FETCHING);
	if (error == 0 && s->internal.data == NULL &&
	    s->internal.result == ROTA_ECANCELED)
		return 0; /* the thread was stopped early: look again */
	if (error == 0 && s->internal.result < 0)
		error = (int)s->internal.result;
	if (error < 0)
		return error;
	if (s->internal.data == NULL) {
		s->internal.ahead = (uint32_t)least_of(s->internal.left, CHUNK);
		return 0;
	}
	if (s->internal.result > 0)
		return 0;
	error = end_early(s);
	return error < 0 ? error : 0;
}

void rotai_file_output_end(struct rotai_output *output, int status)
{
	struct rota_sendfile *s = rotai_sendfile_of(output);

	if (s->internal.away) {
		rotai_stream_clear(rotai_stream_of(s->request.internal.handle),
				   ROTAI_FETCHING);
		if (rotai_item_cancel(&s->internal.item) < 0) {
			s->internal.late = (int16_t)status; /* (5) */
			return;
		}
		s->internal.away = 0;
	}
	free_data(s);
	rotai_request_finish(&s->request, status);
}

void rotai_file_output_forget(struct rota_sendfile *s)
{
	s->internal.away = 0;
	free_data(s);
}
