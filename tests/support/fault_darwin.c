/*
 * tests/support/fault_darwin.c - catches system calls on macOS, whose linker
 * has no --wrap; see fault.h.
 *
 *  1. The test program defines the functions itself. The library is linked into
 *     it as an archive, so its calls come here. The system's own libraries are
 *     bound to each other, so their calls do not.
 *  2. The real function is the next one in the search order of dlsym(3). All
 *     are found before main(), because signal handlers call write(2) and must
 *     not call dlsym(3).
 *  3. On x86_64 <sys/stat.h> gives fstat() and stat() other names in the object
 *     file.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fault.h"
#include "fault_calls.h"

#ifdef __x86_64__
#define FSTAT   "fstat$INODE64" /* (3) */
#define STAT    "stat$INODE64"
#define LSTAT   "lstat$INODE64"
#define FSTATAT "fstatat$INODE64"
#else
#define FSTAT   "fstat"
#define STAT    "stat"
#define LSTAT   "lstat"
#define FSTATAT "fstatat"
#endif

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

static int (*real_kqueue)(void);
static int (*real_kevent)(int, const struct kevent *, int, struct kevent *, int,
			  const struct timespec *);
static int (*real_pipe)(int[2]);
static int (*real_poll)(struct pollfd *, nfds_t, int);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_fstatat)(int, const char *, struct stat *, int);
static int (*real_close)(int);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static void *(*real_malloc)(size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_calloc)(size_t, size_t);
static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *,
				  void *(*)(void *), void *);
static int (*real_pthread_attr_init)(pthread_attr_t *attributes);
static int (*real_pthread_mutex_init)(pthread_mutex_t *lock,
				      const pthread_mutexattr_t *attributes);
static int (*real_pthread_condattr_init)(pthread_condattr_t *attributes);
static int (*real_pthread_cond_init)(pthread_cond_t *condition,
				     const pthread_condattr_t *attributes);
static int (*real_pthread_key_create)(pthread_key_t *key,
				      void (*destructor)(void *value));
static int (*real_pthread_setspecific)(pthread_key_t key, const void *value);
static int (*real_fcntl)(int, int, ...);
static int (*real_fstat)(int, struct stat *);
static int (*real_stat)(const char *, struct stat *);
static void (*real_free)(void *);
static int (*real_sigaction)(int number, const struct sigaction *action,
			     struct sigaction *before);
static int (*real_socket)(int domain, int type, int protocol);
static int (*real_bind)(int fd, const struct sockaddr *address, socklen_t size);
static int (*real_listen)(int fd, int backlog);
static int (*real_connect)(int fd, const struct sockaddr *address,
			   socklen_t size);
static int (*real_accept)(int fd, struct sockaddr *address, socklen_t *size);
static int (*real_getsockname)(int fd, struct sockaddr *address,
			       socklen_t *size);
static int (*real_getpeername)(int fd, struct sockaddr *address,
			       socklen_t *size);
static int (*real_getsockopt)(int fd, int level, int option, void *value,
			      socklen_t *size);
static int (*real_setsockopt)(int fd, int level, int option, const void *value,
			      socklen_t size);
static int (*real_shutdown)(int fd, int how);
static ssize_t (*real_recv)(int fd, void *data, size_t size, int flags);
static ssize_t (*real_send)(int fd, const void *data, size_t size, int flags);
static void *(*real_mmap)(void *address, size_t size, int protection, int flags,
			  int fd, off_t offset);
static ssize_t (*real_sendmsg)(int fd, const struct msghdr *message, int flags);
static ssize_t (*real_writev)(int fd, const struct iovec *bufs, int count);
static ssize_t (*real_recvmsg)(int fd, struct msghdr *message, int flags);
static int (*real_socketpair)(int domain, int type, int protocol, int fds[2]);
static int (*real_lstat)(const char *path, struct stat *status);
static int (*real_unlink)(const char *path);
static int (*real_rename)(const char *from, const char *to);
static int (*real_link)(const char *from, const char *to);
static int (*real_fchmodat)(int directory, const char *path, mode_t mode,
			    int flags);
static int (*real_pthread_atfork)(void (*)(void), void (*)(void),
				  void (*)(void));

/* Store the real @name in *@function, which is a pointer to a function: C has
 * no cast from the void * that dlsym() returns. */
static void find(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (symbol == NULL) {
		fprintf(stderr, "fault_darwin.c: there is no %s\n", name);
		abort();
	}
	memcpy(function, &symbol, sizeof(symbol));
}

