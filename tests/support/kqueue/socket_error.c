/*
 * socket_error.c - SO_ERROR, read without losing it.
 *
 * (11) A filter shows so_error and leaves it for the program. Linux has no way
 * to do this: getsockopt(SO_ERROR) clears the error. So this file stores an
 * error that a filter has taken. The program's next call that would have got
 * it, which is getsockopt() or the transfer that the kernel would have refused,
 * gets it from here.
 */
#include "double.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "wraps.h"

struct kept_error {
	struct kqd_link link;
	int fd;
	int error;
};

static struct kqd_link kept = { &kept, &kept };

/* The length of the list. Relaxed: it only saves taking the lock. */
static atomic_uint kept_count;

static struct kept_error *find(int fd)
{
	struct kqd_link *link;
	struct kept_error *entry;

	for (link = kept.next; link != &kept; link = link->next) {
		entry = kqd_container_of(link, struct kept_error, link);
		if (entry->fd == fd)
			return entry;
	}
	return NULL;
}

int kqd_socket_error(int fd)
{
	struct kept_error *entry = find(fd);
	int error = 0;
	socklen_t size = sizeof(error);

	if (entry)
		return entry->error;

	/* Allocate first: an error cannot be put back after it was taken. */
	entry = malloc(sizeof(*entry));
	if (!entry)
		return 0;
	if (__real_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ||
	    !error) {
		free(entry);
		return 0;
	}
	entry->fd = fd;
	entry->error = error;
	kqd_list_append(&kept, &entry->link);
	atomic_fetch_add_explicit(&kept_count, 1, memory_order_relaxed);
	return error;
}

static void drop(struct kept_error *entry)
{
	kqd_list_remove(&entry->link);
	free(entry);
	atomic_fetch_sub_explicit(&kept_count, 1, memory_order_relaxed);
}

void kqd_socket_error_drop(int fd)
{
	struct kept_error *entry = find(fd);

	if (entry)
		drop(entry);
}

void kqd_socket_errors_drop_all(void)
{
	while (!kqd_list_empty(&kept))
		drop(kqd_container_of(kept.next, struct kept_error, link));
}

/* Remove and return the error that is stored for fd; 0: none. */
static int take(int fd)
{
	struct kept_error *entry;
	sigset_t saved;
	int error = 0;

	if (!atomic_load_explicit(&kept_count, memory_order_relaxed) ||
	    !kqd_in_use())
		return 0;

	kqd_lock(&saved);
	entry = find(fd);
	if (entry) {
		error = entry->error;
		drop(entry);
	}
	kqd_unlock(&saved);
	return error;
}

int kqd_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	int result = __real_getsockopt(fd, level, option, value, size);
	int error;

	if (result || level != SOL_SOCKET || option != SO_ERROR ||
	    *size != sizeof(int))
		return result;
	error = take(fd);
	if (error)
		*(int *)value = error;
	return result;
}

int kqd_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	/* A new attempt does not get the error of the old one. */
	take(fd);
	return __real_connect(fd, address, size);
}

/* A read that returns bytes does not get the error: the bytes come first. */
static ssize_t after_receiving(int fd, ssize_t result, size_t size)
{
	int saved = errno;
	int error = 0;

	if ((result == 0 && size > 0) || (result < 0 && saved == EAGAIN))
		error = take(fd);
	errno = error ? error : saved;
	return error ? -1 : result;
}

/* Return 0, or -1 with the error in errno: a write gets it before anything
 * else. */
static int before_sending(int fd)
{
	int error = take(fd);

	if (!error)
		return 0;
	errno = error;
	return -1;
}

static size_t total_of(const struct iovec *parts, size_t count)
{
	size_t total = 0;
	size_t i;

	for (i = 0; i < count; i++)
		total += parts[i].iov_len;
	return total;
}

ssize_t kqd_read(int fd, void *data, size_t size)
{
	return after_receiving(fd, __real_read(fd, data, size), size);
}

ssize_t kqd_readv(int fd, const struct iovec *parts, int count)
{
	ssize_t result = __real_readv(fd, parts, count);

	/* Only a count that the kernel has accepted is used. */
	if (result != 0)
		return after_receiving(fd, result, 0);
	return after_receiving(fd, result, total_of(parts, (size_t)count));
}

ssize_t kqd_recv(int fd, void *data, size_t size, int flags)
{
	return after_receiving(fd, __real_recv(fd, data, size, flags), size);
}

ssize_t kqd_recvfrom(int fd, void *data, size_t size, int flags,
		     struct sockaddr *address, socklen_t *address_size)
{
	return after_receiving(
		fd,
		__real_recvfrom(fd, data, size, flags, address, address_size),
		size);
}

ssize_t kqd_recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result = __real_recvmsg(fd, message, flags);

	if (result != 0)
		return after_receiving(fd, result, 0);
	return after_receiving(fd, result,
			       total_of(message->msg_iov, message->msg_iovlen));
}

ssize_t kqd_write(int fd, const void *data, size_t size)
{
	return before_sending(fd) ? -1 : __real_write(fd, data, size);
}

ssize_t kqd_writev(int fd, const struct iovec *parts, int count)
{
	return before_sending(fd) ? -1 : __real_writev(fd, parts, count);
}

ssize_t kqd_send(int fd, const void *data, size_t size, int flags)
{
	return before_sending(fd) ? -1 : __real_send(fd, data, size, flags);
}

ssize_t kqd_sendto(int fd, const void *data, size_t size, int flags,
		   const struct sockaddr *address, socklen_t address_size)
{
	return before_sending(fd) ? -1
				  : __real_sendto(fd, data, size, flags,
						  address, address_size);
}

ssize_t kqd_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return before_sending(fd) ? -1 : __real_sendmsg(fd, message, flags);
}
