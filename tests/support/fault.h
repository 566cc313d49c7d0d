/*
 * tests/support/fault.h - make the nth system call fail.
 *
 * The calls that the library makes are caught by the linker (--wrap, see
 * fault.flags), so the library itself knows nothing of this. The names are
 * those of the calls: "epoll_create1", "epoll_ctl", "epoll_wait",
 * "epoll_pwait2", "eventfd", "pipe2", "ppoll", "kqueue", "kevent", "write",
 * "fcntl", "fstat", "pthread_atfork"; and, for those who name them only, "open",
 * "stat", "close", "read", "pread", "pwrite", "malloc", "realloc", "calloc",
 * "free", "pthread_create", "pthread_attr_init", "pthread_mutex_init",
 * "pthread_condattr_init", "pthread_cond_init", "pthread_key_create",
 * "pthread_setspecific", "socket", "bind", "listen", "connect", "accept4",
 * "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown", "recv",
 * "send", "sendmsg".
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdint.h>

/* Let the nth call of @name from now on (1: the next) return -1 with @error in
 * errno, without being made; but a "close" and a "free" are made, "malloc", "realloc" and
 * "calloc" return NULL, and the calls of pthreads return @error. One fault is
 * armed at a time. */
void fault_fail(const char *name, unsigned nth, int error);

/* The same from the nth call on, until fault_clear(). */
void fault_fail_from(const char *name, unsigned nth, int error);

/* Let the nth call of any of the names fail. */
void fault_fail_any(unsigned nth, int error);

/* Have @before(@arg) called as the nth call of @name is about to be made, by the
 * thread that makes it. */
void fault_call_before(const char *name, unsigned nth,
		       void (*before)(void *arg), void *arg);

/* The same, and then that call fails, as fault_fail() has it: so @before may make
 * it, and the caller is told that it was interrupted. */
void fault_fail_after(const char *name, unsigned nth, int error,
		      void (*before)(void *arg), void *arg);

/* Disarm. Returns how many calls were made to fail, or had something
 * called before them, since arming. */
unsigned fault_clear(void);

/* How many calls of @name have been made since the last fault_count_reset();
 * NULL: of all. Counted on every thread. */
unsigned fault_count(const char *name);
void fault_count_reset(void);

/* For how many nanoseconds the kernel was last asked to wait for events, by any
 * of the calls for that, also by one that was made to fail. -1: no limit. */
int64_t fault_waited_ns(void);

#endif
