/*
 * base/storage_linux.c - see storage.h.
 *
 *  1. openat2(2) is called by its number, because C libraries have no function
 *     for it. Linux has it since 5.6. Where it is missing or forbidden, what is
 *     mounted is recognised by its device number alone, by the caller.
 *  2. The ioctl(2) that shares blocks has its number in <linux/fs.h>, which
 *     does not go well with <sys/mount.h>.
 */
#include "base/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/openat2.h"
#include "rota/error.h"

enum {
	ENTER_FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK,
};

/* (2) */
static const unsigned long share_blocks = _IOW(0x94, 9, int);

/* Relaxed: each thread may find out for itself. (1) */
static atomic_int has_no_openat2;

static int open_directory(int directory, const char *name, int flags)
{
	int fd;

	do
		fd = openat(directory, name, flags);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int rotai_storage_search(int directory, const char *name)
{
	return open_directory(directory, name,
			      O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int enter_same_mount(int directory, const char *name, int flags)
{
	int fd;

	do
		fd = rotai_openat2(directory, name, flags,
				   ROTAI_NO_OTHER_MOUNT);
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : fd;
}

int rotai_storage_enter(int directory, const char *name, int follow, int mounts)
{
	int flags = ENTER_FLAGS | (follow ? 0 : O_NOFOLLOW);
	int fd;

	if (!mounts &&
	    !atomic_load_explicit(&has_no_openat2, memory_order_relaxed)) {
		fd = enter_same_mount(directory, name, flags);
		if (fd != ROTA_ENOSYS && fd != ROTA_EPERM)
			return fd;
		atomic_store_explicit(&has_no_openat2, 1, memory_order_relaxed);
	}
	return open_directory(directory, name, flags);
}

int rotai_storage_clone(int from, int to)
{
	int failed;

	do
		failed = ioctl(to, share_blocks, from);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int rotai_storage_clone_as(int from, int directory, const char *name)
{
	(void)from;
	(void)directory;
	(void)name;
	return ROTA_EOPNOTSUPP;
}
