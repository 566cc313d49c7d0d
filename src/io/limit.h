/*
 * io/limit.h - what a stream with a limited rate has, which has the flag
 * ROTAI_LIMITED (rota/rate.h).
 *
 * A stream that wants bytes asks its share how many, and moves no more. If the
 * share was short of them, the next update of the stream makes it wait, and the
 * poller is not asked. When the share has a grant, the stream gets the event.
 */
#ifndef ROTAI_IO_LIMIT_H
#define ROTAI_IO_LIMIT_H

#include "io/bucket.h"
#include "io/io.h"

struct rotai_limit {
	struct rota_stream *stream;
	void *unread; /* see unread.c: the watch has this struct instead */
	struct rotai_share read;
	struct rotai_share write;
	size_t uncounted; /* bytes that the reader will count as read */
};

/* Only for streams with ROTAI_LIMITED. */
struct rotai_limit *rotai_limit_of(const struct rota_stream *stream);

/* Give @stream an empty one: 0 or ROTA_ENOMEM. */
int rotai_limit_make(struct rota_stream *stream);

/* Take it away again. Its shares leave their buckets. */
void rotai_limit_drop(struct rota_stream *stream);

/* Where unread.c has its bytes. */
void **rotai_limit_unread(const struct rota_stream *stream);

/* @stream wants these events. Return those of them that are to be asked for:
 * for the others it waits for tokens. */
unsigned rotai_limit_adjust(struct rota_stream *stream, unsigned events);

#endif
