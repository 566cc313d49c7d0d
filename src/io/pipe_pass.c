/*
 * io/pipe_pass.c - passing descriptors over a Unix socket.
 */
#include <errno.h>
#include <fcntl.h>

#include "io/arrivals.h"
#include "io/pipe_class.h"

/* Return 0, or the error if @pipe cannot pass descriptors. */
static int may_pass(const struct rota_pipe *pipe)
{
	int error = rotai_handle_usable(&pipe->handle);

	if (error < 0)
		return error;
	return rotai_pipe_is_fifo(pipe) ? ROTA_ENOTSUP : 0;
}

static int check_passed(const int *fds, size_t count)
{
	if (fds == NULL || count == 0 || count > ROTA_PIPE_PASSED)
		return ROTA_EINVAL;
	for (size_t i = 0; i < count; i++)
		if (fcntl(fds[i], F_GETFD) < 0)
			return -errno;
	return 0;
}

int rota_pipe_write(struct rota_pass *pass, struct rota_pipe *pipe,
		    const struct rota_const_buf *bufs, size_t count,
		    const int *fds, size_t fd_count, rota_write_fn *fn)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	int error = may_pass(pipe);
	ptrdiff_t total;

	if (error < 0)
		return error;
	total = rotai_write_check(&pipe->stream, bufs, count, fn);
	if (total <= 0)
		return total < 0 ? (int)total : ROTA_EINVAL;
	error = check_passed(fds, fd_count);
	if (error < 0)
		return error;
	pass->internal.fds = fds;
	pass->internal.count = fd_count;
	pass->write.internal.fn = fn;
	pass->write.internal.output.left = (size_t)total;
	rotai_write_begin(&pass->write, &pipe->stream, bufs, (uint32_t)count,
			  ROTAI_OUTPUT_PASS);
	return 0;
}

int rota_pipe_accept_descriptors(struct rota_pipe *pipe, size_t max)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	int error = may_pass(pipe);

	if (error < 0)
		return error;
	if (max > ROTA_PIPE_WAITING ||
	    (max > 0 && max < rotai_arrivals_count(pipe)))
		return ROTA_EINVAL;
	if (!rotai_stream_has(&pipe->stream,
			      ROTAI_CONNECTED | ROTAI_CONNECTING))
		return ROTA_ENOTCONN;
	return rotai_pipe_keep(pipe, max);
}

ptrdiff_t rota_pipe_take_descriptors(struct rota_pipe *pipe, int *fds,
				     size_t count)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	int error = rotai_handle_reachable(&pipe->handle);

	if (error == 0 && (fds == NULL || count == 0 ||
			   rota_handle_is_closing(&pipe->handle)))
		error = ROTA_EINVAL;
	return error < 0 ? error : rotai_arrivals_take(pipe, fds, count);
}

size_t rota_pipe_descriptors(const struct rota_pipe *pipe)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	return rotai_arrivals_count(pipe);
}