__attribute__((constructor)) static void find_all(void) /* (2) */
{
	find("kqueue", &real_kqueue);
	find("kevent", &real_kevent);
	find("pipe", &real_pipe);
	find("poll", &real_poll);
	find("write", &real_write);
	find("fcntl", &real_fcntl);
	find(FSTAT, &real_fstat);
	find(STAT, &real_stat);
	find("free", &real_free);
	find("pthread_atfork", &real_pthread_atfork);
	find("open", &real_open);
	find("openat", &real_openat);
	find(FSTATAT, &real_fstatat);
	find("close", &real_close);
	find("read", &real_read);
	find("pread", &real_pread);
	find("pwrite", &real_pwrite);
	find("malloc", &real_malloc);
	find("realloc", &real_realloc);
	find("calloc", &real_calloc);
	find("pthread_create", &real_pthread_create);
	find("pthread_attr_init", &real_pthread_attr_init);
	find("pthread_mutex_init", &real_pthread_mutex_init);
	find("pthread_condattr_init", &real_pthread_condattr_init);
	find("pthread_cond_init", &real_pthread_cond_init);
	find("pthread_key_create", &real_pthread_key_create);
	find("pthread_setspecific", &real_pthread_setspecific);
	find("sigaction", &real_sigaction);
	find("socket", &real_socket);
	find("bind", &real_bind);
	find("listen", &real_listen);
	find("connect", &real_connect);
	find("accept", &real_accept);
	find("getsockname", &real_getsockname);
	find("getpeername", &real_getpeername);
	find("getsockopt", &real_getsockopt);
	find("setsockopt", &real_setsockopt);
	find("shutdown", &real_shutdown);
	find("recv", &real_recv);
	find("send", &real_send);
	find("mmap", &real_mmap);
	find("sendmsg", &real_sendmsg);
	find("writev", &real_writev);
	find("recvmsg", &real_recvmsg);
	find("socketpair", &real_socketpair);
	find(LSTAT, &real_lstat);
	find("unlink", &real_unlink);
	find("rename", &real_rename);
	find("link", &real_link);
	find("fchmodat", &real_fchmodat);
}

int kqueue(void)
{
	if (struck(FAULT_KQUEUE))
		return -1;
	return real_kqueue();
}

/* A wait that a signal interrupts has made its changes: so does this one. */
int kevent(int queue, const struct kevent *changes, int change_count,
	   struct kevent *events, int event_count,
	   const struct timespec *timeout)
{
	int error = fault_strike(FAULT_KEVENT);

	if (event_count > 0)
		fault_note_wait_until(timeout);
	if (error == 0)
		return real_kevent(queue, changes, change_count, events,
				   event_count, timeout);
	if (error == EINTR)
		(void)real_kevent(queue, changes, change_count, NULL, 0, NULL);
	errno = error;
	return -1;
}

int pipe(int fds[2])
{
	if (struck(FAULT_PIPE2))
		return -1;
	return real_pipe(fds);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	fault_note_wait(timeout < 0 ? -1 : (int64_t)timeout * 1000000);
	if (struck(FAULT_PPOLL))
		return -1;
	return real_poll(fds, count, timeout);
}

ssize_t write(int fd, const void *data, size_t size)
{
	if (struck(FAULT_WRITE))
		return -1;
	return real_write(fd, data, size);
}

/* The argument may be an int, a pointer or absent: a long passes any of them
 * whole. */
int fcntl(int fd, int command, ...)
{
	va_list arguments;
	long argument;

	if (struck(FAULT_FCNTL))
		return -1;
	va_start(arguments, command);
	argument = va_arg(arguments, long);
	va_end(arguments);
	return real_fcntl(fd, command, argument);
}

int fstat(int fd, struct stat *status)
{
	if (struck(FAULT_FSTAT))
		return -1;
	return real_fstat(fd, status);
}

int stat(const char *path, struct stat *status)
{
	if (struck(FAULT_STAT))
		return -1;
	return real_stat(path, status);
}

/* Returns its error, and leaves errno unchanged. */
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
		   void (*child)(void))
{
	int error = fault_strike(FAULT_PTHREAD_ATFORK);

	if (error != 0)
		return error;
	return real_pthread_atfork(prepare, parent, child);
}

/* The third argument is read as by open() itself: even if it is absent. */
int open(const char *path, int flags, ...)
{
	va_list arguments;
	int mode;

	if (struck(FAULT_OPEN))
		return -1;
	va_start(arguments, flags);
	mode = va_arg(arguments, int);
	va_end(arguments);
	return real_open(path, flags, mode);
}

/* The same. */
int openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	int mode;

	if (struck(FAULT_OPEN))
		return -1;
	va_start(arguments, flags);
	mode = va_arg(arguments, int);
	va_end(arguments);
	return real_openat(directory, path, flags, mode);
}

int fstatat(int directory, const char *path, struct stat *status, int flags)
{
	if (struck((flags & AT_SYMLINK_NOFOLLOW) != 0 ? FAULT_LSTAT
						      : FAULT_STAT))
		return -1;
	return real_fstatat(directory, path, status, flags);
}

/* A close that must fail closes the descriptor all the same. */
int close(int fd)
{
	int error = fault_strike(FAULT_CLOSE);
	int result = real_close(fd);

	if (error == 0)
		return result;
	errno = error;
	return -1;
}

