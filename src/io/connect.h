/*
 * io/connect.h - connecting, for the kinds of streams that can connect.
 */
#ifndef ROTAI_IO_CONNECT_H
#define ROTAI_IO_CONNECT_H

#include <stddef.h>

#include "loop/request.h"
#include "rota/stream.h"

struct sockaddr;

/* What differs between kinds of connects. */
struct rotai_connect_class {
	struct rotai_request_class request;

	/* The stream is closing: end the request with @status, now or when a
	 * thread is done with it. */
	void (*stop)(struct rota_connect *connect, int status);
};

static inline const struct rotai_connect_class *
rotai_connect_class_of(const struct rota_connect *connect)
{
	return rota_container_of(connect->request.internal.class_,
				 const struct rotai_connect_class, request);
}

/* Return 0 if the state of @stream allows it to connect, or the error. */
int rotai_stream_may_connect(const struct rota_stream *stream);

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

/* Begin to connect @fd: 0 if it is done already, ROTA_EINPROGRESS, or an error.
 * Of @first, the bytes that the kernel takes with the first packet are
 * removed. */
int rotai_connect_begin(int fd, const struct sockaddr *address, size_t size,
			struct rota_const_buf *first);

/* The call function of the classes. */
void rotai_connect_call(struct rota_request *request);

/* @stream, which was connecting, has failed with @error: it is then as after
 * its initialization, and its queued output is dropped. */
void rotai_connect_give_up(struct rota_stream *stream, int error);

/* The same, or it is connected, if @status is 0; @events have come with
 * that. */
void rotai_connect_ended(struct rota_stream *stream, int status,
			 unsigned events);

#endif
