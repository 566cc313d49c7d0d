/*
 * tests/support/half.c - see half.h.
 */
#include "fixture.h"

#include "half.h"

#include <string.h>

#include "streams.h"

void half_read(struct rota_stream *stream, int status,
	       const struct rota_buf *buf)
{
	struct half *h = stream->handle.data;

	if (status < 0) {
		h->status = status;
		return;
	}
	assert_true(h->size + buf->size < sizeof(h->got));
	memcpy(h->got + h->size, buf->data, buf->size);
	h->size += buf->size;
}

static void peer_read(struct rota_stream *stream, int status,
		      const struct rota_buf *buf)
{
	struct half *h = stream->handle.data;

	if (status < 0) {
		h->peer_status = status;
		return;
	}
	assert_true(h->sent_size + buf->size < sizeof(h->sent));
	memcpy(h->sent + h->sent_size, buf->data, buf->size);
	h->sent_size += buf->size;
}

void half_drained(struct rota_stream *stream, int status)
{
	struct half *h = stream->handle.data;

	h->drained = status == 0 ? 1 : status;
}

void half_open(struct half *h, struct fixture *f,
	       const struct rota_filter_class *class_, unsigned flags)
{
	memset(h, 0, sizeof(*h));
	h->f = f;
	assert_int_equal(
		rota_memory_stream_pair(&h->below, &h->peer, f->loop, 0), 0);
	codec_open(&h->codec, &h->below.stream, class_, flags);
	h->codec.handle.data = h;
	h->peer.handle.data = h;
	rota_stream_on_drain(&h->codec.stream, half_drained);
	assert_int_equal(rota_stream_read_start(&h->peer.stream, peer_read), 0);
}

void half_close(struct half *h)
{
	if (!rota_handle_is_closing(&h->codec.handle))
		assert_int_equal(rota_handle_close_now(&h->codec.handle), 0);
	if (!rota_handle_is_closing(&h->peer.handle))
		assert_int_equal(rota_handle_close_now(&h->peer.handle), 0);
	run_to_the_end(h->f);
}

void half_turns(struct half *h)
{
	for (int i = 0; i < 6; i++)
		turn(h->f);
}

void below_gets(struct half *h, const char *text, size_t size)
{
	assert_int_equal(rota_stream_send(&h->peer.stream, text, size), 0);
	half_turns(h);
}

void below_gets_text(struct half *h, const char *text)
{
	below_gets(h, text, strlen(text));
}

void half_reads(struct half *h)
{
	assert_int_equal(rota_stream_read_start(&h->codec.stream, half_read),
			 0);
}

void expect_sent(struct half *h, const char *text)
{
	half_turns(h);
	h->sent[h->sent_size] = 0;
	assert_string_equal(h->sent, text);
}
