/*
 * io/listen.c - incoming connections.
 *
 *  1. A listener is level-triggered: a connection that was not accepted is
 *     reported again. One connection is accepted per event, because a second
 *     attempt would mostly find nothing. If the next wait reports the listener
 *     again, the queue is long, and up to ROTA_ACCEPTS_PER_EVENT are accepted.
 *  2. When descriptors run out (D3), the queued connections would be reported
 *     forever, and their clients would wait forever. So a reserve descriptor is
 *     closed to accept each of them, which is then closed at once. The listener
 *     then backs off for a while, twice as long each time, and goes on. The
 *     callback gets the error when the shortage begins. The shortage is over
 *     when a pass has accepted all queued connections without an error: so
 *     during a shortage each pass goes on until there are no more.
 *  3. The reserve is an unconnected socket. It needs no path, so it can be made
 *     in a chroot(2) as well. And it uses up the same resource as accept(2),
 *     whether the process or the system has run out of it.
 *  4. While the user has paused the listener, or it backs off, the poller is
 *     asked for nothing. An event that a wait had already found is ignored.
 *  5. The socket of a listener often has other descriptors: in forked workers,
 *     or in the process that has passed it on. A close of ours would leave the
 *     registration in the kernel. So it is removed before the close.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/memory.h"
#include "base/socket.h"
#include "io/listen.h"
#include "loop/callback.h"
#include "loop/timer.h"

static const uint64_t FIRST_PAUSE_NS = ROTA_MSEC(10);
static const uint64_t LONGEST_PAUSE_NS = ROTA_SEC(1);

struct rotai_listener {
	struct rota_timer timer; /* of the back-off */
	struct rota_stream *stream;
	uint64_t pause_ns; /* of the next back-off */
	uint64_t shed;
	uint32_t batch; /* number of the last wait that found it ready */
	uint8_t crowd;  /* connections may be left in the queue */
	uint8_t is_short;
	uint8_t is_paused; /* by the user */
};

static void listener_ready(struct rota_watch *watch, unsigned events);

/* (3) */
static void take_reserve(struct rotai_io *io)
{
	if (io->reserve >= 0)
		return;
	io->reserve = rotai_socket_new(AF_UNIX);
	if (io->reserve >= 0)
		io->reserve = rotai_fd_raise(io->reserve);
}

/* Ask the poller for connections, unless there is a reason not to. (4) */
static void ask_for_connections(struct rotai_listener *listener)
{
	int waits =
		listener->is_paused || rota_timer_is_active(&listener->timer);

	rotai_watch_ask(&listener->stream->internal.by.watch, listener_ready,
			waits ? 0 : ROTA_READABLE);
}

/* Accept and close the queued connections, with the reserve descriptor. (2)
 * Returns 0 if none was queued: Linux reports that it has no descriptors before
 * it looks at the queue. */
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

static inline void call_with(struct rotai_io *io, struct rota_stream *stream,
			     int status, int fd, rota_connection_fn *fn)
{
	struct rota_loop *loop = io->loop;
	const char *type = stream->handle.internal.class_->type;

	rotai_callback_begin(loop, type, stream->handle.internal.name, stream);
	io->handed_fd = fd;
	io->handed_class = rotai_stream_class_of(stream);
	fn(stream, status, fd);
	io->handed_fd = -1;
	rotai_callback_end(loop, type, stream);
}

static void call_listener(struct rotai_io *io, struct rota_stream *stream,
			  int status, int fd)
{
	call_with(io, stream, status, fd, stream->internal.fn.connection);
}

void rotai_listener_call(struct rota_stream *stream, int status, int fd,
			 rota_connection_fn *fn)
{
	call_with(rotai_io_of(stream), stream, status, fd, fn);
}

static void listener_go_on(struct rota_timer *timer)
{
	struct rotai_listener *listener =
		rota_container_of(timer, struct rotai_listener, timer);

	take_reserve(rotai_io_of(listener->stream));
	ask_for_connections(listener);
}

/* Return whether @error is of a single connection, which is gone, and not of
 * the listener: see accept(2). */
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

/* There is no descriptor or no memory for more connections; or every accept of
 * a pass has failed, and might fail without end. */
static void back_off(struct rotai_io *io, struct rota_stream *stream, int error)
{
	struct rotai_listener *listener = stream->internal.front.listener;
	int begins = !listener->is_short;

	/* If this is no shortage, do not close the other queued connections. */
	if (!is_of_connection(error) && !shed(io, stream))
		return;
	listener->is_short = 1;
	rotai_timer_start_own(&listener->timer, listener_go_on,
			      rotai_add_saturated(io->loop->clock(io->loop),
						  listener->pause_ns));
	ask_for_connections(listener);
	listener->pause_ns *= 2;
	if (listener->pause_ns > LONGEST_PAUSE_NS)
		listener->pause_ns = LONGEST_PAUSE_NS;
	if (begins)
		call_listener(io, stream, error, -1);
}

/* Return how many connections to accept now. */
static int pass_size(struct rotai_listener *listener, uint32_t batch)
{
	int is_next = listener->batch + 1 == batch;

	listener->batch = batch;
	return (listener->crowd && is_next) || listener->is_short /* (2) */
		       ? ROTA_ACCEPTS_PER_EVENT
		       : 1; /* (1) */
}

