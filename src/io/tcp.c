/*
 * io/tcp.c - TCP sockets: how they are made, and what only they can do.
 */
#include "rota/tcp.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/socket.h"
#include "io/connect.h"
#include "io/detach.h"
#include "io/io.h"

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

static int tcp_fd(const struct rota_tcp *tcp)
{
	return rotai_stream_fd(&tcp->handle);
}

int rota_tcp_init(struct rota_tcp *tcp, struct rota_loop *loop)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	int error = rotai_loop_admits(loop);

	if (error == 0)
		error = rotai_io_prepare(loop);
	if (error == 0)
		rotai_stream_open(&tcp->stream, loop, &tcp_class, -1);
	return error;
}

static int listens(int fd)
{
	int on = 0;
	socklen_t size = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

/* Return the state of a socket without a peer. */
static unsigned state_without_peer(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct rota_address own;
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);

	/* A connection that was reset has no peer, but still has an error to
	 * report. */
	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLIN) && !listens(fd))
		return ROTAI_CONNECTED;
	if (getsockname(fd, name, &size) == 0 &&
	    rota_address_from(&own, name, size) == 0 &&
	    rota_address_port(&own) != 0)
		return ROTAI_BOUND;
	return 0;
}

/* Return the state of a socket that the program has made. */
static unsigned socket_state(int fd)
{
	struct sockaddr_storage address;
	struct sockaddr *name = (struct sockaddr *)(void *)&address;
	socklen_t size = sizeof(address);

	if (getpeername(fd, name, &size) < 0)
		return state_without_peer(fd);
	/* A read of a Unix socket comes up short at a message that carries
	 * descriptors, and no event reports such messages. */
	if (name->sa_family != AF_INET && name->sa_family != AF_INET6)
		return ROTAI_CONNECTED | ROTAI_TO_END;
	return ROTAI_CONNECTED;
}

/* Return whether @fd is the connection that a listener has just accepted: it is
 * connected, and non-blocking, as accept4(2) makes it. */
static int is_handed(struct rotai_io *io, int fd)
{
	if (fd < 0 || fd != io->handed_fd)
		return 0;
	io->handed_fd = -1;
	return 1;
}

int rota_tcp_open(struct rota_tcp *tcp, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	unsigned state = ROTAI_CONNECTED;
	int error = rotai_loop_admits(loop);
	struct rotai_io *io;

	if (error == 0)
		error = rotai_io_prepare(loop);
	if (error < 0)
		return error;
	io = (struct rotai_io *)(void *)rotai_extension_get(loop,
							    ROTAI_EXTENSION_IO);
	if (!is_handed(io, fd)) {
		error = rotai_socket_take_over(fd);
		if (error < 0)
			return error;
		state = socket_state(fd);
	}
	rotai_stream_open(&tcp->stream, loop, &tcp_class, fd);
	rotai_stream_set(&tcp->stream, state);
	return 0;
}

int rota_tcp_attach(struct rota_tcp *tcp, struct rota_loop *loop,
		    struct rota_detached *detached)
{
	ROTAI_ENTER("tcp", tcp, loop);
	ROTAI_LIVE_CHECK_INIT(&tcp->handle.internal.open);
	int error = rotai_loop_admits(loop);
	unsigned state;

	if (error == 0 && (detached == NULL || detached->fd < 0))
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_io_prepare(loop);
	if (error == 0)
		error = rotai_socket_take_over(detached->fd);
	if (error < 0)
		return error;
	state = socket_state(detached->fd);
	rotai_stream_open(&tcp->stream, loop, &tcp_class, detached->fd);
	rotai_stream_set(&tcp->stream, state);
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

/* The options of a socket that is being bound, and their previous values. */
enum { BIND_OPTIONS = 3 };

struct bind_options {
	struct {
		int level, name, value, before;
	} of[BIND_OPTIONS];
	int wanted;
	int set; /* how many, from the first, are set */
};

static void want_option(struct bind_options *options, int level, int name,
			int value)
{
	options->of[options->wanted].level = level;
	options->of[options->wanted].name = name;
	options->of[options->wanted].value = value;
	options->wanted++;
}

static int set_options(struct bind_options *options, int fd)
{
	int error = 0;

	while (error == 0 && options->set < options->wanted) {
		int i = options->set;
		socklen_t size = sizeof(options->of[i].before);

		if (getsockopt(fd, options->of[i].level, options->of[i].name,
			       &options->of[i].before, &size) < 0)
			return -errno;
		error = rotai_socket_set(fd, options->of[i].level,
					 options->of[i].name,
					 options->of[i].value);
		options->set += error == 0;
	}
	return error;
}

/* The program may have made the socket, and may go on using it. */
static void take_options_back(struct bind_options *options, int fd)
{
	while (options->set > 0) {
		int i = --options->set;

		(void)rotai_socket_set(fd, options->of[i].level,
				       options->of[i].name,
				       options->of[i].before);
	}
}

/* Set the options and bind: 0; or an error, and the socket is as before. */
static int bind_socket(int fd, const struct rota_address *address,
		       unsigned flags)
{
	struct bind_options options = { .wanted = 0 };
	int error;

	want_option(&options, SOL_SOCKET, SO_REUSEADDR, 1);
	if (flags & ROTA_TCP_REUSE_PORT)
		want_option(&options, SOL_SOCKET, SO_REUSEPORT, 1);
	if (address->is.any.sa_family == AF_INET6)
		want_option(&options, IPPROTO_IPV6, IPV6_V6ONLY,
			    (flags & ROTA_TCP_IP6_ONLY) != 0);
	error = set_options(&options, fd);
	if (error == 0 &&
	    bind(fd, &address->is.any, (socklen_t)address->size) < 0)
		error = -errno;
	if (error < 0)
		take_options_back(&options, fd);
	return error;
}

int rota_tcp_bind(struct rota_tcp *tcp, const struct rota_address *address,
		  unsigned flags)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_handle_usable(&tcp->handle);
	int fd = tcp_fd(tcp);

