/*
 * datagram/local.c - Unix sockets of datagrams and of records.
 *
 *  1. A datagram finds no room if the queue of the socket that it goes to is
 *     full. Linux has an event for that only if the two are connected. Else the
 *     sender is writable all the time, and a timer tries again, with pauses
 *     that become longer until an attempt sends something.
 *  2. The listener for records is a stream which only listens: that is the same
 *     for all kinds of sockets.
 */
#include "rota/local.h"

#include <poll.h>

#include "base/fd.h"
#include "base/sized.h"
#include "base/socket.h"
#include "base/unix.h"
#include "datagram/datagram.h"
#include "io/io.h"
#include "io/pipe_file.h"
#include "loop/timer.h"

enum {
	LARGEST_LOCAL = 512 * 1024,
	FIRST_PAUSE_MS = 1, /* (1) */
	LAST_PAUSE_MS = 64,
};

static struct rota_local *local_of(struct rota_datagram *datagram)
{
	return rota_container_of(datagram, struct rota_local, datagram);
}

static void flush_again(struct rota_timer *timer)
{
	struct rota_local *local =
		rota_container_of(timer, struct rota_local, internal.timer);

	rotai_datagram_flush(&local->datagram);
	if (!rotai_datagram_has(&local->datagram, ROTAI_DG_PAUSED))
		timer->data = NULL;
}

/* Return the pause before the next attempt, after @last_ms. */
static unsigned next_pause(unsigned last_ms, unsigned done)
{
	if (done >= ROTA_DATAGRAMS_PER_EVENT)
		return 0; /* there may be room */
	if (done > 0 || last_ms == 0)
		return FIRST_PAUSE_MS;
	return last_ms < LAST_PAUSE_MS ? last_ms * 2 : LAST_PAUSE_MS;
}

/* (1) */
static int pause_local(struct rota_datagram *datagram, unsigned done)
{
	struct rota_timer *timer = &local_of(datagram)->internal.timer;
	uint64_t now = rota_loop_now(datagram->handle.internal.loop);
	unsigned pause_ms = (unsigned)(uintptr_t)timer->data;

	if (rotai_datagram_has(datagram, ROTAI_DG_CONNECTED))
		return 0;
	if (rota_timer_is_active(timer) && done == 0)
		return 1; /* an attempt in between */
	pause_ms = next_pause(pause_ms, done);
	timer->data = (void *)(uintptr_t)pause_ms;
	rotai_timer_start_own(timer, flush_again, now + ROTA_MSEC(pause_ms));
	return 1;
}

static void release_local(struct rota_datagram *datagram)
{
	struct rota_local *local = local_of(datagram);

	rota_timer_stop(&local->internal.timer);
	rotai_socket_file_remove(&local->internal.file,
				 &datagram->handle.internal.loop->allocator);
}

static const struct rotai_datagram_class local_class = {
	.handle = {
		.type = "local",
		.stop = rotai_datagram_stop,
		.fd = rotai_datagram_handle_fd,
	},
	.has_own_errors = 1,
	.largest = LARGEST_LOCAL,
	.pause = pause_local,
	.release = release_local,
};

static void open_local(struct rota_local *local, struct rota_loop *loop, int fd,
		       unsigned flags)
{
	local->internal.file = NULL;
	rota_timer_init(&local->internal.timer, loop);
	local->internal.timer.data = NULL;
	rotai_datagram_open(&local->datagram, loop, &local_class, fd,
			    flags | ROTAI_DG_LOCAL);
}

/* Return the type of sockets of that kind, or an error. */
static int type_of(enum rota_local_kind kind)
{
	switch (kind) {
	case ROTA_LOCAL_DATAGRAMS:
		return SOCK_DGRAM;
	case ROTA_LOCAL_RECORDS:
		return SOCK_SEQPACKET;
	}
	return ROTA_EINVAL;
}

static unsigned flags_of_type(int type)
{
	return type == SOCK_SEQPACKET ? ROTAI_DG_RECORDS : 0;
}

int rota_local_init(struct rota_local *local, struct rota_loop *loop,
		    enum rota_local_kind kind)
{
	ROTAI_ENTER("local", local, loop);
	ROTAI_LIVE_CHECK_INIT(&local->handle.internal.open);
	int type = type_of(kind);
	int error = rotai_datagrams_admit(loop);
	int fd;

	if (error == 0 && type < 0)
		error = type;
	if (error < 0)
		return error;
	fd = rotai_socket_new_of(AF_UNIX, type);
	if (fd < 0)
		return fd;
	open_local(local, loop, fd, flags_of_type(type));
	return 0;
}

