/*
 * sockets.c - a client's blocking sockets over loopback.
 */
#include "support/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/bench.h"

void bench_allow_descriptors(size_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= count)
		return;
	limit.rlim_cur = count;
	if (limit.rlim_max < count)
		limit.rlim_max = count;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bench_fail("%zu descriptors: %s", count, strerror(errno));
}

int bench_listen(struct sockaddr_in *name, int backlog)
{
	socklen_t size = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*name = (struct sockaddr_in){ .sin_family = AF_INET };
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)name, size) ||
	    listen(fd, backlog) ||
	    getsockname(fd, (struct sockaddr *)name, &size))
		bench_fail("listen: %s", strerror(errno));
	return fd;
}

/* Set fixed sizes if @buffer_size is not 0. This must come before the
 * connection is made, as the first window depends on it. */
static void set_buffers(int fd, int buffer_size)
{
	if (buffer_size && (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_size,
				       sizeof(buffer_size)) ||
			    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer_size,
				       sizeof(buffer_size))))
		bench_fail("setsockopt: %s", strerror(errno));
}

static int connect_sized(const struct sockaddr_in *name, int buffer_size)
{
	const struct linger reset = { .l_onoff = 1 };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_buffers(fd, buffer_size);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    connect(fd, (const struct sockaddr *)name, sizeof(*name)))
		bench_fail("connect: %s", strerror(errno));
	return fd;
}

int bench_connect(const struct sockaddr_in *name)
{
	return connect_sized(name, 0);
}

int bench_connect_from(unsigned source, const struct sockaddr_in *name)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
	/* connect() chooses the port, and may choose one again for another
	 * source or destination; bind() would not. */
	if (fd < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		       sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    connect(fd, (const struct sockaddr *)name, sizeof(*name)))
		bench_fail("connect: %s", strerror(errno));
	return fd;
}

void bench_tcp_pair_sized(int *client, int *server, int buffer_size)
{
	const int on = 1;
	struct sockaddr_in name;
	int listener = bench_listen(&name, 1);

	set_buffers(listener, buffer_size); /* connections inherit it */
	*client = connect_sized(&name, buffer_size);
	*server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (*server < 0)
		bench_fail("accept: %s", strerror(errno));
	setsockopt(*server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	close(listener);
}

void bench_tcp_pair(int *client, int *server)
{
	bench_tcp_pair_sized(client, server, 0);
}

void bench_unix_pair(int *client, int *server)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ||
	    fcntl(fds[1], F_SETFL, O_NONBLOCK))
		bench_fail("socketpair: %s", strerror(errno));
	*client = fds[0];
	*server = fds[1];
}

void bench_write_all(int fd, const void *data, size_t size)
{
	const char *from = data;

	while (size > 0) {
		ssize_t written = send(fd, from, size, MSG_NOSIGNAL);

		if (written < 0)
			bench_fail("send: %s", strerror(errno));
		from += written;
		size -= (size_t)written;
	}
}

void bench_read_all(int fd, void *data, size_t size)
{
	if (recv(fd, data, size, MSG_WAITALL) != (ssize_t)size)
		bench_fail("recv: %s", strerror(errno));
}
