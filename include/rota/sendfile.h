/*
 * rota/sendfile.h - sending a part of a file to a stream.
 *
 *     rota_stream_set_cork(stream, 1);
 *     rota_stream_send(stream, header, header_size);
 *     rota_stream_sendfile(&c->sendfile, stream, fd, 0, size, on_sent);
 *     rota_stream_send(stream, trailer, trailer_size);
 */
#ifndef ROTA_SENDFILE_H
#define ROTA_SENDFILE_H

#include "rota/pool.h"
#include "rota/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_sendfile;

/** For @length: up to the end of the file. */
#define ROTA_TO_THE_END UINT64_MAX

/**
 * Called when @sendfile has completed: @status is 0 if the kernel has accepted
 * all bytes, or an error. Also with an error, @sendfile->sent bytes were
 * accepted. The callback may free @sendfile and close the file.
 *
 * Phase:   pending, or closing if the stream was closed.
 * Thread:  the loop's.
 */
typedef void rota_sendfile_fn(struct rota_sendfile *sendfile, int status);

/**
 * A request to send a part of a file. It needs no initialization.
 *
 * Owner:   as struct rota_request
 */
struct rota_sendfile {
	struct rota_request request;
	uint64_t sent; /* bytes that the kernel, or the class, has accepted */
	struct {
		struct rotai_output output;
		struct rotai_item item;
		rota_sendfile_fn *fn;
		int64_t offset; /* in the file, of the next byte */
		uint64_t left;  /* bytes to send from there */
		uint32_t ahead; /* of them, in the page cache */
		uint32_t from;  /* in data, of the next byte */
		uint32_t capacity;
		char *data;       /* bytes to copy, or NULL */
		ptrdiff_t result; /* of the thread */
		int fd;
		int16_t late; /* how it ends when a thread is done with it */
		uint8_t mode;
		uint8_t away; /* a thread is, or will be, at work for it */
	} internal;           /* private to the library: do not read or write */
};

/**
 * Send @length bytes of the file @fd, from the byte @offset on, and then call
 * @fn. They leave in their place among sends, writes and other files of
 * @stream, without being copied if @stream is a socket and the system can do
 * that: see sendfile(2). The position of the file is neither used nor changed.
 * Returns 0.
 *
 * The loop never waits for a disk: what the system does not have in memory is
 * read by a thread of the pool, in the io lane, and the output behind it waits.
 * Files of a kind whose state the system does not tell are always read ahead by
 * a thread.
 *
 * @length ROTA_TO_THE_END sends all bytes up to the end of the file, wherever
 * that is when it is reached. With another @length, a file that grows makes no
 * difference. If the file has shrunk and ends early, the request completes with
 * ROTA_EOF. After any error but ROTA_ECANCELED the writing side has failed, as
 * with rota_stream_write(): the peer was promised more. With @length 0 nothing
 * is sent.
 *
 * The bytes use no memory, so they do not count in rota_stream_queued() and for
 * the watermarks. Up to 64 KiB are used while bytes of a cold file, or for a
 * stream that is not a socket, are copied.
 *
 * &sendfile->request can be cancelled until a byte is sent or a thread works
 * for it; after that the cancel returns ROTA_EBUSY. If its deadline passes, or
 * @stream is closed, while a thread works for it, it completes when the thread
 * is done.
 *
 * Phase:   @fn runs in the pending phase; in the closing phase if @stream was
 *          closed.
 * Thread:  the loop's.
 * Owner:   the caller keeps @sendfile alive and in place, and @fd open, until
 *          @fn is called.
 * Errors:  ROTA_EINVAL  @fn is NULL; @offset is negative; @offset and @length
 *                       add up to more than INT64_MAX; @fd is neither a file
 *                       nor a block device (for pipes and sockets see
 *                       rota/pump.h); or @stream listens or is closing
 *          ROTA_EBADF   @fd is not open, or not for reading
 *          ROTA_EISDIR  @fd is a directory
 *          ROTA_ENOMEM  only with the loop's first job for its pool
 *          else as rota_stream_write()
 *          After any of them nothing has changed, and @fn is not called. @fn is
 *          called with: ROTA_EOF; errors of the file, such as ROTA_EIO; errors
 *          of the stream; ROTA_ENOMEM; ROTA_EAGAIN if the pool could start no
 *          thread.
 */
int rota_stream_sendfile(struct rota_sendfile *sendfile,
			 struct rota_stream *stream, int fd, int64_t offset,
			 uint64_t length, rota_sendfile_fn *fn);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
