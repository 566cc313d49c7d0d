/*
 * base/pty_name.h - the slave of a pseudo-terminal by its name, which every
 * system has.
 */
#ifndef ROTAI_BASE_PTY_NAME_H
#define ROTAI_BASE_PTY_NAME_H

/* Open the slave of the master @fd. Returns it, or an error. */
int rotai_pty_slave_named(int fd);

#endif
