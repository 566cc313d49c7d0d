/*
 * fs/stdio_file.c - streams whose bytes threads of the pool read and write: see
 * stdio_file.h.
 *
 *  1. One read and one write are in flight at most, so everything is in order.
 *     Both use the current position of the file, as other processes do that
 *     share it. O_APPEND works as always.
 *  2. The class copies: a thread may use the memory after the stream has
 *     closed. So the buffers, the requests and the descriptor are in a struct
 *     of their own, which the last of its users frees.
 *  3. What a thread has refused was accepted before. So the writing side of the
 *     stream fails as it does for a copy that is lost: on_drain is called.
 *  4. In a forked child, a request of the parent ends with ROTA_ECANCELED. The
 *     parent's thread makes that write, and the read is made anew. A write ends
 *     with that in no other case: accepted.h.
 *  5. A stream that is ending has no more input: it must not take away what
 *     others could read.
 *  6. A read that nobody waits for any more is cancelled: a device may have no
 *     input for a long time, and the loop would be alive until then. If a
 *     thread has begun to read, the bytes are kept for the next start.
 */
#include "fs/stdio_file.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/memory.h"
#include "fs/accepted.h"
#include "io/io.h"
#include "pool/item.h"
#include "rota/error.h"
#include "rota/fs.h"
#include "rota/stream_class.h"

enum { FILE_BUFFER = 64 * 1024 };

struct rotai_stdio_file {
	struct rota_loop *loop;
	struct rota_stream *stream; /* NULL: closed */
	int fd;
	struct rota_fs reading;
	struct rota_fs writing;
	int input_status; /* how the input has ended, or 0 */
	int output_status;
	struct rota_const_buf input;  /* not passed on yet */
	struct rota_const_buf output; /* not written yet */
	char from[FILE_BUFFER];
	char to[FILE_BUFFER];
};

static struct rotai_stdio_file *file_of_stream(const struct rota_stream *stream)
{
	return rota_container_of(stream, const struct rota_stdio, stream)
		->internal.file;
}

/* (2) */
static void free_if_unused(struct rotai_stdio_file *file)
{
	if (file->stream != NULL ||
	    rota_request_is_active(&file->reading.request) ||
	    rota_request_is_active(&file->writing.request))
		return;
	rotai_fd_close(file->fd);
	rotai_memory_free(&file->loop->allocator, file, sizeof(*file));
}

static void on_file_read(struct rota_fs *fs, int64_t result)
{
	struct rotai_stdio_file *file =
		rota_container_of(fs, struct rotai_stdio_file, reading);

	if (file->stream == NULL) {
		free_if_unused(file);
		return;
	}
	if (result > 0)
		file->input = rota_bytes(file->from, (size_t)result);
	else if (result != ROTA_ECANCELED) /* (4), (6) */
		file->input_status = result == 0 ? ROTA_EOF : (int)result;
	rota_stream_ready(file->stream, ROTA_READABLE);
}

static ptrdiff_t file_receive(struct rota_stream *stream, struct rota_buf buf)
{
	struct rotai_stdio_file *file = file_of_stream(stream);
	struct rota_buf into = { file->from, FILE_BUFFER };
	size_t n = file->input.size < buf.size ? file->input.size : buf.size;
	int error;

	if (rota_stream_is_ending(stream))
		return 0; /* (5) */
	if (n > 0) {
		memcpy(buf.data, file->input.data, n);
		file->input =
			rota_bytes(file->input.data + n, file->input.size - n);
		return (ptrdiff_t)n;
	}
	if (file->input_status < 0)
		return file->input_status == ROTA_EOF ? 0 : file->input_status;
	if (rota_request_is_active(&file->reading.request))
		return ROTA_EAGAIN;
	error = rota_fs_read(&file->reading, on_file_read, file->fd, into, -1);
	return error < 0 ? error : ROTA_EAGAIN;
}

/* (3) */
static void lose_output(struct rotai_stdio_file *file, int error)
{
	struct rota_stream *stream = file->stream;

	file->output_status = error;
	rotai_output_fail(stream, error);
	stream->internal.error = error;
	rotai_stream_set(stream, ROTAI_DRAIN_DUE);
	rotai_drain_defer(stream);
}

static void on_file_written(struct rota_fs *fs, int64_t result);

static int write_output(struct rotai_stdio_file *file)
{
	return rotai_fs_write_accepted(&file->writing, on_file_written,
				       file->fd, file->output);
}

static void on_file_written(struct rota_fs *fs, int64_t result)
{
	struct rotai_stdio_file *file =
		rota_container_of(fs, struct rotai_stdio_file, writing);

	if (result == ROTA_ECANCELED)
		result = (int64_t)file->output.size; /* (4) */
	if (result >= 0) {
		file->output = rota_bytes(file->output.data + result,
					  file->output.size - (size_t)result);
		/* After a part, the rest gets the error. */
		result = file->output.size > 0 ? write_output(file) : 0;
		if (rota_request_is_active(&file->writing.request))
			return;
	}
	if (file->stream == NULL) {
		free_if_unused(file);
		return;
	}
	if (result < 0)
		lose_output(file, (int)result);
	rota_stream_ready(file->stream, ROTA_WRITABLE);
}

