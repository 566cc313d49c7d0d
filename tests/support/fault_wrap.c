/*
 * tests/support/fault_wrap.c - catches system calls by the linker's --wrap,
 * with the options in fault.flags; see fault.h.
 *
 *  1. With --wrap=f, a call of f in any object comes to __wrap_f here, and
 *     __real_f is the f of the C library or of the kqueue double. A function
 *     that does not exist (kqueue without the double, epoll on a BSD) is weak,
 *     and never called.
 *  2. The kqueue double is built on epoll, and so calls functions that are
 *     caught here. What it does inside kqueue(), kevent(), and the calls that
 *     close a descriptor is not counted. Its own wrappers are weak names of its
 *     kqd_ functions, so the ones in this file take precedence. The double may
 *     be absent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "base/openat2.h"
#include "fault.h"
#include "fault_calls.h"

struct epoll_event;
struct kevent;
struct ifaddrs;

#define WEAK __attribute__((weak))

/* Their numbers on the processors that tests run on. A BSD has no such
 * calls. */
enum {
	SYSTEM_EPOLL_PWAIT2 = 441,
	SYSTEM_OPENAT2 = 437,
	SYSTEM_CLOSE_RANGE = 436,
	SYSTEM_PIDFD_OPEN = 434,
	SYSTEM_PIDFD_SEND_SIGNAL = 424,
};

/* These differ between them: see <sys/syscall.h>. */
#ifdef SYS_renameat2
enum {
	SYSTEM_RENAMEAT2 = SYS_renameat2,
	SYSTEM_COPY_FILE_RANGE = SYS_copy_file_range,
};
#else
enum { SYSTEM_RENAMEAT2 = -1, SYSTEM_COPY_FILE_RANGE = -1 };
#endif
#ifdef SYS_pwritev2
enum {
	SYSTEM_PWRITEV2 = SYS_pwritev2,
	SYSTEM_PREADV2 = SYS_preadv2,
	SYSTEM_STATX = SYS_statx,
};
#else
enum { SYSTEM_PWRITEV2 = -1, SYSTEM_PREADV2 = -1, SYSTEM_STATX = -1 };
#endif

/* (1) */
WEAK int __real_epoll_create1(int flags);
WEAK int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
WEAK int __real_epoll_wait(int epoll, struct epoll_event *events, int max,
			   int timeout);
WEAK long __real_syscall(long number, ...);
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
WEAK int __real_open(const char *path, int flags, ...);
WEAK int __real_openat(int directory, const char *path, int flags, ...);
WEAK int __real_fstatat(int directory, const char *path, struct stat *status,
			int flags);
WEAK int __real_close(int fd);
WEAK ssize_t __real_read(int fd, void *data, size_t size);
WEAK ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
WEAK ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
WEAK void *__real_malloc(size_t size);
WEAK void *__real_realloc(void *memory, size_t size);
WEAK void *__real_calloc(size_t count, size_t size);
WEAK void __real_free(void *memory);
WEAK int __real_stat(const char *path, struct stat *status);
WEAK int __real_pthread_create(pthread_t *thread,
			       const pthread_attr_t *attributes,
			       void *(*run)(void *arg), void *arg);
WEAK int __real_pthread_attr_init(pthread_attr_t *attributes);
WEAK int __real_pthread_mutex_init(pthread_mutex_t *lock,
				   const pthread_mutexattr_t *attributes);
WEAK int __real_pthread_condattr_init(pthread_condattr_t *attributes);
WEAK int __real_pthread_cond_init(pthread_cond_t *condition,
				  const pthread_condattr_t *attributes);
WEAK int __real_pthread_key_create(pthread_key_t *key,
				   void (*destructor)(void *value));
WEAK int __real_pthread_setspecific(pthread_key_t key, const void *value);
WEAK int __real_sigaction(int number, const struct sigaction *action,
			  struct sigaction *before);
WEAK int __real_socket(int domain, int type, int protocol);
WEAK int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
WEAK int __real_listen(int fd, int backlog);
WEAK int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
WEAK int __real_accept4(int fd, struct sockaddr *address, socklen_t *size,
			int flags);
WEAK int __real_getsockname(int fd, struct sockaddr *address, socklen_t *size);
WEAK int __real_getpeername(int fd, struct sockaddr *address, socklen_t *size);
WEAK int __real_getsockopt(int fd, int level, int option, void *value,
			   socklen_t *size);
