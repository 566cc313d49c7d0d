/*
 * tests/support/fault_darwin.c - catches system calls on macOS, whose linker
 * has no --wrap; see fault.h.
 *
 *  1. The test program defines the functions itself. The library is linked
 *     into it as an archive, so its calls come here, while the system's own
 *     libraries are bound to each other and do not.
 *  2. The real one is the next in the order in which dlsym(3) looks. All are
 *     found before main(), as signal handlers write, and dlsym(3) is not for
 *     them.
 *  3. On x86_64 <sys/stat.h> gives fstat() another name in the object file.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "fault.h"
#include "fault_calls.h"

#ifdef __x86_64__
#define FSTAT "fstat$INODE64" /* (3) */
#else
#define FSTAT "fstat"
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
static int (*real_fcntl)(int, int, ...);
static int (*real_fstat)(int, struct stat *);
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
	find("pthread_atfork", &real_pthread_atfork);
}

int kqueue(void)
{
	if (struck(FAULT_KQUEUE))
		return -1;
	return real_kqueue();
}

/* A wait that a signal cuts short has made its changes: so does this one. */
int kevent(int queue, const struct kevent *changes, int change_count,
	   struct kevent *events, int event_count,
	   const struct timespec *timeout)
{
	int error = fault_strike(FAULT_KEVENT);

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

/* The argument may be an int, a pointer or none: as a long it passes whole. */
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

/* Returns its error, and leaves errno alone. */
int pthread_atfork(void (*prepare)(void), void (*parent)(void),
		   void (*child)(void))
{
	int error = fault_strike(FAULT_PTHREAD_ATFORK);

	if (error != 0)
		return error;
	return real_pthread_atfork(prepare, parent, child);
}
