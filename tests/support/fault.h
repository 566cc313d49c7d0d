/*
 * tests/support/fault.h - make the nth system call fail.
 *
 * The linker (--wrap, see fault.flags) redirects the calls that the library
 * makes, so the library itself knows nothing of this. The names are those of
 * the calls: "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait2",
 * "eventfd", "pipe2", "ppoll", "kqueue", "kevent", "write", "fcntl", "fstat",
 * "pthread_atfork". Some calls count only if a test names them: "open", "stat",
 * "close", "read", "pread", "pwrite", "malloc", "realloc", "calloc", "free",
 * "pthread_create", "pthread_attr_init", "pthread_mutex_init",
 * "pthread_condattr_init", "pthread_cond_init", "pthread_key_create",
 * "pthread_setspecific", "sigaction", "socket", "bind", "listen", "connect",
 * "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt",
 * "shutdown", "recv", "send", "sendmsg", "writev", "pwritev2", "recvmsg",
 * "socketpair", "lstat", "unlink", "rename", "link", "fchmodat", "tcgetattr",
 * "tcsetattr", "ioctl", "atexit", "preadv2", "preadv", "sendfile",
 * "getifaddrs", "if_nametoindex", "timerfd_create", "getaddrinfo",
 * "getnameinfo", "recvmmsg", "sendmmsg", "mmap", "inotify_init1",
 * "inotify_add_watch", "getpwnam_r", "getpwuid_r", "getgrnam_r", "getgrgid_r",
 * "getgrouplist", "getrandom", "getcwd", "uname", "gethostname", "readlink",
 * "getrusage", "fork", "clone", "pidfd_open", "pidfd_send_signal",
 * "close_range", "unlinkat", "renameat", "linkat", "readlinkat", "fsync",
 * "fchmod", "fchown", "ftruncate", "futimens", "lseek", "readdir", "fdopendir",
 * "copy_file_range", "openat2", "statx". Of those from "unlinkat" on, macOS
 * has "unlinkat" alone.
 *
 * "open" counts openat(2) as well; "stat", "lstat" and "fstat" count fstatat(2)
 * and statx(2) as well. "statx" counts those that do not ask a server.
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdint.h>

/* Let the nth call of @name from now on (1: the next) fail: it is not made, and
 * returns -1 with @error in errno. Exceptions: a "close" or a "free" is made
 * all the same; "malloc", "realloc" and "calloc" return NULL; the calls of
 * pthreads and those whose names end in _r return @error; "getaddrinfo" and
 * "getnameinfo" return EAI_SYSTEM. One fault is armed at a time. */
void fault_fail(const char *name, unsigned nth, int error);

/* The same for the nth call and all later ones, until fault_clear(). */
void fault_fail_from(const char *name, unsigned nth, int error);

/* Let the nth call of all the names together fail. */
void fault_fail_any(unsigned nth, int error);

/* Let the nth call fail of all that are made for files: "open", "stat",
 * "fstat", "close", "read", "pread", "write", "pwrite", "ioctl", and those from
 * "openat" on in the list above. */
void fault_fail_any_file(unsigned nth, int error);

/* Call @before(@arg) just before the nth call of @name is made, in the thread
 * that makes it. @before may arm the next fault. */
void fault_call_before(const char *name, unsigned nth,
		       void (*before)(void *arg), void *arg);

/* The same, and then that call fails, as with fault_fail(). So @before may make
 * the call itself, and the caller gets the error that it was interrupted. */
void fault_fail_after(const char *name, unsigned nth, int error,
		      void (*before)(void *arg), void *arg);

/* Disarm. Returns how many calls since arming have failed, or had @before
 * called for them. */
unsigned fault_clear(void);

/* Return how many calls of @name, or with NULL of all names, were made since
 * the last fault_count_reset(). All threads are counted. */
unsigned fault_count(const char *name);
void fault_count_reset(void);

/* For how many nanoseconds the kernel was last asked to wait for events, by any
 * of the calls for that, also by one that was made to fail. -1: no limit. */
int64_t fault_waited_ns(void);

#endif
