/*
 * rota/systemd.h - what a service manager passes to a service, and what the
 * service tells it: descriptors that listen already (sd_listen_fds(3)),
 * messages about its state (sd_notify(3)), and a watchdog
 * (sd_watchdog_enabled(3)).
 *
 * This is systemd's protocol of environment variables and datagrams, without
 * its library. Everything here also works, and does nothing, in a program that
 * no service manager has started.
 */
#ifndef ROTA_SYSTEMD_H
#define ROTA_SYSTEMD_H

#include "rota/loop.h"
#include "rota/pipe.h"
#include "rota/tcp.h"
#include "rota/timer.h"
#include "rota/udp.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Flags. */
enum {
	/** Remove the variables from the environment, so that child processes
	 * do not get them. See setenv(3) for programs with threads. */
	ROTA_SYSTEMD_UNSET = 1 << 0,
};

/** Sizes. */
enum {
	ROTA_NOTIFY_SIZE = 4096,       /* of a message, without its 0 */
	ROTA_NOTIFY_NAME_SIZE = 255,   /* of the name of descriptors */
	ROTA_NOTIFY_DESCRIPTORS = 253, /* with one message */
};

/* --- descriptors --------------------------------------------------------- */

/** For the library: one descriptor. */
struct rotai_listen_descriptor;

/**
 * The descriptors that the service manager has passed.
 *
 * Owner:   the caller, who ends it by rota_listen_descriptors_close().
 */
struct rota_listen_descriptors {
	void *data; /* for the caller */
	struct {
		struct rotai_listen_descriptor *items;
		size_t count;
		size_t size; /* of the memory at items */
	} internal;          /* private to the library: do not read or write */
};

/**
 * Find the descriptors that were passed to this process: LISTEN_FDS of them,
 * from 3 on, if LISTEN_PID is this process. LISTEN_FDNAMES has their names,
 * with colons between them. Each descriptor becomes close-on-exec, so child
 * processes do not get it. Returns how many there are. 0: LISTEN_PID or
 * LISTEN_FDS is not set, or LISTEN_PID is another process. *@descriptors is
 * empty then.
 *
 * Call this once, before the program opens or closes anything else: the numbers
 * of descriptors that it has closed are used again. @flags may have
 * ROTA_SYSTEMD_UNSET. It also applies if there are no descriptors, but not
 * after an error.
 *
 * Thread:  any, while no other thread changes the environment.
 * Owner:   the descriptors belong to *@descriptors, until they are taken.
 * Errors:  ROTA_EINVAL  @descriptors is NULL, or @flags have undefined bits;
 *                       LISTEN_PID or LISTEN_FDS is no number, or too large; or
 *                       there are more names than descriptors
 *          ROTA_EBADF   one of the descriptors is not open
 *          ROTA_ENOMEM
 *          After any of them nothing has changed, and *@descriptors is empty.
 */
ptrdiff_t
rota_listen_descriptors_init(struct rota_listen_descriptors *descriptors,
			     unsigned flags);

/**
 * Return how many descriptors there were, taken ones included.
 *
 * Thread:  any, one at a time.
 */
size_t rota_listen_descriptors_count(
	const struct rota_listen_descriptors *descriptors);

/**
 * Return the name of the descriptor @index: "unknown" if it has none; NULL if
 * there is no such descriptor. It is valid until the close.
 *
 * Thread:  as rota_listen_descriptors_count()
 */
const char *
rota_listen_descriptors_name(const struct rota_listen_descriptors *descriptors,
			     size_t index);

/**
 * Return the descriptor @index, or ROTA_ENOENT if it was taken, or does not
 * exist. This does not take it.
 *
 * Thread:  as rota_listen_descriptors_count()
 * Owner:   *@descriptors
 */
int rota_listen_descriptors_fd(
	const struct rota_listen_descriptors *descriptors, size_t index);

/**
 * Take the first descriptor with that name which was not taken yet, or, if
 * @name is NULL, the first of any name. Returns it. It is as it was passed:
 * perhaps blocking.
 *
 * Thread:  as rota_listen_descriptors_count()
 * Owner:   the caller, who closes it or passes it to an object that does.
 * Errors:  ROTA_ENOENT  there is none
 */
int rota_listen_descriptors_take(struct rota_listen_descriptors *descriptors,
				 const char *name);

