/*
 * fs/stdio_file.h - standard streams that are files or devices.
 */
#ifndef ROTAI_FS_STDIO_FILE_H
#define ROTAI_FS_STDIO_FILE_H

#include "rota/stdio.h"

/* Open @stdio with the file @fd, which is open for @access. Returns 0, and
 * owns @fd; or an error. */
int rotai_stdio_file_open(struct rota_stdio *stdio, struct rota_loop *loop,
			  int fd, int access);

/* Open @stdio as /dev/null, without a descriptor: 0 or an error. */
int rotai_stdio_null_open(struct rota_stdio *stdio, struct rota_loop *loop,
			  int access);

#endif
