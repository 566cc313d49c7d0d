/*
 * base/storage_posix.c - see storage.h. macOS can clone a file.
 */
#include "base/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/clonefile.h>
#endif

#include "rota/error.h"

#ifdef O_SEARCH
enum { SEARCH_FLAGS = O_SEARCH };
#else
enum { SEARCH_FLAGS = O_RDONLY };
#endif

static int open_directory(int directory, const char *name, int flags)
{
	int fd;

	do
		fd = openat(directory, name, flags | O_DIRECTORY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rotai_storage_search(int directory, const char *name)
{
	return open_directory(directory, name, SEARCH_FLAGS);
}

int rotai_storage_enter(int directory, const char *name, int follow, int mounts)
{
	(void)mounts;
	return open_directory(directory, name,
			      O_RDONLY | O_NONBLOCK |
				      (follow ? 0 : O_NOFOLLOW));
}

int rotai_storage_clone(int from, int to)
{
	(void)from;
	(void)to;
	return ROTA_EOPNOTSUPP;
}

int rotai_storage_clone_as(int from, int directory, const char *name)
{
#ifdef __APPLE__
	int failed;

	do
		failed = fclonefileat(from, directory, name, 0);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
#else
	(void)from;
	(void)directory;
	(void)name;
	return ROTA_EOPNOTSUPP;
#endif
}
