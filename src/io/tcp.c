/*
 * io/tcp.c - TCP sockets: how they are made, bound and connected, and their
 * addresses. tcp_options.c has their options.
 */
#include "io/tcp.h"

#include <poll.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/socket.h"
#include "base/socket_option.h"
#include "io/connect.h"
#include "io/detach.h"

static const struct rotai_stream_class tcp_class = {
	.handle = {
		.type = "tcp",
		.stop = rotai_stream_stop,
		.fd = rotai_stream_fd,
		.is_ending = rotai_stream_is_ending,
	},
	.ready = rotai_stream_ready,
	.go_on_ending = rotai_stream_go_on_ending,
};

int rota_tcp_init(struct rota_tcp *tcp, struct rota_loop *loop)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	int error = rotai_io_admits(loop);

	if (error == 0)
		rotai_stream_open(&tcp->stream, loop, &tcp_class, -1);
	return error;
}

/* Return the state of a socket without a peer, or an error. */
static int state_without_peer(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct rota_address own;
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, name, &size) < 0)
		return -errno;
	if (rota_address_from(&own, name, size) < 0 ||
	    own.is.any.sa_family == AF_UNIX)
		return ROTA_EINVAL; /* not IP */
	/* A connection that was reset has no peer, but still has an error to
	 * report. */
	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) &&
	    !rotai_socket_is_listening(fd))
		return ROTAI_CONNECTED;
	return rota_address_port(&own) != 0 ? ROTAI_BOUND : 0;
}

/* Return the state of a socket that the program has made, or an error. */
static int socket_state(int fd)
{
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);

	if (getpeername(fd, name, &size) < 0)
		return state_without_peer(fd);
	return name->sa_family == AF_INET || name->sa_family == AF_INET6
		       ? ROTAI_CONNECTED
		       : ROTA_EINVAL;
}

int rota_tcp_open(struct rota_tcp *tcp, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	int state = ROTAI_CONNECTED;
	int error = rotai_io_admits(loop);
	struct rotai_io *io;

	if (error < 0)
		return error;
	io = (struct rotai_io *)(void *)rotai_extension_get(loop,
							    ROTAI_EXTENSION_IO);
	if (!rotai_io_takes(io, fd, &tcp_class)) {
		state = socket_state(fd);
		if (state < 0)
			return state;
		error = rotai_socket_take_over(fd);
		if (error < 0)
			return error;
	}
	rotai_stream_open(&tcp->stream, loop, &tcp_class, fd);
	rotai_stream_set(&tcp->stream, (unsigned)state);
	return 0;
}

int rota_tcp_create(struct rota_tcp *tcp, int family)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_handle_usable(&tcp->handle);
	int fd;

	if (error < 0)
		return error;
	if (rotai_tcp_fd(tcp) >= 0 ||
	    rotai_stream_has(&tcp->stream, ROTAI_CONNECTING))
		return ROTA_EALREADY;
	if (family != AF_INET && family != AF_INET6)
		return ROTA_EAFNOSUPPORT;
	fd = rotai_socket_new(family);
	if (fd < 0)
		return fd;
	tcp->stream.internal.by.watch.internal.fd = fd;
	return 0;
}

int rota_tcp_attach(struct rota_tcp *tcp, struct rota_loop *loop,
		    struct rota_detached *detached)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	int error = rotai_io_admits(loop);
	int state = 0;

	if (error == 0 && (detached == NULL || detached->fd < 0))
		error = ROTA_EINVAL;
	if (error == 0)
		error = state = socket_state(detached->fd);
	if (error >= 0)
		error = rotai_socket_take_over(detached->fd);
	if (error < 0)
		return error;
	rotai_stream_open(&tcp->stream, loop, &tcp_class, detached->fd);
	rotai_stream_set(&tcp->stream, (unsigned)state);
	return rotai_stream_attach(&tcp->stream, detached);
}

static int is_address(const struct rota_address *address)
{
	if (address == NULL)
		return 0;
	switch (address->is.any.sa_family) {
	case AF_INET:
		return address->size == sizeof(address->is.ip4);
	case AF_INET6:
		return address->size == sizeof(address->is.ip6);
	default:
		return 0;
	}
}

enum {
	IP6_FLAGS = ROTA_TCP_IP6_ONLY | ROTA_TCP_IP6_AS_IS,
	TCP_BIND_FLAGS = IP6_FLAGS | ROTA_TCP_REUSE_PORT |
			 ROTA_TCP_NO_REUSE_ADDRESS | ROTA_TCP_FREE_BIND |
			 ROTA_TCP_TRANSPARENT,
};

/* Set the options and bind: 0; or an error, and the socket is as before: the
 * program may have made it, and may go on using it. */
