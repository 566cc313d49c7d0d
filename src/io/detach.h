/*
 * io/detach.h - putting a connection that was detached into a stream.
 */
#ifndef ROTAI_IO_DETACH_H
#define ROTAI_IO_DETACH_H

#include "io/io.h"
#include "rota/detached.h"

/* Have @stream, which is newly open with the descriptor of @detached, take
 * everything else: 0. Or an error: then it is closed, and @detached is as
 * before. */
int rotai_stream_attach(struct rota_stream *stream,
			struct rota_detached *detached);

#endif