WEAK int __real_setsockopt(int fd, int level, int option, const void *value,
			   socklen_t size);
WEAK int __real_shutdown(int fd, int how);
WEAK ssize_t __real_recv(int fd, void *data, size_t size, int flags);
WEAK ssize_t __real_send(int fd, const void *data, size_t size, int flags);
WEAK ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
WEAK ssize_t __real_writev(int fd, const struct iovec *bufs, int count);
WEAK ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
WEAK int __real_socketpair(int domain, int type, int protocol, int fds[2]);
WEAK int __real_lstat(const char *path, struct stat *status);
WEAK int __real_unlink(const char *path);
WEAK int __real_rename(const char *from, const char *to);
WEAK int __real_link(const char *from, const char *to);
WEAK int __real_fchmodat(int directory, const char *path, mode_t mode,
			 int flags);
WEAK ssize_t __real_preadv(int fd, const struct iovec *bufs, int count,
			   off_t offset);
WEAK ssize_t __real_sendfile(int to, int from, off_t *offset, size_t size);
WEAK int __real_timerfd_create(int clock, int flags);
WEAK int __real_getifaddrs(struct ifaddrs **list);
WEAK unsigned __real_if_nametoindex(const char *name);
WEAK int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned count,
			 int flags, struct timespec *timeout);
WEAK int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count,
			 int flags);
WEAK void *__real_mmap(void *address, size_t size, int protection, int flags,
		       int fd, off_t offset);
WEAK int __real_dup2(int from, int to);

/* (2) */
WEAK ssize_t kqd_read(int fd, void *data, size_t size);
WEAK ssize_t kqd_write(int fd, const void *data, size_t size);
WEAK int kqd_close(int fd);
WEAK int kqd_sigaction(int number, const struct sigaction *action,
		       struct sigaction *before);
WEAK int kqd_connect(int fd, const struct sockaddr *address, socklen_t size);
WEAK int kqd_getsockopt(int fd, int level, int option, void *value,
			socklen_t *size);
WEAK ssize_t kqd_recv(int fd, void *data, size_t size, int flags);
WEAK ssize_t kqd_send(int fd, const void *data, size_t size, int flags);
WEAK ssize_t kqd_sendmsg(int fd, const struct msghdr *message, int flags);
WEAK ssize_t kqd_writev(int fd, const struct iovec *bufs, int count);
WEAK ssize_t kqd_recvmsg(int fd, struct msghdr *message, int flags);
WEAK int kqd_dup2(int from, int to);

int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max,
		      int timeout);
long __wrap_syscall(long number, ...);
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
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __wrap_fstatat(int directory, const char *path, struct stat *status,
		   int flags);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*run)(void *arg), void *arg);
int __wrap_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *lock,
			      const pthread_mutexattr_t *attributes);
int __wrap_pthread_condattr_init(pthread_condattr_t *attributes);
int __wrap_pthread_cond_init(pthread_cond_t *condition,
			     const pthread_condattr_t *attributes);
int __wrap_pthread_key_create(pthread_key_t *key,
			      void (*destructor)(void *value));
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_sigaction(int number, const struct sigaction *action,
		     struct sigaction *before);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size,
		   int flags);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int option, void *value,
		      socklen_t *size);
int __wrap_setsockopt(int fd, int level, int option, const void *value,
		      socklen_t size);
int __wrap_shutdown(int fd, int how);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_writev(int fd, const struct iovec *bufs, int count);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_lstat(const char *path, struct stat *status);
int __wrap_unlink(const char *path);
int __wrap_rename(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_fchmodat(int directory, const char *path, mode_t mode, int flags);
ssize_t __wrap_preadv(int fd, const struct iovec *bufs, int count,
		      off_t offset);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t size);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_getifaddrs(struct ifaddrs **list);
unsigned __wrap_if_nametoindex(const char *name);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		    struct timespec *timeout);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count,
		    int flags);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
		  off_t offset);
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
	fault_note_wait(timeout < 0 ? -1 : (int64_t)timeout * 1000000);
	return struck(FAULT_EPOLL_WAIT)
		       ? -1
		       : __real_epoll_wait(epoll, events, max, timeout);
}

/* A statx(2) counts as the call that it takes the place of, unless it is one
 * that asks no server. */
