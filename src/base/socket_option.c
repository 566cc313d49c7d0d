/*
 * base/socket_option.c - see socket_option.h.
 *
 *  1. The table has an entry for each option that this system has. The
 *     preprocessor decides, because the options are a matter of the headers
 *     rather than of the system: a BSD has some that Darwin has not.
 *  2. The former value of each option is read before it is set. So a change
 *     that fails can be undone.
 */
#include "base/socket_option.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/socket.h"
#include "rota/error.h"

struct option_name {
	int level;
	int name; /* 0: the system has no such option */
};

/* (1) */
static const struct option_name option_names[] = {
#ifdef TCP_KEEPIDLE
	[ROTAI_OPTION_KEEP_IDLE] = { IPPROTO_TCP, TCP_KEEPIDLE },
#else
	[ROTAI_OPTION_KEEP_IDLE] = { IPPROTO_TCP, TCP_KEEPALIVE }, /* Darwin */
#endif
/* Elsewhere, SO_REUSEPORT lets sockets share a port, but one of them
	 * gets all connections. */
#if defined(__linux__) || defined(__DragonFly__)
	[ROTAI_OPTION_REUSE_PORT] = { SOL_SOCKET, SO_REUSEPORT },
#elif defined(SO_REUSEPORT_LB)
	[ROTAI_OPTION_REUSE_PORT] = { SOL_SOCKET,
				      SO_REUSEPORT_LB }, /* FreeBSD */
#endif
#ifdef __linux__
	[ROTAI_OPTION_SHARE] = { SOL_SOCKET, SO_REUSEADDR },
#else
	[ROTAI_OPTION_SHARE] = { SOL_SOCKET, SO_REUSEPORT },
#endif
/* Linux has these for IPv6 sockets, too. */
#ifdef IP_FREEBIND
	[ROTAI_OPTION_FREE_BIND] = { IPPROTO_IP, IP_FREEBIND },
#endif
#ifdef IP_TRANSPARENT
	[ROTAI_OPTION_TRANSPARENT] = { IPPROTO_IP, IP_TRANSPARENT },
#endif
#ifdef TCP_USER_TIMEOUT
	[ROTAI_OPTION_USER_TIMEOUT] = { IPPROTO_TCP, TCP_USER_TIMEOUT },
#endif
#ifdef TCP_FASTOPEN
	[ROTAI_OPTION_FAST_OPEN] = { IPPROTO_TCP, TCP_FASTOPEN },
#endif
#ifdef SO_MARK
	[ROTAI_OPTION_MARK] = { SOL_SOCKET, SO_MARK },
#endif
#ifdef SO_PRIORITY
	[ROTAI_OPTION_PRIORITY] = { SOL_SOCKET, SO_PRIORITY },
#endif
};

static struct option_name name_of(enum rotai_socket_option option)
{
	/* The table ends with the last option that the system has. */
	if (option < sizeof(option_names) / sizeof(option_names[0]))
		return option_names[option];
	return (struct option_name){ 0 };
}

int rotai_socket_option_set(int fd, enum rotai_socket_option option, int value)
{
	struct option_name o = name_of(option);

	return o.name == 0 ? ROTA_ENOTSUP
			   : rotai_socket_set(fd, o.level, o.name, value);
}

/* Give @to the value that @from has, if they differ. */
static int copy_option(int from, int to, struct option_name o)
{
	int wanted, value;
	socklen_t size = sizeof(wanted);

	if (o.name == 0)
		return 0;
	if (getsockopt(from, o.level, o.name, &wanted, &size) < 0 ||
	    getsockopt(to, o.level, o.name, &value, &size) < 0)
		return -errno;
	return wanted == value ? 0
			       : rotai_socket_set(to, o.level, o.name, wanted);
}

