/*
 * base/cached_linux.c - openat2(2) with RESOLVE_CACHED, since Linux 5.12, and
 * statx(2), which is called by number, as the C library may be older.
 *
 *  1. RESOLVE_CACHED covers the names in the path. Opening the file that they
 *     lead to may still take long: for a device, or with a network file system.
 *     O_PATH opens nothing, so a file is first found, and opened only if its
 *     type and its file system are known.
 */
#include "base/cached.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/openat2.h"
#include "base/status.h"
#include "rota/error.h"

enum {
	DO_NOT_SYNC = 0x4000,         /* AT_STATX_DONT_SYNC */
	BASIC_STATS = 0x7ff,          /* STATX_BASIC_STATS */
	TIME_OF_BIRTH = 0x800,        /* STATX_BTIME */
	UNIQUE_MOUNT_ID = 0x00004000, /* STATX_MNT_ID_UNIQUE, Linux 6.8 */
};

/* The kernel's struct statx. */
struct moment {
	int64_t seconds;
	uint32_t nanoseconds;
	int32_t reserved;
};

struct file_status {
	uint32_t mask;
	uint32_t block_size;
	uint64_t attributes;
	uint32_t links;
	uint32_t user;
	uint32_t group;
	uint16_t mode;
	uint16_t spare;
	uint64_t inode;
	uint64_t size;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct moment accessed;
	struct moment born;
	struct moment changed;
	struct moment modified;
	uint32_t special_major;
	uint32_t special_minor;
	uint32_t major;
	uint32_t minor;
	uint64_t mount_id;
	uint64_t rest[13];
};

_Static_assert(sizeof(struct file_status) == 256, "as in <linux/stat.h>");

static int open_cached(int directory, const char *path, int flags)
{
	int fd = rotai_openat2(directory, path, flags, ROTAI_CACHED);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return ROTA_ENOENT;
	case ENOTDIR:
		return ROTA_ENOTDIR;
	case ENOSYS: /* before Linux 5.6 */
	case EINVAL: /* before Linux 5.12 */
		return ROTA_ENOSYS;
	}
	return ROTA_EAGAIN;
}

static struct timespec moment_as_timespec(const struct moment *moment)
{
	return (struct timespec){ .tv_sec = (time_t)moment->seconds,
				  .tv_nsec = (long)moment->nanoseconds };
}

static void convert(struct stat *status, const struct file_status *from)
{
	*status = (struct stat){
		.st_dev = makedev(from->major, from->minor),
		.st_ino = (ino_t)from->inode,
		.st_mode = from->mode,
		.st_nlink = from->links,
		.st_uid = from->user,
		.st_gid = from->group,
		.st_rdev = makedev(from->special_major, from->special_minor),
		.st_size = (off_t)from->size,
		.st_blksize = (blksize_t)from->block_size,
		.st_blocks = (blkcnt_t)from->blocks,
		.st_atim = moment_as_timespec(&from->accessed),
		.st_mtim = moment_as_timespec(&from->modified),
		.st_ctim = moment_as_timespec(&from->changed),
	};
}

static int look(int at, const char *path, int flags, struct rotai_known *known)
{
	struct file_status answer;

	if (syscall(SYS_statx, (long)at, path, (long)(flags | DO_NOT_SYNC),
		    (long)(BASIC_STATS | TIME_OF_BIRTH | UNIQUE_MOUNT_ID),
		    &answer) < 0)
		return ROTA_EAGAIN;
	if ((answer.mask & BASIC_STATS) != BASIC_STATS)
		return ROTA_EAGAIN;
	convert(&known->status, &answer);
	known->born_ns = answer.mask & TIME_OF_BIRTH
				 ? rotai_status_ns(answer.born.seconds,
						   answer.born.nanoseconds)
				 : ROTA_FS_TIME_UNKNOWN;
	known->mount.device = (uint64_t)known->status.st_dev;
	known->mount.id = answer.mask & UNIQUE_MOUNT_ID ? answer.mount_id : 0;
	return 0;
}

int rotai_cached_look(int fd, struct rotai_known *known)
{
	return look(fd, "", AT_EMPTY_PATH, known);
}

int rotai_cached_look_up(int directory, const char *path,
			 struct rotai_known *known)
{
	return look(directory, path, 0, known);
}

int rotai_cached_find(int directory, const char *path,
		      struct rotai_known *known)
{
	int name = open_cached(directory, path, O_PATH); /* (1) */
	int error;

	if (name < 0)
		return name;
	error = rotai_cached_look(name, known);
	if (error == 0)
		return name;
	rotai_fd_close(name);
	return error;
}

int rotai_cached_open(int directory, const char *path, int flags)
{
	return open_cached(directory, path, flags | O_LARGEFILE);
}

int rotai_cached_is_local(int name)
{
	struct statfs info;

	if (fstatfs(name, &info) < 0)
		return 0;
	/* The numbers are those of statfs(2). */
	switch ((uint32_t)info.f_type) {
	case 0xef53:     /* ext2, ext3, ext4 */
	case 0x58465342: /* XFS */
	case 0x9123683e: /* btrfs */
	case 0xf2f52010: /* F2FS */
	case 0x01021994: /* tmpfs */
		return 1;
	}
	return 0;
}
