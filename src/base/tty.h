/*
 * base/tty.h - terminals: what a descriptor has to be for them, and the calls
 * that differ from system to system.
 */
#ifndef ROTAI_BASE_TTY_H
#define ROTAI_BASE_TTY_H

#include <stddef.h>
#include <stdint.h>

/* Check that @fd is a terminal: 0, ROTA_EBADF or ROTA_ENOTTY. */
int rotai_tty_check(int fd);

/* Whether @fd is the master of a pseudo-terminal: pty(7). */
int rotai_tty_is_master(int fd);

/* Which terminal @fd is, by whatever name it was opened: stores a number that
 * descriptors of the same terminal have in common. Returns 0, or an error if
 * the system does not report it. */
int rotai_tty_identify(int fd, uint64_t *number);

/* Store the size of the window: 0 or an error. */
int rotai_tty_window(int fd, unsigned *columns, unsigned *rows);

/* Set it: 0 or an error. The sizes are at most 65535. */
int rotai_tty_set_window(int fd, unsigned columns, unsigned rows);

/* How many bytes a terminal accepts without waiting if poll(2) says that it is
 * writable; at least 1. */
size_t rotai_tty_least_space(int fd);

/* Whether @fd is the controlling terminal of this process. */
int rotai_tty_is_controlling(int fd);

#endif
