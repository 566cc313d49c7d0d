/*
 * rota/memory_stream.h - two connected streams in memory, without descriptors:
 * what is written to one is read from the other. They serve to test code that
 * works on any stream, and to connect two parts of a program.
 */
#ifndef ROTA_MEMORY_STREAM_H
#define ROTA_MEMORY_STREAM_H

#include "rota/stream_class.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * One end of a pair. Its bases are &end.stream and &end.handle.
 *
 * Owner:   as struct rota_handle
 */
struct rota_memory_stream {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct {
		struct rota_memory_stream *peer; /* NULL: closed */
		char *bytes; /* on their way to this end, in a ring */
		size_t from; /* of the first one */
		size_t size; /* how many */
		size_t capacity;
		int error;       /* the end of the input, when size is 0 */
		uint8_t blocked; /* this end waits for room at its peer */
	} internal;              /* private to the library: do not use */
};

/**
 * Initialize @a and @b as open streams of @loop that are connected to each
 * other. In each direction up to @capacity bytes are on their way, as in the
 * buffers of a socket; 0 means 65,536. The memory for them is allocated when
 * bytes are written, and freed when all of them are read. Returns 0.
 *
 * When one end closes, the other reads what is on its way, and then the end of
 * the input, or ROTA_ECONNRESET after rota_stream_close_reset(). Its output
 * fails with ROTA_EPIPE.
 *
 * Phase:   the callbacks of both run in the pending phase. rota_stream_detach()
 *          and rota_stream_fd() have no meaning for them, and return
 *          ROTA_ENOTSUP and ROTA_EBADF.
 * Thread:  the loop's.
 * Owner:   the caller, who ends each of them by rota_handle_close() or
 *          rota_stream_end().
 * Errors:  ROTA_EINVAL     @a is @b, or @capacity is more than PTRDIFF_MAX
 *          ROTA_ENOMEM     only with the loop's first stream
 *          ROTA_ESHUTDOWN  the loop is shutting down
 *          ROTA_ECHILD     in a forked child, before rota_loop_fork()
 *          After any of them neither is open. When memory runs out later, the
 *          output fails with ROTA_ENOMEM.
 */
int rota_memory_stream_pair(struct rota_memory_stream *a,
			    struct rota_memory_stream *b,
			    struct rota_loop *loop, size_t capacity);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
