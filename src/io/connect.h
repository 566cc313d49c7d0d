/*
 * io/connect.h - connecting, for the kinds of streams that can connect.
 */
#ifndef ROTAI_IO_CONNECT_H
#define ROTAI_IO_CONNECT_H

#include <stddef.h>

#include "rota/buf.h"

struct sockaddr;
struct rota_connect;
struct rota_stream;

/* Connect @stream, whose state allows it, to @address. The caller has set the
 * callback in @connect. The bytes of @first, if there are any, are the first
 * output, and leave with the first packet if possible. */
void rotai_stream_connect(struct rota_connect *connect,
			  struct rota_stream *stream,
			  const struct sockaddr *address, size_t size,
			  struct rota_const_buf first);

/* Go on with the attempt of @stream, which its class has put off. Returns
 * ROTA_EAGAIN if there is still no room, or ROTA_EINPROGRESS if the kernel goes
 * on with it by itself: the class need not try again. Otherwise the attempt has
 * ended, and @stream may be closed afterwards. */
int rotai_stream_connect_again(struct rota_stream *stream,
			       const struct sockaddr *address, size_t size);

#endif
