/*
 * base/status_linux.c - the status of a file, by statx(2), which knows the time
 * of birth (Linux 4.11).
 *
 *  1. The kernel may be older than statx(2). Some sandboxes forbid a call that
 *     they do not know, with EPERM. In both cases fstatat(2) is called.
 */
#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "base/statx.h"

static int64_t statx_ns(const struct rotai_statx_time *time)
{
	return rotai_status_ns(time->seconds, time->ns);
}

void rotai_statx_convert(const struct rotai_statx *status,
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
		.accessed_ns = statx_ns(&status->accessed),
		.modified_ns = statx_ns(&status->modified),
		.changed_ns = statx_ns(&status->changed),
		.block_size = status->block_size,
		.mode = status->mode,
		.user = status->user,
		.group = status->group,
		.born_ns = (status->mask & ROTAI_STATX_BIRTH) != 0
				   ? statx_ns(&status->born)
				   : ROTA_FS_TIME_UNKNOWN,
	};
}

int rotai_status_read(int directory, const char *path, int follows,
		      struct rota_file_info *info)
{
	struct rotai_statx status;
	int flags = path == NULL ? ROTAI_STATX_DESCRIPTOR
		    : follows    ? 0
				 : AT_SYMLINK_NOFOLLOW;

	if (rotai_statx(directory, path == NULL ? "" : path, flags,
			ROTAI_STATX_BASIC | ROTAI_STATX_BIRTH, &status) < 0) {
		if (errno == ENOSYS || errno == EPERM) /* (1) */
			return rotai_status_read_plainly(directory, path,
							 follows, info);
		return -errno;
	}
	rotai_statx_convert(&status, info);
	return 0;
}
