/*
 * base/fd.h - descriptors: what one system call does here and two elsewhere.
 */
#ifndef ROTAI_BASE_FD_H
#define ROTAI_BASE_FD_H

#include <poll.h>
#include <stdint.h>

/* POSIX has no event for "the peer closed its writing half"; Linux does. */
#ifdef POLLRDHUP
enum { ROTAI_POLLRDHUP = POLLRDHUP };
#else
enum { ROTAI_POLLRDHUP = 0 };
#endif

/* Make a pipe of the library's own, non-blocking, close-on-exec and above the
 * standard descriptors: 0 or an error. */
int rotai_fd_pipe(int fds[2]);

/* Move @fd, which a call has just returned, above the standard descriptors: a
 * program that was started without these may open them later. Returns the
 * descriptor. If @fd is negative, or cannot be moved, returns the error of
 * errno, with @fd closed. */
int rotai_fd_raise(int fd);

/* The same for two: 0, or an error, with both closed. */
int rotai_fd_raise_both(int fds[2]);

/* poll(2) with a time-out in nanoseconds, -1: none. Never early. As poll(2)
 * does, returns how many are ready, or -1 and errno. */
int rotai_fd_poll(struct pollfd *fds, unsigned count, int64_t timeout_ns);

/* Whether @fd is a descriptor that can become ready: 0, ROTA_EBADF, or
 * ROTA_EPERM for files and directories, which are always ready. epoll(7)
 * refuses them by itself. */
int rotai_fd_can_be_watched(int fd);

void rotai_fd_close(int fd);

#endif
