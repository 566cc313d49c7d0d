/*
 * io/listen.c - connections that come in.
 *
 *  1. A listener is level triggered: what was not accepted is reported again.
 *     One connection is accepted for an event, as a second try would mostly
 *     find nothing; if the next wait reports the listener again, there is a
 *     crowd, and then it is as many as ROTA_ACCEPTS_PER_EVENT.
 *  2. When descriptors run out (D3), those in the system's queue would be
 *     reported for ever, and their clients wait for ever. A descriptor kept in
 *     reserve is given up, so that each can be accepted and closed; then the
 *     listener pauses for a while, twice as long each time, and goes on. The
 *     user is told when it begins.
 */
#include <fcntl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "io/io.h"
#include "loop/callback.h"
#include "loop/timer.h"

static const uint64_t FIRST_PAUSE_NS = ROTA_MSEC(10);
static const uint64_t LONGEST_PAUSE_NS = ROTA_SEC(1);

struct rotai_listener {
	struct rota_timer timer; /* of the pause */
	struct rota_stream *stream;
	uint64_t pause_ns; /* the next one; 0: all is well */
	uint64_t shed;
	uint32_t batch; /* in which it was last called */
	int crowd;      /* it left some in the queue then, or may have */
};

static void listener_ready(struct rota_watch *watch, unsigned events);

static void take_reserve(struct rotai_io *io)
{
	if (io->reserve < 0)
		io->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Accept and close what is queued, with the descriptor in reserve. (2) Returns
 * 0 if nothing was queued: Linux says that it has no descriptors before it
 * looks. */
static int shed(struct rotai_io *io, struct rota_stream *stream)
{
	int listener = rotai_stream_fd(&stream->handle);
	int fd;

	for (int i = 0; i < ROTA_ACCEPTS_PER_EVENT; i++) {
		if (io->reserve < 0)
			return 1;
		rotai_fd_close(io->reserve);
		io->reserve = -1;
		fd = rotai_socket_accept(listener);
		if (fd >= 0) {
			rotai_fd_close(fd);
			stream->internal.front.listener->shed++;
		}
		take_reserve(io);
		if (fd < 0)
			return i > 0 || fd != ROTA_EAGAIN;
	}
	return 1;
}

static void call(struct rotai_io *io, struct rota_stream *stream, int status,
		 int fd)
{
	struct rota_loop *loop = io->loop;
	const char *type = stream->handle.internal.class_->type;

	rotai_callback_begin(loop, type, stream->handle.internal.name, stream);
	io->handed_fd = fd;
	stream->internal.fn.connection(stream, status, fd);
	io->handed_fd = -1;
	rotai_callback_end(loop, type, stream);
}

static void go_on(struct rota_timer *timer)
{
	struct rotai_listener *listener =
		rota_container_of(timer, struct rotai_listener, timer);

	take_reserve(rotai_io_of(listener->stream));
	rotai_watch_ask(&listener->stream->internal.watch, listener_ready,
			ROTA_READABLE);
}

/* There is no descriptor, or no memory, for more connections. */
static void pause(struct rotai_io *io, struct rota_stream *stream, int error)
{
	struct rotai_listener *listener = stream->internal.front.listener;
	int begins = listener->pause_ns == 0;

	if (!shed(io, stream))
		return;
	if (begins)
		listener->pause_ns = FIRST_PAUSE_NS;
	rotai_watch_ask(&stream->internal.watch, listener_ready, 0);
	rotai_timer_start_own(&listener->timer, go_on,
			      rotai_add_saturated(io->loop->clock(io->loop),
						  listener->pause_ns));
	listener->pause_ns *= 2;
	if (listener->pause_ns > LONGEST_PAUSE_NS)
		listener->pause_ns = LONGEST_PAUSE_NS;
	if (begins)
		call(io, stream, error, -1);
}

/* Errors that are of the connection, which is gone, and not of the listener:
 * see accept(2). */
static int is_of_connection(int error)
{
	switch (error) {
	case ROTA_EMFILE:
	case ROTA_ENFILE:
	case ROTA_ENOMEM:
	case ROTA_ENOBUFS:
	case ROTA_EINVAL:
	case ROTA_EBADF:
	case ROTA_ENOTSOCK:
		return 0;
	default:
		return 1;
	}
}

static void listener_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_stream *stream =
		rota_container_of(watch, struct rota_stream, internal.watch);
	struct rotai_io *io = rotai_io_of(stream);
	struct rotai_listener *listener = stream->internal.front.listener;
	int left = 1;
	int failed = 0;
	int fd = ROTA_EAGAIN;

	(void)events;
	if (listener->crowd && listener->batch + 1 == io->loop->watches.batch)
		left = ROTA_ACCEPTS_PER_EVENT; /* (1) */
	listener->batch = io->loop->watches.batch;
	listener->crowd = 1;
	io->current = stream;
	while (left-- > 0) {
		fd = rotai_socket_accept(watch->internal.fd);
		if (fd < 0 && (fd == ROTA_EAGAIN || !is_of_connection(fd)))
			break;
		if (fd < 0) {
			failed++;
			continue;
		}
		listener->pause_ns = 0;
		call(io, stream, 0, fd);
		if (io->current != stream || rotai_loop_inherited(io->loop) < 0)
			return; /* it is gone, or in this child the parent's */
	}
	if (fd == ROTA_EAGAIN)
		listener->crowd = 0;
	else if (fd < 0 &&
		 (!is_of_connection(fd) || failed == ROTA_ACCEPTS_PER_EVENT))
		pause(io, stream, fd); /* in the second case it will not end */
	io->current = NULL;
}

