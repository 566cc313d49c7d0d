/*
 * fs/quiet.c - see quiet.h.
 *
 *  1. A write may raise SIGPIPE or SIGXFSZ in the thread that makes it. Pool
 *     threads have all signals blocked. The loop's thread, which writes if the
 *     lane has no threads, blocks the two meanwhile. A signal that was raised
 *     is consumed, because otherwise it would stay pending until the thread
 *     unblocks it.
 */
#include "fs/quiet.h"

#include <pthread.h>
#include <signal.h>

#include "rota/error.h"

/* Consume the signal that came with @error, if there is one. (1) */
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

int64_t rotai_fs_write_quietly(struct rota_fs *fs, rotai_fs_write_fn *write_it)
{
	sigset_t raised, before;
	int error = 0;
	size_t done;

	sigemptyset(&raised);
	sigaddset(&raised, SIGPIPE);
	sigaddset(&raised, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &raised, &before);
	done = write_it(fs, &error);
	if (error == ROTA_EPIPE || error == ROTA_EFBIG)
		take_signal_back(error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error < 0 && done == 0 ? error : (int64_t)done;
}