/* The same for the size of a buffer. Linux doubles what is set. */
static int copy_buffer_size(int from, int to, int name)
{
#ifdef __linux__
	enum { MULTIPLE = 2 };
#else
	enum { MULTIPLE = 1 };
#endif
	int wanted, value;
	socklen_t size = sizeof(wanted);

	if (getsockopt(from, SOL_SOCKET, name, &wanted, &size) < 0 ||
	    getsockopt(to, SOL_SOCKET, name, &value, &size) < 0)
		return -errno;
	return wanted == value ? 0
			       : rotai_socket_set(to, SOL_SOCKET, name,
						  wanted / MULTIPLE);
}

int rotai_socket_options_copy(int from, int to)
{
	const struct option_name copied[] = {
		{ IPPROTO_TCP, TCP_NODELAY },
		{ IPPROTO_TCP, TCP_KEEPINTVL },
		{ IPPROTO_TCP, TCP_KEEPCNT },
		name_of(ROTAI_OPTION_KEEP_IDLE),
		name_of(ROTAI_OPTION_USER_TIMEOUT),
		name_of(ROTAI_OPTION_MARK),
		name_of(ROTAI_OPTION_PRIORITY),
		{ SOL_SOCKET, SO_OOBINLINE },
		{ SOL_SOCKET, SO_KEEPALIVE },
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(copied) / sizeof(copied[0]);
	     i++)
		error = copy_option(from, to, copied[i]);
	if (error == 0)
		error = copy_buffer_size(from, to, SO_RCVBUF);
	if (error == 0)
		error = copy_buffer_size(from, to, SO_SNDBUF);
	return error < 0 ? error : rotai_socket_copy_device(from, to);
}

void rotai_socket_change_add(struct rotai_socket_change *change, int level,
			     int name, int value)
{
	ROTA_ASSERT(change->wanted < ROTAI_CHANGES);
	change->of[change->wanted].level = level;
	change->of[change->wanted].name = name;
	change->of[change->wanted].value = value;
	change->wanted++;
}

void rotai_socket_change_option(struct rotai_socket_change *change,
				enum rotai_socket_option option, int value)
{
	struct option_name o = name_of(option);

	if (o.name == 0)
		change->error = ROTA_ENOTSUP;
	else
		rotai_socket_change_add(change, o.level, o.name, value);
}

/* Set the next option of the change. */
static int make_next(struct rotai_socket_change *change, int fd)
{
	int i = change->made;
	socklen_t size = sizeof(change->of[i].before);
	int error;

	if (getsockopt(fd, change->of[i].level, change->of[i].name,
		       &change->of[i].before, &size) < 0) /* (2) */
		return -errno;
	error = rotai_socket_set(fd, change->of[i].level, change->of[i].name,
				 change->of[i].value);
	change->made += error == 0;
	return error;
}

int rotai_socket_change_make(struct rotai_socket_change *change, int fd)
{
	int error = change->error;

	while (error == 0 && change->made < change->wanted)
		error = make_next(change, fd);
	if (error < 0)
		rotai_socket_change_undo(change, fd);
	return error;
}

void rotai_socket_change_undo(struct rotai_socket_change *change, int fd)
{
	while (change->made > 0) {
		int i = --change->made;

		(void)rotai_socket_set(fd, change->of[i].level,
				       change->of[i].name,
				       change->of[i].before);
	}
}

int rotai_socket_bind_with(int fd, struct rotai_socket_change *change,
			   const struct rotai_bind *how,
			   const struct rota_address *address)
{
	int error;

	if (how->reuses_port)
		rotai_socket_change_option(change, ROTAI_OPTION_REUSE_PORT, 1);
	if (how->is_free)
		rotai_socket_change_option(change, ROTAI_OPTION_FREE_BIND, 1);
	if (how->is_transparent)
		rotai_socket_change_option(change, ROTAI_OPTION_TRANSPARENT, 1);
	if (address->is.any.sa_family == AF_INET6 && how->ip6_only >= 0)
		rotai_socket_change_add(change, IPPROTO_IPV6, IPV6_V6ONLY,
					how->ip6_only);
	error = rotai_socket_change_make(change, fd);
	if (error < 0)
		return error;
	error = rotai_socket_bind(fd, &address->is.any, address->size);
	if (error < 0)
		rotai_socket_change_undo(change, fd);
	return error;
}
