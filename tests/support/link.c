/*
 * tests/support/link.c - see link.h.
 */
#include "link.h"

#include <string.h>

static void init_end(struct end *end, struct link *link)
{
	memset(end, 0, sizeof(*end));
	end->link = link;
}

/* Filters have keys, and a pair of equal ones cancels out. */
static void filter_end(struct end *end, struct rota_stream *below)
{
	assert_int_equal(filter_open(&end->filter, below, 0x5a), 0);
	end->stream = &end->filter.stream;
}

void link_open(struct link *link, struct fixture *f, enum link_kind kind)
{
	int fds[2];

	link->f = f;
	link->kind = kind;
	init_end(&link->a, link);
	init_end(&link->b, link);
	if (kind == LINK_TCP || kind == LINK_FILTERED_TCP) {
		raw_pair(fds);
		raw_buffers(fds[0], 1 << 16); /* as the pair in memory */
		raw_buffers(fds[1], 1 << 16);
		assert_int_equal(rota_tcp_open(&link->a.tcp, f->loop, fds[0]),
				 0);
		assert_int_equal(rota_tcp_open(&link->b.tcp, f->loop, fds[1]),
				 0);
		link->a.stream = &link->a.tcp.stream;
		link->b.stream = &link->b.tcp.stream;
	} else {
		assert_int_equal(rota_memory_stream_pair(&link->a.memory,
							 &link->b.memory,
							 f->loop, 0),
				 0);
		link->a.stream = &link->a.memory.stream;
		link->b.stream = &link->b.memory.stream;
	}
	if (kind == LINK_FILTERED_TCP || kind == LINK_FILTERED_MEMORY) {
		filter_end(&link->a, link->a.stream);
		filter_end(&link->b, link->b.stream);
	}
	link->a.stream->handle.data = &link->a;
	link->b.stream->handle.data = &link->b;
	rota_stream_on_drain(link->a.stream, end_drained);
	rota_stream_on_drain(link->b.stream, end_drained);
}

void link_end(struct link *link)
{
	struct rota_handle *a = &link->a.stream->handle;
	struct rota_handle *b = &link->b.stream->handle;

	if (!rota_handle_is_closing(a))
		assert_int_equal(rota_handle_close_now(a), 0);
	if (!rota_handle_is_closing(b))
		assert_int_equal(rota_handle_close_now(b), 0);
	run_to_the_end(link->f);
}

void end_read(struct rota_stream *stream, int status,
	      const struct rota_buf *buf)
{
	struct end *end = stream->handle.data;

	if (status < 0) {
		end->ends++;
		end->status = status;
		assert_int_equal(buf->size, 0);
	} else {
		end->reads++;
		end->wrong += !pattern_is(buf->data, buf->size, end->got);
		end->got += buf->size;
	}
	if (end->act != NULL)
		end->act(end, status);
}

void end_drained(struct rota_stream *stream, int status)
{
	struct end *end = stream->handle.data;

	end->drains++;
	end->drain_status = status;
}

void end_closed(struct rota_handle *handle)
{
	struct end *end = handle->data;

	end->closes++;
}

void end_start(struct end *end)
{
	assert_int_equal(rota_stream_read_start(end->stream, end_read), 0);
}

int end_send(struct end *end, size_t size)
{
	static char data[1 << 16];
	int status;

	assert_true(size <= sizeof(data));
	pattern_fill(data, size, end->sent);
	status = rota_stream_send(end->stream, data, size);
	if (status >= 0)
		end->sent += size;
	return status;
}

void end_fill(struct end *end, size_t size)
{
	while (end->sent < size || rota_stream_queued(end->stream) == 0)
		assert_true(end_send(end, 1 << 14) >= 0);
}

void for_each_link(struct fixture *f, void (*test)(struct link *link))
{
	for (int kind = 0; kind < LINK_KINDS; kind++) {
		struct link link;

		link_open(&link, f, (enum link_kind)kind);
		test(&link);
		link_end(&link);
	}
}
