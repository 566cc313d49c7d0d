/*
 * process/command_options.c - from the options of a command to those of the
 * start of its process.
 *
 *  1. The command leads a process group, so that it can be ended as a whole. A
 *     session is a group as well, and a terminal implies a session.
 *  2. The close of the process kills the group: that is what a shutdown of the
 *     loop does.
 */
#include <stdint.h>
#include <string.h>

#include "base/sized.h"
#include "process/command.h"
#include "rota/error.h"
#include "rota/loop.h"

enum {
	ALL_COMMAND_FLAGS =
		ROTA_COMMAND_JOIN | ROTA_COMMAND_DROP | ROTA_COMMAND_KILL,
	LEAST_SPAWN = ROTAI_SIZE_UP_TO(struct rota_spawn_options, reserved),
	STANDARD_STREAMS = 3,
};

/* (1) */
static int leads_session(const struct rota_spawn_options *spawn)
{
	if (spawn->flags & ROTA_SPAWN_NEW_SESSION)
		return 1;
	for (uint32_t i = 0; i < spawn->stdio_count; i++)
		if (spawn->stdio[i].kind == ROTA_SPAWN_STDIO_TERMINAL)
			return 1;
	return 0;
}

static int take_spawn(struct rota_spawn_options *spawn,
		      const struct rota_command_options *options)
{
	int error = 0;

	if (options->spawn != NULL)
		error = rotai_sized_take(spawn, sizeof(*spawn), options->spawn,
					 LEAST_SPAWN);
	if (options->failed != NULL)
		spawn->failed = options->failed;
	if (error < 0 || spawn->process_group != 0 ||
	    (spawn->stdio_count > 0 && spawn->stdio == NULL))
		return ROTA_EINVAL;
	if (options->argv != NULL)
		spawn->argv = (char *const *)options->argv;
	if (spawn->file == NULL && spawn->argv != NULL)
		spawn->file = spawn->argv[0];
	if (spawn->file == NULL)
		return ROTA_EINVAL;
	if (!leads_session(spawn))
		spawn->flags |= ROTA_SPAWN_NEW_GROUP;
	spawn->flags |= ROTA_SPAWN_KILL_ON_CLOSE; /* (2) */
	if (spawn->stdio_count < STANDARD_STREAMS)
		spawn->stdio_count = STANDARD_STREAMS;
	return 0;
}

static void set_defaults(struct rota_command_options *options)
{
	if (options->output_limit == 0)
		options->output_limit = ROTA_COMMAND_LIMIT;
	if (options->errors_limit == 0)
		options->errors_limit = ROTA_COMMAND_LIMIT;
	if (options->grace_ns == 0)
		options->grace_ns = ROTA_MSEC(ROTA_COMMAND_GRACE_MS);
	if (options->linger_ns == 0)
		options->linger_ns = ROTA_MSEC(ROTA_COMMAND_LINGER_MS);
}

int rotai_command_complete(struct rota_command_options *options,
			   struct rota_spawn_options *spawn)
{
	if (options->reserved != 0 ||
	    (options->flags & ~(unsigned)ALL_COMMAND_FLAGS) != 0 ||
	    (options->input.data == NULL && options->input.size > 0) ||
	    options->input.size > PTRDIFF_MAX ||
	    options->output_limit >= PTRDIFF_MAX ||
	    options->errors_limit >= PTRDIFF_MAX)
		return ROTA_EINVAL;
	set_defaults(options);
	return take_spawn(spawn, options);
}

void rotai_command_stdio(struct rota_spawn_stdio *stdio,
			 const struct rota_command_options *options,
			 uint32_t count)
{
	uint32_t given =
		options->spawn != NULL ? options->spawn->stdio_count : 0;

	memset(stdio, 0, count * sizeof(*stdio));
	if (given > 0)
		memcpy(stdio, options->spawn->stdio, given * sizeof(*stdio));
}
