/*
 * process/command.h - the options of a command.
 */
#ifndef ROTAI_PROCESS_COMMAND_H
#define ROTAI_PROCESS_COMMAND_H

#include "rota/command.h"

/* Check *@options, put the defaults into it, and make the options for the start
 * of the process, without stdio but with its count. Returns 0 or
 * ROTA_EINVAL. */
int rotai_command_complete(struct rota_command_options *options,
			   struct rota_spawn_options *spawn);

/* Fill the @count entries at @stdio with those of @options. */
void rotai_command_stdio(struct rota_spawn_stdio *stdio,
			 const struct rota_command_options *options,
			 uint32_t count);

#endif
