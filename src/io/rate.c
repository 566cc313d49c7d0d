/*
 * io/rate.c - rota_stream_set_rate(): a stream gets buckets, or others, and
 * goes on when one has tokens for it.
 *
 *  1. Input that a limited stream could not read is in the kernel, and no event
 *     tells of it. So an event is made here when the stream may go on.
 *  2. That is done whatever the poller reports, because the grant must be used
 *     or given back soon.
 */
#include "io/limit.h"
#include "io/transport.h"

static void make_event(struct rota_stream *stream, unsigned events)
{
	struct rota_watch *watch = &stream->internal.by.watch;

	(void)rotai_stream_update(stream);
	if (rotai_stream_has(stream, ROTAI_CUSTOM))
		rotai_custom_serve(stream, events);
	else if (rota_watch_is_active(watch))
		rotai_watch_report(watch, events); /* (2) */
}

static void read_served(struct rotai_share *share)
{
	make_event(rota_container_of(share, struct rotai_limit, read)->stream,
		   ROTA_READABLE);
}

static void write_served(struct rotai_share *share)
{
	make_event(rota_container_of(share, struct rotai_limit, write)->stream,
		   ROTA_WRITABLE);
}

/* Use these buckets. Returns the directions that were short of tokens. */
static unsigned change_buckets(struct rotai_limit *limit,
			       struct rota_bucket *read,
			       struct rota_bucket *write)
{
	unsigned events = 0;

	limit->read.served = read_served;
	limit->write.served = write_served;
	if (limit->read.bucket != read) {
		events |= limit->read.is_short ? ROTA_READABLE : 0;
		rotai_share_attach(&limit->read, read);
	}
	if (limit->write.bucket != write) {
		events |= limit->write.is_short ? ROTA_WRITABLE : 0;
		rotai_share_attach(&limit->write, write);
	}
	return events;
}

static int check_bucket(const struct rota_stream *stream,
			const struct rota_bucket *bucket)
{
	return bucket == NULL || bucket->internal.timer.internal.loop ==
					 stream->handle.internal.loop
		       ? 0
		       : ROTA_EINVAL;
}

int rota_stream_set_rate(struct rota_stream *stream, struct rota_bucket *read,
			 struct rota_bucket *write)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int error = rotai_handle_usable(&stream->handle);
	unsigned events;

	if (error == 0 && rotai_stream_has(stream, ROTAI_LISTENING))
		error = ROTA_EINVAL;
	if (error == 0)
		error = check_bucket(stream, read);
	if (error == 0)
		error = check_bucket(stream, write);
	if (error == 0 && !rotai_stream_has(stream, ROTAI_LIMITED)) {
		if (read == NULL && write == NULL)
			return 0;
		error = rotai_limit_make(stream);
	}
	if (error < 0)
		return error;
	events = change_buckets(rotai_limit_of(stream), read, write);
	if (read == NULL && write == NULL)
		rotai_limit_drop(stream);
	if ((events & ROTA_READABLE) &&
	    !rotai_stream_has(stream, ROTAI_READ_ENDED))
		rotai_stream_set(stream, ROTAI_HAS_INPUT); /* (1) */
	if (events != 0)
		make_event(stream, events);
	return 0;
}
