/*
 * base/file_posix.c - systems on which all bytes of files are read by a thread,
 * and copied: their sendfile(2), if they have one, is another one on each, and
 * none of them tells what is in the page cache.
 */
#include "base/file.h"

#include "rota/error.h"

ssize_t rotai_file_read_now(int fd, void *data, size_t size, int64_t offset)
{
	(void)fd;
	(void)data;
	(void)size;
	(void)offset;
	return ROTA_EOPNOTSUPP;
}

int rotai_file_read_ahead(int fd, size_t size, int64_t offset,
			  int (*stop)(void))
{
	(void)fd;
	(void)size;
	(void)offset;
	(void)stop;
	return 0;
}

size_t rotai_file_send(int fd, int file, size_t size, int64_t offset, int *why)
{
	(void)fd;
	(void)file;
	(void)size;
	(void)offset;
	*why = ROTA_EOPNOTSUPP;
	return 0;
}
