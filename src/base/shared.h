/*
 * base/shared.h - descriptors whose open file description other processes may
 * share, as those of the standard streams. O_NONBLOCK is a flag of the
 * description: to set it would change what a read or a write does in these
 * processes, and in the shell after the program has ended. So the file is
 * opened anew, which makes another description; or, where that is not possible,
 * each call asks for what can be done without waiting.
 */
#ifndef ROTAI_BASE_SHARED_H
#define ROTAI_BASE_SHARED_H

#include <stddef.h>
#include <sys/types.h>

struct iovec;

/* Open the file of @fd anew, non-blocking and close-on-exec, for what @fd is
 * open for. Never makes a terminal the controlling one. Only for terminals,
 * except for masters, and for FIFOs and pipes: other files have a position, or
 * do something when they are opened. Returns the descriptor or an error. */
int rotai_shared_reopen(int fd);

/* Duplicate @fd, close-on-exec. The description stays the same. Returns the
 * descriptor or an error. */
int rotai_shared_duplicate(int fd);

/* Return what @fd is open for (O_RDONLY, O_WRONLY, O_RDWR), or an error. */
int rotai_shared_access(int fd);

/* Read what is there: the result of read(2), or an error, which is ROTA_EAGAIN
 * if there is nothing. Another process that reads at the same moment may make
 * this wait, except for pipes on Linux. */
ssize_t rotai_shared_read(int fd, void *data, size_t size);

/* Write what is accepted: the number of bytes, or an error, which is
 * ROTA_EAGAIN if nothing is accepted. Where the system cannot be asked not to
 * wait, writes pieces of @piece bytes, each after poll(2). Raises no
 * SIGPIPE. */
ssize_t rotai_shared_write(int fd, const struct iovec *bufs, size_t count,
			   size_t piece);

/* The same with poll(2), on every system. */
ssize_t rotai_shared_read_polled(int fd, void *data, size_t size);
ssize_t rotai_shared_write_polled(int fd, const struct iovec *bufs,
				  size_t count, size_t piece);

/* The same for a socket, by a flag of each call. rotai_shared_send() returns
 * the number of bytes or an error, and raises no SIGPIPE. */
ssize_t rotai_shared_receive(int fd, void *data, size_t size);
ssize_t rotai_shared_send(int fd, struct iovec *bufs, size_t count);

#endif
