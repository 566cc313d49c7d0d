/*
 * base/file.h - bytes of files on their way to a stream. Functions that return
 * an error return it as a negative code, and retry after EINTR.
 *
 * A read of a file that is not in the page cache waits for the disk, and
 * O_NONBLOCK does not change that. So the loop's thread uses only what the page
 * cache has, and a thread of a pool brings the rest into it.
 */
#ifndef ROTAI_BASE_FILE_H
#define ROTAI_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether rotai_file_send() works here for anything at all. */
#ifdef __linux__
enum { ROTAI_FILE_SENDS = 1 };
#else
enum { ROTAI_FILE_SENDS = 0 };
#endif

/* Check that @fd can be read at any offset: 0, or ROTA_EBADF, ROTA_EISDIR, or
 * ROTA_EINVAL for what is neither a file nor a block device. */
int rotai_file_check(int fd);

/* Read up to @size bytes at @offset, without waiting for a disk. Returns how
 * many; 0 at the end of the file; ROTA_EAGAIN if they are not in the page
 * cache; or an error, which is ROTA_EOPNOTSUPP if there is no way to know. */
ssize_t rotai_file_read_now(int fd, void *data, size_t size, int64_t offset);

/* Read up to @size bytes at @offset, and wait for a disk if need be. Returns
 * how many; 0 at the end of the file; or an error. */
ssize_t rotai_file_read(int fd, void *data, size_t size, int64_t offset);

/* Bring up to @size bytes at @offset into the page cache, and wait for that.
 * Stops early at the end of the file. Returns 0; ROTA_ECANCELED if @stop has
 * returned 1 before that; or another error. */
int rotai_file_read_ahead(int fd, size_t size, int64_t offset,
			  int (*stop)(void));

/* Send @size bytes of @file at @offset to the socket @fd, without SIGPIPE.
 * Returns how many were sent. If that is less than @size, *@why is ROTA_EOF at
 * the end of the file, ROTA_EAGAIN if the socket takes no more, ROTA_EINVAL or
 * ROTA_EOPNOTSUPP if such a file or socket cannot be used in this way, or
 * another error. */
size_t rotai_file_send(int fd, int file, size_t size, int64_t offset, int *why);

#endif
