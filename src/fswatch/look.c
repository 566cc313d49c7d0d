/*
 * fswatch/look.c - see look.h.
 *
 *  1. The times are parts of a struct timespec, whatever its name in struct
 *     stat: see fs/stat.c.
 *  2. A directory's own size and time of modification change with the names in
 *     it, which are reported by themselves.
 */
#include "fswatch/look.h"

#include <sys/stat.h>
#include <time.h>

#include "rota/fswatch.h"

/* (1) A time that does not fit wraps, and is different all the same. */
static int64_t look_time(const time_t *seconds)
{
	const struct timespec *time =
		rota_container_of(seconds, const struct timespec, tv_sec);

	return (int64_t)((uint64_t)time->tv_sec * 1000000000u +
			 (uint64_t)time->tv_nsec);
}

void rotai_look_fill(struct rotai_look *look, const struct stat *status)
{
	*look = (struct rotai_look){
		.device = (uint64_t)status->st_dev,
		.inode = (uint64_t)status->st_ino,
		.bytes = (uint64_t)status->st_size,
		.links = (uint64_t)status->st_nlink,
		.modified_ns = look_time(&status->st_mtime),
		.changed_ns = look_time(&status->st_ctime),
		.mode = (uint32_t)status->st_mode,
		.user = (uint32_t)status->st_uid,
		.group = (uint32_t)status->st_gid,
		.is_directory = S_ISDIR(status->st_mode) != 0,
	};
}

int rotai_look_compare(const struct rotai_look *a, const struct rotai_look *b)
{
	if (!a->is_directory &&
	    (a->bytes != b->bytes || a->modified_ns != b->modified_ns))
		return ROTA_FSWATCH_CHANGED;
	if (a->mode != b->mode || a->user != b->user || a->group != b->group)
		return ROTA_FSWATCH_ATTRIBUTES;
	if (!a->is_directory &&
	    (a->changed_ns != b->changed_ns || a->links != b->links)) /* (2) */
		return ROTA_FSWATCH_ATTRIBUTES;
	return 0;
}