static int bind_socket(int fd, const struct rota_address *address,
		       unsigned flags)
{
	struct rotai_socket_change change = { .wanted = 0 };
	const struct rotai_bind how = {
		.reuses_port = (flags & ROTA_TCP_REUSE_PORT) != 0,
		.is_free = (flags & ROTA_TCP_FREE_BIND) != 0,
		.is_transparent = (flags & ROTA_TCP_TRANSPARENT) != 0,
		.ip6_only = flags & ROTA_TCP_IP6_AS_IS
				    ? -1
				    : (flags & ROTA_TCP_IP6_ONLY) != 0,
	};

	if (!(flags & ROTA_TCP_NO_REUSE_ADDRESS))
		rotai_socket_change_add(&change, SOL_SOCKET, SO_REUSEADDR, 1);
	return rotai_socket_bind_with(fd, &change, &how, address);
}

static int may_bind(const struct rota_address *address, unsigned flags)
{
	return is_address(address) &&
	       (flags & ~(unsigned)TCP_BIND_FLAGS) == 0 &&
	       (flags & IP6_FLAGS) != IP6_FLAGS;
}

static int check_bind(const struct rota_tcp *tcp,
		      const struct rota_address *address, unsigned flags)
{
	int error = rotai_handle_usable(&tcp->handle);
	int fd = rotai_tcp_fd(tcp);
	int family;

	if (error < 0)
		return error;
	if (!may_bind(address, flags) ||
	    rotai_stream_has(&tcp->stream, ROTAI_BOUND | ROTAI_CONNECTED |
						   ROTAI_CONNECTING |
						   ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (fd < 0)
		return 0;
	error = rotai_socket_family(fd, &family);
	if (error == 0 && family != address->is.any.sa_family)
		error = ROTA_EAFNOSUPPORT;
	return error;
}

int rota_tcp_bind(struct rota_tcp *tcp, const struct rota_address *address,
		  unsigned flags)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = check_bind(tcp, address, flags);
	int fd = rotai_tcp_fd(tcp);

	if (error < 0)
		return error;
	if (fd < 0)
		fd = rotai_socket_new(address->is.any.sa_family);
	if (fd < 0)
		return fd;
	error = bind_socket(fd, address, flags);
	if (error < 0) {
		if (fd != rotai_tcp_fd(tcp))
			rotai_fd_close(fd);
		return error;
	}
	tcp->stream.internal.by.watch.internal.fd = fd;
	rotai_stream_set(&tcp->stream, ROTAI_BOUND);
	return 0;
}

int rotai_tcp_socket_at(const struct rota_address *address, unsigned flags)
{
	int fd, error;

	if (!may_bind(address, flags))
		return ROTA_EINVAL;
	fd = rotai_socket_new(address->is.any.sa_family);
	if (fd < 0)
		return fd;
	error = bind_socket(fd, address, flags);
	if (error == 0)
		return fd;
	rotai_fd_close(fd);
	return error;
}

static int connect_tcp(struct rota_connect *connect, struct rota_tcp *tcp,
		       const struct rota_address *address,
		       struct rota_const_buf first, rota_connect_fn *fn)
{
	int error = rotai_handle_usable(&tcp->handle);

	if (error < 0)
		return error;
	if (fn == NULL || !is_address(address))
		return ROTA_EINVAL;
	error = rotai_stream_may_connect(&tcp->stream);
	if (error < 0)
		return error;
	connect->internal.fn = fn;
	rotai_stream_connect(connect, &tcp->stream, &address->is.any,
			     address->size, first);
	return 0;
}

int rota_tcp_connect(struct rota_connect *connect, struct rota_tcp *tcp,
		     const struct rota_address *address, rota_connect_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	return connect_tcp(connect, tcp, address,
			   (struct rota_const_buf){ NULL, 0 }, fn);
}

int rota_tcp_connect_fast(struct rota_connect *connect, struct rota_tcp *tcp,
			  const struct rota_address *address,
			  struct rota_const_buf first, rota_connect_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	if (first.data == NULL || first.size == 0 || first.size > PTRDIFF_MAX)
		return ROTA_EINVAL;
	return connect_tcp(connect, tcp, address, first, fn);
}

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *size);

static int get_address(const struct rota_tcp *tcp, struct rota_address *address,
		       name_fn *get_name)
{
	struct sockaddr_storage found;
	socklen_t size = sizeof(found);
	int error = rotai_tcp_has_socket(tcp);

	if (error == 0 && address == NULL)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	if (get_name(rotai_tcp_fd(tcp), (struct sockaddr *)(void *)&found,
		     &size) < 0)
		return -errno;
	return rota_address_from(address, (struct sockaddr *)(void *)&found,
				 size);
}

int rota_tcp_own_address(const struct rota_tcp *tcp,
			 struct rota_address *address)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	return get_address(tcp, address, getsockname);
}

int rota_tcp_peer_address(const struct rota_tcp *tcp,
			  struct rota_address *address)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_tcp_has_socket(tcp);

	if (error == 0 && !rotai_stream_has(&tcp->stream, ROTAI_CONNECTED))
		error = ROTA_ENOTCONN;
	return error < 0 ? error : get_address(tcp, address, getpeername);
}
