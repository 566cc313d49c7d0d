/*
 * signal/name.c - the names of signals. strsignal(3) describes them in the
 * language of the user, and may write to memory that all threads share.
 */
#include <signal.h>
#include <stddef.h>

#include "rota/signal.h"

static const struct {
	int number;
	const char *name;
} names[] = {
	{ SIGHUP, "SIGHUP" },       { SIGINT, "SIGINT" },
	{ SIGQUIT, "SIGQUIT" },     { SIGILL, "SIGILL" },
	{ SIGTRAP, "SIGTRAP" },     { SIGABRT, "SIGABRT" },
	{ SIGBUS, "SIGBUS" },       { SIGFPE, "SIGFPE" },
	{ SIGKILL, "SIGKILL" },     { SIGUSR1, "SIGUSR1" },
	{ SIGSEGV, "SIGSEGV" },     { SIGUSR2, "SIGUSR2" },
	{ SIGPIPE, "SIGPIPE" },     { SIGALRM, "SIGALRM" },
	{ SIGTERM, "SIGTERM" },     { SIGCHLD, "SIGCHLD" },
	{ SIGCONT, "SIGCONT" },     { SIGSTOP, "SIGSTOP" },
	{ SIGTSTP, "SIGTSTP" },     { SIGTTIN, "SIGTTIN" },
	{ SIGTTOU, "SIGTTOU" },     { SIGURG, "SIGURG" },
	{ SIGXCPU, "SIGXCPU" },     { SIGXFSZ, "SIGXFSZ" },
	{ SIGVTALRM, "SIGVTALRM" }, { SIGPROF, "SIGPROF" },
	{ SIGWINCH, "SIGWINCH" },   { SIGSYS, "SIGSYS" },
	{ SIGIO, "SIGIO" },
};

const char *rota_signal_name(int number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "unknown";
}