void rotai_listener_stop(struct rota_stream *stream)
{
	struct rotai_listener *listener = stream->internal.front.listener;

	rota_timer_stop(&listener->timer);
	rotai_memory_free(&stream->handle.internal.loop->allocator, listener,
			  sizeof(*listener));
	stream->internal.front.listener = NULL;
	rotai_stream_clear(stream, ROTAI_LISTENING);
}

static int check(const struct rota_stream *stream, int backlog,
		 rota_connection_fn *fn)
{
	int error = rotai_handle_usable(&stream->handle);

	if (error < 0)
		return error;
	if (rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EALREADY;
	if (fn == NULL || backlog < 1 ||
	    rotai_stream_has(stream, ROTAI_CONNECTED | ROTAI_CONNECTING) ||
	    !rotai_stream_has(stream, ROTAI_BOUND))
		return ROTA_EINVAL;
	return 0;
}

int rota_stream_listen(struct rota_stream *stream, int backlog,
		       rota_connection_fn *fn)
{
	struct rota_loop *loop = stream->handle.internal.loop;
	int fd = rotai_stream_fd(&stream->handle);
	struct rotai_listener *listener;
	int error = check(stream, backlog, fn);

	if (error < 0)
		return error;
	listener = rotai_memory_new(&loop->allocator, sizeof(*listener));
	if (listener == NULL)
		return ROTA_ENOMEM;
	*listener = (struct rotai_listener){ .stream = stream };
	rota_timer_init(&listener->timer, loop);
	if (listen(fd, backlog) < 0) {
		error = -errno;
		goto free_listener;
	}
	rotai_watch_init_own(&stream->internal.watch, loop, fd, 0);
	error = rota_watch_start(&stream->internal.watch, listener_ready,
				 ROTA_READABLE);
	if (error < 0)
		goto free_listener;
	take_reserve(rotai_io_of(stream));
	stream->internal.front.listener = listener;
	stream->internal.fn.connection = fn;
	rotai_stream_set(stream, ROTAI_LISTENING);
	rotai_handle_set_active(&stream->handle, 1);
	return 0;

free_listener:
	rotai_memory_free(&loop->allocator, listener, sizeof(*listener));
	return error;
}

uint64_t rota_stream_shed(const struct rota_stream *stream)
{
	return rotai_stream_has(stream, ROTAI_LISTENING)
		       ? stream->internal.front.listener->shed
		       : 0;
}
