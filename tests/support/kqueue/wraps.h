/*
 * wraps.h - the functions that replace those of libc while the double is linked
 * in.
 *
 * The linker's --wrap sends the program's close(2) to __wrap_close(), which is
 * here a weak name of kqd_close(). If fault injection also wraps close(2), it
 * defines its own, strong __wrap_close(), and calls kqd_close() where it would
 * otherwise call __real_close(). The same is true of every name below.
 */
#ifndef KQD_WRAPS_H
#define KQD_WRAPS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef void kqd_signal_handler(int signal);

/* Return whether the calling thread is in one of the double's own calls. Fault
 * injection ignores the calls of libc that are made there, such as poll(2). */
bool kqd_is_inside(void);

/* lifetime.c and filter_signal.c: closing descriptors, and signals. */
int kqd_close(int fd);
int kqd_dup2(int from, int to);
int kqd_dup3(int from, int to, int flags);
int kqd_close_range(unsigned first, unsigned last, int flags);
int kqd_sigaction(int number, const struct sigaction *wanted,
		  struct sigaction *previous);
kqd_signal_handler *kqd_signal(int number, kqd_signal_handler *handler);

/* socket_error.c: the calls that report a socket's pending error. */
int kqd_getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int kqd_connect(int fd, const struct sockaddr *address, socklen_t size);
ssize_t kqd_read(int fd, void *data, size_t size);
ssize_t kqd_readv(int fd, const struct iovec *parts, int count);
ssize_t kqd_recv(int fd, void *data, size_t size, int flags);
ssize_t kqd_recvfrom(int fd, void *data, size_t size, int flags,
		     struct sockaddr *address, socklen_t *address_size);
ssize_t kqd_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t kqd_write(int fd, const void *data, size_t size);
ssize_t kqd_writev(int fd, const struct iovec *parts, int count);
ssize_t kqd_send(int fd, const void *data, size_t size, int flags);
ssize_t kqd_sendto(int fd, const void *data, size_t size, int flags,
		   const struct sockaddr *address, socklen_t address_size);
ssize_t kqd_sendmsg(int fd, const struct msghdr *message, int flags);

/* The functions of libc. */
int __real_close(int fd);
int __real_dup2(int from, int to);
int __real_dup3(int from, int to, int flags);
int __real_close_range(unsigned first, unsigned last, int flags);
int __real_sigaction(int number, const struct sigaction *wanted,
		     struct sigaction *previous);
int __real_getsockopt(int fd, int level, int option, void *value,
		      socklen_t *size);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_readv(int fd, const struct iovec *parts, int count);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __real_recvfrom(int fd, void *data, size_t size, int flags,
			struct sockaddr *address, socklen_t *address_size);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_writev(int fd, const struct iovec *parts, int count);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_sendto(int fd, const void *data, size_t size, int flags,
		      const struct sockaddr *address, socklen_t address_size);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);

#endif
