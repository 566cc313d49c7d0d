/*
 * io/stream.c - opening a stream, and which events the poller is asked for.
 *
 *  1. The poller knows a stream only by its watch. The watch is registered when
 *     the stream first waits for something. Where the poller supports it, it is
 *     edge-triggered: an event is reported once, and the stream remembers it,
 *     by ROTAI_HAS_INPUT or by the absence of ROTAI_BLOCKED, until a read or a
 *     write comes up short.
 *  2. With other pollers, and while another watch of the same descriptor is
 *     started, it is level-triggered, and asks only for the events that the
 *     stream waits for.
 *  3. A stream with a limited rate that waits for tokens does not ask for the
 *     event, as if it was paused.
 */
#include "io/limit.h"
#include "rota/stream_class.h"

void rotai_streams_append(struct rotai_streams *streams,
			  struct rota_stream *stream)
{
	stream->internal.deferred = NULL;
	if (streams->first == NULL)
		streams->first = stream;
	else
		streams->last->internal.deferred = stream;
	streams->last = stream;
}

struct rota_stream *rotai_streams_take_first(struct rotai_streams *streams)
{
	struct rota_stream *first = streams->first;

	if (first != NULL)
		streams->first = first->internal.deferred;
	return first;
}

void rotai_streams_remove(struct rotai_streams *streams,
			  const struct rota_stream *stream)
{
	struct rota_stream *before = NULL;
	struct rota_stream *at = streams->first;

	while (at != NULL && at != stream) {
		before = at;
		at = at->internal.deferred;
	}
	if (at == NULL)
		return;
	if (before == NULL)
		streams->first = at->internal.deferred;
	else
		before->internal.deferred = at->internal.deferred;
	if (streams->last == at)
		streams->last = before;
}

void rotai_stream_open(struct rota_stream *stream, struct rota_loop *loop,
		       const struct rotai_stream_class *class_, int fd)
{
	rotai_watch_init_own(&stream->internal.by.watch, loop, fd,
			     !class_->is_level);
	stream->internal.fn.read = NULL;
	stream->internal.front.read = NULL;
	stream->internal.first_output = NULL;
	stream->internal.last_output = NULL;
	stream->internal.queued = 0;
	stream->internal.on.drain = NULL;
	stream->internal.low = ROTA_LOW_WATERMARK;
	stream->internal.high = ROTA_HIGH_WATERMARK;
	stream->internal.deferred = NULL;
	stream->internal.flags = ROTAI_PAUSED;
	stream->internal.error = 0;
	rotai_handle_open(&stream->handle, loop, &class_->handle);
}

int rotai_stream_fd(const struct rota_handle *handle)
{
	const struct rota_stream *stream =
		rota_container_of(handle, const struct rota_stream, handle);

	return rotai_stream_has(stream, ROTAI_CUSTOM)
		       ? -1
		       : stream->internal.by.watch.internal.fd;
}

int rotai_stream_usable(const struct rota_stream *stream,
			int connecting_will_do)
{
	int error = rotai_handle_usable(&stream->handle);

	if (ROTAI_UNLIKELY(error < 0))
		return error;
	if (ROTAI_LIKELY(rotai_stream_has(stream, ROTAI_CONNECTED)))
		return 0;
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	return connecting_will_do && rotai_stream_has(stream, ROTAI_CONNECTING)
		       ? 0
		       : ROTA_ENOTCONN;
}

static unsigned waits_for(const struct rota_stream *stream)
{
	unsigned events = 0;

	if (!rotai_stream_has(stream, ROTAI_PAUSED) ||
	    stream->internal.front.read != NULL ||
	    (rotai_stream_has(stream, ROTAI_ENDING) &&
	     !rotai_stream_has(stream, ROTAI_READ_ENDED)))
		events |= ROTA_READABLE;
	if (rotai_stream_has(stream, ROTAI_BLOCKED))
		events |= ROTA_WRITABLE;
	return events;
}

static void update_custom(struct rota_stream *stream, unsigned events)
{
	const struct rota_stream_class *class_ =
		stream->internal.by.custom.class_;

	if (stream->internal.by.custom.asked == events)
		return;
	stream->internal.by.custom.asked = (uint8_t)events;
	if (class_->interest != NULL)
		class_->interest(stream, events);
}

static inline int update_watch(struct rota_stream *stream, unsigned events)
{
	struct rota_watch *watch = &stream->internal.by.watch;
	rota_watch_fn *ready = rotai_stream_class_of(stream)->ready;

	events |= rotai_stream_class_of(stream)->also;
	if (rota_watch_is_active(watch))
		rotai_watch_ask(watch, ready, events);
	else if (events != 0)
		return rota_watch_start(watch, ready, events);
	return 0;
}

/* A stream that waits for tokens is registered nevertheless. So it goes on
 * later without an error. (3) */
static __attribute__((noinline)) int update_unusual(struct rota_stream *stream)
{
	unsigned wanted, events;
	int error;

	/* The union front has something else before. */
	if (!rotai_stream_has(stream, ROTAI_CUSTOM | ROTAI_CONNECTED))
		return 0;
	wanted = events = waits_for(stream);
	if (rotai_stream_has(stream, ROTAI_LIMITED))
		events = rotai_limit_adjust(stream, wanted);
	if (rotai_stream_has(stream, ROTAI_CUSTOM)) {
		update_custom(stream, events);
		return 0;
	}
	error = rota_watch_is_active(&stream->internal.by.watch)
			? 0
			: update_watch(stream, wanted);
	return error < 0 ? error : update_watch(stream, events);
}

int rotai_stream_update(struct rota_stream *stream)
{
	int error = 0;

	if (rota_handle_is_closing(&stream->handle))
		return 0;
	if (ROTAI_UNLIKELY(
		    rotai_stream_has(stream, ROTAI_CUSTOM | ROTAI_LIMITED)))
		error = update_unusual(stream);
	else if (rotai_stream_has(stream, ROTAI_CONNECTED))
		error = update_watch(stream, waits_for(stream));
	rotai_handle_set_active(
		&stream->handle,
		stream->internal.first_output != NULL ||
			!rotai_stream_has(stream, ROTAI_PAUSED) ||
			rotai_stream_has(
				stream, ROTAI_IN_DRAINS | ROTAI_REFUSED |
						ROTAI_ENDING | ROTAI_SHUT_DUE));
	return error;
}

int rota_stream_fd(const struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	int fd = rotai_stream_fd(&stream->handle);

	/* A stream of zeroes was never open: descriptor 0 is not its own. */
	return fd >= 0 && rota_handle_loop(&stream->handle) != NULL
		       ? fd
		       : ROTA_EBADF;
}
