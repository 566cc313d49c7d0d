/*
 * tests/support/reader.c - see reader.h.
 */
#include "reader.h"

#include <errno.h>
#include <unistd.h>

#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"

static struct reader *of(const struct rota_handle *handle)
{
	return rota_container_of(handle, struct reader, handle);
}

static struct byte_request *request_of(struct rota_request *request)
{
	return rota_container_of(request, struct byte_request, request);
}

static struct byte_request *take_first(struct reader *reader)
{
	struct byte_request *first = reader->first;

	if (first != NULL)
		reader->first = first->next;
	return first;
}

static void stop(struct rota_handle *handle)
{
	struct reader *reader = of(handle);
	struct byte_request *request;

	rota_watch_stop(&reader->watch);
	close(reader->fd);
	reader->fd = -1;
	while ((request = take_first(reader)) != NULL)
		rotai_request_finish(&request->request, ROTA_ECANCELED);
}

static int fd_of(const struct rota_handle *handle)
{
	return of(handle)->fd;
}

static const struct rotai_handle_class reader_class = {
	.type = "reader",
	.stop = stop,
	.fd = fd_of,
};

static void call(struct rota_request *request)
{
	request_of(request)->fn(request_of(request), request->internal.status);
}

static int cancel(struct rota_request *request, int status)
{
	struct byte_request *byte = request_of(request);
	struct byte_request **at;

	if (byte->held) {
		if (status == ROTA_ETIMEDOUT)
			byte->late = status;
		return ROTA_EBUSY;
	}
	if (byte->reader != NULL) {
		at = &byte->reader->first;
		while (*at != byte)
			at = &(*at)->next;
		*at = byte->next;
	}
	rotai_request_finish(request, status);
	return 0;
}

static const struct rotai_request_class byte_class = {
	.type = "byte",
	.call = call,
	.cancel = cancel,
};

int reader_open(struct reader *reader, struct rota_loop *loop, int fd)
{
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	reader->fd = fd;
	reader->fn = NULL;
	reader->first = NULL;
	rota_watch_init(&reader->watch, loop, fd);
	rota_watch_unref(&reader->watch); /* the handle counts itself */
	rotai_handle_open(&reader->handle, loop, &reader_class);
	return 0;
}

/* Return the byte, ROTA_EOF, ROTA_EAGAIN or another error. */
static int read_byte(const struct reader *reader)
{
	unsigned char byte;
	ssize_t size = read(reader->fd, &byte, 1);

	if (size < 0)
		return -errno;
	return size == 0 ? ROTA_EOF : byte;
}

/* Calls back at most once: a callback may have closed the reader. */
static void readable(struct rota_watch *watch, unsigned events)
{
	struct reader *reader = rota_container_of(watch, struct reader, watch);
	struct byte_request *request;
	int status = ROTA_EAGAIN;

	(void)events;
	if (reader->first == NULL && reader->fn == NULL)
		rota_watch_stop(watch); /* the last request was cancelled */
	else
		status = read_byte(reader);
	if (status == ROTA_EAGAIN)
		return;
	request = take_first(reader);
	if (reader->first == NULL && reader->fn == NULL)
		rota_watch_stop(watch);
	if (request != NULL)
		rotai_request_complete(&request->request, status);
	else if (reader->fn != NULL)
		reader->fn(reader, status);
}

int reader_start(struct reader *reader, reader_fn *fn)
{
	int error = rotai_handle_usable(&reader->handle);

	if (error == 0)
		error = rota_watch_start(&reader->watch, readable,
					 ROTA_READABLE);
	if (error < 0)
		return error;
	reader->fn = fn;
	rotai_handle_set_active(&reader->handle, 1);
	return 0;
}

void reader_stop(struct reader *reader)
{
	reader->fn = NULL;
	rotai_handle_set_active(&reader->handle, 0);
	if (reader->first == NULL)
		rota_watch_stop(&reader->watch);
}

static void begin(struct byte_request *request, struct rota_loop *loop,
		  struct reader *reader, byte_fn *fn)
{
	request->fn = fn;
	request->reader = reader;
	request->next = NULL;
	request->held = 0;
	request->late = 0;
	rotai_request_begin(&request->request, loop,
			    reader != NULL ? &reader->handle : NULL,
			    &byte_class);
}

int reader_read(struct reader *reader, struct byte_request *request,
		byte_fn *fn)
{
	struct byte_request **last = &reader->first;
	int error = rotai_handle_usable(&reader->handle);
	int status = ROTA_EAGAIN;

	if (error < 0)
		return error;
	if (reader->first == NULL)
		status = read_byte(reader);
	if (status == ROTA_EAGAIN)
		error = rota_watch_start(&reader->watch, readable,
					 ROTA_READABLE);
	if (error < 0)
		return error;
	begin(request, rota_handle_loop(&reader->handle), reader, fn);
	if (status != ROTA_EAGAIN) {
		rotai_request_finish(&request->request, status);
		return 0;
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = request;
	return 0;
}

int reader_hold(struct reader *reader, struct rota_loop *loop,
		struct byte_request *request, byte_fn *fn)
{
	int error = reader != NULL ? rotai_handle_usable(&reader->handle)
				   : rotai_loop_admits(loop);

	if (error < 0)
		return error;
	begin(request, loop, reader, fn);
	request->held = 1;
	return 0;
}

void reader_let_go(struct byte_request *request, int status)
{
	request->held = 0;
	rotai_request_finish(&request->request,
			     request->late != 0 ? request->late : status);
}

int reader_wait(struct rota_loop *loop, struct byte_request *request,
		byte_fn *fn)
{
	int error = rotai_loop_admits(loop);

	if (error == 0)
		begin(request, loop, NULL, fn);
	return error;
}
