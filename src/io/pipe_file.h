/*
 * io/pipe_file.h - the file of a Unix socket: making it, and removing it.
 */
#ifndef ROTAI_IO_PIPE_FILE_H
#define ROTAI_IO_PIPE_FILE_H

#include "base/unix.h"
#include "rota/loop.h"
#include "rota/pipe.h"

/* A file that a handle has made, and removes when it closes. */
struct rotai_socket_file;

/* Bind the socket @fd to the path in @address, with @options. Returns 0, and
 * remembers in *@file the file if it is to be removed; or an error, and no file
 * was made. */
int rotai_socket_file_bind(struct rotai_socket_file **file,
			   const struct rota_allocator *from, int fd,
			   const struct rotai_unix_address *address,
			   const struct rota_pipe_bind_options *options);

/* Remove *@file, if there is one and the file is still that one. */
void rotai_socket_file_remove(struct rotai_socket_file **file,
			      const struct rota_allocator *from);

/* Forget it, and leave it where it is. */
void rotai_socket_file_forget(struct rotai_socket_file **file,
			      const struct rota_allocator *from);

#endif
