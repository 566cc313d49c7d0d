/*
 * base/status_linux.c - the status of a file, by statx(2), which knows the time
 * of birth (Linux 4.11).
 *
 *  1. statx(2) is called by its number, and its struct is defined here: the C
 *     library may be older than the call, and the kernel may be as well. Some
 *     sandboxes forbid a call that they do not know, with EPERM. In both cases
 *     fstatat(2) is called.
 */
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct kernel_time {
	int64_t seconds;
	uint32_t ns;
	int32_t reserved;
};

/* The kernel's struct statx. */
struct kernel_status {
	uint32_t mask;
	uint32_t block_size;
	uint64_t attributes;
	uint32_t links;
	uint32_t user;
	uint32_t group;
	uint16_t mode;
	uint16_t reserved;
	uint64_t inode;
	uint64_t bytes;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct kernel_time accessed, born, changed, modified;
	uint32_t special_major, special_minor;
	uint32_t device_major, device_minor;
	uint64_t more[14];
};

_Static_assert(sizeof(struct kernel_status) == 256, "as in <linux/stat.h>");

enum {
	BASIC_STATUS = 0x7ff, /* STATX_BASIC_STATS */
	BIRTH_TIME = 0x800,   /* STATX_BTIME */
	EMPTY_PATH = 0x1000,  /* AT_EMPTY_PATH */
};

static int64_t kernel_ns(const struct kernel_time *time)
{
	return rotai_status_ns(time->seconds, time->ns);
}

static void convert_kernel_status(const struct kernel_status *status,
				  struct rota_file_info *info)
{
	const size_t size = info->size;

	*info = (struct rota_file_info){
		.size = size,
		.device = makedev(status->device_major, status->device_minor),
		.inode = status->inode,
		.links = status->links,
		.bytes = status->bytes,
		.blocks = status->blocks,
		.special_device =
			makedev(status->special_major, status->special_minor),
		.accessed_ns = kernel_ns(&status->accessed),
		.modified_ns = kernel_ns(&status->modified),
		.changed_ns = kernel_ns(&status->changed),
		.block_size = status->block_size,
		.mode = status->mode,
		.user = status->user,
		.group = status->group,
		.born_ns = (status->mask & BIRTH_TIME) != 0
				   ? kernel_ns(&status->born)
				   : ROTA_FS_TIME_UNKNOWN,
	};
}

/* (1) */
static int read_plainly(int directory, const char *path, int follows,
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

int rotai_status_read(int directory, const char *path, int follows,
		      struct rota_file_info *info)
{
	struct kernel_status status;
	int flags = path == NULL ? EMPTY_PATH
		    : follows    ? 0
				 : AT_SYMLINK_NOFOLLOW;

	if (syscall(SYS_statx, (long)directory, path == NULL ? "" : path,
		    (long)flags, (long)(BASIC_STATUS | BIRTH_TIME),
		    &status) < 0) {
		if (errno == ENOSYS || errno == EPERM)
			return read_plainly(directory, path, follows, info);
		return -errno;
	}
	convert_kernel_status(&status, info);
	return 0;
}
