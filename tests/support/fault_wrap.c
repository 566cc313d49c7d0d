/*
 * tests/support/fault_wrap.c - catches system calls by the linker's --wrap,
 * with the options in fault.flags; see fault.h.
 *
 *  1. With --wrap=f, every object's call of f comes to __wrap_f here, and
 *     __real_f is the f of the C library or of the kqueue double. What is not
 *     there at all (kqueue without the double, epoll on a BSD) is weak, and
 *     never called.
 *  2. The kqueue double is built on epoll, and calls what is caught here: what
 *     it does inside kqueue(), kevent(), and the calls that end a descriptor
 *     passes uncounted. Its own wrappers are weak names of its kqd_ functions,
 *     so that those here may stand before them; it may not be there.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "fault.h"
#include "fault_calls.h"

struct epoll_event;
struct kevent;

#define WEAK __attribute__((weak))

/* (1) */
WEAK int __real_epoll_create1(int flags);
WEAK int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
WEAK int __real_epoll_wait(int epoll, struct epoll_event *events, int max,
			   int timeout);
WEAK int __real_epoll_pwait2(int epoll, struct epoll_event *events, int max,
			     const struct timespec *timeout,
			     const sigset_t *mask);
WEAK int __real_eventfd(unsigned value, int flags);
WEAK int __real_pipe2(int fds[2], int flags);
WEAK int __real_ppoll(struct pollfd *fds, nfds_t count,
		      const struct timespec *timeout, const sigset_t *mask);
WEAK int __real_kqueue(void);
WEAK int __real_kevent(int queue, const struct kevent *changes,
		       int change_count, struct kevent *events, int event_count,
		       const struct timespec *timeout);
WEAK ssize_t __real_write(int fd, const void *data, size_t size);
WEAK int __real_fcntl(int fd, int command, ...);
WEAK int __real_fstat(int fd, struct stat *status);
WEAK int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			       void (*child)(void));
WEAK int __real_close(int fd);
WEAK int __real_dup2(int from, int to);

/* (2) */
WEAK ssize_t kqd_write(int fd, const void *data, size_t size);
WEAK int kqd_close(int fd);
WEAK int kqd_dup2(int from, int to);

int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max,
		      int timeout);
int __wrap_epoll_pwait2(int epoll, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *mask);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_ppoll(struct pollfd *fds, nfds_t count,
		 const struct timespec *timeout, const sigset_t *mask);
int __wrap_kqueue(void);
int __wrap_kevent(int queue, const struct kevent *changes, int change_count,
		  struct kevent *events, int event_count,
		  const struct timespec *timeout);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void));
int __wrap_close(int fd);
int __wrap_dup2(int from, int to);

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

int __wrap_epoll_create1(int flags)
{
	return struck(FAULT_EPOLL_CREATE1) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	return struck(FAULT_EPOLL_CTL) ? -1
				       : __real_epoll_ctl(epoll, op, fd, event);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max,
		      int timeout)
{
	return struck(FAULT_EPOLL_WAIT)
		       ? -1
		       : __real_epoll_wait(epoll, events, max, timeout);
}

int __wrap_epoll_pwait2(int epoll, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *mask)
{
	return struck(FAULT_EPOLL_PWAIT2)
		       ? -1
		       : __real_epoll_pwait2(epoll, events, max, timeout, mask);
}

int __wrap_eventfd(unsigned value, int flags)
{
	return struck(FAULT_EVENTFD) ? -1 : __real_eventfd(value, flags);
}

int __wrap_pipe2(int fds[2], int flags)
{
	return struck(FAULT_PIPE2) ? -1 : __real_pipe2(fds, flags);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count,
		 const struct timespec *timeout, const sigset_t *mask)
{
	return struck(FAULT_PPOLL) ? -1
				   : __real_ppoll(fds, count, timeout, mask);
}

int __wrap_kqueue(void)
{
	int result;

	if (struck(FAULT_KQUEUE))
		return -1;
	fault_pass_begin(); /* (2) */
	result = __real_kqueue();
	fault_pass_end();
	return result;
}

/* A wait that a signal cuts short has made its changes: so does this one. */
int __wrap_kevent(int queue, const struct kevent *changes, int change_count,
		  struct kevent *events, int event_count,
		  const struct timespec *timeout)
{
	int error = fault_strike(FAULT_KEVENT);
	int result = -1;

	fault_pass_begin(); /* (2) */
	if (error == EINTR)
		(void)__real_kevent(queue, changes, change_count, NULL, 0,
				    NULL);
	else if (error == 0)
		result = __real_kevent(queue, changes, change_count, events,
				       event_count, timeout);
	fault_pass_end();
	if (error != 0)
		errno = error;
	return result;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	ssize_t result;

	if (struck(FAULT_WRITE))
		return -1;
	if (kqd_write == NULL)
		return __real_write(fd, data, size);
	fault_pass_begin(); /* (2) */
	result = kqd_write(fd, data, size);
	fault_pass_end();
	return result;
}

int __wrap_close(int fd)
{
	int result;

	if (kqd_close == NULL)
		return __real_close(fd);
	fault_pass_begin(); /* (2) */
	result = kqd_close(fd);
	fault_pass_end();
	return result;
}

int __wrap_dup2(int from, int to)
{
	int result;

	if (kqd_dup2 == NULL)
		return __real_dup2(from, to);
	fault_pass_begin(); /* (2) */
	result = kqd_dup2(from, to);
	fault_pass_end();
	return result;
}

/* The argument may be an int, a pointer or none: as a long it passes whole. */
int __wrap_fcntl(int fd, int command, ...)
{
	va_list arguments;
	long argument;

	if (struck(FAULT_FCNTL))
		return -1;
	va_start(arguments, command);
	argument = va_arg(arguments, long);
	va_end(arguments);
	return __real_fcntl(fd, command, argument);
}

int __wrap_fstat(int fd, struct stat *status)
{
	return struck(FAULT_FSTAT) ? -1 : __real_fstat(fd, status);
}

/* Returns its error, and leaves errno alone. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void))
{
	int error = fault_strike(FAULT_PTHREAD_ATFORK);

	return error != 0 ? error
			  : __real_pthread_atfork(prepare, parent, child);
}