static enum fault_call kind_of_statx(long flags)
{
	const long empty_path = 0x1000;  /* AT_EMPTY_PATH */
	const long do_not_sync = 0x4000; /* AT_STATX_DONT_SYNC */

	if ((flags & do_not_sync) != 0)
		return FAULT_STATX;
	if ((flags & empty_path) != 0)
		return FAULT_FSTAT;
	return (flags & AT_SYMLINK_NOFOLLOW) != 0 ? FAULT_LSTAT : FAULT_STAT;
}

/* openat2(2), with the arguments @a. With RESOLVE_CACHED the kernel also
 * refuses with EAGAIN while anything is mounted or unmounted, in any namespace,
 * as other programs of the tests do. A test is not to depend on that. */
static long open_once_more(const long *a)
{
	const struct rotai_open_how *how = (const void *)a[2];
	int tries = how->resolve & ROTAI_CACHED ? 100 : 1;
	long fd;

	do
		fd = __real_syscall(SYSTEM_OPENAT2, a[0], a[1], a[2], a[3]);
	while (fd < 0 && errno == EAGAIN && --tries > 0);
	return fd;
}

/* The calls that the library makes by number. A call has at most six arguments;
 * absent ones are read and passed unused. */
long __wrap_syscall(long number, ...)
{
	va_list arguments;
	long a[6];

	va_start(arguments, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYSTEM_EPOLL_PWAIT2) {
		fault_note_wait_until((const struct timespec *)a[3]);
		if (struck(FAULT_EPOLL_PWAIT2))
			return -1;
	}
	if (number == SYSTEM_PWRITEV2 && struck(FAULT_PWRITEV2))
		return -1;
	if (number == SYSTEM_PREADV2 && struck(FAULT_PREADV2))
		return -1;
	if (number == SYSTEM_STATX && struck(kind_of_statx(a[2])))
		return -1;
	if (number == SYSTEM_RENAMEAT2 && struck(FAULT_RENAMEAT))
		return -1;
	if (number == SYSTEM_COPY_FILE_RANGE && struck(FAULT_COPY_FILE_RANGE))
		return -1;
	if (number == SYSTEM_OPENAT2)
		return struck(FAULT_OPENAT2) ? -1 : open_once_more(a);
	if (number == SYSTEM_PIDFD_OPEN && struck(FAULT_PIDFD_OPEN))
		return -1;
	if (number == SYSTEM_PIDFD_SEND_SIGNAL &&
	    struck(FAULT_PIDFD_SEND_SIGNAL))
		return -1;
	if (number == SYSTEM_CLOSE_RANGE && struck(FAULT_CLOSE_RANGE))
		return -1;
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t __wrap_preadv(int fd, const struct iovec *bufs, int count, off_t offset)
{
	return struck(FAULT_PREADV) ? -1
				    : __real_preadv(fd, bufs, count, offset);
}

ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t size)
{
	return struck(FAULT_SENDFILE) ? -1
				      : __real_sendfile(to, from, offset, size);
}

int __wrap_timerfd_create(int clock, int flags)
{
	return struck(FAULT_TIMERFD_CREATE)
		       ? -1
		       : __real_timerfd_create(clock, flags);
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
	return struck(FAULT_GETIFADDRS) ? -1 : __real_getifaddrs(list);
}

unsigned __wrap_if_nametoindex(const char *name)
{
	return struck(FAULT_IF_NAMETOINDEX) ? 0 : __real_if_nametoindex(name);
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
	fault_note_wait_until(timeout);
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

/* A wait that a signal interrupts has made its changes: so does this one. */
int __wrap_kevent(int queue, const struct kevent *changes, int change_count,
		  struct kevent *events, int event_count,
		  const struct timespec *timeout)
{
	int error = fault_strike(FAULT_KEVENT);
	int result = -1;

	if (event_count > 0)
		fault_note_wait_until(timeout);
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

/* The third argument is read as by open() itself: even if it is absent. */
int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	unsigned mode;

	if (struck(FAULT_OPEN))
		return -1;
	va_start(arguments, flags);
	mode = va_arg(arguments, unsigned);
	va_end(arguments);
	return __real_open(path, flags, mode);
}

/* The same. */
int __wrap_openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	unsigned mode;

	if (struck(FAULT_OPEN))
		return -1;
	va_start(arguments, flags);
	mode = va_arg(arguments, unsigned);
	va_end(arguments);
	return __real_openat(directory, path, flags, mode);
}