static void listener_ready(struct rota_watch *watch, unsigned events)
{
	struct rota_stream *stream =
		rota_container_of(watch, struct rota_stream, internal.by.watch);
	struct rotai_io *io = rotai_io_of(stream);
	struct rotai_listener *listener = stream->internal.front.listener;
	int left = pass_size(listener, io->loop->watches.batch);
	int failed = 0;
	int fd = 0;

	(void)events;
	if (watch->internal.asked == 0)
		return; /* (4) */
	listener->crowd = 1;
	io->current = stream;
	while (left-- > 0 && !listener->is_paused) {
		fd = rotai_socket_accept(watch->internal.fd);
		if (fd < 0 && (fd == ROTA_EAGAIN || !is_of_connection(fd)))
			break;
		if (fd < 0) {
			failed++;
			continue;
		}
		listener->pause_ns = FIRST_PAUSE_NS;
		call_listener(io, stream, 0, fd);
		if (io->current != stream || rotai_loop_inherited(io->loop) < 0)
			return; /* closed, or in this child the parent's */
	}
	if (fd == ROTA_EAGAIN) {
		listener->crowd = 0;
		listener->is_short = 0; /* (2) */
	} else if (fd < 0 && (!is_of_connection(fd) ||
			      failed == ROTA_ACCEPTS_PER_EVENT)) {
		back_off(io, stream, fd); /* otherwise this would not end */
	}
	io->current = NULL;
}

void rotai_listener_drain(struct rota_stream *stream, uint64_t most)
{
	struct rotai_io *io = rotai_io_of(stream);
	struct rotai_listener *listener = stream->internal.front.listener;
	int fd;

	if (!rotai_stream_has(stream, ROTAI_LISTENING))
		return;
	io->current = stream;
	while (most-- > 0 && !listener->is_paused) {
		fd = rotai_socket_accept(rotai_stream_fd(&stream->handle));
		if (fd < 0 && is_of_connection(fd) && fd != ROTA_EAGAIN)
			continue;
		if (fd < 0)
			break;
		call_listener(io, stream, 0, fd);
		if (io->current != stream || rotai_loop_inherited(io->loop) < 0)
			return;
	}
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

static int check_listen(const struct rota_stream *stream, int backlog,
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

static int listen_with(struct rota_stream *stream, int backlog,
		       rota_connection_fn *fn, enum rotai_listen how)
{
	struct rota_loop *loop = stream->handle.internal.loop;
	int fd = rotai_stream_fd(&stream->handle);
	struct rotai_listener *listener;
	int error = check_listen(stream, backlog, fn);

	if (error < 0)
		return error;
	listener = rotai_memory_new(&loop->allocator, sizeof(*listener));
	if (listener == NULL)
		return ROTA_ENOMEM;
	*listener = (struct rotai_listener){ .stream = stream,
					     .pause_ns = FIRST_PAUSE_NS };
	rota_timer_init(&listener->timer, loop);
	/* listen(2) is the last step, as it cannot be undone: the kernel would
	 * go on accepting connections for nobody. The loop does not wait before
	 * that. */
	rotai_watch_init_own(&stream->internal.by.watch, loop, fd, 0);
	rotai_watch_share(&stream->internal.by.watch,
			  how == ROTAI_LISTEN_EXCLUSIVE); /* (5) */
	error = rota_watch_start(&stream->internal.by.watch, listener_ready,
				 ROTA_READABLE);
	if (error < 0)
		goto free_listener;
	error = rotai_socket_listen(fd, backlog);
	if (error < 0)
		goto stop_watch;
	take_reserve(rotai_io_of(stream));
	stream->internal.front.listener = listener;
	stream->internal.fn.connection = fn;
	rotai_stream_set(stream, ROTAI_LISTENING);
	rotai_handle_set_active(&stream->handle, 1);
	return 0;

stop_watch:
	rota_watch_stop(&stream->internal.by.watch);
free_listener:
	rotai_watch_init_own(&stream->internal.by.watch, loop, fd,
			     !rotai_stream_class_of(stream)->is_level);
	rotai_memory_free(&loop->allocator, listener, sizeof(*listener));
	return error;
}

int rota_stream_listen(struct rota_stream *stream, int backlog,
		       rota_connection_fn *fn)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return listen_with(stream, backlog, fn, ROTAI_LISTEN_ALL);
}

int rotai_stream_listen_shared(struct rota_stream *stream, int backlog,
			       rota_connection_fn *fn, enum rotai_listen how)
{
	return listen_with(stream, backlog, fn, how);
}

void rotai_listener_look(struct rota_stream *stream)
{
	ROTA_ASSERT(rotai_stream_has(stream, ROTAI_LISTENING));
	rotai_watch_look(&stream->internal.by.watch);
}

int rotai_listener_set_paused(struct rota_stream *stream, int paused)
{
	if (!rotai_stream_has(stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	stream->internal.front.listener->is_paused = (uint8_t)paused;
	ask_for_connections(stream->internal.front.listener);
	return 0;
}

static int set_paused(struct rota_stream *stream, int paused)
{
	int error = rotai_handle_usable(&stream->handle);

	return error < 0 ? error : rotai_listener_set_paused(stream, paused);
}

int rota_stream_listen_pause(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return set_paused(stream, 1);
}

int rota_stream_listen_resume(struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return set_paused(stream, 0);
}

uint64_t rota_stream_shed(const struct rota_stream *stream)
{
	ROTAI_ENTER_HANDLE(&stream->handle);
	return rotai_stream_has(stream, ROTAI_LISTENING)
		       ? stream->internal.front.listener->shed
		       : 0;
}