	if (error < 0)
		return error;
	if (!is_address(address) ||
	    rotai_stream_has(&tcp->stream, ROTAI_BOUND | ROTAI_CONNECTED |
						   ROTAI_CONNECTING |
						   ROTAI_LISTENING) ||
	    (flags & ~(unsigned)(ROTA_TCP_IP6_ONLY | ROTA_TCP_REUSE_PORT)) != 0)
		return ROTA_EINVAL;
	if (fd < 0)
		fd = rotai_socket_new(address->is.any.sa_family);
	if (fd < 0)
		return fd;
	error = bind_socket(fd, address, flags);
	if (error < 0) {
		if (fd != tcp_fd(tcp))
			rotai_fd_close(fd);
		return error;
	}
	tcp->stream.internal.by.watch.internal.fd = fd;
	rotai_stream_set(&tcp->stream, ROTAI_BOUND);
	return 0;
}

int rota_tcp_connect(struct rota_connect *connect, struct rota_tcp *tcp,
		     const struct rota_address *address, rota_connect_fn *fn)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = rotai_handle_usable(&tcp->handle);

	if (error < 0)
		return error;
	if (fn == NULL || !is_address(address) ||
	    rotai_stream_has(&tcp->stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (rotai_stream_has(&tcp->stream, ROTAI_CONNECTED))
		return ROTA_EISCONN;
	if (rotai_stream_has(&tcp->stream, ROTAI_CONNECTING))
		return ROTA_EALREADY;
	connect->internal.fn = fn;
	rotai_stream_connect(connect, &tcp->stream, &address->is.any,
			     address->size);
	return 0;
}

/* Return 0, or the error if @tcp has no socket. */
static int has_socket(const struct rota_tcp *tcp)
{
	if (rota_handle_is_closing(&tcp->handle))
		return ROTA_EINVAL;
	return rota_stream_fd(&tcp->stream) < 0 ? ROTA_EBADF : 0;
}

/* The same before a change of the socket, which in a forked child would change
 * it for the parent as well (F2). */
static int may_set(const struct rota_tcp *tcp)
{
	int error = rotai_handle_reachable(&tcp->handle);

	return error < 0 ? error : has_socket(tcp);
}

int rota_tcp_set_nodelay(struct rota_tcp *tcp, int on)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = may_set(tcp);

	return error < 0 ? error
			 : rotai_socket_set(tcp_fd(tcp), IPPROTO_TCP,
					    TCP_NODELAY, on != 0);
}

int rota_tcp_set_keepalive(struct rota_tcp *tcp, unsigned idle)
{
	ROTAI_ENTER_HANDLE(&tcp->handle);
	int error = may_set(tcp);

	if (error == 0 && idle > 32767) /* MAX_TCP_KEEPIDLE of Linux */
		error = ROTA_EINVAL;
	return error < 0 ? error : rotai_socket_keepalive(tcp_fd(tcp), idle);
}

typedef int name_fn(int fd, struct sockaddr *address, socklen_t *size);

static int get_address(const struct rota_tcp *tcp, struct rota_address *address,
		       name_fn *get_name)
{
	struct sockaddr_storage found;
	socklen_t size = sizeof(found);
	int error = has_socket(tcp);

	if (error == 0 && address == NULL)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	if (get_name(tcp_fd(tcp), (struct sockaddr *)(void *)&found, &size) < 0)
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
	int error = has_socket(tcp);

	if (error == 0 && !rotai_stream_has(&tcp->stream, ROTAI_CONNECTED))
		error = ROTA_ENOTCONN;
	return error < 0 ? error : get_address(tcp, address, getpeername);
}
