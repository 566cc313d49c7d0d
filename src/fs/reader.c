/*
 * fs/reader.c - reading a file in chunks: see rota/fs_reader.h.
 *
 *  1. The memory has two halves. One is read to while the other one is passed
 *     on. A half is free again when the callback that got it has returned.
 *  2. The request of the reader is in flight from the start to the last
 *     callback, and so keeps the loop alive. Each step, open, read or close, is
 *     a request of its own, of which one at most is in flight.
 *  3. The cancel of the reader's request ends no other request, because a
 *     shutdown cancels all requests in turn, the step included.
 *     rota_reader_cancel() cancels both.
 *  4. Regular files are read at offsets, which the loop's thread can do by
 *     itself if the bytes are in memory. Those that wait for data are read as
 *     a device is: see slow.c (2).
 */
#include "rota/fs_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "fs/slow.h"
#include "loop/enter.h"
#include "loop/request.h"
#include "rota/error.h"

static struct rota_reader *reader_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_reader, internal.request);
}

static struct rota_reader *reader_of_step(struct rota_fs *fs)
{
	return rota_container_of(fs, struct rota_reader, internal.fs);
}

static int has_step(const struct rota_reader *reader)
{
	return rota_request_is_active(&reader->internal.fs.request);
}

static void on_closed(struct rota_fs *fs, int64_t result)
{
	struct rota_reader *reader = reader_of_step(fs);

	(void)result; /* all has been read */
	rotai_request_finish(&reader->internal.request,
			     reader->internal.status);
}

/* End with @status. No step is in flight. */
static void end_reader(struct rota_reader *reader, int status)
{
	int fd = reader->internal.fd;

	reader->internal.status = (int16_t)status;
	reader->internal.fd = -1;
	(void)rota_task_cancel(&reader->internal.task);
	if (fd >= 0 && rota_fs_close(&reader->internal.fs, on_closed, fd) == 0)
		return;
	if (fd >= 0)
		rotai_fd_close(fd); /* the loop is shutting down */
	rotai_request_finish(&reader->internal.request, status);
}

static void on_part(struct rota_fs *fs, int64_t result);

/* Read to the next half, if it is free. (1) */
static void fill_half(struct rota_reader *reader)
{
	unsigned half = reader->internal.read_to;
	struct rota_buf buf = {
		.data = reader->internal.memory + half * reader->internal.half,
		.size = reader->internal.half,
	};
	int error;

	if (reader->internal.end < 0 || reader->internal.status < 0 ||
	    has_step(reader) || reader->internal.filled[half] > 0)
		return;
	error = rota_fs_read(&reader->internal.fs, on_part, reader->internal.fd,
			     buf, reader->internal.offset);
	if (error < 0)
		reader->internal.end = (int16_t)error;
}

/* Pass one half on. */
static void pass_half(struct rota_reader *reader)
{
	unsigned at = reader->internal.at;

	reader->internal.calling = 1;
	reader->internal.fn(reader, (int64_t)reader->internal.filled[at],
			    reader->internal.memory +
				    at * reader->internal.half);
	reader->internal.calling = 0;
	reader->internal.filled[at] = 0;
	reader->internal.at = (uint8_t)!at;
}

/* Pass on what has been read, and end if that was all. */
static void hand_on(struct rota_reader *reader)
{
	fill_half(reader);
	while (!reader->internal.paused && reader->internal.status == 0 &&
	       reader->internal.filled[reader->internal.at] > 0) {
		pass_half(reader);
		fill_half(reader);
	}
	if (has_step(reader))
		return;
	if (reader->internal.status < 0)
		end_reader(reader, reader->internal.status);
	else if (reader->internal.end < 0 && !reader->internal.paused)
		end_reader(reader, reader->internal.end);
}

static void on_part(struct rota_fs *fs, int64_t result)
{
	struct rota_reader *reader = reader_of_step(fs);

	if (result < 0) {
		reader->internal.end = (int16_t)result;
	} else if (result == 0) {
		reader->internal.end = ROTA_EOF;
	} else {
		reader->internal.filled[reader->internal.read_to] =
			(size_t)result;
		reader->internal.read_to = !reader->internal.read_to;
		if (reader->internal.offset >= 0)
			reader->internal.offset += result;
	}
	hand_on(reader);
}

