/*
 * io/tty_restore.c - restoring terminals when the process ends. A program that
 * wants this has to ask for it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/image.h"
#include "rota/error.h"
#include "rota/tty.h"

static int exit_is_noted; /* atomic */

static void restore_at_exit(void)
{
	(void)rota_tty_reset();
}

int rota_tty_restore_on_exit(void)
{
	if (__atomic_exchange_n(&exit_is_noted, 1, __ATOMIC_RELAXED))
		return 0;
	if (atexit(restore_at_exit) == 0)
		return 0;
	__atomic_store_n(&exit_is_noted, 0, __ATOMIC_RELAXED);
	return ROTA_ENOMEM;
}

/* The disposition is the default again, and the signal is blocked until this
 * returns. */
static void restore_and_end(int number)
{
	(void)rota_tty_reset();
	(void)pthread_kill(pthread_self(), number);
}

/* Signals whose default action is not the end of the process. */
static int goes_on(int number)
{
	return number == SIGCHLD || number == SIGCONT || number == SIGSTOP ||
	       number == SIGTSTP || number == SIGTTIN || number == SIGTTOU ||
	       number == SIGURG || number == SIGWINCH;
}

int rota_tty_restore_on_signal(int number)
{
	struct sigaction wanted = { .sa_handler = restore_and_end };
	struct sigaction found;

	if (goes_on(number) || number == SIGKILL ||
	    sigaction(number, NULL, &found) < 0)
		return ROTA_EINVAL;
	if ((found.sa_flags & SA_SIGINFO) || found.sa_handler != SIG_DFL)
		return ROTA_EBUSY;
	rotai_image_keep();
	wanted.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK);
	(void)sigfillset(&wanted.sa_mask);
	return sigaction(number, &wanted, NULL) < 0 ? -errno : 0;
}
