/*
 * io/tty.h - what tty.c offers to other modules.
 */
#ifndef ROTAI_IO_TTY_H
#define ROTAI_IO_TTY_H

#include "rota/tty.h"

/* As rota_tty_open(), for the master @fd of a pseudo-terminal, which is
 * non-blocking and which nobody else has. If this returns 0, the handle owns
 * @fd. */
int rotai_tty_open_master(struct rota_tty *tty, struct rota_loop *loop, int fd);

#endif
