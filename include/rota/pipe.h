/*
 * rota/pipe.h - Unix stream sockets, anonymous pipes and FIFOs. Reading,
 * writing, listening and closing are in rota/stream.h and rota/handle.h.
 *
 * A name of a Unix socket is a path; or an abstract name, whose first byte is
 * 0, and which is no file: see unix(7). Only Linux has abstract names. A name
 * has a size, and no 0 at its end. rota_address_unix() in rota/address.h takes
 * the same, and rota_address_unix_name() returns it.
 */
#ifndef ROTA_PIPE_H
#define ROTA_PIPE_H

#include "rota/detached.h"
#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rotai_arrivals;
struct rotai_retry;
struct rotai_socket_file;

/**
 * A Unix stream socket, or an end of a pipe. Its bases are &pipe.stream and
 * &pipe.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_pipe {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct {
		struct rotai_arrivals *arrivals; /* descriptors; or NULL */
		struct rotai_socket_file *file;  /* that it has made; or NULL */
		struct rotai_retry *retry;       /* of a connect; or NULL */
	} internal; /* private to the library: do not read or write */
};

/** Limits. */
enum {
	/** Descriptors that one write can pass: SCM_MAX_FD, see unix(7). */
	ROTA_PIPE_PASSED = 253,

	/** Descriptors that may wait in a pipe until they are taken. */
	ROTA_PIPE_WAITING = 65536,

	/** Bytes of the member bytes of struct rota_pipe_name. */
	ROTA_PIPE_NAME_SIZE = 120,
};

/** A name of a Unix socket. */
struct rota_pipe_name {
	size_t size; /* 0: it has no name */

	/** The name, and at least one byte 0 behind it. */
	char bytes[ROTA_PIPE_NAME_SIZE];
};

/** Flags for struct rota_pipe_bind_options. */
enum {
	/** If the path is a socket to which nobody listens, replace it. */
	ROTA_PIPE_REPLACE_STALE = 1 << 0,

	/** Leave the file when the pipe closes. */
	ROTA_PIPE_KEEP_FILE = 1 << 1,
};

/** How to bind. A later version may add members at the end. */
struct rota_pipe_bind_options {
	size_t size; /* of this struct */

	/** ROTA_PIPE_REPLACE_STALE and so on. */
	uint32_t flags;

	/** The permissions of the socket file, as 0660: exactly these, whatever
	 * the umask is. 0: those that the umask leaves. */
	uint32_t mode;
};

/** Who is at the other end of a Unix socket. */
struct rota_pipe_credentials {
	size_t size; /* of this struct */

	/** The process that has connected, or that has called listen(2), as it
	 * was at that time. -1: not known. */
	int64_t pid;
	int64_t uid; /* its effective user and group */
	int64_t gid;
};

/** Flags for rota_pipe_anonymous() and rota_pipe_socketpair(). */
enum {
	ROTA_PIPE_READ_NONBLOCKING = 1 << 0,  /* @fds[0] */
	ROTA_PIPE_WRITE_NONBLOCKING = 1 << 1, /* @fds[1] */
};

/**
 * A request to write with descriptors: rota_pipe_write(). It needs no
 * initialization. Its bases are &pass.write and &pass.write.request.
 *
 * Owner:   as struct rota_request
 */
