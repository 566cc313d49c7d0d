/*
 * rota/fs_reader.h - reading a file in chunks, as fast as the program takes
 * them.
 *
 *     rota_reader_init(&reader, loop);
 *     rota_reader_start(&reader, on_chunk, path,
 *                       (struct rota_buf){ memory, sizeof(memory) });
 */
#ifndef ROTA_FS_READER_H
#define ROTA_FS_READER_H

#include "rota/fs.h"
#include "rota/task.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_reader;

/**
 * Called with each chunk: @size is the number of bytes at @data, which are
 * valid until the callback returns. The last call has @data NULL and in @size
 * why the reader has ended: ROTA_EOF at the end of the file; ROTA_ECANCELED; or
 * another error. The file is closed by then, and the callback may free @reader
 * or start it again.
 *
 * Phase:   poll, pending or check; the last call: pending.
 * Thread:  the loop's.
 */
typedef void rota_reader_fn(struct rota_reader *reader, int64_t size,
			    const char *data);

/**
 * A file that is read in chunks, from its beginning to its end.
 *
 * Owner:   the caller, who keeps it alive and in place until the last callback
 *          begins.
 */
struct rota_reader {
	void *data; /* for the caller */
	struct {
		struct rota_request request; /* from the start to the end */
		struct rota_fs fs;           /* one step of it */
		struct rota_task task;
		rota_reader_fn *fn;
		char *memory;
		size_t half;      /* bytes of each half of the memory */
		size_t filled[2]; /* bytes to pass on, in each */
		int64_t offset;   /* of the next byte; -1: it has none */
		int fd;           /* or -1 */
		int16_t end;      /* why nothing more is read, or 0 */
		int16_t status;   /* why nothing more is passed on, or 0 */
		uint8_t read_to;  /* the half that is read to next */
		uint8_t at;       /* the half that is passed on next */
		uint8_t paused;
		uint8_t calling;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @reader for use on @loop.
 *
 * Thread:  the loop's.
 */
void rota_reader_init(struct rota_reader *reader, struct rota_loop *loop);

/**
 * Open the file @path and read it to its end. Each chunk is passed to @fn, in
 * order. While the program works on one half of @memory, the other half is
 * filled: so at most @memory.size bytes are read ahead, and a chunk has at most
 * half of that. The bytes are those that the reads return: it does not matter
 * whether the file grows or shrinks meanwhile, or is a file of /proc that has
 * no size. A FIFO or a device is read in the blocking lane, as with
 * rota_fs_read(). Returns 0.
 *
 * Phase:   @fn as rota_reader_fn
 * Thread:  the loop's.
 * Owner:   the caller keeps @path in place until the first callback, and
 *          @memory until the last.
 * Errors:  ROTA_EINVAL  @reader, @fn, @path or @memory.data is NULL, or
 *                       @memory.size is smaller than 2
 *          ROTA_EBUSY   @reader has not ended
 *          else as rota_fs_open()
 */
int rota_reader_start(struct rota_reader *reader, rota_reader_fn *fn,
		      const char *path, struct rota_buf memory);

/**
 * Call no more until rota_reader_resume(). When the memory is full, nothing
 * more is read. The reader keeps the loop alive all the same.
 *
 * Thread:  the loop's.
 */
void rota_reader_pause(struct rota_reader *reader);

/**
 * Go on after rota_reader_pause(). What has been read meanwhile is passed on in
 * the next check phase.
 *
 * Thread:  the loop's.
 */
void rota_reader_resume(struct rota_reader *reader);

/**
 * End @reader early: the last callback comes with ROTA_ECANCELED, and no chunk
 * before it. It comes as soon as no thread uses the memory any more; a thread
 * that waits for data stops waiting. rota_loop_shutdown() does this to all
 * readers. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EALREADY  @reader has ended or was cancelled
 *          ROTA_ECHILD    in a forked child, before rota_loop_fork()
 */
int rota_reader_cancel(struct rota_reader *reader);

/**
 * Return 1 from the start until the last callback begins, else 0.
 *
 * Thread:  the loop's.
 */
int rota_reader_is_active(const struct rota_reader *reader);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
