/*
 * tests/support/fault_file_wrap.c - catches calls for files, with the options
 * in fault_file.flags, as fault_wrap.c catches others; see fault.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fault.h"
#include "fault_calls.h"

int __real_unlinkat(int directory, const char *path, int flags);
int __real_renameat(int from, const char *old, int to, const char *path);
int __real_linkat(int from, const char *old, int to, const char *path,
		  int flags);
ssize_t __real_readlinkat(int directory, const char *path, char *text,
			  size_t size);
int __real_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_fchown(int fd, uid_t user, gid_t group);
int __real_ftruncate(int fd, off_t size);
int __real_futimens(int fd, const struct timespec times[2]);
off_t __real_lseek(int fd, off_t offset, int whence);
struct dirent *__real_readdir(DIR *stream);
DIR *__real_fdopendir(int fd);

int __wrap_unlinkat(int directory, const char *path, int flags);
int __wrap_renameat(int from, const char *old, int to, const char *path);
int __wrap_linkat(int from, const char *old, int to, const char *path,
		  int flags);
ssize_t __wrap_readlinkat(int directory, const char *path, char *text,
			  size_t size);
int __wrap_fsync(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchown(int fd, uid_t user, gid_t group);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_futimens(int fd, const struct timespec times[2]);
off_t __wrap_lseek(int fd, off_t offset, int whence);
struct dirent *__wrap_readdir(DIR *stream);
DIR *__wrap_fdopendir(int fd);

static int struck(enum fault_call call)
{
	int error = fault_strike(call);

	if (error != 0)
		errno = error;
	return error != 0;
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
	return struck(FAULT_UNLINKAT) ? -1
				      : __real_unlinkat(directory, path, flags);
}

int __wrap_renameat(int from, const char *old, int to, const char *path)
{
	return struck(FAULT_RENAMEAT) ? -1
				      : __real_renameat(from, old, to, path);
}

int __wrap_linkat(int from, const char *old, int to, const char *path,
		  int flags)
{
	return struck(FAULT_LINKAT) ? -1
				    : __real_linkat(from, old, to, path, flags);
}

ssize_t __wrap_readlinkat(int directory, const char *path, char *text,
			  size_t size)
{
	return struck(FAULT_READLINKAT)
		       ? -1
		       : __real_readlinkat(directory, path, text, size);
}

int __wrap_fsync(int fd)
{
	return struck(FAULT_FSYNC) ? -1 : __real_fsync(fd);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return struck(FAULT_FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

int __wrap_fchown(int fd, uid_t user, gid_t group)
{
	return struck(FAULT_FCHOWN) ? -1 : __real_fchown(fd, user, group);
}

int __wrap_ftruncate(int fd, off_t size)
{
	return struck(FAULT_FTRUNCATE) ? -1 : __real_ftruncate(fd, size);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	return struck(FAULT_FUTIMENS) ? -1 : __real_futimens(fd, times);
}

off_t __wrap_lseek(int fd, off_t offset, int whence)
{
	return struck(FAULT_LSEEK) ? -1 : __real_lseek(fd, offset, whence);
}

struct dirent *__wrap_readdir(DIR *stream)
{
	return struck(FAULT_READDIR) ? NULL : __real_readdir(stream);
}

DIR *__wrap_fdopendir(int fd)
{
	return struck(FAULT_FDOPENDIR) ? NULL : __real_fdopendir(fd);
}