/**
 * Open @tcp with the first descriptor of that name, as
 * rota_listen_descriptors_take() and rota_tcp_open() do. Then call
 * rota_stream_listen(). Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0, @tcp owns the descriptor.
 * Errors:  ROTA_ENOENT  there is none
 *          Others       as rota_tcp_open(): the descriptor is not taken
 */
int rota_listen_descriptors_tcp(struct rota_listen_descriptors *descriptors,
				const char *name, struct rota_tcp *tcp,
				struct rota_loop *loop);

/**
 * The same with @pipe and rota_pipe_open(). The socket file stays when @pipe is
 * closed: it belongs to the service manager.
 *
 * Thread, Owner, Errors: as rota_listen_descriptors_tcp()
 */
int rota_listen_descriptors_pipe(struct rota_listen_descriptors *descriptors,
				 const char *name, struct rota_pipe *pipe,
				 struct rota_loop *loop);

/**
 * The same with @udp and rota_udp_open().
 *
 * Thread, Owner, Errors: as rota_listen_descriptors_tcp()
 */
int rota_listen_descriptors_udp(struct rota_listen_descriptors *descriptors,
				const char *name, struct rota_udp *udp,
				struct rota_loop *loop);

/**
 * Close the descriptors that were not taken, and free the memory. If
 * *@descriptors is empty, or all its bytes are 0, do nothing.
 *
 * Thread:  any, one at a time.
 */
void rota_listen_descriptors_close(struct rota_listen_descriptors *descriptors);

/* --- messages ------------------------------------------------------------ */

/**
 * Where messages about the state of the service are sent. All zero: nowhere,
 * and every call returns 0. It is memory only, and may be copied.
 *
 * Owner:   the caller.
 */
struct rota_notifier {
	struct {
		char name[108]; /* of a socket */
		uint32_t size;  /* 0: there is none */
	} internal; /* private to the library: do not read or write */
};

/**
 * Take the address of the service manager from NOTIFY_SOCKET: a path, or "@"
 * and an abstract name. Returns 1; or 0 if the variable is not set. @flags may
 * have ROTA_SYSTEMD_UNSET; @notifier works on without the variable. It does not
 * apply after an error.
 *
 * Thread:  any, while no other thread changes the environment.
 * Errors:  ROTA_EINVAL        @notifier is NULL, @flags have undefined bits, or
 *                             the variable is neither a path nor a name
 *          ROTA_ENAMETOOLONG  the path or name does not fit into a struct
 *                             sockaddr_un
 *          ROTA_ENOTSUP       it is another kind of address, such as "vsock:"
 *          After any of them @notifier is all zero.
 */
int rota_notifier_init(struct rota_notifier *notifier, unsigned flags);

/**
 * Send a message: lines such as "STATUS=ready for all", with '\n' between them.
 * Returns 1; or 0 if there is no service manager.
 *
 * If the service manager has no room for a message, this waits for that, at
 * most @wait_ns. With 0 it never blocks.
 *
 * Thread:  any, also several at a time.
 * Errors:  ROTA_EINVAL    @state is NULL or empty
 *          ROTA_EMSGSIZE  it has more than ROTA_NOTIFY_SIZE bytes: the service
 *                         manager would ignore it
 *          ROTA_EAGAIN    there was no room
 *          ROTA_ENOENT, ROTA_ECONNREFUSED: nobody receives there
 *          ROTA_EACCES, ROTA_EPERM, ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM,
 *          ROTA_ENOBUFS: see unix(7)
 *          After any of them nothing was sent.
 */
int rota_notifier_send(const struct rota_notifier *notifier, const char *state,
		       uint64_t wait_ns);

/**
 * The service is ready: READY=1. Also after a reload. As rota_notifier_send()
 * with a wait of at most 100 ms, because the state of the service depends on
 * this message; so it is with the next three functions.
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send()
 */
int rota_notifier_ready(const struct rota_notifier *notifier);

/**
 * The service reads its configuration again: RELOADING=1, with the time on the
 * monotonic clock, which Type=notify-reload needs. Call rota_notifier_ready()
 * afterwards.
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send()
 */
int rota_notifier_reloading(const struct rota_notifier *notifier);

/**
 * The service begins to stop: STOPPING=1.
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send()
 */
int rota_notifier_stopping(const struct rota_notifier *notifier);

/**
 * The process @pid is now the main process of the service: MAINPID=. The sender
 * has to be allowed that: see NotifyAccess= in systemd.service(5).
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send(), and
 *          ROTA_EINVAL  @pid is not positive
 */
int rota_notifier_main_pid(const struct rota_notifier *notifier, int pid);

