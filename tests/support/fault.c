/*
 * tests/support/fault.c - counts system calls and decides which one fails; see
 * fault.h. It catches none itself: fault_wrap.c and fault_darwin.c do, and call
 * fault_strike().
 *
 *  1. One thread arms and clears a fault, while other threads may make calls:
 *     `target` is written last when arming, and first when clearing.
 */
#include "fault.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_calls.h"

/* Targets of a fault, besides the values of enum fault_call. */
enum { NOTHING = -1, ANY_CALL = -2, ANY_FILE_CALL = -3 };

static const char *const names[FAULT_CALL_COUNT] = {
	[FAULT_EPOLL_CREATE1] = "epoll_create1",
	[FAULT_EPOLL_CTL] = "epoll_ctl",
	[FAULT_EPOLL_WAIT] = "epoll_wait",
	[FAULT_EPOLL_PWAIT2] = "epoll_pwait2",
	[FAULT_EVENTFD] = "eventfd",
	[FAULT_PIPE2] = "pipe2",
	[FAULT_PPOLL] = "ppoll",
	[FAULT_KQUEUE] = "kqueue",
	[FAULT_KEVENT] = "kevent",
	[FAULT_WRITE] = "write",
	[FAULT_FCNTL] = "fcntl",
	[FAULT_FSTAT] = "fstat",
	[FAULT_PTHREAD_ATFORK] = "pthread_atfork",
	[FAULT_OPEN] = "open",
	[FAULT_STAT] = "stat",
	[FAULT_CLOSE] = "close",
	[FAULT_READ] = "read",
	[FAULT_PREAD] = "pread",
	[FAULT_PWRITE] = "pwrite",
	[FAULT_MALLOC] = "malloc",
	[FAULT_REALLOC] = "realloc",
	[FAULT_CALLOC] = "calloc",
	[FAULT_FREE] = "free",
	[FAULT_PTHREAD_CREATE] = "pthread_create",
	[FAULT_PTHREAD_ATTR_INIT] = "pthread_attr_init",
	[FAULT_PTHREAD_MUTEX_INIT] = "pthread_mutex_init",
	[FAULT_PTHREAD_CONDATTR_INIT] = "pthread_condattr_init",
	[FAULT_PTHREAD_COND_INIT] = "pthread_cond_init",
	[FAULT_PTHREAD_KEY_CREATE] = "pthread_key_create",
	[FAULT_PTHREAD_SETSPECIFIC] = "pthread_setspecific",
	[FAULT_SIGACTION] = "sigaction",
	[FAULT_SOCKET] = "socket",
	[FAULT_BIND] = "bind",
	[FAULT_LISTEN] = "listen",
	[FAULT_CONNECT] = "connect",
	[FAULT_ACCEPT4] = "accept4",
	[FAULT_GETSOCKNAME] = "getsockname",
	[FAULT_GETPEERNAME] = "getpeername",
	[FAULT_GETSOCKOPT] = "getsockopt",
	[FAULT_SETSOCKOPT] = "setsockopt",
	[FAULT_SHUTDOWN] = "shutdown",
	[FAULT_RECV] = "recv",
	[FAULT_SEND] = "send",
	[FAULT_SENDMSG] = "sendmsg",
	[FAULT_WRITEV] = "writev",
	[FAULT_PWRITEV2] = "pwritev2",
	[FAULT_RECVMSG] = "recvmsg",
	[FAULT_SOCKETPAIR] = "socketpair",
	[FAULT_LSTAT] = "lstat",
	[FAULT_UNLINK] = "unlink",
	[FAULT_RENAME] = "rename",
	[FAULT_LINK] = "link",
	[FAULT_FCHMODAT] = "fchmodat",
	[FAULT_TCGETATTR] = "tcgetattr",
	[FAULT_TCSETATTR] = "tcsetattr",
	[FAULT_IOCTL] = "ioctl",
	[FAULT_ATEXIT] = "atexit",
	[FAULT_PREADV2] = "preadv2",
	[FAULT_PREADV] = "preadv",
	[FAULT_SENDFILE] = "sendfile",
	[FAULT_GETIFADDRS] = "getifaddrs",
	[FAULT_IF_NAMETOINDEX] = "if_nametoindex",
	[FAULT_TIMERFD_CREATE] = "timerfd_create",
	[FAULT_GETADDRINFO] = "getaddrinfo",
	[FAULT_GETNAMEINFO] = "getnameinfo",
	[FAULT_RECVMMSG] = "recvmmsg",
	[FAULT_SENDMMSG] = "sendmmsg",
	[FAULT_MMAP] = "mmap",
	[FAULT_INOTIFY_INIT1] = "inotify_init1",
	[FAULT_INOTIFY_ADD_WATCH] = "inotify_add_watch",
	[FAULT_GETPWNAM_R] = "getpwnam_r",
	[FAULT_GETPWUID_R] = "getpwuid_r",
	[FAULT_GETGRNAM_R] = "getgrnam_r",
	[FAULT_GETGRGID_R] = "getgrgid_r",
	[FAULT_GETGROUPLIST] = "getgrouplist",
	[FAULT_GETRANDOM] = "getrandom",
	[FAULT_GETCWD] = "getcwd",
	[FAULT_UNAME] = "uname",
	[FAULT_GETHOSTNAME] = "gethostname",
	[FAULT_READLINK] = "readlink",
	[FAULT_GETRUSAGE] = "getrusage",
	[FAULT_FORK] = "fork",
	[FAULT_CLONE] = "clone",
	[FAULT_PIDFD_OPEN] = "pidfd_open",
	[FAULT_PIDFD_SEND_SIGNAL] = "pidfd_send_signal",
	[FAULT_CLOSE_RANGE] = "close_range",
	[FAULT_UNLINKAT] = "unlinkat",
	[FAULT_RENAMEAT] = "renameat",
	[FAULT_LINKAT] = "linkat",
	[FAULT_READLINKAT] = "readlinkat",
	[FAULT_FSYNC] = "fsync",
	[FAULT_FCHMOD] = "fchmod",
	[FAULT_FCHOWN] = "fchown",
	[FAULT_FTRUNCATE] = "ftruncate",
	[FAULT_FUTIMENS] = "futimens",
	[FAULT_LSEEK] = "lseek",
	[FAULT_READDIR] = "readdir",
	[FAULT_FDOPENDIR] = "fdopendir",
	[FAULT_COPY_FILE_RANGE] = "copy_file_range",
	[FAULT_OPENAT2] = "openat2",
	[FAULT_STATX] = "statx",
};