static ptrdiff_t file_send(struct rota_stream *stream,
			   const struct rota_const_buf *bufs, size_t count)
{
	struct rotai_stdio_file *file = file_of_stream(stream);
	size_t total = 0;
	int error;

	if (file->output_status < 0)
		return file->output_status;
	if (rota_request_is_active(&file->writing.request))
		return ROTA_EAGAIN;
	for (size_t i = 0; i < count && total < FILE_BUFFER; i++) {
		size_t n = FILE_BUFFER - total;

		if (n > bufs[i].size)
			n = bufs[i].size;
		memcpy(file->to + total, bufs[i].data, n);
		total += n;
	}
	file->output = rota_bytes(file->to, total);
	error = write_output(file);
	return error < 0 ? error : (ptrdiff_t)total;
}

static int file_shutdown(struct rota_stream *stream)
{
	struct rotai_stdio_file *file = file_of_stream(stream);

	if (rota_request_is_active(&file->writing.request))
		return ROTA_EAGAIN;
	return file->output_status;
}

/* (6) */
static void file_interest(struct rota_stream *stream, unsigned events)
{
	struct rotai_stdio_file *file = file_of_stream(stream);

	if (events & ROTA_READABLE)
		rota_stream_ready(stream, ROTA_READABLE);
	else
		(void)rota_request_cancel(&file->reading.request);
}

static void file_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	struct rotai_stdio_file *file = file_of_stream(stream);

	(void)kind;
	file->stream = NULL;
	if (rota_request_is_active(&file->reading.request))
		(void)rota_request_cancel(&file->reading.request);
	free_if_unused(file);
}

static const struct rota_stream_class file_class = {
	.size = sizeof(file_class),
	.type = "file",
	.receive = file_receive,
	.send = file_send,
	.shutdown = file_shutdown,
	.interest = file_interest,
	.close = file_close,
};

/* Open a stream that lacks the direction that @access lacks. */
static int open_class(struct rota_stdio *stdio, struct rota_loop *loop,
		      const struct rota_stream_class *class_, int access)
{
	int error = rota_stream_open(&stdio->stream, loop, class_);

	if (error < 0)
		return error;
	if (access == O_WRONLY)
		rotai_stream_set(&stdio->stream, ROTAI_READ_ENDED);
	if (access == O_RDONLY)
		rotai_stream_set(&stdio->stream, ROTAI_SHUT);
	return 0;
}

int rotai_stdio_file_open(struct rota_stdio *stdio, struct rota_loop *loop,
			  int fd, int access)
{
	struct rotai_stdio_file *file;
	int error = rotai_item_prepare(loop);

	if (error < 0)
		return error;
	file = rotai_memory_new(&loop->allocator, sizeof(*file));
	if (file == NULL)
		return ROTA_ENOMEM;
	file->loop = loop;
	file->stream = &stdio->stream;
	file->fd = fd;
	file->input_status = 0;
	file->output_status = 0;
	file->input = rota_bytes(NULL, 0);
	file->output = rota_bytes(NULL, 0);
	rota_fs_init(&file->reading, loop);
	rota_fs_init(&file->writing, loop);
	stdio->internal.file = file;
	error = open_class(stdio, loop, &file_class, access);
	if (error < 0)
		rotai_memory_free(&loop->allocator, file, sizeof(*file));
	return error;
}

static ptrdiff_t null_receive(struct rota_stream *stream, struct rota_buf buf)
{
	(void)stream;
	(void)buf;
	return 0;
}

static ptrdiff_t null_send(struct rota_stream *stream,
			   const struct rota_const_buf *bufs, size_t count)
{
	size_t total = 0;

	(void)stream;
	for (size_t i = 0; i < count; i++)
		total += bufs[i].size;
	return (ptrdiff_t)total;
}

static int null_shutdown(struct rota_stream *stream)
{
	(void)stream;
	return 0;
}

static void null_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	(void)stream;
	(void)kind;
}

static void null_interest(struct rota_stream *stream, unsigned events)
{
	if (events & ROTA_READABLE)
		rota_stream_ready(stream, ROTA_READABLE);
}

static const struct rota_stream_class null_class = {
	.size = sizeof(null_class),
	.type = "null",
	.receive = null_receive,
	.send = null_send,
	.shutdown = null_shutdown,
	.interest = null_interest,
	.close = null_close,
};

int rotai_stdio_null_open(struct rota_stdio *stdio, struct rota_loop *loop,
			  int access)
{
	return open_class(stdio, loop, &null_class, access);
}
