/*
 * base/pty.h - makes pseudo-terminals: pty(7).
 */
#ifndef ROTAI_BASE_PTY_H
#define ROTAI_BASE_PTY_H

/* Make a pseudo-terminal whose window has this size: @fds[0] is the master,
 * which is non-blocking, and @fds[1] the slave, which is not. Both are
 * close-on-exec and above the standard descriptors, and neither becomes the
 * controlling terminal. Returns 0, or an error with none open. */
int rotai_pty_open(int fds[2], unsigned columns, unsigned rows);

/* Open the slave of the master @fd. Returns it, or an error. */
int rotai_pty_slave(int fd);

#endif
