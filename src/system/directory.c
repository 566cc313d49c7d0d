/*
 * system/directory.c - the current directory, however long its path is.
 *
 *  1. getcwd(3) writes to memory of its own size first, so that the caller's
 *     is unchanged after an error. Most paths fit into the stack.
 *  2. A directory outside the root directory of the process has a path that
 *     begins with "(unreachable)" on Linux. Some C libraries report an error,
 *     as this file does.
 *  3. No system call takes a path of PATH_MAX bytes or more. The directory at
 *     such a path is opened first, and only then is it made the current one: a
 *     path that leads nowhere changes nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/far_directory.h"
#include "base/fd.h"
#include "rota/error.h"
#include "rota/self.h"
#include "system/text.h"

enum { USUAL_PATH = 1024, LONG_PATH = 1024 };

/* Write the path to @buffer, and from there to @path. */
static int read_directory(char *buffer, size_t buffer_size, char *path,
			  size_t size)
{
	if (getcwd(buffer, buffer_size) == NULL)
		return -errno;
	if (buffer[0] != '/')
		return ROTA_ENOENT; /* (2) */
	return rotai_text_give(path, size, buffer);
}

int rota_self_directory(char *path, size_t size)
{
	char usual[USUAL_PATH], *buffer;
	int error;

	if (path == NULL)
		return ROTA_EINVAL;
	error = read_directory(usual, sizeof(usual), path, size); /* (1) */
	if (error != ROTA_ERANGE)
		return error;
	if (size <= sizeof(usual))
		return ROTA_ENOBUFS;
	buffer = malloc(size);
	if (buffer == NULL)
		return ROTA_ENOMEM;
	error = read_directory(buffer, size, path, size);
	free(buffer);
	return error == ROTA_ERANGE ? ROTA_ENOBUFS : error;
}

int rota_self_set_directory(const char *path)
{
	int fd, error;

	if (path == NULL)
		return ROTA_EINVAL;
	if (chdir(path) == 0)
		return 0;
	if (errno != ENAMETOOLONG || strlen(path) < LONG_PATH)
		return -errno;
	fd = rotai_far_directory_open(path); /* (3) */
	if (fd < 0)
		return fd;
	error = fchdir(fd) < 0 ? -errno : 0;
	rotai_fd_close(fd);
	return error;
}
