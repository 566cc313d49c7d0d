/*
 * io/pipe_class.h - the three classes of pipes.
 */
#ifndef ROTAI_IO_PIPE_CLASS_H
#define ROTAI_IO_PIPE_CLASS_H

#include "io/io.h"
#include "rota/pipe.h"

/* A Unix socket, one that keeps the descriptors that it receives, and an end of
 * an anonymous pipe or FIFO. */
extern const struct rotai_stream_class rotai_pipe_socket_class;
extern const struct rotai_stream_class rotai_pipe_keeping_class;
extern const struct rotai_stream_class rotai_pipe_fifo_class;

/* Make @pipe, which is open and a socket, one that keeps up to @max descriptors
 * or, with 0, none: 0 or ROTA_ENOMEM. */
int rotai_pipe_keep(struct rota_pipe *pipe, size_t max);

static inline int rotai_pipe_is_fifo(const struct rota_pipe *pipe)
{
	return rotai_stream_class_of(&pipe->stream) == &rotai_pipe_fifo_class;
}

static inline struct rota_pipe *rotai_pipe_of(struct rota_stream *stream)
{
	return rota_container_of(stream, struct rota_pipe, stream);
}

#endif
