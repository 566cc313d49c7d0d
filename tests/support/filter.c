/*
 * tests/support/filter.c - see filter.h.
 */
#include "filter.h"

#include <string.h>

enum { PIECE = 4096 };

static struct filter *filter_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct filter, stream);
}

static void change(char *to, const char *from, size_t size, char key)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (char)(from[i] ^ key);
}

static void on_below(struct rota_stream *below, int status,
		     const struct rota_buf *buf)
{
	struct filter *filter = below->handle.data;

	if (status < 0) {
		filter->in_status = status;
	} else {
		filter->hold = rota_buf_keep(below);
		filter->input = *buf;
		rota_stream_read_stop(below);
	}
	rota_stream_ready(&filter->stream, ROTA_READABLE);
}

/* Read below if the stream wants input and there is none here. */
static void go_on(struct filter *filter)
{
	int wants = (filter->events & ROTA_READABLE) && filter->input.size == 0;
	int error;

	if (filter->in_status < 0)
		return;
	if (!wants) {
		rota_stream_read_stop(filter->below);
		return;
	}
	error = rota_stream_read_start(filter->below, on_below);
	if (error < 0) {
		filter->in_status = error;
		rota_stream_ready(&filter->stream, ROTA_READABLE);
	}
}

static void release(struct filter *filter)
{
	if (filter->hold != NULL)
		rota_buf_release(filter->hold);
	filter->hold = NULL;
}

static ptrdiff_t filter_receive(struct rota_stream *stream, struct rota_buf buf)
{
	struct filter *filter = filter_of(stream);
	size_t size = filter->input.size;

	if (size > buf.size)
		size = buf.size;
	if (size == 0) {
		if (filter->in_status == 0)
			return ROTA_EAGAIN;
		return filter->in_status == ROTA_EOF ? 0 : filter->in_status;
	}
	change(buf.data, filter->input.data, size, filter->key);
	filter->input.data += size;
	filter->input.size -= size;
	if (filter->input.size == 0)
		release(filter);
	go_on(filter);
	return (ptrdiff_t)size;
}

static ptrdiff_t send_one(struct filter *filter, const char *data, size_t size)
{
	char piece[PIECE];
	size_t sent = 0;

	while (sent < size && !filter->is_pressed) {
		size_t n = size - sent < PIECE ? size - sent : PIECE;
		int status;

		change(piece, data + sent, n, filter->key);
		status = rota_stream_send(filter->below, piece, n);
		if (status < 0 && sent == 0)
			return status;
		if (status < 0) { /* the next call tells it */
			filter->out_status = status;
			rota_stream_ready(&filter->stream, ROTA_WRITABLE);
			break;
		}
		filter->is_pressed = status;
		sent += n;
	}
	return sent > 0 ? (ptrdiff_t)sent : ROTA_EAGAIN;
}

static ptrdiff_t filter_send(struct rota_stream *stream,
			     const struct rota_const_buf *bufs, size_t n)
{
	struct filter *filter = filter_of(stream);
	ptrdiff_t total = 0;

	if (filter->out_status < 0)
		return filter->out_status;
	for (size_t i = 0; i < n; i++) {
		ptrdiff_t sent = send_one(filter, bufs[i].data, bufs[i].size);

		if (sent < 0 && (sent == ROTA_EAGAIN || total == 0))
			return total > 0 ? total : sent;
		if (sent < 0) {
			filter->out_status = (int)sent;
			rota_stream_ready(&filter->stream, ROTA_WRITABLE);
			break;
		}
		total += sent;
		if ((size_t)sent < bufs[i].size)
			break;
	}
	return total;
}

static void on_drain_below(struct rota_stream *below, int status)
{
	struct filter *filter = below->handle.data;

	filter->is_pressed = 0;
	filter->is_shut = filter->is_shutting;
	filter->out_status = status;
	rota_stream_ready(&filter->stream, ROTA_WRITABLE);
}

static int filter_shutdown(struct rota_stream *stream)
{
	struct filter *filter = filter_of(stream);
	int result;

	if (filter->out_status < 0)
		return filter->out_status;
	if (filter->is_shut)
		return 0;
	if (filter->is_shutting)
		return ROTA_EAGAIN;
	result = rota_stream_shutdown(NULL, filter->below, NULL);
	if (result < 0)
		return result;
	filter->is_shutting = result;
	filter->is_shut = !result;
	return result ? ROTA_EAGAIN : 0;
}

static void filter_interest(struct rota_stream *stream, unsigned events)
{
	struct filter *filter = filter_of(stream);

	filter->events = events;
	go_on(filter);
}

static void filter_close(struct rota_stream *stream, enum rota_close_kind kind)
{
	struct filter *filter = filter_of(stream);

	release(filter);
	if (kind == ROTA_CLOSE_RESET)
		(void)rota_stream_close_reset(filter->below, NULL);
	else
		(void)rota_handle_close_now(&filter->below->handle);
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

int filter_open(struct filter *filter, struct rota_loop *loop,
		struct rota_stream *below, char key)
{
	int error;

	*filter = (struct filter){ .below = below, .key = key };
	error = rota_stream_open(&filter->stream, loop, &filter_class);
	if (error < 0)
		return error;
	below->handle.data = filter;
	rota_stream_on_drain(below, on_drain_below);
	return 0;
}
