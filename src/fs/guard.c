/*
 * fs/guard.c - see guard.h.
 */
#include "fs/guard.h"

#include <pthread.h>

#include "rota/error.h"

/* Consume the signal that came with @error, if there is one. */
static void take_signal_back(int error)
{
	int number = error == ROTA_EPIPE ? SIGPIPE : SIGXFSZ;
	sigset_t set;

	sigemptyset(&set);
	(void)sigpending(&set);
	if (!sigismember(&set, number))
		return;
	sigemptyset(&set);
	sigaddset(&set, number);
	(void)sigwait(&set, &number);
}

void rotai_fs_guard_begin(struct rotai_fs_guard *guard)
{
	sigset_t raised;

	sigemptyset(&raised);
	sigaddset(&raised, SIGPIPE);
	sigaddset(&raised, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &raised, &guard->before);
}

void rotai_fs_guard_end(const struct rotai_fs_guard *guard, int error)
{
	if (error == ROTA_EPIPE || error == ROTA_EFBIG)
		take_signal_back(error);
	pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
