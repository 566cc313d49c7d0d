/*
 * fs/fifo.h - to open a FIFO and wait for its other end, as open(2) does.
 */
#ifndef ROTAI_FS_FIFO_H
#define ROTAI_FS_FIFO_H

#include "rota/fs.h"

/* Open the FIFO @path as open(2) does with @flags and @mode, in the thread that
 * is at @fs: a descriptor, close-on-exec and non-blocking; or an error. */
int rotai_fifo_open(struct rota_fs *fs, const char *path, int flags,
		    unsigned mode);

/* As open(2), with O_CLOEXEC; tried again after EINTR. A descriptor or an
 * error. */
int rotai_file_open(const char *path, int flags, unsigned mode);

/* Without O_NONBLOCK in @flags, take it off @fd: 0 or an error, and then @fd is
 * closed. */
int rotai_file_restore(int fd, int flags);

/* For writing: try until somebody reads. For fifo_*.c. */
int rotai_fifo_open_writer(struct rota_fs *fs, const char *path, int flags,
			   unsigned mode);

#endif
