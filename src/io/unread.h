/*
 * io/unread.h - bytes that a stream delivers before those of its socket.
 */
#ifndef ROTAI_IO_UNREAD_H
#define ROTAI_IO_UNREAD_H

#include "io/io.h"

/* Have @stream, which has a watch, deliver a copy of the @size bytes at @data
 * first: 0 or ROTA_ENOMEM. */
int rotai_unread_put(struct rota_stream *stream, const char *data, size_t size);

/* Move up to @buf->size of these bytes to @buf. Returns how many; 0: there are
 * none. */
size_t rotai_unread_take(struct rota_stream *stream,
			 const struct rota_buf *buf);

/* Return these bytes, which remain; the size is 0 if there are none. */
struct rota_const_buf rotai_unread_bytes(const struct rota_stream *stream);

/* Free them. */
void rotai_unread_free(struct rota_stream *stream);

#endif
