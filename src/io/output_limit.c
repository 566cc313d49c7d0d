/*
 * io/output_limit.c - a limit of all copies of sent data that a loop has.
 *
 *  1. A send may queue a copy if its stream then has no more than what is left
 *     of the limit. So one stream gets at most half of it, two get a third
 *     each, and something is left for a stream that has nothing queued. chunk.c
 *     checks that.
 *  2. Only what a send queues is refused. What the kernel takes at once needs
 *     no memory. If the kernel has taken a part, the rest is queued in any
 *     case, because nobody could send it otherwise. So is what a pump has read
 *     or a filter has made, and what came with a detached stream.
 *  3. A stream that was refused is told by on_drain: when its own queue has
 *     shrunk to the low watermark; or if it had less than that already, when it
 *     is writable and has sent everything, or when all copies together have
 *     shrunk to half of the limit. For the latter all handles are looked at,
 *     which is rare: the limit has to be reached again before the next time.
 *     deferred.c does that.
 */
#include "io/io.h"
#include "loop/enter.h"

int rota_loop_set_output_limit(struct rota_loop *loop, size_t bytes)
{
	ROTAI_ENTER_LOOP(loop);
	int error = rotai_io_prepare(loop);
	struct rotai_io *io;

	if (error < 0)
		return error;
	io = rota_container_of(rotai_extension_get(loop, ROTAI_EXTENSION_IO),
			       struct rotai_io, extension);
	io->output_limit = bytes;
	if (io->has_refused &&
	    (bytes == 0 || loop->stats.output_bytes <= bytes / 2)) {
		io->has_place = 1;
		rotai_extension_call_pending(loop, &io->extension);
	}
	return 0;
}

struct rota_stream *rota_loop_largest_output(struct rota_loop *loop)
{
	ROTAI_ENTER_LOOP(loop);
	struct rota_stream *largest = NULL;
	size_t most = 0;

	for (struct rota_link *at = loop->handles.next; at != &loop->handles;
	     at = at->next) {
		struct rota_stream *stream = rotai_stream_of_link(at);
		size_t size;

		if (stream == NULL || rotai_stream_has(stream, ROTAI_LISTENING))
			continue;
		size = rotai_output_copied(stream, SIZE_MAX);
		if (size > most) {
			most = size;
			largest = stream;
		}
	}
	return largest;
}
