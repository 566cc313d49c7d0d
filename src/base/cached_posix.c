/*
 * base/cached_posix.c - no system but Linux tells what is in its memory.
 */
#include "base/cached.h"

#include "rota/error.h"

int rotai_cached_find(int directory, const char *path, int follows,
		      struct rotai_known *known)
{
	(void)directory;
	(void)path;
	(void)follows;
	(void)known;
	return ROTA_ENOSYS;
}

int rotai_cached_look(int fd, struct rotai_known *known)
{
	(void)fd;
	(void)known;
	return ROTA_ENOSYS;
}

int rotai_cached_look_up(int directory, const char *path,
			 struct rotai_known *known)
{
	(void)directory;
	(void)path;
	(void)known;
	return ROTA_ENOSYS;
}

int rotai_cached_open(int directory, const char *path, int flags)
{
	(void)directory;
	(void)path;
	(void)flags;
	return ROTA_ENOSYS;
}

int rotai_cached_is_local(int name)
{
	(void)name;
	return 0;
}
