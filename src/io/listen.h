/*
 * io/listen.h - listeners whose socket other loops have as well, through other
 * descriptors.
 */
#ifndef ROTAI_IO_LISTEN_H
#define ROTAI_IO_LISTEN_H

#include "io/io.h"

enum rotai_listen {
	ROTAI_LISTEN_ALL,       /* a connection wakes all loops that wait */
	ROTAI_LISTEN_EXCLUSIVE, /* it wakes one of them */
};

/* As rota_stream_listen(). */
int rotai_stream_listen_shared(struct rota_stream *stream, int backlog,
			       rota_connection_fn *fn, enum rotai_listen how);

/* Have the poller look anew whether connections wait: rotai_watch_look(). */
void rotai_listener_look(struct rota_stream *stream);

/* Call @fn for the connection @fd, which a listener of the same class has
 * accepted, as if @stream had; or for an error, with -1. */
void rotai_listener_call(struct rota_stream *stream, int status, int fd,
			 rota_connection_fn *fn);

#endif