/* Return the flags of a socket that the program has made, or an error. *@type
 * is its type. */
static int local_state(int fd, int *type)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct sockaddr_storage name;
	socklen_t size = sizeof(*type);
	int family;
	int error = rotai_socket_family(fd, &family);
	unsigned flags;

	if (error < 0)
		return error;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, type, &size) < 0)
		return -errno;
	if (family != AF_UNIX ||
	    (*type != SOCK_DGRAM && *type != SOCK_SEQPACKET) ||
	    rotai_socket_is_listening(fd))
		return ROTA_EINVAL;
	flags = flags_of_type(*type);
	size = sizeof(name);
	/* A peer that is gone has no name on some systems, but there is input
	 * or its end. */
	if (getpeername(fd, (struct sockaddr *)(void *)&name, &size) == 0 ||
	    (*type == SOCK_SEQPACKET && poll(&ready, 1, 0) == 1 &&
	     (ready.revents & POLLIN)))
		flags |= ROTAI_DG_CONNECTED;
	return (int)flags;
}

int rota_local_open(struct rota_local *local, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("local", local, loop);
	ROTAI_LIVE_CHECK_INIT(&local->handle.internal.open);
	int error = rotai_datagrams_admit(loop);
	int type, state;

	if (error < 0)
		return error;
	state = local_state(fd, &type);
	if (state < 0)
		return state;
	error = rotai_socket_take_over_as(fd, type);
	if (error < 0)
		return error;
	open_local(local, loop, fd, (unsigned)state);
	return 0;
}

int rota_local_pair(struct rota_local *a, struct rota_local *b,
		    struct rota_loop *loop, enum rota_local_kind kind)
{
	ROTAI_ENTER("local", a, loop);
	ROTAI_LIVE_CHECK_INIT(&a->handle.internal.open);
	ROTAI_LIVE_CHECK_INIT(&b->handle.internal.open);
	int type = type_of(kind);
	int error = rotai_datagrams_admit(loop);
	unsigned flags;
	int fds[2];

	if (error == 0 && (type < 0 || a == b))
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_unix_pair_of(type, fds);
	if (error < 0)
		return error;
	flags = flags_of_type(type) | ROTAI_DG_CONNECTED;
	open_local(a, loop, fds[0], flags);
	open_local(b, loop, fds[1], flags);
	return 0;
}

/* --- names ---------------------------------------------------------------- */

/* The first version of the struct ended here. */
enum { LEAST_OPTIONS = ROTAI_SIZE_UP_TO(struct rota_pipe_bind_options, mode) };

enum { OPTION_FLAGS = ROTA_PIPE_REPLACE_STALE | ROTA_PIPE_KEEP_FILE };

/* Store *@name in *@address: 0 or an error. */
static int take_name(struct rotai_unix_address *address,
		     const struct rota_address *name)
{
	if (name == NULL || name->is.any.sa_family != AF_UNIX ||
	    name->size < offsetof(struct sockaddr_un, sun_path) ||
	    name->size > sizeof(name->is.un))
		return ROTA_EINVAL;
	address->size = name->size;
	address->un = name->is.un;
	return 0;
}

static int is_path(const struct rotai_unix_address *address)
{
	return address->size > offsetof(struct sockaddr_un, sun_path) &&
	       address->un.sun_path[0] != 0;
}

/* Bind @fd: 0; or an error, and nothing has changed. */
static int bind_local(int fd, const struct rota_address *name,
		      const struct rota_pipe_bind_options *options,
		      struct rotai_socket_file **file,
		      const struct rota_allocator *from)
{
	struct rota_pipe_bind_options chosen = { .size = sizeof(chosen) };
	struct rotai_unix_address address;
	int error = take_name(&address, name);

	if (error < 0)
		return error;
	if ((options != NULL && rotai_sized_take(&chosen, sizeof(chosen),
						 options, LEAST_OPTIONS) < 0) ||
	    (chosen.flags & ~(uint32_t)OPTION_FLAGS) != 0 ||
	    chosen.mode > 0777 || (!is_path(&address) && chosen.mode != 0))
		return ROTA_EINVAL;
	if (is_path(&address))
		return rotai_socket_file_bind(file, from, fd, &address,
					      &chosen);
	return rotai_socket_bind(fd, &name->is.any, name->size);
}

int rota_local_bind(struct rota_local *local, const struct rota_address *name,
		    const struct rota_pipe_bind_options *options)
{
	ROTAI_ENTER_HANDLE(&local->handle);
	int error = rotai_handle_usable(&local->handle);

	if (error == 0 && rotai_datagram_has(&local->datagram, ROTAI_DG_BOUND))
		error = ROTA_EINVAL;
	if (error == 0)
		error = bind_local(rotai_datagram_fd(&local->datagram), name,
				   options, &local->internal.file,
				   &local->handle.internal.loop->allocator);
	if (error == 0)
		local->datagram.internal.flags |= ROTAI_DG_BOUND;
	return error;
}