struct rota_pass {
	struct rota_write write;
	struct {
		const int *fds;
		size_t count;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @pipe as an open handle of @loop. It has no descriptor yet. It
 * can be bound or connected as a Unix socket. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends it by rota_handle_close().
 * Errors:  ROTA_ENOMEM     only with the loop's first stream
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them @pipe is not open and need not be closed.
 */
int rota_pipe_init(struct rota_pipe *pipe, struct rota_loop *loop);

/**
 * As rota_pipe_init(), with the descriptor @fd: a Unix stream socket, which may
 * be connected, bound, listening or none of these; an end of an anonymous pipe;
 * or a FIFO, open to read, to write or both. It is made non-blocking, for all
 * processes that share its open file: do not pass a standard stream that other
 * programs use as well. Returns 0.
 *
 * An end that can only be written has no input: rota_stream_read_start()
 * returns ROTA_EOF. One that can only be read takes no output: ROTA_EPIPE.
 * rota_stream_shutdown() of an end that can only be written closes its
 * descriptor, so that the reader gets the end. An end that is open to read and
 * write cannot be shut down: the shutdown completes with ROTA_ENOTSUP, and so
 * does rota_stream_end_with() when all output is written.
 *
 * The input of a pipe or FIFO ends when the last writer closes it. It has ended
 * then, even if another writer opens the FIFO later: open the FIFO again, or
 * open it to read and write, to read from one writer after the other.
 *
 * In the callback of a listener, the descriptor that was passed to it is opened
 * without system calls, as with rota_tcp_open(). A listener that is handed in
 * never removes its socket file.
 *
 * Thread:  the loop's.
 * Owner:   if this returns 0, the handle owns @fd and closes it.
 * Errors:  as rota_pipe_init(), and
 *          ROTA_EBADF   @fd is not open
 *          ROTA_EINVAL  @fd is something else, such as a file, a terminal or a
 *                       socket of another family or type
 *          Others       what fstat(2), getsockopt(2), getsockname(2) and
 *                       fcntl(2) report
 *          After any of them @fd is unchanged and still the caller's.
 */
int rota_pipe_open(struct rota_pipe *pipe, struct rota_loop *loop, int fd);

/**
 * As rota_pipe_open(), with what rota_stream_detach_with() has taken out of a
 * pipe: see rota_tcp_attach(). A pipe in which received descriptors wait cannot
 * be detached (ROTA_EBUSY): take them first. What
 * rota_pipe_accept_descriptors() has set is not taken along, and neither is the
 * duty to remove a socket file. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_pipe_open(), and
 *          ROTA_EINVAL  @detached is NULL or has no descriptor, or has bytes to
 *                       read and an end that can only be written
 *          ROTA_ENOMEM, ROTA_ENOSPC
 *          After any of them @pipe is not open, and *@detached is unchanged.
 */
int rota_pipe_attach(struct rota_pipe *pipe, struct rota_loop *loop,
		     struct rota_detached *detached);

/**
 * Initialize @a and @b as open pipes of @loop: two Unix sockets that are
 * connected to each other. See socketpair(2). Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller, who ends each of them by rota_handle_close().
 * Errors:  as rota_pipe_init(), and
 *          ROTA_EINVAL  @a is @b
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOBUFS: see socketpair(2)
 *          After any of them neither is open.
 */
int rota_pipe_pair(struct rota_pipe *a, struct rota_pipe *b,
		   struct rota_loop *loop);

/**
 * Make an anonymous pipe: what is written to @fds[1] can be read from @fds[0].
 * Both are close-on-exec, and no standard descriptors. They are blocking, as
 * child processes expect, unless @flags say otherwise. rota_pipe_open() makes
 * the end that it gets non-blocking, and does not affect the other. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller owns both descriptors.
 * Errors:  ROTA_EINVAL  @fds is NULL, or @flags have undefined bits
 *          ROTA_EMFILE, ROTA_ENFILE: see pipe(2)
 *          After any of them @fds is unchanged.
 */
int rota_pipe_anonymous(int fds[2], unsigned flags);

/**
 * As rota_pipe_anonymous(), with two Unix stream sockets that are connected to
 * each other: both can be read and written, and descriptors passed in both
 * directions. See socketpair(2). One of them is for a child process, or for
 * another loop; rota_pipe_open() takes the other. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller owns both descriptors.
 * Errors:  as rota_pipe_anonymous(), and ROTA_ENOBUFS: see socketpair(2)
 */
int rota_pipe_socketpair(int fds[2], unsigned flags);

/**
 * Bind @pipe to the @size bytes at @name: a path, at which a socket file is
 * made; or an abstract name. If @name is NULL and @size 0, the system chooses
 * an abstract name: see rota_pipe_own_name(). @options may be NULL. A name that
 * is too long is refused, never cut: a path has at most 107 bytes on Linux.
 * Returns 0.
 *
 * Nobody can connect before rota_stream_listen(). The permissions are set
 * before that. (Some BSDs do not look at them: protect the directory.) The
 * umask is not changed.
 *
 * When @pipe closes, or a connect of it fails, the file is removed, if it is
 * still the one that was made: its device and inode are compared. The path is
 * used as it is given, so a relative one does not survive chdir(2). A forked
 * child does not remove its parent's file, and rota_stream_detach() leaves it.
 *
 * With ROTA_PIPE_REPLACE_STALE, a socket file at which nobody listens is
 * removed first. This asks by connecting to it. So a socket that another
 * program has bound, and to which it does not listen yet, counts as stale: a
 * program that uses this flag listens right after it binds. What else is at
 * the path is never removed. The file is moved aside first, to the path with a
 * dot and the number of this process behind it, which has to fit as well. If a
 * file has that name, nothing is replaced: ROTA_EADDRINUSE.
 *
 * Thread:  the loop's.
 * Owner:   the library does not use @name and @options after the call.
 * Errors:  ROTA_EINVAL        @pipe is bound, connecting, connected or closing,
 *                             or its descriptor is no socket; a path has a byte
 *                             0 in it; @name is NULL or @size is 0, but not
 *                             both; or
 *                             @options have a wrong size, undefined flags or a
 *                             mode above 0777, or a mode with an abstract name
 *          ROTA_ENAMETOOLONG  the name does not fit
 *          ROTA_ENOTSUP       the system has no abstract names
 *          ROTA_EADDRINUSE    the name is in use, or the path exists, or
 *                             the one to which a stale file is moved
 *          ROTA_ENOENT, ROTA_ENOTDIR, ROTA_EACCES, ROTA_EROFS: see unix(7)
 *          ROTA_EMFILE, ROTA_ENFILE, ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_pipe_init()
 *          After any of them @pipe is unchanged, and no file was made. The
 *          exception is a socket that the program made itself, and passed to
 *          rota_pipe_open(): if the mode of its file cannot be set, the file is
 *          removed, but the socket stays bound to that path. Close it then.
 */
int rota_pipe_bind(struct rota_pipe *pipe, const char *name, size_t size,
		   const struct rota_pipe_bind_options *options);

/**
 * Connect @pipe to the listener with the name of @size bytes at @name. Output
 * that is sent or written in the meantime is queued. &connect->request can be
 * cancelled and can have a deadline. If the attempt fails or is cancelled,
 * @pipe is at once as after rota_pipe_init().
 *
 * If the queue of the listener is full, this tries again, after 1 ms at first,
 * and then after up to 100 ms, until there is room or the listener is gone. Set
 * a deadline to wait only for some time. Returns 0.
 *
 * Phase:   @fn runs in the pending phase; in the closing phase if @pipe was
 *          closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @connect alive and in place until @fn is called.
 *          The library does not use @name after the call.
 * Errors:  ROTA_EINVAL        @fn or @name is NULL, @size is 0, a path has a
 *                             byte 0 in it, or @pipe listens or is closing, or
 *                             its descriptor is no socket
 *          ROTA_ENAMETOOLONG  the name does not fit
 *          ROTA_ENOTSUP       the system has no abstract names
 *          ROTA_EISCONN       @pipe is connected
 *          ROTA_EALREADY      @pipe is connecting
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_pipe_init()
 *          After any of them nothing has changed, and @fn is not called. Errors
 *          of the system are passed to @fn: ROTA_ENOENT, ROTA_ECONNREFUSED,
 *          ROTA_EACCES and others, see connect(2).
 */
int rota_pipe_connect(struct rota_connect *connect, struct rota_pipe *pipe,
		      const char *name, size_t size, rota_connect_fn *fn);

/**
 * Store the name of @pipe itself in *@name: see getsockname(2). A socket that
 * was not bound has none: its size is 0. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @name is NULL, or @pipe is closing
 *          ROTA_EBADF     @pipe has no descriptor yet
 *          ROTA_ENOTSOCK  it is no socket
 *          Others         what getsockname(2) reports
 *          After any of them *@name is unchanged.
 */
int rota_pipe_own_name(const struct rota_pipe *pipe,
		       struct rota_pipe_name *name);

/**
 * Store the name of the peer in *@name: see getpeername(2). A peer that has
 * only connected mostly has none: its size is 0. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  as rota_pipe_own_name(), and
 *          ROTA_ENOTCONN  @pipe is not connected
 */
int rota_pipe_peer_name(const struct rota_pipe *pipe,
			struct rota_pipe_name *name);

/**
 * Store in *@credentials who is at the other end of @pipe. The system vouches
 * for them: SO_PEERCRED, see unix(7), or getpeereid(3). The process may have
 * ended since, and another may have its number: see rota_pipe_pidfd(). The
 * caller has set credentials->size. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @credentials is NULL or has a wrong size, or @pipe is
 *                         closing
 *          ROTA_ENOTCONN  @pipe is not connected
 *          ROTA_ENOTSOCK  it is no socket
 *          Others         what getsockopt(2) reports
 *          After any of them *@credentials is unchanged.
 */
int rota_pipe_get_credentials(const struct rota_pipe *pipe,
			      struct rota_pipe_credentials *credentials);

/**
 * Return a new descriptor of the process at the other end of @pipe, which
 * refers to that process and never to another one: see pidfd_open(2). It is
 * close-on-exec.
 *
 * Thread:  the loop's.
 * Owner:   the caller owns the descriptor.
 * Errors:  ROTA_EINVAL    @pipe is closing
 *          ROTA_ENOTCONN  @pipe is not connected
 *          ROTA_ENOTSOCK  it is no socket
 *          ROTA_ENOTSUP   the system does not have this: Linux 6.5 has
 *          ROTA_ESRCH     the process has ended, and was waited for; newer
 *                         versions of Linux return a descriptor all the same
 *          ROTA_EMFILE, ROTA_ENFILE
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_pipe_pidfd(const struct rota_pipe *pipe);

/**
 * As rota_stream_write(), and pass the @fd_count descriptors at @fds to the
 * peer. They go with the first byte of the buffers: the peer gets them when it
 * reads that byte, and not before all earlier output. The kernel duplicates
 * them. Returns 0.
 *
 * Phase:   as rota_stream_write()
 * Thread:  the loop's.
 * Owner:   as rota_stream_write(); and the caller keeps the array @fds, and the
 *          descriptors open, until @fn is called. They stay the caller's.
 * Errors:  as rota_stream_write(), and
 *          ROTA_EINVAL   the buffers have no bytes, @fds is NULL, @fd_count is
 *                        0 or more than ROTA_PIPE_PASSED
 *          ROTA_EBADF    one of @fds is not open
 *          ROTA_ENOTSUP  @pipe is no socket
 *          After any of them nothing has changed, and @fn is not called.
 *          ROTA_ETOOMANYREFS is passed to @fn if more of the user's descriptors
 *          are on their way than the limit of open files: see unix(7).
 */
int rota_pipe_write(struct rota_pass *pass, struct rota_pipe *pipe,
		    const struct rota_const_buf *bufs, size_t count,
		    const int *fds, size_t fd_count, rota_write_fn *fn);

/**
 * Keep descriptors that @pipe receives, up to @max of them at a time, for
 * rota_pipe_take_descriptors(). With 0, which is the default, the kernel drops
 * what the peer passes, and what waits is closed. Without this call a read
 * costs less. When a connect fails, this is 0 again. Returns 0.
 *
 * An error that waits in the place of descriptors that are lost counts as one
 * of them until it is taken: with @max 1, all that come after it are lost.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @max is more than ROTA_PIPE_WAITING or less than wait
 *                         already, or @pipe is closing
 *          ROTA_ENOTCONN  @pipe is neither connected nor connecting
 *          ROTA_ENOTSUP   @pipe is no socket
 *          ROTA_ENOMEM
 *          ROTA_ESHUTDOWN, ROTA_ECHILD: as rota_pipe_init()
 *          After any of them nothing has changed.
 */
int rota_pipe_accept_descriptors(struct rota_pipe *pipe, size_t max);

/**
 * Take up to @count descriptors that were received, in the order in which they
 * were sent. Returns how many were stored in @fds, or 0 if none wait.
 *
 * The descriptors of a write wait when the callback runs that gets the first
 * byte of that write. The bytes of that callback may begin with those of
 * earlier writes, but there is none of a later one behind them. They wait until
 * they are taken, and what still waits when @pipe closes is closed.
 *
 * Descriptors that could not be kept have left an error at their place: it is
 * returned once, when all before it are taken, and reading goes on. ROTA_EMFILE
 * means that this process had no more descriptors, and ROTA_ENOBUFS that more
 * came than rota_pipe_accept_descriptors() allows. One or more of them are
 * lost.
 *
 * Thread:  the loop's.
 * Owner:   the caller owns what is stored in @fds. All are close-on-exec.
 * Errors:  ROTA_EMFILE, ROTA_ENOBUFS: see above
 *          ROTA_EINVAL  @fds is NULL, @count is 0, or @pipe is closing
 *          ROTA_ECHILD  in a forked child, before rota_loop_fork()
 */
ptrdiff_t rota_pipe_take_descriptors(struct rota_pipe *pipe, int *fds,
				     size_t count);

/**
 * Return how many received descriptors wait in @pipe.
 *
 * Thread:  the loop's.
 */
size_t rota_pipe_descriptors(const struct rota_pipe *pipe);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
