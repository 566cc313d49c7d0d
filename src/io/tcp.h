/*
 * io/tcp.h - what the files about TCP sockets share.
 */
#ifndef ROTAI_IO_TCP_H
#define ROTAI_IO_TCP_H

#include "io/io.h"
#include "rota/tcp.h"

static inline int rotai_tcp_fd(const struct rota_tcp *tcp)
{
	return rotai_stream_fd(&tcp->handle);
}

/* Return 0, or the error if @tcp has no socket. */
static inline int rotai_tcp_has_socket(const struct rota_tcp *tcp)
{
	if (rota_handle_is_closing(&tcp->handle))
		return ROTA_EINVAL;
	return rota_stream_fd(&tcp->stream) < 0 ? ROTA_EBADF : 0;
}

/* The same before a change of the socket, which in a forked child would change
 * it for the parent as well (F2). */
static inline int rotai_tcp_may_set(const struct rota_tcp *tcp)
{
	int error = rotai_handle_reachable(&tcp->handle);

	return error < 0 ? error : rotai_tcp_has_socket(tcp);
}

/* Make a socket that is bound to *@address, as rota_tcp_bind() does. Any thread
 * may call this. Returns the descriptor or an error. */
int rotai_tcp_socket_at(const struct rota_address *address, unsigned flags);

#endif
