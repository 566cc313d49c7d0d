/*
 * io/pipe_file.h - the file of a Unix socket: making it, and removing it.
 */
#ifndef ROTAI_IO_PIPE_FILE_H
#define ROTAI_IO_PIPE_FILE_H

#include "base/unix.h"
#include "rota/pipe.h"

/* Bind the socket @fd of @pipe to the path in @address, with @options. Returns
 * 0, and remembers the file if it is to be removed; or an error, and no file
 * was made. */
int rotai_socket_file_bind(struct rota_pipe *pipe, int fd,
			   const struct rotai_unix_address *address,
			   const struct rota_pipe_bind_options *options);

/* Remove the file of @pipe, if it has made one and the file is still that
 * one. */
void rotai_socket_file_remove(struct rota_pipe *pipe);

/* Forget it, and leave it where it is. */
void rotai_socket_file_forget(struct rota_pipe *pipe);

#endif
