/*
 * base/statx.h - statx(2), called by its number, as the C library may be older
 * than the call. Linux only.
 */
#ifndef ROTAI_BASE_STATX_H
#define ROTAI_BASE_STATX_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct rota_file_info;

/* The kernel's names are STATX_BASIC_STATS and so on. */
enum {
	ROTAI_STATX_BASIC = 0x7ff,
	ROTAI_STATX_BIRTH = 0x800,
	ROTAI_STATX_UNIQUE_MOUNT = 0x4000, /* STATX_MNT_ID_UNIQUE, Linux 6.8 */
};

/* The kernel's names are AT_EMPTY_PATH and AT_STATX_DONT_SYNC. */
enum {
	ROTAI_STATX_DESCRIPTOR = 0x1000, /* with the path "" */
	ROTAI_STATX_NOT_SYNCED = 0x4000,
};

struct rotai_statx_time {
	int64_t seconds;
	uint32_t ns;
	int32_t reserved;
};

/* The kernel's struct statx. */
struct rotai_statx {
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
	struct rotai_statx_time accessed, born, changed, modified;
	uint32_t special_major, special_minor;
	uint32_t device_major, device_minor;
	uint64_t mount;
	uint64_t more[13];
};

_Static_assert(sizeof(struct rotai_statx) == 256, "as in <linux/stat.h>");

/* Returns 0; or -1, and sets errno. */
static inline int rotai_statx(int directory, const char *path, int flags,
			      unsigned mask, struct rotai_statx *status)
{
	return (int)syscall(SYS_statx, (long)directory, path, (long)flags,
			    (long)mask, status);
}

/* Fill *@info, except its size. */
void rotai_statx_convert(const struct rotai_statx *status,
			 struct rota_file_info *info);

#endif
