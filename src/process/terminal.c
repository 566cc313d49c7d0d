/*
 * process/terminal.c - pseudo-terminals as descriptors of a child.
 *
 *  1. Several descriptors of the child may be the same terminal. It is made for
 *     the first of them; the others find that one.
 *  2. The first terminal becomes the controlling one, unless the options name
 *     another descriptor. For that the child has to lead a session.
 *  3. The parent closes the slave when the child has started. From then on only
 *     the child and its children have it, so the master gets the end when the
 *     last of them has closed it.
 */
#include "process/terminal.h"

#include "base/fd.h"
#include "base/pty.h"
#include "io/tty.h"
#include "rota/error.h"

static int is_terminal(const struct rota_spawn_stdio *stdio)
{
	return stdio->kind == ROTA_SPAWN_STDIO_TERMINAL;
}

/* The first descriptor with the terminal of @i. (1) */
static uint32_t first_with_terminal(const struct rota_spawn_options *options,
				    uint32_t i)
{
	uint32_t first = 0;

	while (!is_terminal(&options->stdio[first]) ||
	       options->stdio[first].tty != options->stdio[i].tty)
		first++;
	return first;
}

int rotai_terminal_check(const struct rota_spawn_options *options)
{
	int found = 0;

	for (uint32_t i = 0; i < options->stdio_count; i++) {
		const struct rota_spawn_stdio *stdio = &options->stdio[i];

		if (!is_terminal(stdio))
			continue;
		if (stdio->tty == NULL || stdio->flags != 0)
			return ROTA_EINVAL;
		found = 1;
	}
	return found && ((options->flags & ROTA_SPAWN_NEW_GROUP) ||
			 options->process_group != 0)
		       ? ROTA_EINVAL
		       : 0;
}

void rotai_terminal_begin(struct rota_spawn_options *options)
{
	for (uint32_t i = 0; i < options->stdio_count; i++) {
		if (!is_terminal(&options->stdio[i]))
			continue;
		if (!(options->flags & ROTA_SPAWN_SET_TERMINAL))
			options->terminal = (int32_t)i;
		options->flags |=
			ROTA_SPAWN_NEW_SESSION | ROTA_SPAWN_SET_TERMINAL;
		return;
	}
}

int rotai_terminal_open(const struct rota_spawn_options *options,
			struct rota_loop *loop, uint32_t i, int *ends)
{
	const struct rota_spawn_stdio *stdio = &options->stdio[i];
	uint32_t first = first_with_terminal(options, i);
	int fds[2];
	int error;

	if (first < i)
		return ends[first];
	error = rotai_pty_open(fds, stdio->columns, stdio->rows);
	if (error < 0)
		return error;
	error = rotai_tty_open_master(stdio->tty, loop, fds[0]);
	if (error < 0) {
		rotai_fd_close(fds[0]);
		rotai_fd_close(fds[1]);
		return error;
	}
	ends[i] = fds[1];
	return fds[1];
}
