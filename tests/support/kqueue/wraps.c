/*
 * wraps.c - the names that the linker's --wrap looks for. They are weak, so
 * that fault injection may define its own instead; see wraps.h.
 */
#include "wraps.h"

__attribute__((weak)) int __wrap_close(int fd)
{
	return kqd_close(fd);
}

__attribute__((weak)) int __wrap_dup2(int from, int to)
{
	return kqd_dup2(from, to);
}

__attribute__((weak)) int __wrap_dup3(int from, int to, int flags)
{
	return kqd_dup3(from, to, flags);
}

__attribute__((weak)) int __wrap_close_range(unsigned first, unsigned last,
					     int flags)
{
	return kqd_close_range(first, last, flags);
}

__attribute__((weak)) int __wrap_sigaction(int number,
					   const struct sigaction *wanted,
					   struct sigaction *previous)
{
	return kqd_sigaction(number, wanted, previous);
}

__attribute__((weak)) kqd_signal_handler *
__wrap_signal(int number, kqd_signal_handler *handler)
{
	return kqd_signal(number, handler);
}

__attribute__((weak)) int __wrap_getsockopt(int fd, int level, int option,
					    void *value, socklen_t *size)
{
	return kqd_getsockopt(fd, level, option, value, size);
}

__attribute__((weak)) int __wrap_connect(int fd, const struct sockaddr *address,
					 socklen_t size)
{
	return kqd_connect(fd, address, size);
}

__attribute__((weak)) ssize_t __wrap_read(int fd, void *data, size_t size)
{
	return kqd_read(fd, data, size);
}

__attribute__((weak)) ssize_t __wrap_readv(int fd, const struct iovec *parts,
					   int count)
{
	return kqd_readv(fd, parts, count);
}

__attribute__((weak)) ssize_t __wrap_recv(int fd, void *data, size_t size,
					  int flags)
{
	return kqd_recv(fd, data, size, flags);
}

__attribute__((weak)) ssize_t __wrap_recvfrom(int fd, void *data, size_t size,
					      int flags,
					      struct sockaddr *address,
					      socklen_t *address_size)
{
	return kqd_recvfrom(fd, data, size, flags, address, address_size);
}

__attribute__((weak)) ssize_t __wrap_recvmsg(int fd, struct msghdr *message,
					     int flags)
{
	return kqd_recvmsg(fd, message, flags);
}

__attribute__((weak)) ssize_t __wrap_write(int fd, const void *data,
					   size_t size)
{
	return kqd_write(fd, data, size);
}

__attribute__((weak)) ssize_t __wrap_writev(int fd, const struct iovec *parts,
					    int count)
{
	return kqd_writev(fd, parts, count);
}

__attribute__((weak)) ssize_t __wrap_send(int fd, const void *data, size_t size,
					  int flags)
{
	return kqd_send(fd, data, size, flags);
}

__attribute__((weak)) ssize_t __wrap_sendto(int fd, const void *data,
					    size_t size, int flags,
					    const struct sockaddr *address,
					    socklen_t address_size)
{
	return kqd_sendto(fd, data, size, flags, address, address_size);
}

__attribute__((weak)) ssize_t
__wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return kqd_sendmsg(fd, message, flags);
}
