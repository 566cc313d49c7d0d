/*
 * fs/table.h - the table of operations on files. A row has the name of an
 * operation, the checks of its arguments, and the system call that does the
 * work. rotai_fs_start() begins any of them:
 *
 *     const struct rotai_fs_arguments a = { .path = path, .mode = mode };
 *
 *     return rotai_fs_start(fs, fn, ROTAI_FS_MKDIR, &a);
 *
 * rota_fs_open(), _read(), _write() and _read_file() have no row, because they
 * do more than one call.
 */
#ifndef ROTAI_FS_TABLE_H
#define ROTAI_FS_TABLE_H

#include "base/sized.h"
#include "fs/operation.h"
#include "rota/fs_attribute.h"

enum rotai_fs_row {
	ROTAI_FS_CLOSE,
	ROTAI_FS_STAT,
	ROTAI_FS_LSTAT,
	ROTAI_FS_FSTAT,
	ROTAI_FS_LINK,
	ROTAI_FS_SYMLINK,
	ROTAI_FS_READLINK,
	ROTAI_FS_REALPATH,
	ROTAI_FS_RENAME,
	ROTAI_FS_UNLINK,
	ROTAI_FS_MKDIR,
	ROTAI_FS_RMDIR,
	ROTAI_FS_MKDTEMP,
	ROTAI_FS_MKSTEMP,
	ROTAI_FS_ACCESS,
	ROTAI_FS_CHMOD,
	ROTAI_FS_FCHMOD,
	ROTAI_FS_CHOWN,
	ROTAI_FS_LCHOWN,
	ROTAI_FS_FCHOWN,
	ROTAI_FS_UTIME,
	ROTAI_FS_LUTIME,
	ROTAI_FS_FUTIME,
	ROTAI_FS_TRUNCATE,
	ROTAI_FS_FTRUNCATE,
	ROTAI_FS_STATFS,
	ROTAI_FS_READV,
	ROTAI_FS_WRITEV,
	ROTAI_FS_FSYNC,
	ROTAI_FS_FDATASYNC,
	ROTAI_FS_COPY_RANGE,
	ROTAI_FS_SENDFILE,
	ROTAI_FS_FALLOCATE,
	ROTAI_FS_SCANDIR,
	ROTAI_FS_OPENDIR,
	ROTAI_FS_READDIR,
	ROTAI_FS_CLOSEDIR,
	ROTAI_FS_FLOCK,
	ROTAI_FS_LOCK_RANGE,
	ROTAI_FS_ROWS,
};

/* The column `takes` of a row: which arguments there are, where they are stored
 * in fs->internal, and what is checked. An operation takes at most one argument
 * for each place. */
enum rotai_fs_takes {
	/* Stored in `path`; not NULL. */
	ROTAI_TAKES_PATH = 1 << 0,

	/* Stored in `to`; not NULL. */
	ROTAI_TAKES_TO = 1 << 1,

	/* Stored in `target`; not NULL, and ends with XXXXXX. */
	ROTAI_TAKES_PATTERN = 1 << 2,

	/* Stored in `target`; not NULL. ..._INFO and the two after it also
	 * check the size, or the limit, that is stored there. */
	ROTAI_TAKES_TARGET = 1 << 3,
	ROTAI_TAKES_INFO = 1 << 4,
	ROTAI_TAKES_SYSTEM_INFO = 1 << 5,
	ROTAI_TAKES_ENTRIES = 1 << 6,

	/* Stored in `target`, and the size in `size`; NULL only if that is
	 * 0. */
	ROTAI_TAKES_MEMORY = 1 << 7,

	/* Stored in `dir`; not NULL. */
	ROTAI_TAKES_DIR = 1 << 8,

	/* Stored in `fd`; not negative. */
	ROTAI_TAKES_FD = 1 << 9,

	/* Stored in `other_fd`; not negative. */
	ROTAI_TAKES_OTHER_FD = 1 << 10,

	/* Stored in `options`; only those in the column of that name. */
	ROTAI_TAKES_OPTIONS = 1 << 11,

	/* Only one of the options, or none. */
	ROTAI_TAKES_ONE_OPTION = 1 << 12,

	/* Exactly one of the three locks. */
	ROTAI_TAKES_LOCK = 1 << 13,

	/* Stored in `offset`; not negative, or not below -1. */
	ROTAI_TAKES_OFFSET = 1 << 14,
	ROTAI_TAKES_PLACE = 1 << 15,

	/* Stored in `length`; the same, or not 0 either. */
	ROTAI_TAKES_LENGTH = 1 << 16,
	ROTAI_TAKES_OTHER_PLACE = 1 << 17,
	ROTAI_TAKES_SOME_LENGTH = 1 << 18,

	/* Stored in `size`. */
	ROTAI_TAKES_SIZE = 1 << 19,

	/* Stored in `mode`. */
	ROTAI_TAKES_MODE = 1 << 20,

	/* Stored in `owner`. */
	ROTAI_TAKES_OWNER = 1 << 21,

	/* Stored in `offset` and `length`. */
	ROTAI_TAKES_TIMES = 1 << 22,

	/* No argument: the result goes to fs->data, which must be NULL. */
	ROTAI_TAKES_DATA = 1 << 23,
};

struct rotai_fs_arguments {
	const char *path;
	const char *to;
	const void *target; /* the library's to change, unless it is written */
	struct rota_dir *dir;
	size_t size;
	int64_t offset;
	int64_t length;
	int fd;
	int other_fd;
	unsigned options;
	unsigned mode;
	uint32_t user;
	uint32_t group;
};

/* The bytes of a pattern that are replaced: "XXXXXX". */
enum { ROTAI_FS_PATTERN = 6 };

/* The first versions of these structs ended here. */
enum {
	ROTAI_FS_LEAST_INFO = ROTAI_SIZE_UP_TO(struct rota_file_info, group),
	ROTAI_FS_LEAST_SYSTEM_INFO =
		ROTAI_SIZE_UP_TO(struct rota_file_system_info, longest_name),
};

/* In table.c; for the tests. */
extern const struct rotai_fs_operation rotai_fs_table[ROTAI_FS_ROWS];

/* Check the arguments of an operation, and begin it: 0 or an error. */
int rotai_fs_start(struct rota_fs *fs, rota_fs_fn *fn, enum rotai_fs_row row,
		   const struct rotai_fs_arguments *a);

#endif
