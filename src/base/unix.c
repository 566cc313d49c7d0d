/*
 * base/unix.c - what is the same on all systems.
 *
 *  1. A path is used only if a byte 0 fits behind it: then every system takes
 *     it, and shows it whole.
 *  2. The space for control data is larger than any set of descriptors needs.
 *     So if the system had to cut it, this process may have no more
 *     descriptors.
 *  3. If the program has asked for it by an option of the socket, other control
 *     data comes as well, and may hold a descriptor: SCM_PIDFD. Nobody else
 *     could close it.
 */
#include "base/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>

#include "base/control.h"
#include "base/fd.h"
#include "base/socket.h"
#include "rota/error.h"

enum { NAME_AT = offsetof(struct sockaddr_un, sun_path) };
enum { NAME_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) };

/* Linux, where the headers may not have it. (3) */
#if defined(__linux__) && !defined(SCM_PIDFD)
enum { PIDFD_MESSAGE = 0x04 };
#elif defined(__linux__)
enum { PIDFD_MESSAGE = SCM_PIDFD };
#else
enum { PIDFD_MESSAGE = -1 };
#endif

/* (2) */
union passed_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(ROTAI_UNIX_PASSED * sizeof(int)) + 512];
};

int rotai_unix_pair(int fds[2])
{
	return rotai_unix_pair_of(SOCK_STREAM, fds);
}

int rotai_unix_address_set(struct rotai_unix_address *address, const char *name,
			   size_t size)
{
	int is_abstract = size == 0 || name[0] == 0;

	if (is_abstract && !rotai_unix_has_abstract)
		return ROTA_ENOTSUP;
	if (size > NAME_SPACE - (is_abstract ? 0U : 1U)) /* (1) */
		return ROTA_ENAMETOOLONG;
	if (!is_abstract && memchr(name, 0, size) != NULL)
		return ROTA_EINVAL;
	memset(&address->un, 0, sizeof(address->un));
	address->un.sun_family = AF_UNIX;
	if (size > 0)
		memcpy(address->un.sun_path, name, size);
	address->size = NAME_AT + size + (is_abstract ? 0U : 1U);
	return 0;
}

const char *rotai_unix_address_name(const struct rotai_unix_address *address,
				    size_t *size)
{
	const char *name = address->un.sun_path;
	size_t n = address->size > NAME_AT ? address->size - NAME_AT : 0;

	if (n > NAME_SPACE)
		n = NAME_SPACE;
	if (n > 0 && (name[0] != 0 || !rotai_unix_has_abstract))
		n = strnlen(name, n);
	*size = n;
	return name;
}

int rotai_unix_check(int fd)
{
	struct rotai_unix_address own;
	socklen_t size = sizeof(own.un);
	socklen_t int_size = sizeof(int);
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_size) < 0 ||
	    getsockname(fd, (struct sockaddr *)(void *)&own.un, &size) < 0)
		return -errno;
	return type == SOCK_STREAM && own.un.sun_family == AF_UNIX
		       ? 0
		       : ROTA_EINVAL;
}

static void add_passed(struct rotai_unix_passed *passed, int fd)
{
	if (passed->count == ROTAI_UNIX_PASSED) {
		rotai_fd_close(fd);
		passed->is_cut = 1;
		return;
	}
	if (rotai_unix_cloexec_flag == 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	passed->fds[passed->count++] = fd;
}

static void take_control(struct cmsghdr *header,
			 struct rotai_unix_passed *passed)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fd;

	if (header->cmsg_level != SOL_SOCKET)
		return;
	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		if (header->cmsg_type == SCM_RIGHTS)
			add_passed(passed, fd);
		else if (header->cmsg_type == PIDFD_MESSAGE && fd >= 0)
			rotai_fd_close(fd); /* (3) */
	}
}

ssize_t rotai_unix_receive(int fd, void *data, size_t size,
			   struct rotai_unix_passed *passed)
{
	struct iovec buf = { data, size };
	union passed_control control;
	struct msghdr message = { .msg_iov = &buf,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t n;

	passed->count = 0;
	passed->is_cut = 0;
	do {
		n = recvmsg(fd, &message, rotai_unix_cloexec_flag);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	passed->is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
	if (message.msg_controllen == 0)
		return n;
	for (header = CMSG_FIRSTHDR(&message); header != NULL;
	     header = rotai_control_next(&message, header))
		take_control(header, passed);
	return n;
}

ssize_t rotai_unix_send(int fd, struct iovec *bufs, size_t count,
			const int *fds, size_t fd_count)
{
	union passed_control control;
	struct msghdr message = { .msg_iov = bufs, .msg_control = &control };
	ssize_t n;

	/* The type of these two differs from system to system. */
	message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
	message.msg_controllen = (__typeof__(message.msg_controllen))CMSG_SPACE(
		fd_count * sizeof(int));
	/* Also what is between the descriptors and the end. */
	memset(&control, 0, (size_t)message.msg_controllen);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = (__typeof__(control.header.cmsg_len))CMSG_LEN(
		fd_count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
	do {
		n = sendmsg(fd, &message, ROTAI_SEND_FLAGS);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}
