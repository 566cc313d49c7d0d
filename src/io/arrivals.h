/*
 * io/arrivals.h - the descriptors that a pipe has received, and that the
 * program has not taken yet.
 */
#ifndef ROTAI_IO_ARRIVALS_H
#define ROTAI_IO_ARRIVALS_H

#include <sys/types.h>

#include "rota/buf.h"
#include "rota/pipe.h"

/* Have @pipe keep up to @max, at least 1 and not less than wait: 0 or
 * ROTA_ENOMEM. */
int rotai_arrivals_keep(struct rota_pipe *pipe, size_t max);

/* Close what waits, and keep no more. */
void rotai_arrivals_free(struct rota_pipe *pipe);

/* How many wait, the errors between them not counted. */
size_t rotai_arrivals_count(const struct rota_pipe *pipe);

/* Whether anything waits, an error included. */
int rotai_arrivals_wait(const struct rota_pipe *pipe);

/* See rota_pipe_take_descriptors(). */
ptrdiff_t rotai_arrivals_take(struct rota_pipe *pipe, int *fds, size_t count);

/* Receive bytes from the socket @fd of @pipe, and keep or close the descriptors
 * that come with them. Returns the number of bytes, 0 at the end, or an
 * error. */
ssize_t rotai_arrivals_receive(struct rota_pipe *pipe, int fd,
			       const struct rota_buf *buf);

#endif
