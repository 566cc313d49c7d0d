/*
 * base/filesystem.c - the functions of filesystem.h that differ little between
 * systems.
 *
 *  1. The locks of open file descriptions are in POSIX since 2024. Linux and
 *     macOS have them.
 *  2. Some file systems do not say what type an entry has.
 *  3. getentropy(2) fails only on kernels that have no such call. What takes
 *     its place is unique enough for names, for which it is used.
 */
#include "base/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "base/clock.h"
#include "rota/error.h"

#ifdef F_OFD_SETLK
int rotai_lock_range(int fd, unsigned options, int64_t offset, int64_t length)
{
	struct flock lock = {
		.l_type = (options & ROTA_FS_LOCK_SHARED) != 0      ? F_RDLCK
			  : (options & ROTA_FS_LOCK_EXCLUSIVE) != 0 ? F_WRLCK
								    : F_UNLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)offset,
		.l_len = (off_t)length,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? ROTA_EAGAIN : -errno;
}
#else
int rotai_lock_range(int fd, unsigned options, int64_t offset, int64_t length)
{
	(void)fd;
	(void)options;
	(void)offset;
	(void)length;
	return ROTA_ENOTSUP; /* (1) */
}
#endif

static int is_dot(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int rotai_next_entry(DIR *stream, const struct dirent **found)
{
	do {
		errno = 0;
		*found = readdir(stream);
	} while ((*found == NULL && errno == EINTR) ||
		 (*found != NULL && is_dot((*found)->d_name)));
	if (*found != NULL)
		return 1;
	return errno != 0 ? -errno : 0;
}

static enum rota_entry_type type_of_mode(mode_t mode)
{
	if (S_ISREG(mode))
		return ROTA_ENTRY_FILE;
	if (S_ISDIR(mode))
		return ROTA_ENTRY_DIRECTORY;
	if (S_ISLNK(mode))
		return ROTA_ENTRY_LINK;
	if (S_ISFIFO(mode))
		return ROTA_ENTRY_FIFO;
	if (S_ISSOCK(mode))
		return ROTA_ENTRY_SOCKET;
	if (S_ISCHR(mode))
		return ROTA_ENTRY_CHARACTER_DEVICE;
	return S_ISBLK(mode) ? ROTA_ENTRY_BLOCK_DEVICE : ROTA_ENTRY_UNKNOWN;
}

/* (2) */
static enum rota_entry_type type_by_status(int fd, const char *name)
{
	struct stat status;

	if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return ROTA_ENTRY_UNKNOWN;
	return type_of_mode(status.st_mode);
}

enum rota_entry_type rotai_entry_type(int fd, const struct dirent *entry)
{
#ifdef DT_UNKNOWN
	if (entry->d_type != DT_UNKNOWN)
		return type_of_mode((mode_t)DTTOIF(entry->d_type));
#endif
	return type_by_status(fd, entry->d_name);
}

/* (3) */
static void mix_clock(unsigned char *bytes, size_t size)
{
	static uint64_t count;
	uint64_t mixed = rotai_clock_monotonic() ^ (uint64_t)(uintptr_t)&mixed ^
			 (uint64_t)getpid() << 40;

	mixed += __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	for (size_t i = 0; i < size; i++) {
		mixed = mixed * UINT64_C(6364136223846793005) + 1;
		bytes[i] = (unsigned char)(mixed >> 56);
	}
}

void rotai_random(void *bytes, size_t size)
{
	if (getentropy(bytes, size) < 0)
		mix_clock(bytes, size);
}
