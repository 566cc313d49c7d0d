/*
 * tests/support/fault_calls.h - the interface between fault.c, which counts and
 * decides, and the file that catches the calls: fault_wrap.c or fault_darwin.c.
 */
#ifndef TESTS_SUPPORT_FAULT_CALLS_H
#define TESTS_SUPPORT_FAULT_CALLS_H

#include <stdint.h>
#include <time.h>

enum fault_call {
	FAULT_EPOLL_CREATE1,
	FAULT_EPOLL_CTL,
	FAULT_EPOLL_WAIT,
	FAULT_EPOLL_PWAIT2,
	FAULT_EVENTFD,
	FAULT_PIPE2, /* pipe() where there is no pipe2() */
	FAULT_PPOLL, /* poll() where there is no ppoll() */
	FAULT_KQUEUE,
	FAULT_KEVENT,
	FAULT_WRITE,
	FAULT_FCNTL,
	FAULT_FSTAT,
	FAULT_PTHREAD_ATFORK,

	/* These count only by name and in no total: the tests make them too. */
	FAULT_BY_NAME,
	FAULT_OPEN = FAULT_BY_NAME,
	FAULT_STAT,
	FAULT_CLOSE,
	FAULT_READ,
	FAULT_PREAD,
	FAULT_PWRITE,
	FAULT_MALLOC,
	FAULT_REALLOC,
	FAULT_CALLOC,
	FAULT_FREE,
	FAULT_PTHREAD_CREATE,
	FAULT_PTHREAD_ATTR_INIT,
	FAULT_PTHREAD_MUTEX_INIT,
	FAULT_PTHREAD_CONDATTR_INIT,
	FAULT_PTHREAD_COND_INIT,
	FAULT_PTHREAD_KEY_CREATE,
	FAULT_PTHREAD_SETSPECIFIC,
	FAULT_SIGACTION,
	FAULT_SOCKET,
	FAULT_BIND,
	FAULT_LISTEN,
	FAULT_CONNECT,
	FAULT_ACCEPT4, /* accept() where there is no accept4() */
	FAULT_GETSOCKNAME,
	FAULT_GETPEERNAME,
	FAULT_GETSOCKOPT,
	FAULT_SETSOCKOPT,
	FAULT_SHUTDOWN,
	FAULT_RECV,
	FAULT_SEND,
	FAULT_SENDMSG,
	FAULT_WRITEV,
	FAULT_PWRITEV2, /* only where it is called by number */
	FAULT_RECVMSG,
	FAULT_SOCKETPAIR,
	FAULT_LSTAT,
	FAULT_UNLINK,
	FAULT_RENAME,
	FAULT_LINK,
	FAULT_FCHMODAT,
	FAULT_TCGETATTR,
	FAULT_TCSETATTR,
	FAULT_IOCTL,
	FAULT_ATEXIT,
	FAULT_PREADV2, /* only where it is called by number */
	FAULT_PREADV,
	FAULT_SENDFILE, /* Linux */
	FAULT_GETIFADDRS,
	FAULT_IF_NAMETOINDEX,
	FAULT_TIMERFD_CREATE, /* Linux */
	FAULT_GETADDRINFO,
	FAULT_GETNAMEINFO,
	FAULT_RECVMMSG, /* Linux */
	FAULT_SENDMMSG, /* Linux */
	FAULT_MMAP,
	FAULT_INOTIFY_INIT1,     /* Linux */
	FAULT_INOTIFY_ADD_WATCH, /* Linux */
	FAULT_GETPWNAM_R,
	FAULT_GETPWUID_R,
	FAULT_GETGRNAM_R,
	FAULT_GETGRGID_R,
	FAULT_GETGROUPLIST,
	FAULT_GETRANDOM, /* Linux */
	FAULT_GETCWD,
	FAULT_UNAME,
	FAULT_GETHOSTNAME,
	FAULT_READLINK,
	FAULT_GETRUSAGE,
	FAULT_FORK,
	FAULT_CLONE,             /* Linux */
	FAULT_PIDFD_OPEN,        /* only where it is called by number */
	FAULT_PIDFD_SEND_SIGNAL, /* the same */
	FAULT_CLOSE_RANGE,       /* the same, in children too */

	/* fault_fail_any_file() counts these, and some of those above. */
	FAULT_OF_FILES,
	FAULT_UNLINKAT = FAULT_OF_FILES,
	FAULT_RENAMEAT,
	FAULT_LINKAT,
	FAULT_READLINKAT,
	FAULT_FSYNC,
	FAULT_FCHMOD,
	FAULT_FCHOWN,
	FAULT_FTRUNCATE,
	FAULT_FUTIMENS,
	FAULT_LSEEK,
	FAULT_READDIR,
	FAULT_FDOPENDIR,
	FAULT_COPY_FILE_RANGE, /* Linux */
	FAULT_OPENAT2,         /* only where it is called by number */
	FAULT_STATX,           /* the same */
	FAULT_CALL_COUNT,
};

/* Count one call. Returns 0, or the error with which it must fail. */
int fault_strike(enum fault_call call);

/* Note how long the next wait of the kernel may take; -1: without a limit. */
void fault_note_wait(int64_t timeout_ns);
void fault_note_wait_until(const struct timespec *timeout); /* NULL: none */

/* A test double makes system calls of its own. Between begin and end, the calls
 * of this thread are neither counted nor failed. */
void fault_pass_begin(void);
void fault_pass_end(void);

#endif
