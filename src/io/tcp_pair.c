/*
 * io/tcp_pair.c - two TCP sockets that are connected to each other.
 *
 *  1. A listener on 127.0.0.1 exists for as long as it takes to connect. Any
 *     process of the host could connect to it, so what it accepts is compared
 *     with the client's own address, and closed if it is not the client.
 *  2. The kernel connects the two by itself, and nearly always before
 *     connect(2) has returned. Nothing of a loop is needed for that.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/socket.h"
#include "rota/error.h"
#include "rota/loop.h"
#include "rota/tcp.h"

static const uint64_t PATIENCE_NS = ROTA_SEC(5);

/* Bind the socket @fd to a port of its own, listen, and store its address. */
static int listen_somewhere(int fd, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int error;

	memset(address, 0, sizeof(*address));
	address->sin_family = AF_INET;
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	error = rotai_socket_bind(fd, (struct sockaddr *)address, size);
	if (error < 0)
		return error;
	if (getsockname(fd, (struct sockaddr *)address, &size) < 0)
		return -errno;
	return rotai_socket_listen(fd, 16);
}

/* Return 1 if the peer of @accepted is @client, 0 if not, or an error. (1) */
static int is_peer(int accepted, int client)
{
	struct sockaddr_in own, peer;
	socklen_t own_size = sizeof(own);
	socklen_t peer_size = sizeof(peer);

	if (getsockname(client, (struct sockaddr *)&own, &own_size) < 0)
		return -errno;
	/* It may have gone already. */
	if (getpeername(accepted, (struct sockaddr *)&peer, &peer_size) < 0)
		return errno == ENOTCONN ? 0 : -errno;
	return own.sin_port == peer.sin_port &&
	       own.sin_addr.s_addr == peer.sin_addr.s_addr;
}

/* Wait until the listener has a connection, or the attempt of *@client has
 * ended, after which *@client is -1. Returns 0 or an error. */
static int await_either(int listener, int *client, uint64_t until_ns)
{
	struct pollfd fds[2] = { { .fd = listener, .events = POLLIN },
				 { .fd = *client, .events = POLLOUT } };
	uint64_t now = rotai_clock_monotonic();
	int n;

	if (now >= until_ns)
		return ROTA_ETIMEDOUT;
	n = rotai_fd_poll(fds, 2, (int64_t)(until_ns - now));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents == 0)
		return 0;
	*client = -1;
	return rotai_socket_error(fds[1].fd);
}

/* Accept the connection of @client. Returns the descriptor or an error. */
static int accept_client(int listener, int client)
{
	uint64_t until = rotai_clock_monotonic() + PATIENCE_NS;
	int connecting = client;
	int error;

	do {
		int fd = rotai_socket_accept(listener);

		if (fd < 0 && fd != ROTA_EAGAIN && fd != ROTA_ECONNABORTED)
			return fd;
		error = fd < 0 ? 0 : is_peer(fd, client);
		if (error == 1)
			return fd;
		if (fd >= 0)
			rotai_fd_close(fd);
		if (error == 0)
			error = await_either(listener, &connecting, until);
	} while (error == 0);
	return error;
}

int rota_tcp_pair(int fds[2])
{
	struct sockaddr_in address;
	int listener = rotai_socket_new(AF_INET);
	int client = listener < 0 ? listener : rotai_socket_new(AF_INET);
	int error = client < 0 ? client : listen_somewhere(listener, &address);

	if (error == 0)
		error = rotai_socket_connect(
			client, (struct sockaddr *)&address, sizeof(address));
	if (error == 0 || error == ROTA_EINPROGRESS)
		error = accept_client(listener, client);
	if (listener >= 0)
		rotai_fd_close(listener);
	if (error < 0) {
		if (client >= 0)
			rotai_fd_close(client);
		return error;
	}
	fds[0] = client;
	fds[1] = error;
	return 0;
}
