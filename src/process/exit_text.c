/*
 * process/exit_text.c - how a process has ended, for messages and for the exit
 * status of programs that run others.
 */
#include <stdio.h>
#include <string.h>

#include "rota/error.h"
#include "rota/process.h"
#include "rota/signal.h"

enum { SHELL_SIGNAL = 128 };

int rota_exit_status(const struct rota_exit *exit)
{
	if (exit->error < 0)
		return exit->error;
	return exit->signal != 0 ? SHELL_SIGNAL + exit->signal : exit->code;
}

static int write_signal(char *text, size_t size, const struct rota_exit *exit)
{
	const char *core = exit->core_dumped ? ", core dumped" : "";
	const char *name = rota_signal_name(exit->signal);

	if (strcmp(name, "unknown") == 0)
		return snprintf(text, size, "signal %d%s", exit->signal, core);
	return snprintf(text, size, "signal %d, %s%s", exit->signal, name,
			core);
}

int rota_exit_text(const struct rota_exit *exit, char *text, size_t size)
{
	int length;

	if (exit == NULL || text == NULL)
		return ROTA_EINVAL;
	if (exit->error < 0)
		length = snprintf(text, size, "exit not known");
	else if (exit->signal != 0)
		length = write_signal(text, size, exit);
	else
		length = snprintf(text, size, "exit status %d", exit->code);
	return (size_t)length < size ? 0 : ROTA_ENOSPC;
}
