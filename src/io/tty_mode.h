/*
 * io/tty_mode.h - the terminals whose mode this process has changed, and what
 * they were like before. rota_tty_reset() is in tty_mode.c.
 */
#ifndef ROTAI_IO_TTY_MODE_H
#define ROTAI_IO_TTY_MODE_H

#include "rota/tty.h"

/* A handle that has changed the mode of its terminal has an entry of the table,
 * which it shares with other handles of the same terminal. Otherwise it has
 * this. */
enum { ROTAI_NO_MODE = -1 };

/* Set the mode of the terminal @fd, for the handle that has *@entry: 0, or an
 * error with nothing changed. After rotai_fork_observe(). */
int rotai_mode_set(int *entry, int fd, enum rota_tty_mode mode);

/* The handle that has *@entry closes: restore the terminal if no other handle
 * has the entry. */
void rotai_mode_leave(int *entry);

/* Before the process stops: restore all terminals. */
void rotai_modes_suspend(void);

/* The process was stopped and goes on: set the modes of all terminals again.
 * Returns 0 if this must wait for a terminal, in whose background it is. */
int rotai_modes_resume(void);

#endif
