/*
 * fs/fifo.h - opening a FIFO and waiting for its other end, as open(2) does.
 */
#ifndef ROTAI_FS_FIFO_H
#define ROTAI_FS_FIFO_H

#include "rota/fs.h"

/* Open the FIFO at the path of @fs as open(2) does with @flags and @mode, in
 * the thread that runs the operation of @fs. Returns a descriptor,
 * close-on-exec and non-blocking; or an error. */
int rotai_fifo_open(struct rota_fs *fs, int flags, unsigned mode);

/* As openat(2) with the directory and the path of @fs, with O_CLOEXEC, and
 * tried again after EINTR: a descriptor or an error. */
int rotai_file_open(const struct rota_fs *fs, int flags, unsigned mode);

/* Clear O_NONBLOCK on the descriptor @fd, unless it is in @flags: 0; or an
 * error, and then @fd is closed. */
int rotai_file_restore(int fd, int flags);

/* Open the FIFO for writing: try until it has a reader. For fifo_*.c. */
int rotai_fifo_open_writer(struct rota_fs *fs, int flags, unsigned mode);

#endif
