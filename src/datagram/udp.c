/*
 * datagram/udp.c - UDP sockets: how they are made, bound and connected, and
 * their addresses.
 */
#include "datagram/udp.h"

#include "base/fd.h"
#include "base/socket.h"
#include "base/socket_option.h"

enum { LARGEST_UDP = 65536 };

static int create_udp(struct rota_datagram *datagram,
		      const struct rota_address *to);

static const struct rotai_datagram_class udp_class = {
	.handle = {
		.type = "udp",
		.stop = rotai_datagram_stop,
		.fd = rotai_datagram_handle_fd,
	},
	.largest = LARGEST_UDP,
	.create = create_udp,
};

int rota_udp_init(struct rota_udp *udp, struct rota_loop *loop)
{
	ROTAI_ENTER("udp", udp, loop);
	ROTAI_LIVE_CHECK_INIT(&udp->handle.internal.open);
	int error = rotai_datagrams_admit(loop);

	if (error == 0)
		rotai_datagram_open(&udp->datagram, loop, &udp_class, -1, 0);
	return error;
}

static unsigned flag_of_family(int family)
{
	return family == AF_INET6 ? ROTAI_DG_IP6 : 0;
}

/* Return the flags of a socket that the program has made, or an error. */
static int udp_state(int fd)
{
	struct sockaddr_storage found;
	struct sockaddr *name = (struct sockaddr *)(void *)&found;
	socklen_t size = sizeof(found);
	struct rota_address own;
	unsigned flags;

	if (getsockname(fd, name, &size) < 0)
		return -errno;
	if ((name->sa_family != AF_INET && name->sa_family != AF_INET6) ||
	    rota_address_from(&own, name, size) < 0)
		return ROTA_EINVAL;
	flags = flag_of_family(name->sa_family);
	if (rota_address_port(&own) != 0)
		flags |= ROTAI_DG_BOUND;
	size = sizeof(found);
	if (getpeername(fd, name, &size) == 0)
		flags |= ROTAI_DG_CONNECTED;
	return (int)flags;
}

int rota_udp_open(struct rota_udp *udp, struct rota_loop *loop, int fd)
{
	ROTAI_ENTER("udp", udp, loop);
	ROTAI_LIVE_CHECK_INIT(&udp->handle.internal.open);
	int error = rotai_datagrams_admit(loop);
	int state;

	if (error < 0)
		return error;
	state = udp_state(fd);
	if (state < 0)
		return state;
	error = rotai_socket_take_over_as(fd, SOCK_DGRAM);
	if (error < 0)
		return error;
	rotai_datagram_open(&udp->datagram, loop, &udp_class, fd,
			    (unsigned)state);
	return 0;
}

static int make_socket(struct rota_datagram *datagram, int family)
{
	int fd;

	if (family != AF_INET && family != AF_INET6)
		return ROTA_EAFNOSUPPORT;
	fd = rotai_socket_new_of(family, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	rotai_datagram_set_fd(datagram, fd);
	datagram->internal.flags &= ~(unsigned)ROTAI_DG_IP6;
	datagram->internal.flags |= flag_of_family(family);
	return 0;
}

static int create_udp(struct rota_datagram *datagram,
		      const struct rota_address *to)
{
	return make_socket(datagram, to->is.any.sa_family);
}

int rota_udp_create(struct rota_udp *udp, int family)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_handle_usable(&udp->handle);

	if (error < 0)
		return error;
	return rotai_udp_fd(udp) >= 0 ? ROTA_EALREADY
				      : make_socket(&udp->datagram, family);
}

/* Return 0 if *@address is one of IP, and of the family of the socket, if there
 * is one. */
static int check_address(const struct rota_udp *udp,
			 const struct rota_address *address)
{
	if (!rotai_udp_is_ip(address))
		return ROTA_EINVAL;
	if (rotai_udp_fd(udp) >= 0 &&
	    address->is.any.sa_family != rotai_datagram_family(&udp->datagram))
		return ROTA_EAFNOSUPPORT;
	return 0;
}

enum {
	UDP_IP6_FLAGS = ROTA_UDP_IP6_ONLY | ROTA_UDP_IP6_AS_IS,
	UDP_BIND_FLAGS = UDP_IP6_FLAGS | ROTA_UDP_REUSE_ADDRESS |
			 ROTA_UDP_REUSE_PORT | ROTA_UDP_FREE_BIND |
			 ROTA_UDP_TRANSPARENT,
};

