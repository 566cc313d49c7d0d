/*
 * base/socket_posix.c - sockets on all POSIX systems except Linux. System calls
 * of their own make them non-blocking and close-on-exec.
 */
#include "base/socket.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "rota/error.h"

/* MSG_NOSIGNAL, where it exists, suppresses SIGPIPE for each send. Darwin has
 * an option of the socket instead. */
#ifdef SO_NOSIGPIPE
enum { NOSIGPIPE = SO_NOSIGPIPE };
#else
enum { NOSIGPIPE = 0 };
#endif

static int set_up_socket(int fd)
{
	int error = rotai_fd_set_nonblocking(fd, 1);

	if (error < 0)
		return error;
	/* Darwin refuses this option for a connection that was already
	 * reset. */
	if (NOSIGPIPE != 0)
		(void)rotai_socket_set(fd, SOL_SOCKET, NOSIGPIPE, 1);
	return 0;
}

/* Set up a socket of the library's own, close-on-exec included. Returns the
 * descriptor, or an error with the socket closed. */
static int set_up_own_socket(int fd)
{
	int error = set_up_socket(fd);

	if (error == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		error = -errno;
	if (error < 0)
		rotai_fd_close(fd);
	return error < 0 ? error : fd;
}

int rotai_socket_new_of(int family, int type)
{
	int fd = socket(family, type, 0);

	return fd < 0 ? -errno : set_up_own_socket(fd);
}

int rotai_socket_accept(int listener)
{
	int fd;

	do {
		fd = accept(listener, NULL, NULL);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : set_up_own_socket(fd);
}

int rotai_socket_take_over_as(int fd, int type)
{
	int found;
	socklen_t size = sizeof(found);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &found, &size) < 0)
		return -errno;
	return found == type ? set_up_socket(fd) : ROTA_EINVAL;
}

ssize_t rotai_socket_connect_fast(int fd, const struct sockaddr *address,
				  size_t size, const void *first,
				  size_t first_size)
{
	(void)fd;
	(void)address;
	(void)size;
	(void)first;
	(void)first_size;
	return ROTA_ENOTSUP;
}

#ifdef IP_BOUND_IF
/* Darwin knows the interface by its index. */
int rotai_socket_set_device(int fd, const char *name)
{
	unsigned index = *name != 0 ? if_nametoindex(name) : 0;
	int family;
	int error = rotai_socket_family(fd, &family);

	if (error < 0)
		return error;
	if (*name != 0 && index == 0)
		return ROTA_ENODEV;
	if (family == AF_INET6)
		return rotai_socket_set(fd, IPPROTO_IPV6, IPV6_BOUND_IF,
					(int)index);
	return rotai_socket_set(fd, IPPROTO_IP, IP_BOUND_IF, (int)index);
}

int rotai_socket_copy_device(int from, int to)
{
	char name[IF_NAMESIZE];
	int index = 0;
	socklen_t size = sizeof(index);
	int family;
	int error = rotai_socket_family(from, &family);
	int is_ip6 = error == 0 && family == AF_INET6;

	if (error < 0)
		return error;
	if (getsockopt(from, is_ip6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       is_ip6 ? IPV6_BOUND_IF : IP_BOUND_IF, &index, &size) < 0)
		return -errno;
	if (index == 0)
		return 0;
	if (if_indextoname((unsigned)index, name) == NULL)
		return ROTA_ENODEV;
	return rotai_socket_set_device(to, name);
}
#else
int rotai_socket_set_device(int fd, const char *name)
{
	(void)fd;
	(void)name;
	return ROTA_ENOTSUP;
}

int rotai_socket_copy_device(int from, int to)
{
	(void)from;
	(void)to;
	return 0; /* none can be set */
}
#endif
