/*
 * io/pipe_bind.c - names for Unix sockets: binding and connecting.
 */
#include <string.h>

#include "base/fd.h"
#include "base/sized.h"
#include "base/socket.h"
#include "base/unix.h"
#include "io/connect.h"
#include "io/pipe_class.h"
#include "io/pipe_file.h"

/* The first version of the struct ended here. */
enum { LEAST_BIND = ROTAI_SIZE_UP_TO(struct rota_pipe_bind_options, mode) };

ROTAI_SIZED(struct rota_pipe_bind_options, mode);

enum { BIND_FLAGS = ROTA_PIPE_REPLACE_STALE | ROTA_PIPE_KEEP_FILE };

/* Check the arguments, and store them: 0 or an error. */
static int read_bind(struct rotai_unix_address *address,
		     struct rota_pipe_bind_options *options, const char *name,
		     size_t size, const struct rota_pipe_bind_options *given)
{
	int is_abstract = name == NULL || (size > 0 && name[0] == 0);

	*options = (struct rota_pipe_bind_options){ .size = sizeof(*options) };
	if ((given != NULL && rotai_sized_take(options, sizeof(*options), given,
					       LEAST_BIND) < 0) ||
	    (name == NULL) != (size == 0) ||
	    (options->flags & ~(uint32_t)BIND_FLAGS) != 0 ||
	    options->mode > 0777 || (is_abstract && options->mode != 0))
		return ROTA_EINVAL;
	return rotai_unix_address_set(address, name, size);
}

static int bind_any(struct rota_pipe *pipe, int fd,
		    const struct rotai_unix_address *address,
		    const struct rota_pipe_bind_options *options)
{
	if (address->un.sun_path[0] != 0)
		return rotai_socket_file_bind(
			&pipe->internal.file,
			&pipe->handle.internal.loop->allocator, fd, address,
			options);
	return rotai_socket_bind(
		fd, (const struct sockaddr *)(const void *)&address->un,
		address->size);
}

int rota_pipe_bind(struct rota_pipe *pipe, const char *name, size_t size,
		   const struct rota_pipe_bind_options *options)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	struct rota_pipe_bind_options chosen;
	struct rotai_unix_address address;
	int error = rotai_handle_usable(&pipe->handle);
	int fd, own;

	if (error < 0)
		return error;
	if (rotai_pipe_is_fifo(pipe) ||
	    rotai_stream_has(&pipe->stream, ROTAI_BOUND | ROTAI_CONNECTED |
						    ROTAI_CONNECTING |
						    ROTAI_LISTENING))
		return ROTA_EINVAL;
	error = read_bind(&address, &chosen, name, size, options);
	if (error < 0)
		return error;
	own = rotai_stream_fd(&pipe->handle);
	fd = own < 0 ? rotai_socket_new(AF_UNIX) : own;
	if (fd < 0)
		return fd;
	error = bind_any(pipe, fd, &address, &chosen);
	if (error < 0) {
		if (own < 0)
			rotai_fd_close(fd);
		return error;
	}
	pipe->stream.internal.by.watch.internal.fd = fd;
	rotai_stream_set(&pipe->stream, ROTAI_BOUND);
	return 0;
}

int rota_pipe_connect(struct rota_connect *connect, struct rota_pipe *pipe,
		      const char *name, size_t size, rota_connect_fn *fn)
{
	ROTAI_ENTER_HANDLE(&pipe->handle);
	struct rotai_unix_address address;
	int error = rotai_handle_usable(&pipe->handle);

	if (error < 0)
		return error;
	if (fn == NULL || name == NULL || size == 0 ||
	    rotai_pipe_is_fifo(pipe) ||
	    rotai_stream_has(&pipe->stream, ROTAI_LISTENING))
		return ROTA_EINVAL;
	if (rotai_stream_has(&pipe->stream, ROTAI_CONNECTED))
		return ROTA_EISCONN;
	if (rotai_stream_has(&pipe->stream, ROTAI_CONNECTING))
		return ROTA_EALREADY;
	error = rotai_unix_address_set(&address, name, size);
	if (error < 0)
		return error;
	connect->internal.fn = fn;
	rotai_stream_connect(connect, &pipe->stream,
			     (struct sockaddr *)(void *)&address.un,
			     address.size, rota_bytes(NULL, 0));
	return 0;
}
