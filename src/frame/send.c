/*
 * frame/send.c - sends records.
 *
 * A record and its prefix or delimiter must leave together or not at all: a
 * part of a record would make what follows it unreadable. So rota_frame_send()
 * makes one rota_stream_send(), from one area of memory; and rota_frame_write()
 * makes one request with two buffers.
 */
#include <string.h>

#include "base/memory.h"
#include "frame/splitter.h"
#include "loop/enter.h"
#include "rota/error.h"

enum { SMALL_SIZE = 1024, PREFIX_SIZE = 16 };

/* What is sent around a record: @before bytes before it, @after behind it. */
struct envelope {
	char prefix[PREFIX_SIZE];
	size_t before;
	const char *delimiter;
	size_t after;
};

static size_t put_varint(char *to, uint64_t length)
{
	size_t size = 0;

	for (; length > 0x7f; length >>= 7)
		to[size++] = (char)((length & 0x7f) | 0x80);
	to[size++] = (char)length;
	return size;
}

/* Returns 0, or ROTA_EMSGSIZE if @length does not fit. */
static int put_fixed(char *to, uint64_t length,
		     const struct rota_frame_options *options)
{
	size_t size = options->prefix_size;

	if (options->flags & ROTA_FRAME_INCLUDES_PREFIX)
		length += size;
	if (size < sizeof(length) && length >> 8 * size != 0)
		return ROTA_EMSGSIZE;
	for (size_t i = 0; i < size; i++, length >>= 8)
		to[options->flags & ROTA_FRAME_LITTLE_ENDIAN ? i
							     : size - 1 - i] =
			(char)(length & 0xff);
	return 0;
}

/* Whether the delimiter occurs in the record and the delimiter behind it only
 * where it should. */
static int is_delimited_once(char *data, size_t size,
			     const struct rota_frame_options *options,
			     const struct envelope *envelope)
{
	struct rota_splitter splitter;
	int is_found;

	if (size == 0)
		return 1;
	if (options->kind == ROTA_FRAME_LINE && envelope->after == 1 &&
	    data[size - 1] == '\r')
		return 0;
	rotai_splitter_begin(&splitter, options, NULL);
	splitter.internal.input = data;
	splitter.internal.left = size;
	is_found = rotai_splitter_finds_end(&splitter);
	if (options->kind == ROTA_FRAME_LINE)
		return !is_found;
	/* One may begin in the record and end in the delimiter. */
	splitter.internal.own = data;
	splitter.internal.own_size = size;
	splitter.internal.input = (char *)(uintptr_t)envelope->delimiter;
	splitter.internal.left = envelope->after - 1;
	return !is_found && !rotai_splitter_finds_end(&splitter);
}

/* Returns 0 or an error. */
static int fill_envelope(struct envelope *envelope,
			 const struct rota_frame_options *options,
			 const void *data, size_t size)
{
	int error = rotai_frame_check(options);

	if (error < 0 || (data == NULL && size > 0))
		return ROTA_EINVAL;
	if (size > options->limit)
		return ROTA_EMSGSIZE;
	*envelope = (struct envelope){ .before = 0 };
	switch (options->kind) {
	case ROTA_FRAME_LENGTH:
		envelope->before = options->prefix_size;
		return put_fixed(envelope->prefix, size, options);
	case ROTA_FRAME_VARINT:
		envelope->before = put_varint(envelope->prefix, size);
		return 0;
	case ROTA_FRAME_LINE:
		envelope->delimiter =
			options->flags & ROTA_FRAME_CRLF ? "\r\n" : "\n";
		envelope->after = strlen(envelope->delimiter);
		break;
	case ROTA_FRAME_DELIMITER:
		envelope->delimiter = options->delimiter.data;
		envelope->after = options->delimiter.size;
		break;
	}
	return is_delimited_once((char *)(uintptr_t)data, size, options,
				 envelope)
		       ? 0
		       : ROTA_EINVAL;
}

static void put_part(char **to, const void *data, size_t size)
{
	if (size > 0)
		memcpy(*to, data, size);
	*to += size;
}

int rota_frame_send(struct rota_stream *stream,
		    const struct rota_frame_options *options, const void *data,
		    size_t size)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_loop *loop = rota_handle_loop(&stream->handle);
	char small[SMALL_SIZE];
	char *whole = small, *at;
	struct envelope envelope;
	int status = fill_envelope(&envelope, options, data, size);
	size_t total;

	if (status < 0)
		return status;
	if (loop == NULL)
		return ROTA_EINVAL; /* it was never open */
	total = envelope.before + size + envelope.after;
	if (total > sizeof(small))
		whole = rotai_memory_new(&loop->allocator, total);
	if (whole == NULL)
		return ROTA_ENOMEM;
	at = whole;
	put_part(&at, envelope.prefix, envelope.before);
	put_part(&at, data, size);
	put_part(&at, envelope.delimiter, envelope.after);
	status = rota_stream_send(stream, whole, total);
	if (whole != small)
		rotai_memory_free(&loop->allocator, whole, total);
	return status;
}

int rota_frame_write(struct rota_framed_write *write,
		     struct rota_stream *stream,
		     const struct rota_frame_options *options, const void *data,
		     size_t size, rota_write_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	struct rota_const_buf *bufs = write->internal.bufs;
	struct envelope envelope;
	int error = fill_envelope(&envelope, options, data, size);

	if (error < 0)
		return error;
	memcpy(write->internal.prefix, envelope.prefix,
	       sizeof(envelope.prefix));
	bufs[0] = rota_bytes(data, size);
	bufs[1] = rota_bytes(envelope.delimiter, envelope.after);
	if (envelope.before > 0) {
		bufs[0] = rota_bytes(write->internal.prefix, envelope.before);
		bufs[1] = rota_bytes(data, size);
	}
	return rota_stream_write(&write->write, stream, bufs, 2, fn);
}
