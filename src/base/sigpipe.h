/*
 * base/sigpipe.h - system calls that raise SIGPIPE when nobody reads the other
 * end, and that have no flag against it: write(2) to a pipe, sendfile(2),
 * splice(2). The program must not get that signal (D5).
 */
#ifndef ROTAI_BASE_SIGPIPE_H
#define ROTAI_BASE_SIGPIPE_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

struct iovec;

/* On the stack of the function that makes the call. */
struct rotai_sigpipe {
	sigset_t before; /* the mask of the thread, if it was changed */
	int changed;
};

/* Block SIGPIPE in this thread, unless it is ignored or blocked already. */
void rotai_sigpipe_block(struct rotai_sigpipe *guard);

/* The call has returned @result, which is -errno if it has failed: consume the
 * signal that came with ROTA_EPIPE, and restore the mask. */
void rotai_sigpipe_restore(const struct rotai_sigpipe *guard, ssize_t result);

/* writev(2) without SIGPIPE, with the least number of system calls that this
 * kernel needs for that. Retries after EINTR. Returns the number of bytes or an
 * error. */
ssize_t rotai_sigpipe_writev(int fd, const struct iovec *bufs, size_t count);

/* The same with the mask of the thread, on every kernel. */
ssize_t rotai_sigpipe_writev_masked(int fd, const struct iovec *bufs,
				    size_t count);

#endif