static atomic_uint counts[FAULT_CALL_COUNT];

static atomic_int target = NOTHING;
static atomic_uint fail_at;
static atomic_uint seen; /* calls of the target since arming */
static atomic_uint failed;
static atomic_int fail_error;
static atomic_bool fail_on;                    /* all later calls fail too */
static void (*_Atomic call_before)(void *arg); /* NULL: nothing */
static void *_Atomic call_before_arg;

static _Atomic int64_t waited_ns;

static const int64_t NS_PER_SECOND = 1000000000;

static _Thread_local unsigned passing;

/* An unknown name would let a test pass without testing anything. */
static int find(const char *name)
{
	for (int i = 0; i < FAULT_CALL_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	fprintf(stderr, "fault.c: no call is named %s\n", name);
	abort();
}

static void arm(int call, unsigned nth, int error, int on)
{
	atomic_store(&target, NOTHING);
	atomic_store(&fail_at, nth);
	atomic_store(&seen, 0);
	atomic_store(&failed, 0);
	atomic_store(&fail_error, error);
	atomic_store(&fail_on, on);
	atomic_store(&call_before, NULL);
	atomic_store(&target, call); /* (1) */
}

void fault_fail(const char *name, unsigned nth, int error)
{
	arm(find(name), nth, error, 0);
}

void fault_fail_from(const char *name, unsigned nth, int error)
{
	arm(find(name), nth, error, 1);
}

void fault_fail_any(unsigned nth, int error)
{
	arm(ANY_CALL, nth, error, 0);
}

void fault_fail_any_file(unsigned nth, int error)
{
	arm(ANY_FILE_CALL, nth, error, 0);
}

void fault_call_before(const char *name, unsigned nth,
		       void (*before)(void *arg), void *arg)
{
	fault_fail_after(name, nth, 0, before, arg);
}

void fault_fail_after(const char *name, unsigned nth, int error,
		      void (*before)(void *arg), void *arg)
{
	arm(NOTHING, nth, error, 0);
	atomic_store(&call_before_arg, arg);
	atomic_store(&call_before, before);
	atomic_store(&target, find(name)); /* (1) */
}

unsigned fault_clear(void)
{
	atomic_store(&target, NOTHING); /* (1) */
	return atomic_exchange(&failed, 0);
}

unsigned fault_count(const char *name)
{
	unsigned sum = 0;

	if (name != NULL)
		return atomic_load(&counts[find(name)]);
	for (int i = 0; i < FAULT_BY_NAME; i++)
		sum += atomic_load(&counts[i]);
	return sum;
}

void fault_count_reset(void)
{
	for (int i = 0; i < FAULT_CALL_COUNT; i++)
		atomic_store(&counts[i], 0);
}

static int is_of_files(enum fault_call call)
{
	switch (call) {
	case FAULT_OPEN:
	case FAULT_STAT:
	case FAULT_LSTAT:
	case FAULT_FSTAT:
	case FAULT_CLOSE:
	case FAULT_READ:
	case FAULT_PREAD:
	case FAULT_WRITE:
	case FAULT_PWRITE:
	case FAULT_IOCTL:
		return 1;
	default:
		return call >= FAULT_OF_FILES;
	}
}

static int is_aimed_at(enum fault_call call, int aim)
{
	if (aim == ANY_CALL)
		return call < FAULT_BY_NAME;
	if (aim == ANY_FILE_CALL)
		return is_of_files(call);
	return aim == (int)call;
}

int fault_strike(enum fault_call call)
{
	void (*before)(void *arg);
	unsigned nth;
	int error;

	if (passing > 0)
		return 0;
	atomic_fetch_add(&counts[call], 1);
	if (!is_aimed_at(call, atomic_load(&target)))
		return 0;
	nth = atomic_fetch_add(&seen, 1) + 1;
	if (nth < atomic_load(&fail_at) ||
	    (nth > atomic_load(&fail_at) && !atomic_load(&fail_on)))
		return 0;
	atomic_fetch_add(&failed, 1);
	before = atomic_load(&call_before);
	error = atomic_load(&fail_error);
	if (before != NULL)
		before(atomic_load(&call_before_arg)); /* may arm another */
	return error;
}

void fault_note_wait(int64_t timeout_ns)
{
	if (passing == 0)
		atomic_store(&waited_ns, timeout_ns);
}

void fault_note_wait_until(const struct timespec *timeout)
{
	if (timeout == NULL)
		fault_note_wait(-1);
	else if (timeout->tv_sec >= INT64_MAX / NS_PER_SECOND)
		fault_note_wait(INT64_MAX);
	else
		fault_note_wait(timeout->tv_sec * NS_PER_SECOND +
				timeout->tv_nsec);
}

int64_t fault_waited_ns(void)
{
	return atomic_load(&waited_ns);
}

void fault_pass_begin(void)
{
	passing++;
}

void fault_pass_end(void)
{
	passing--;
}
