/*
 * base/sigpipe.c - the mask of a thread around a call that may raise SIGPIPE.
 *
 *  1. The kernel sends the signal to the thread that makes the call. So it is
 *     enough to block it there, and to take it from what is pending there,
 *     before the old mask is restored.
 *  2. A signal that is not blocked is never pending. So what is pending after
 *     EPIPE has come from the call.
 */
#include "base/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <sys/uio.h>

#include "rota/error.h"

static void only_sigpipe(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGPIPE);
}

static int ignores_sigpipe(void)
{
	struct sigaction action;

	return sigaction(SIGPIPE, NULL, &action) == 0 &&
	       !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN;
}

void rotai_sigpipe_block(struct rotai_sigpipe *guard)
{
	sigset_t set;

	guard->changed = 0;
	if (ignores_sigpipe())
		return;
	only_sigpipe(&set);
	if (pthread_sigmask(SIG_BLOCK, &set, &guard->before) == 0)
		guard->changed = !sigismember(&guard->before, SIGPIPE);
}

void rotai_sigpipe_restore(const struct rotai_sigpipe *guard, ssize_t result)
{
	sigset_t set;
	int number;

	if (!guard->changed)
		return;
	if (result == ROTA_EPIPE && sigpending(&set) == 0 &&
	    sigismember(&set, SIGPIPE)) { /* (2) */
		only_sigpipe(&set);
		(void)sigwait(&set, &number); /* it is there: no waiting */
	}
	(void)pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

ssize_t rotai_sigpipe_writev_masked(int fd, const struct iovec *bufs,
				    size_t count)
{
	struct rotai_sigpipe guard;
	ssize_t n;

	rotai_sigpipe_block(&guard);
	do {
		n = writev(fd, bufs, (int)count);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		n = -errno;
	rotai_sigpipe_restore(&guard, n);
	return n;
}
