/*
 * base/status_posix.c - the status of a file, by fstatat(2).
 */
#include "base/status.h"

int rotai_status_read(int directory, const char *path, int follows,
		      struct rota_file_info *info)
{
	return rotai_status_read_plainly(directory, path, follows, info);
}
