/*
 * process/terminal.h - pseudo-terminals as descriptors of a child.
 */
#ifndef ROTAI_PROCESS_TERMINAL_H
#define ROTAI_PROCESS_TERMINAL_H

#include "rota/spawn.h"

struct rota_loop;

/* Check what the options say about terminals: 0 or ROTA_EINVAL. */
int rotai_terminal_check(const struct rota_spawn_options *options);

/* If the child has a terminal, have it lead a session, and make the terminal
 * its controlling one. */
void rotai_terminal_begin(struct rota_spawn_options *options);

/* Make the terminal of the descriptor @i, or find it if an earlier one has the
 * same. Returns the slave, which is in @ends of the first of them; or an
 * error. */
int rotai_terminal_open(const struct rota_spawn_options *options,
			struct rota_loop *loop, uint32_t i, int *ends);

#endif
