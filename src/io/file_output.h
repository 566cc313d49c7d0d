/*
 * io/file_output.h - an entry of the output queue that is a part of a file.
 */
#ifndef ROTAI_IO_FILE_OUTPUT_H
#define ROTAI_IO_FILE_OUTPUT_H

#include "io/io.h"
#include "pool/item.h"
#include "rota/sendfile.h"

static inline struct rota_sendfile *
rotai_sendfile_of(struct rotai_output *output)
{
	return rota_container_of(output, struct rota_sendfile, internal.output);
}

/* Set up the entry, which is to send @length bytes of @fd from @offset on to
 * @stream. @returned is called when an item comes back from the pool. */
void rotai_file_output_init(struct rota_sendfile *sendfile,
			    const struct rota_stream *stream, int fd,
			    int64_t offset, uint64_t length,
			    rotai_item_ended_fn *returned);

/* Send from @output, which is the first entry of the queue, at most *@budget
 * bytes, which are taken off it. Returns 1 if all of it is sent; or an error;
 * or 0 if it waits: for room or the next event (ROTAI_BLOCKED), or for a thread
 * (ROTAI_FETCHING). */
int rotai_file_output_step(struct rota_stream *stream,
			   struct rotai_output *output, size_t *budget);

/* Whether at least one byte will be sent, unless the file has shrunk. */
static inline int rotai_file_output_has_bytes(const struct rotai_output *output)
{
	const struct rota_sendfile *s = rota_container_of(
		output, const struct rota_sendfile, internal.output);

	return s->internal.left > 0 && s->internal.left <= INT64_MAX;
}

/* If all of @output is short and in the page cache, and nothing of it is being
 * fetched, read it to the ROTAI_FILE_SHORT bytes at @piece. Returns its size,
 * or 0. So it can be sent together with what is before it. */
enum { ROTAI_FILE_SHORT = 16 * 1024 };
size_t rotai_file_output_peek(struct rotai_output *output, char *piece);

/* The first @n bytes of @output were sent in this way. */
void rotai_file_output_took(struct rotai_output *output, size_t n);

/* The item of @sendfile has come back with @error. Returns 0 if the entry can
 * go on, or the error with which it fails. If the entry has left the queue,
 * finishes the request, and returns 1. */
int rotai_file_output_returned(struct rota_sendfile *sendfile, int error);

/* @output has left the queue: finish the request with @status, now or when a
 * thread is done with it. */
void rotai_file_output_end(struct rotai_output *output, int status);

/* In a forked child: no item comes back. */
void rotai_file_output_forget(struct rota_sendfile *sendfile);

#endif
