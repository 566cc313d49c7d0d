/*
 * rota/buf.h - areas of memory, and how to keep bytes that a loop has lent.
 */
#ifndef ROTA_BUF_H
#define ROTA_BUF_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_stream;

/** An area of memory: @size bytes at @data. */
struct rota_buf {
	char *data;
	size_t size;
};

/** An area of memory that is only read: @size bytes at @data. */
struct rota_const_buf {
	const char *data;
	size_t size;
};

/**
 * Return a rota_const_buf for the @size bytes at @data, whatever their type.
 *
 * Thread:  any, and signal handlers.
 * Owner:   the bytes are not copied.
 */
static inline struct rota_const_buf rota_bytes(const void *data, size_t size)
{
	struct rota_const_buf buf;

#ifdef __cplusplus
	buf.data = static_cast<const char *>(data);
#else
	buf.data = data;
#endif
	buf.size = size;
	return buf;
}

/** Keeps bytes that the loop has lent. Opaque: see rota_buf_keep(). */
struct rota_hold;

/**
 * Keep the bytes that the read callback of @stream was called with: they stay
 * unchanged and in place until rota_buf_release(). Returns the hold, or NULL if
 * no bytes are lent at the moment.
 *
 * The loop goes on to read into the rest of its buffer, so at first the kept
 * bytes cost no memory beyond their own. When too little of the rest is left,
 * the loop takes a new buffer. The old one stays until its last hold is
 * released.
 *
 * Phase:   poll: call this inside the read callback of @stream, before the
 *          callback closes @stream.
 * Thread:  the loop's.
 * Owner:   the caller, who gets one hold for each call and releases each.
 */
struct rota_hold *rota_buf_keep(struct rota_stream *stream);

/**
 * Release @hold, and the bytes that it keeps. The loop may have been closed in
 * the meantime.
 *
 * Thread:  the loop's. After the loop was closed: any, but one call at a time.
 * Owner:   neither @hold nor its bytes may be used afterwards.
 */
void rota_buf_release(struct rota_hold *hold);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