/* Set the options and bind: 0; or an error, and the socket is as before. */
static int bind_udp(int fd, const struct rota_address *address, unsigned flags)
{
	struct rotai_socket_change change = { .wanted = 0 };
	const struct rotai_bind how = {
		.reuses_port = (flags & ROTA_UDP_REUSE_PORT) != 0,
		.is_free = (flags & ROTA_UDP_FREE_BIND) != 0,
		.is_transparent = (flags & ROTA_UDP_TRANSPARENT) != 0,
		.ip6_only = flags & ROTA_UDP_IP6_AS_IS
				    ? -1
				    : (flags & ROTA_UDP_IP6_ONLY) != 0,
	};

	if (flags & ROTA_UDP_REUSE_ADDRESS)
		rotai_socket_change_option(&change, ROTAI_OPTION_SHARE, 1);
	return rotai_socket_bind_with(fd, &change, &how, address);
}

int rota_udp_bind(struct rota_udp *udp, const struct rota_address *address,
		  unsigned flags)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_handle_usable(&udp->handle);
	int had_fd = rotai_udp_fd(udp) >= 0;

	if (error == 0)
		error = check_address(udp, address);
	if (error < 0)
		return error;
	if ((flags & ~(unsigned)UDP_BIND_FLAGS) != 0 ||
	    (flags & UDP_IP6_FLAGS) == UDP_IP6_FLAGS ||
	    rotai_datagram_has(&udp->datagram,
			       ROTAI_DG_BOUND | ROTAI_DG_CONNECTED))
		return ROTA_EINVAL;
	if (!had_fd)
		error = create_udp(&udp->datagram, address);
	if (error < 0)
		return error;
	error = bind_udp(rotai_udp_fd(udp), address, flags);
	if (error == 0)
		udp->datagram.internal.flags |= ROTAI_DG_BOUND;
	else if (!had_fd)
		rotai_datagram_discard_fd(&udp->datagram);
	return error;
}

int rota_udp_connect(struct rota_udp *udp, const struct rota_address *address)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_handle_usable(&udp->handle);
	int had_fd = rotai_udp_fd(udp) >= 0;

	if (error == 0)
		error = check_address(udp, address);
	if (error < 0)
		return error;
	if (rotai_datagram_has(&udp->datagram, ROTAI_DG_CONNECTED))
		return ROTA_EISCONN;
	error = had_fd ? rotai_datagram_empty_queue(&udp->datagram)
		       : create_udp(&udp->datagram, address);
	if (error < 0)
		return error;
	error = rotai_socket_connect(rotai_udp_fd(udp), &address->is.any,
				     address->size);
	if (error == 0)
		udp->datagram.internal.flags |= ROTAI_DG_CONNECTED;
	else if (!had_fd)
		rotai_datagram_discard_fd(&udp->datagram);
	return error;
}

int rota_udp_disconnect(struct rota_udp *udp)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	int error = rotai_handle_usable(&udp->handle);

	if (error < 0)
		return error;
	if (!rotai_datagram_has(&udp->datagram, ROTAI_DG_CONNECTED))
		return ROTA_ENOTCONN;
	error = rotai_datagram_empty_queue(&udp->datagram);
	if (error == 0)
		error = rotai_datagram_disconnect(rotai_udp_fd(udp));
	if (error == 0 || error == ROTA_EADDRINUSE)
		udp->datagram.internal.flags &= ~(unsigned)ROTAI_DG_CONNECTED;
	return error;
}

typedef int udp_name_fn(int fd, struct sockaddr *address, socklen_t *size);

static int ask_address(const struct rota_udp *udp, struct rota_address *address,
		       udp_name_fn *get_name)
{
	struct sockaddr_storage found;
	struct sockaddr *name = (struct sockaddr *)(void *)&found;
	socklen_t size = sizeof(found);
	int error = rotai_udp_has_socket(udp);

	if (error == 0 && address == NULL)
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	if (get_name(rotai_udp_fd(udp), name, &size) < 0)
		return -errno;
	return rota_address_from(address, name, size);
}

int rota_udp_own_address(const struct rota_udp *udp,
			 struct rota_address *address)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return ask_address(udp, address, getsockname);
}

int rota_udp_peer_address(const struct rota_udp *udp,
			  struct rota_address *address)
{
	ROTAI_ENTER_HANDLE(&udp->handle);
	return ask_address(udp, address, getpeername);
}