ssize_t read(int fd, void *data, size_t size)
{
	if (struck(FAULT_READ))
		return -1;
	return real_read(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
	if (struck(FAULT_PREAD))
		return -1;
	return real_pread(fd, data, size, offset);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	if (struck(FAULT_PWRITE))
		return -1;
	return real_pwrite(fd, data, size, offset);
}

void *malloc(size_t size)
{
	if (struck(FAULT_MALLOC))
		return NULL;
	return real_malloc(size);
}

void *realloc(void *memory, size_t size)
{
	if (struck(FAULT_REALLOC))
		return NULL;
	return real_realloc(memory, size);
}

void *calloc(size_t count, size_t size)
{
	if (struck(FAULT_CALLOC))
		return NULL;
	return real_calloc(count, size);
}

/* Counts, but never fails; a free of NULL does not count. */
void free(void *memory)
{
	if (memory != NULL)
		(void)fault_strike(FAULT_FREE);
	if (real_free != NULL)
		real_free(memory);
}

/* Returns its error, and leaves errno unchanged. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
		   void *(*run)(void *arg), void *arg)
{
	int error = fault_strike(FAULT_PTHREAD_CREATE);

	if (error != 0)
		return error;
	return real_pthread_create(thread, attributes, run, arg);
}

/* These as well. */
int pthread_attr_init(pthread_attr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_ATTR_INIT);

	if (error != 0)
		return error;
	return real_pthread_attr_init(attributes);
}

int pthread_mutex_init(pthread_mutex_t *lock,
		       const pthread_mutexattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_MUTEX_INIT);

	if (error != 0)
		return error;
	return real_pthread_mutex_init(lock, attributes);
}

int pthread_condattr_init(pthread_condattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_CONDATTR_INIT);

	if (error != 0)
		return error;
	return real_pthread_condattr_init(attributes);
}

int pthread_cond_init(pthread_cond_t *condition,
		      const pthread_condattr_t *attributes)
{
	int error = fault_strike(FAULT_PTHREAD_COND_INIT);

	if (error != 0)
		return error;
	return real_pthread_cond_init(condition, attributes);
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *value))
{
	int error = fault_strike(FAULT_PTHREAD_KEY_CREATE);

	if (error != 0)
		return error;
	return real_pthread_key_create(key, destructor);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
	int error = fault_strike(FAULT_PTHREAD_SETSPECIFIC);

	if (error != 0)
		return error;
	return real_pthread_setspecific(key, value);
}

int sigaction(int number, const struct sigaction *action,
	      struct sigaction *before)
{
	if (struck(FAULT_SIGACTION))
		return -1;
	return real_sigaction(number, action, before);
}

int socket(int domain, int type, int protocol)
{
	if (struck(FAULT_SOCKET))
		return -1;
	return real_socket(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	if (struck(FAULT_BIND))
		return -1;
	return real_bind(fd, address, size);
}

int listen(int fd, int backlog)
{
	if (struck(FAULT_LISTEN))
		return -1;
	return real_listen(fd, backlog);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	if (struck(FAULT_CONNECT))
		return -1;
	return real_connect(fd, address, size);
}

int accept(int fd, struct sockaddr *address, socklen_t *size)
{
	if (struck(FAULT_ACCEPT4))
		return -1;
	return real_accept(fd, address, size);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	if (struck(FAULT_GETSOCKNAME))
		return -1;
	return real_getsockname(fd, address, size);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	if (struck(FAULT_GETPEERNAME))
		return -1;
	return real_getpeername(fd, address, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	if (struck(FAULT_GETSOCKOPT))
		return -1;
	return real_getsockopt(fd, level, option, value, size);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	if (struck(FAULT_SETSOCKOPT))
		return -1;
	return real_setsockopt(fd, level, option, value, size);
}

int shutdown(int fd, int how)
{
	if (struck(FAULT_SHUTDOWN))
		return -1;
	return real_shutdown(fd, how);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
	if (struck(FAULT_RECV))
		return -1;
	return real_recv(fd, data, size, flags);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	if (struck(FAULT_SEND))
		return -1;
	return real_send(fd, data, size, flags);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd,
	   off_t offset)
{
	if (struck(FAULT_MMAP))
		return MAP_FAILED;
	return real_mmap(address, size, protection, flags, fd, offset);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (struck(FAULT_SENDMSG))
		return -1;
	return real_sendmsg(fd, message, flags);
}

ssize_t writev(int fd, const struct iovec *bufs, int count)
{
	if (struck(FAULT_WRITEV))
		return -1;
	return real_writev(fd, bufs, count);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (struck(FAULT_RECVMSG))
		return -1;
	return real_recvmsg(fd, message, flags);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	if (struck(FAULT_SOCKETPAIR))
		return -1;
	return real_socketpair(domain, type, protocol, fds);
}

int lstat(const char *path, struct stat *status)
{
	if (struck(FAULT_LSTAT))
		return -1;
	return real_lstat(path, status);
}

int unlink(const char *path)
{
	if (struck(FAULT_UNLINK))
		return -1;
	return real_unlink(path);
}

int rename(const char *from, const char *to)
{
	if (struck(FAULT_RENAME))
		return -1;
	return real_rename(from, to);
}

int link(const char *from, const char *to)
{
	if (struck(FAULT_LINK))
		return -1;
	return real_link(from, to);
}

int fchmodat(int directory, const char *path, mode_t mode, int flags)
{
	if (struck(FAULT_FCHMODAT))
		return -1;
	return real_fchmodat(directory, path, mode, flags);
}
