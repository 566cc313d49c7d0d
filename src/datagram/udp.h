/*
 * datagram/udp.h - what the files about UDP sockets share.
 */
#ifndef ROTAI_DATAGRAM_UDP_H
#define ROTAI_DATAGRAM_UDP_H

#include "datagram/datagram.h"
#include "rota/udp.h"

static inline int rotai_udp_fd(const struct rota_udp *udp)
{
	return rotai_datagram_fd(&udp->datagram);
}

/* Return 0, or the error if @udp has no socket. */
static inline int rotai_udp_has_socket(const struct rota_udp *udp)
{
	if (!rotai_handle_has(&udp->handle, ROTAI_HANDLE_OPEN))
		return ROTA_EINVAL;
	return rotai_udp_fd(udp) < 0 ? ROTA_EBADF : 0;
}

/* The same before a change of the socket, which in a forked child would change
 * it for the parent as well (F2). */
static inline int rotai_udp_may_set(const struct rota_udp *udp)
{
	int error = rotai_handle_reachable(&udp->handle);

	return error < 0 ? error : rotai_udp_has_socket(udp);
}

/* Whether *@address is one of IP, with the size of its family. */
static inline int rotai_udp_is_ip(const struct rota_address *address)
{
	if (address == NULL)
		return 0;
	if (address->size == sizeof(address->is.ip4))
		return address->is.any.sa_family == AF_INET;
	return address->size == sizeof(address->is.ip6) &&
	       address->is.any.sa_family == AF_INET6;
}

#endif
