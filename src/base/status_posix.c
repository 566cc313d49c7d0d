/*
 * base/status_posix.c - the status of a file, by fstatat(2).
 */
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>

int rotai_status_read(int directory, const char *path, int follows,
		      struct rota_file_info *info)
{
	struct stat status;
	int failed = path == NULL ? fstat(directory, &status)
				  : fstatat(directory, path, &status,
					    follows ? 0 : AT_SYMLINK_NOFOLLOW);

	if (failed)
		return -errno;
	rotai_status_convert(&status, info);
	return 0;
}