int rota_local_connect(struct rota_local *local,
		       const struct rota_address *name)
{
	ROTAI_ENTER_HANDLE(&local->handle);
	struct rota_datagram *datagram = &local->datagram;
	struct rotai_unix_address address;
	int error = rotai_handle_usable(&local->handle);

	if (error == 0)
		error = take_name(&address, name);
	if (error < 0)
		return error;
	if (rotai_datagram_has(datagram, ROTAI_DG_CONNECTED))
		return ROTA_EISCONN;
	error = rotai_datagram_empty_queue(datagram);
	if (error == 0)
		error = rotai_socket_connect(rotai_datagram_fd(datagram),
					     &name->is.any, name->size);
	if (error == 0)
		datagram->internal.flags |= ROTAI_DG_CONNECTED;
	return error;
}

int rota_local_disconnect(struct rota_local *local)
{
	ROTAI_ENTER_HANDLE(&local->handle);
	struct rota_datagram *datagram = &local->datagram;
	int error = rotai_handle_usable(&local->handle);

	if (error < 0)
		return error;
	if (rotai_datagram_has(datagram, ROTAI_DG_RECORDS))
		return ROTA_ENOTSUP;
	if (!rotai_datagram_has(datagram, ROTAI_DG_CONNECTED))
		return ROTA_ENOTCONN;
	error = rotai_datagram_empty_queue(datagram);
	if (error == 0)
		error = rotai_datagram_dissolve(rotai_datagram_fd(datagram));
	if (error == 0)
		datagram->internal.flags &= ~(unsigned)ROTAI_DG_CONNECTED;
	return error;
}

typedef int local_name_fn(int fd, struct sockaddr *address, socklen_t *size);

static int ask_name(const struct rota_local *local, struct rota_address *name,
		    local_name_fn *get_name)
{
	struct sockaddr_storage found;
	socklen_t size = sizeof(found);

	if (!rotai_handle_has(&local->handle, ROTAI_HANDLE_OPEN) ||
	    name == NULL)
		return ROTA_EINVAL;
	if (get_name(rotai_datagram_fd(&local->datagram),
		     (struct sockaddr *)(void *)&found, &size) < 0)
		return -errno;
	return rota_address_from(name, (struct sockaddr *)(void *)&found, size);
}

int rota_local_own_name(const struct rota_local *local,
			struct rota_address *name)
{
	ROTAI_ENTER_HANDLE(&local->handle);
	return ask_name(local, name, getsockname);
}

int rota_local_peer_name(const struct rota_local *local,
			 struct rota_address *name)
{
	ROTAI_ENTER_HANDLE(&local->handle);
	return ask_name(local, name, getpeername);
}

/* --- the listener (2) ----------------------------------------------------- */

static void stop_listener(struct rota_handle *handle)
{
	struct rota_local_listener *listener =
		rota_container_of(handle, struct rota_local_listener, handle);

	rotai_stream_stop(handle);
	rotai_socket_file_remove(&listener->internal.file,
				 &handle->internal.loop->allocator);
}

static const struct rotai_stream_class local_listener_class = {
	.handle = {
		.type = "local_listener",
		.stop = stop_listener,
		.fd = rotai_stream_fd,
		.is_ending = rotai_stream_is_ending,
	},
	.ready = rotai_stream_ready,
	.go_on_ending = rotai_stream_go_on_ending,
	.is_level = 1,
};

int rota_local_listener_init(struct rota_local_listener *listener,
			     struct rota_loop *loop,
			     const struct rota_address *name,
			     const struct rota_pipe_bind_options *options)
{
	ROTAI_ENTER("local_listener", listener, loop);
	ROTAI_LIVE_CHECK_INIT(&listener->handle.internal.open);
	struct rotai_socket_file *file = NULL;
	int error = rotai_io_admits(loop);
	int fd;

	if (error < 0)
		return error;
	fd = rotai_socket_new_of(AF_UNIX, SOCK_SEQPACKET);
	if (fd < 0)
		return fd;
	error = bind_local(fd, name, options, &file, &loop->allocator);
	if (error < 0) {
		rotai_fd_close(fd);
		return error;
	}
	rotai_stream_open(&listener->stream, loop, &local_listener_class, fd);
	rotai_stream_set(&listener->stream, ROTAI_BOUND);
	listener->internal.file = file;
	return 0;
}