int __wrap_fstatat(int directory, const char *path, struct stat *status,
		   int flags)
{
	if (struck((flags & AT_SYMLINK_NOFOLLOW) != 0 ? FAULT_LSTAT
						      : FAULT_STAT))
		return -1;
	return __real_fstatat(directory, path, status, flags);
}

static int close_passing(int fd)
{
	int result;

	if (kqd_close == NULL)
		return __real_close(fd);
	fault_pass_begin(); /* (2) */
	result = kqd_close(fd);
	fault_pass_end();
	return result;
}

/* A close that must fail closes the descriptor all the same. */
int __wrap_close(int fd)
{
	int error = fault_strike(FAULT_CLOSE);
	int result = close_passing(fd);

	if (error == 0)
		return result;
	errno = error;
	return -1;
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
	ssize_t result;

	if (struck(FAULT_READ))
		return -1;
	if (kqd_read == NULL)
		return __real_read(fd, data, size);
	fault_pass_begin(); /* (2) */
	result = kqd_read(fd, data, size);
	fault_pass_end();
	return result;
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	return struck(FAULT_PREAD) ? -1 : __real_pread(fd, data, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return struck(FAULT_PWRITE) ? -1
				    : __real_pwrite(fd, data, size, offset);
}

void *__wrap_malloc(size_t size)
{
	return struck(FAULT_MALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return struck(FAULT_REALLOC) ? NULL : __real_realloc(memory, size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return struck(FAULT_CALLOC) ? NULL : __real_calloc(count, size);
}

/* Counts, but never fails; a free of NULL does not count. */
void __wrap_free(void *memory)
{
	if (memory != NULL)
		(void)fault_strike(FAULT_FREE);
	__real_free(memory);
}

int __wrap_stat(const char *path, struct stat *status)
{
	return struck(FAULT_STAT) ? -1 : __real_stat(path, status);
}

/* Returns its error, and leaves errno unchanged. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*run)(void *arg), void *arg)
{
	int error = fault_strike(FAULT_PTHREAD_CREATE);

	return error != 0 ? error
			  : __real_pthread_create(thread, attributes, run, arg);
}

/* These as well. */
int __wrap_pthread_attr_init(pthread_attr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_ATTR_INIT);

	return error != 0 ? error : __real_pthread_attr_init(attributes);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *lock,
			      const pthread_mutexattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_MUTEX_INIT);

	return error != 0 ? error : __real_pthread_mutex_init(lock, attributes);
}

int __wrap_pthread_condattr_init(pthread_condattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_CONDATTR_INIT);

	return error != 0 ? error : __real_pthread_condattr_init(attributes);
}

int __wrap_pthread_cond_init(pthread_cond_t *condition,
			     const pthread_condattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_COND_INIT);

	return error != 0 ? error
			  : __real_pthread_cond_init(condition, attributes);
}

int __wrap_pthread_key_create(pthread_key_t *key,
			      void (*destructor)(void *value))
{
	int error = fault_strike(FAULT_PTHREAD_KEY_CREATE);

	return error != 0 ? error : __real_pthread_key_create(key, destructor);
}

int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	int error = fault_strike(FAULT_PTHREAD_SETSPECIFIC);

	return error != 0 ? error : __real_pthread_setspecific(key, value);
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

/* The argument may be an int, a pointer or absent: a long passes any of them
 * whole. */
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

/* Returns its error, and leaves errno unchanged. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void))
{
	int error = fault_strike(FAULT_PTHREAD_ATFORK);

	return error != 0 ? error
			  : __real_pthread_atfork(prepare, parent, child);
}

int __wrap_sigaction(int number, const struct sigaction *action,
		     struct sigaction *before)
{
	if (struck(FAULT_SIGACTION))
		return -1;
	return kqd_sigaction != NULL ? kqd_sigaction(number, action, before)
				     : __real_sigaction(number, action, before);
}

int __wrap_socket(int domain, int type, int protocol)
{
	return struck(FAULT_SOCKET) ? -1
				    : __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return struck(FAULT_BIND) ? -1 : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog)
{
	return struck(FAULT_LISTEN) ? -1 : __real_listen(fd, backlog);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	int result;

	if (struck(FAULT_CONNECT))
		return -1;
	if (kqd_connect == NULL)
		return __real_connect(fd, address, size);
	fault_pass_begin(); /* (2) */
	result = kqd_connect(fd, address, size);
	fault_pass_end();
	return result;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return struck(FAULT_ACCEPT4) ? -1
				     : __real_accept4(fd, address, size, flags);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	return struck(FAULT_GETSOCKNAME)
		       ? -1
		       : __real_getsockname(fd, address, size);
}

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	return struck(FAULT_GETPEERNAME)
		       ? -1
		       : __real_getpeername(fd, address, size);
}