/**
 * Show @text as the status of the service: STATUS=. This does not wait.
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send(), and
 *          ROTA_EINVAL  @text is NULL, or has a control character other than a
 *                       tab in it: a line feed would begin another message
 */
int rota_notifier_status(const struct rota_notifier *notifier,
			 const char *text);

/**
 * Extend the time that the start, the reload or the stop of the service may
 * take to @time_ns from now: EXTEND_TIMEOUT_USEC=. Call this again before that
 * is over. This does not wait.
 *
 * Thread:  any.
 * Errors:  as rota_notifier_send()
 */
int rota_notifier_extend(const struct rota_notifier *notifier,
			 uint64_t time_ns);

/**
 * Have the service manager keep duplicates of descriptors, and pass them to the
 * next start of the service: FDSTORE=1. @name becomes their name there; NULL:
 * none. See FileDescriptorStoreMax= in systemd.service(5). This waits as
 * rota_notifier_ready() does.
 *
 * Thread:  any.
 * Owner:   the descriptors stay the caller's.
 * Errors:  as rota_notifier_send(), and
 *          ROTA_EINVAL  @fds is NULL; @count is 0 or more than
 *                       ROTA_NOTIFY_DESCRIPTORS; or @name is empty, longer than
 *                       ROTA_NOTIFY_NAME_SIZE, or has a colon, a control
 *                       character or a byte above 126 in it
 *          ROTA_EBADF   one of them is not open
 */
int rota_notifier_store(const struct rota_notifier *notifier, const int *fds,
			size_t count, const char *name);

/* --- the watchdog -------------------------------------------------------- */

struct rota_watchdog;

/**
 * Called before each message of a watchdog. Returns whether the service is
 * well: if it returns 0, no message is sent. If that goes on, the service
 * manager ends the service.
 *
 * Phase:   timers. The callback may stop @watchdog, and then returns 0.
 * Thread:  the loop's.
 */
typedef int rota_watchdog_fn(struct rota_watchdog *watchdog);

/**
 * A timer that tells the service manager that the loop turns: WATCHDOG=1. A
 * loop that is stuck in a callback sends nothing. All zero, it is stopped.
 *
 * Owner:   the caller, who keeps it alive and in place while it is started.
 */
struct rota_watchdog {
	void *data; /* for the caller */
	struct {
		struct rota_timer timer;
		struct rota_notifier notifier;
		rota_watchdog_fn *fn;
		uint64_t interval_ns; /* 0: it is stopped */
		uint32_t generation;  /* of the process that started it */
	} internal; /* private to the library: do not read or write */
};

/**
 * Store in *@interval_ns after which time without a message the service manager
 * regards this process as stuck: WATCHDOG_USEC, if WATCHDOG_PID is this process
 * or is not set. Returns 1. Returns 0 and stores 0 if it does not watch this
 * process. @flags may have ROTA_SYSTEMD_UNSET, as in
 * rota_listen_descriptors_init().
 *
 * Thread:  any, while no other thread changes the environment.
 * Errors:  ROTA_EINVAL  @interval_ns is NULL, @flags have undefined bits, or a
 *                       variable is no number, 0 or too large
 *          After it nothing has changed.
 */
int rota_watchdog_interval(uint64_t *interval_ns, unsigned flags);

/**
 * Send messages from now on: the first one in the next turn, then one each half
 * of the interval. If the service manager has no room for one, it is sent again
 * soon: the loop never blocks. The timer is unreferenced: it does not keep the
 * loop alive. @fn may be NULL. Returns 1; or 0 if the service manager does not
 * watch this process, and then nothing is started.
 *
 * In a forked child no messages are sent, also after rota_loop_fork().
 *
 * Phase:   @fn runs in the timers phase.
 * Thread:  the loop's.
 * Owner:   *@notifier is copied.
 * Errors:  ROTA_EINVAL     @notifier is NULL, or as rota_watchdog_interval()
 *          ROTA_EALREADY   @watchdog is started
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 */
int rota_watchdog_start(struct rota_watchdog *watchdog, struct rota_loop *loop,
			const struct rota_notifier *notifier,
			rota_watchdog_fn *fn);

/**
 * Stop @watchdog. The service manager then regards the process as stuck, unless
 * the service is stopping. If @watchdog is stopped, do nothing.
 *
 * Thread:  the loop's.
 */
void rota_watchdog_stop(struct rota_watchdog *watchdog);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
