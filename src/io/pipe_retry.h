/*
 * io/pipe_retry.h - connecting to a listener whose queue is full.
 */
#ifndef ROTAI_IO_PIPE_RETRY_H
#define ROTAI_IO_PIPE_RETRY_H

#include <stddef.h>

#include "rota/pipe.h"

struct sockaddr;

/* The functions connect_later and, when the attempt is given up, stop. */
int rotai_retry_begin(struct rota_stream *stream,
		      const struct sockaddr *address, size_t size);
void rotai_retry_stop(struct rota_pipe *pipe);

#endif
