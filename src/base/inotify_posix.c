/*
 * base/inotify_posix.c - there is no inotify(7): see inotify.h.
 */
#include "base/inotify.h"

#include "rota/error.h"

int rotai_inotify_open(void)
{
	return ROTA_ENOTSUP;
}

int rotai_inotify_add(int fd, const char *path, unsigned want)
{
	(void)fd;
	(void)path;
	(void)want;
	return ROTA_ENOTSUP;
}

void rotai_inotify_remove(int fd, int number)
{
	(void)fd;
	(void)number;
}

int rotai_inotify_read(int fd, void *buffer, size_t size)
{
	(void)fd;
	(void)buffer;
	(void)size;
	return ROTA_EAGAIN;
}

size_t rotai_inotify_left(int fd)
{
	(void)fd;
	return 0;
}

void rotai_inotify_parse(const char *data, struct rotai_notice *notice)
{
	(void)data;
	*notice = (struct rotai_notice){ .size = 1 };
}

void rotai_inotify_erase(char *data)
{
	(void)data;
}
