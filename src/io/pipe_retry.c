/*
 * io/pipe_retry.c - see pipe_retry.h.
 *
 * Linux refuses to connect a non-blocking Unix socket while the queue of the
 * listener is full, and has no event for its becoming shorter. So a timer tries
 * again. The pauses grow, up to a limit.
 */
#include "io/pipe_retry.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/unix.h"
#include "io/connect.h"
#include "io/io.h"
#include "loop/timer.h"

static const uint64_t FIRST_RETRY_NS = ROTA_MSEC(1);
static const uint64_t LONGEST_RETRY_NS = ROTA_MSEC(100);

struct rotai_retry {
	struct rota_timer timer;
	struct rota_pipe *pipe;
	uint64_t pause_ns;
	struct rotai_unix_address address;
};

static void try_again(struct rota_timer *timer);

static void start_pause(struct rotai_retry *retry)
{
	struct rota_loop *loop = retry->pipe->handle.internal.loop;

	rotai_timer_start_own(
		&retry->timer, try_again,
		rotai_add_saturated(loop->clock(loop), retry->pause_ns));
	retry->pause_ns *= 2;
	if (retry->pause_ns > LONGEST_RETRY_NS)
		retry->pause_ns = LONGEST_RETRY_NS;
}

static void try_again(struct rota_timer *timer)
{
	struct rotai_retry *retry =
		rota_container_of(timer, struct rotai_retry, timer);
	struct rota_pipe *pipe = retry->pipe;
	struct rotai_unix_address address = retry->address;
	int status = rotai_stream_connect_again(
		&pipe->stream, (struct sockaddr *)(void *)&address.un,
		address.size);

	if (status == ROTA_EAGAIN)
		start_pause(retry);
	else if (rotai_stream_has(&pipe->stream, ROTAI_CONNECTED))
		rotai_retry_stop(pipe); /* else it has stopped */
}

int rotai_retry_begin(struct rota_stream *stream,
		      const struct sockaddr *address, size_t size)
{
	struct rota_pipe *pipe =
		rota_container_of(stream, struct rota_pipe, stream);
	struct rota_loop *loop = stream->handle.internal.loop;
	struct rotai_retry *retry =
		rotai_memory_new(&loop->allocator, sizeof(*retry));

	if (retry == NULL)
		return ROTA_ENOMEM;
	memset(retry, 0, sizeof(*retry));
	retry->pipe = pipe;
	retry->pause_ns = FIRST_RETRY_NS;
	retry->address.size = size;
	memcpy(&retry->address.un, address, size);
	rota_timer_init(&retry->timer, loop);
	pipe->internal.retry = retry;
	start_pause(retry);
	return ROTA_EINPROGRESS;
}

void rotai_retry_stop(struct rota_pipe *pipe)
{
	struct rotai_retry *retry = pipe->internal.retry;

	if (retry == NULL)
		return;
	rota_timer_stop(&retry->timer);
	rotai_memory_free(&pipe->handle.internal.loop->allocator, retry,
			  sizeof(*retry));
	pipe->internal.retry = NULL;
}
