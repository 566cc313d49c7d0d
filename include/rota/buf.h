/*
 * rota/buf.h - a stretch of memory, and what a loop lends.
 */
#ifndef ROTA_BUF_H
#define ROTA_BUF_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_stream;

/** @size bytes from @data on. */
struct rota_buf {
	char *data;
	size_t size;
};

/** @size bytes from @data on, which are read and not changed. */
struct rota_const_buf {
	const char *data;
	size_t size;
};

/**
 * Make a rota_const_buf of @size bytes of any type.
 *
 * Thread:  any, and signal handlers
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

/** Holds memory that the loop has lent. Opaque: see rota_buf_keep(). */
struct rota_hold;

/**
 * Keep what the read callback of @stream is lent at the moment: its bytes stay
 * as they are until rota_buf_release(). The loop goes on with the rest of its
 * buffer, so that what is kept costs no more than itself until that is used up.
 * Returns NULL if nothing is being lent.
 *
 * Phase:   poll: inside the read callback of @stream, before it closes it.
 * Thread:  the loop's.
 * Owner:   the caller, of one hold for each call.
 */
struct rota_hold *rota_buf_keep(struct rota_stream *stream);

/**
 * Let go of what was kept. The loop may have been closed meanwhile.
 *
 * Thread:  the loop's; once that is closed, any, one at a time.
 */
void rota_buf_release(struct rota_hold *hold);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