static void on_opened(struct rota_fs *fs, int64_t result)
{
	struct rota_reader *reader = reader_of_step(fs);
	struct stat status;

	if (result < 0) {
		reader->internal.end = (int16_t)result;
	} else {
		reader->internal.fd = (int)result;
		/* (4) */
		if (fstat(reader->internal.fd, &status) < 0 ||
		    !S_ISREG(status.st_mode) ||
		    rotai_is_silent(reader->internal.fd, &status))
			reader->internal.offset = -1;
	}
	hand_on(reader);
}

static void on_resumed(struct rota_task *task)
{
	hand_on(rota_container_of(task, struct rota_reader, internal.task));
}

static void call_end(struct rota_request *request)
{
	struct rota_reader *reader = reader_of(request);

	reader->internal.fn(reader, request->internal.status, NULL);
}

/* (3) */
static int cancel_reader(struct rota_request *request, int status)
{
	struct rota_reader *reader = reader_of(request);

	if (reader->internal.status < 0)
		return ROTA_EALREADY;
	reader->internal.status = (int16_t)status;
	if (!has_step(reader) && !reader->internal.calling)
		end_reader(reader, status);
	return 0;
}

static const struct rotai_request_class reader_class = {
	.type = "fs_reader",
	.call = call_end,
	.cancel = cancel_reader,
};

void rota_reader_init(struct rota_reader *reader, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&reader->internal.request.internal.link);
	reader->internal.request.internal.loop = loop;
	reader->internal.request.internal.state = 0; /* at rest */
	reader->internal.paused = 0;
	rota_fs_init(&reader->internal.fs, loop);
	rota_task_init(&reader->internal.task, loop);
}

/* The first line of every function: see loop/enter.h. */
#define ROTAI_ENTER_READER(reader)                                             \
	ROTAI_ENTER("reader", reader,                                          \
		    (reader) != NULL                                           \
			    ? (reader)->internal.request.internal.loop         \
			    : NULL)

int rota_reader_start(struct rota_reader *reader, rota_reader_fn *fn,
		      const char *path, struct rota_buf memory)
{
	ROTAI_ENTER_READER(reader);
	int error;

	if (reader == NULL || fn == NULL || path == NULL ||
	    memory.data == NULL || memory.size < 2)
		return ROTA_EINVAL;
	if (rota_reader_is_active(reader))
		return ROTA_EBUSY;
	error = rota_fs_open(&reader->internal.fs, on_opened, path,
			     O_RDONLY | O_NOCTTY, 0);
	if (error < 0)
		return error;
	reader->internal.fn = fn;
	reader->internal.memory = memory.data;
	reader->internal.half = memory.size / 2;
	reader->internal.filled[0] = 0;
	reader->internal.filled[1] = 0;
	reader->internal.offset = 0;
	reader->internal.fd = -1;
	reader->internal.end = 0;
	reader->internal.status = 0;
	reader->internal.read_to = 0;
	reader->internal.at = 0;
	reader->internal.paused = 0;
	reader->internal.calling = 0;
	rotai_request_begin(&reader->internal.request,
			    reader->internal.request.internal.loop, NULL,
			    &reader_class);
	return 0;
}

void rota_reader_pause(struct rota_reader *reader)
{
	ROTAI_ENTER_READER(reader);
	reader->internal.paused = 1;
}

void rota_reader_resume(struct rota_reader *reader)
{
	ROTAI_ENTER_READER(reader);
	if (!reader->internal.paused)
		return;
	reader->internal.paused = 0;
	if (rota_reader_is_active(reader) && !reader->internal.calling &&
	    reader->internal.status == 0)
		(void)rota_task_immediate(&reader->internal.task, on_resumed);
}

int rota_reader_cancel(struct rota_reader *reader)
{
	ROTAI_ENTER_READER(reader);
	int stepping = has_step(reader);
	int error = rota_request_cancel(&reader->internal.request);

	if (error == 0 && stepping) /* (3) */
		(void)rota_request_cancel(&reader->internal.fs.request);
	return error;
}

int rota_reader_is_active(const struct rota_reader *reader)
{
	ROTAI_ENTER_READER(reader);
	return rota_request_is_active(&reader->internal.request);
}