int __wrap_getsockopt(int fd, int level, int option, void *value,
		      socklen_t *size)
{
	int result;

	if (struck(FAULT_GETSOCKOPT))
		return -1;
	if (kqd_getsockopt == NULL)
		return __real_getsockopt(fd, level, option, value, size);
	fault_pass_begin(); /* (2) */
	result = kqd_getsockopt(fd, level, option, value, size);
	fault_pass_end();
	return result;
}

int __wrap_setsockopt(int fd, int level, int option, const void *value,
		      socklen_t size)
{
	return struck(FAULT_SETSOCKOPT)
		       ? -1
		       : __real_setsockopt(fd, level, option, value, size);
}

int __wrap_shutdown(int fd, int how)
{
	return struck(FAULT_SHUTDOWN) ? -1 : __real_shutdown(fd, how);
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
	ssize_t result;

	if (struck(FAULT_RECV))
		return -1;
	if (kqd_recv == NULL)
		return __real_recv(fd, data, size, flags);
	fault_pass_begin(); /* (2) */
	result = kqd_recv(fd, data, size, flags);
	fault_pass_end();
	return result;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	ssize_t result;

	if (struck(FAULT_SEND))
		return -1;
	if (kqd_send == NULL)
		return __real_send(fd, data, size, flags);
	fault_pass_begin(); /* (2) */
	result = kqd_send(fd, data, size, flags);
	fault_pass_end();
	return result;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t result;

	if (struck(FAULT_SENDMSG))
		return -1;
	if (kqd_sendmsg == NULL)
		return __real_sendmsg(fd, message, flags);
	fault_pass_begin(); /* (2) */
	result = kqd_sendmsg(fd, message, flags);
	fault_pass_end();
	return result;
}

ssize_t __wrap_writev(int fd, const struct iovec *bufs, int count)
{
	ssize_t result;

	if (struck(FAULT_WRITEV))
		return -1;
	if (kqd_writev == NULL)
		return __real_writev(fd, bufs, count);
	fault_pass_begin(); /* (2) */
	result = kqd_writev(fd, bufs, count);
	fault_pass_end();
	return result;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result;

	if (struck(FAULT_RECVMSG))
		return -1;
	if (kqd_recvmsg == NULL)
		return __real_recvmsg(fd, message, flags);
	fault_pass_begin(); /* (2) */
	result = kqd_recvmsg(fd, message, flags);
	fault_pass_end();
	return result;
}

int __wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
	return struck(FAULT_SOCKETPAIR)
		       ? -1
		       : __real_socketpair(domain, type, protocol, fds);
}

int __wrap_lstat(const char *path, struct stat *status)
{
	return struck(FAULT_LSTAT) ? -1 : __real_lstat(path, status);
}

int __wrap_unlink(const char *path)
{
	return struck(FAULT_UNLINK) ? -1 : __real_unlink(path);
}

int __wrap_rename(const char *from, const char *to)
{
	return struck(FAULT_RENAME) ? -1 : __real_rename(from, to);
}

int __wrap_link(const char *from, const char *to)
{
	return struck(FAULT_LINK) ? -1 : __real_link(from, to);
}

int __wrap_fchmodat(int directory, const char *path, mode_t mode, int flags)
{
	return struck(FAULT_FCHMODAT)
		       ? -1
		       : __real_fchmodat(directory, path, mode, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		    struct timespec *timeout)
{
	return struck(FAULT_RECVMMSG)
		       ? -1
		       : __real_recvmmsg(fd, messages, count, flags, timeout);
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	return struck(FAULT_SENDMMSG)
		       ? -1
		       : __real_sendmmsg(fd, messages, count, flags);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd,
		  off_t offset)
{
	return struck(FAULT_MMAP) ? MAP_FAILED
				  : __real_mmap(address, size, protection,
						flags, fd, offset);
}
