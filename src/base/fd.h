/*
 * base/fd.h - operations on descriptors. Some are one system call on one system
 * and several on another.
 */
#ifndef ROTAI_BASE_FD_H
#define ROTAI_BASE_FD_H

#include <poll.h>
#include <stdint.h>

/* POSIX has no event for "the peer closed its writing half"; Linux has. */
#ifdef POLLRDHUP
enum { ROTAI_POLLRDHUP = POLLRDHUP };
#else
enum { ROTAI_POLLRDHUP = 0 };
#endif

/* Make a pipe for the library's own use: non-blocking, close-on-exec and above
 * the standard descriptors. Returns 0 or an error. */
int rotai_fd_pipe(int fds[2]);

/* Move @fd, which is the result of a system call, above the standard
 * descriptors: a program that was started without those may open them later.
 * Returns the new descriptor. If @fd is negative, returns the error in errno.
 * If @fd cannot be moved, closes it and returns the error. */
int rotai_fd_raise(int fd);

/* The same for two. Returns 0, or an error with both closed. */
int rotai_fd_raise_both(int fds[2]);

/* Duplicate @fd: the new descriptor is close-on-exec and above the standard
 * descriptors. Returns it or an error. */
int rotai_fd_duplicate(int fd);

/* poll(2) with a time-out in nanoseconds; -1: no limit. A time-out never ends
 * early, unless it is longer than INT_MAX milliseconds. Returns how many
 * descriptors are ready, or -1 with the error in errno, as poll(2) does. */
int rotai_fd_poll(struct pollfd *fds, unsigned count, int64_t timeout_ns);

/* Check whether @fd can be watched. Returns 0, ROTA_EBADF, or ROTA_EPERM for
 * regular files and directories, which are always ready. Not needed for
 * epoll(7), which refuses these itself. */
int rotai_fd_can_be_watched(int fd);

/* Make the open file of @fd non-blocking, or blocking again. Returns 0 or an
 * error. */
int rotai_fd_set_nonblocking(int fd, int on);

void rotai_fd_close(int fd);

#endif
