/*
 * fs/table.c - the table of operations on files, and how each row begins.
 *
 *  1. Everything is checked before anything is stored in @fs, except whether
 *     there is memory for a copy of the paths.
 *  2. What a row takes has a place of its own: see enum rotai_fs_takes. So the
 *     members of the unions in struct rota_fs do not overwrite each other.
 */
#include "fs/table.h"

#include <string.h>

#include "fs/call.h"
#include "rota/error.h"
#include "rota/fs_data.h"
#include "rota/fs_directory.h"
#include "rota/fs_lock.h"
#include "rota/fs_path.h"

#define ROW(name, function)                                                    \
	.class_ = ROTAI_FS_CLASS(name), .run = rotai_fs_run, .call = function

enum {
	ANY_LOCK =
		ROTA_FS_LOCK_SHARED | ROTA_FS_LOCK_EXCLUSIVE | ROTA_FS_UNLOCK,
	ALL_LOCKS = ANY_LOCK | ROTA_FS_LOCK_TRY,
};

const struct rotai_fs_operation rotai_fs_table[ROTAI_FS_ROWS] = {
	[ROTAI_FS_CLOSE] = {
		ROW("fs_close", rotai_call_close),
		.takes = ROTAI_TAKES_FD,
		.skip = rotai_skip_close,
	},
	[ROTAI_FS_STAT] = {
		ROW("fs_stat", rotai_call_stat),
		.attempt = rotai_attempt_stat,
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_INFO,
	},
	[ROTAI_FS_LSTAT] = {
		ROW("fs_lstat", rotai_call_lstat),
		.attempt = rotai_attempt_lstat,
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_INFO,
	},
	[ROTAI_FS_FSTAT] = {
		ROW("fs_fstat", rotai_call_fstat),
		.attempt = rotai_attempt_fstat,
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_INFO,
	},
	[ROTAI_FS_LINK] = {
		ROW("fs_link", rotai_call_link),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TO,
	},
	[ROTAI_FS_SYMLINK] = {
		ROW("fs_symlink", rotai_call_symlink),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TO,
	},
	[ROTAI_FS_READLINK] = {
		ROW("fs_readlink", rotai_call_readlink),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_DATA,
		.discard = rotai_undo_read,
	},
	[ROTAI_FS_REALPATH] = {
		ROW("fs_realpath", rotai_call_realpath),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_DATA,
		.discard = rotai_undo_read,
	},
	[ROTAI_FS_RENAME] = {
		ROW("fs_rename", rotai_call_rename),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TO |
			 ROTAI_TAKES_OPTIONS | ROTAI_TAKES_ONE_OPTION,
		.options = ROTA_FS_RENAME_NO_REPLACE | ROTA_FS_RENAME_EXCHANGE,
	},
	[ROTAI_FS_UNLINK] = {
		ROW("fs_unlink", rotai_call_unlink),
		.takes = ROTAI_TAKES_PATH,
	},
	[ROTAI_FS_MKDIR] = {
		ROW("fs_mkdir", rotai_call_mkdir),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_MODE,
	},
	[ROTAI_FS_RMDIR] = {
		ROW("fs_rmdir", rotai_call_rmdir),
		.takes = ROTAI_TAKES_PATH,
	},
	[ROTAI_FS_MKDTEMP] = {
		ROW("fs_mkdtemp", rotai_call_mkdtemp),
		.takes = ROTAI_TAKES_PATTERN,
		.discard = rotai_undo_mkdtemp,
		.makes_fd = 1,
	},
	[ROTAI_FS_MKSTEMP] = {
		ROW("fs_mkstemp", rotai_call_mkstemp),
		.takes = ROTAI_TAKES_PATTERN,
		.discard = rotai_undo_mkstemp,
		.makes_fd = 1,
	},
	[ROTAI_FS_ACCESS] = {
		ROW("fs_access", rotai_call_access),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_OPTIONS,
		.options = ROTA_FS_MAY_EXECUTE | ROTA_FS_MAY_WRITE |
			 ROTA_FS_MAY_READ,
	},
	[ROTAI_FS_CHMOD] = {
		ROW("fs_chmod", rotai_call_chmod),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_MODE,
	},
	[ROTAI_FS_FCHMOD] = {
		ROW("fs_fchmod", rotai_call_fchmod),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_MODE,
	},
	[ROTAI_FS_CHOWN] = {
		ROW("fs_chown", rotai_call_chown),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_OWNER,
	},
	[ROTAI_FS_LCHOWN] = {
		ROW("fs_lchown", rotai_call_lchown),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_OWNER,
	},
	[ROTAI_FS_FCHOWN] = {
		ROW("fs_fchown", rotai_call_fchown),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_OWNER,
	},
	[ROTAI_FS_UTIME] = {
		ROW("fs_utime", rotai_call_utime),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TIMES,
	},
	[ROTAI_FS_LUTIME] = {
		ROW("fs_lutime", rotai_call_lutime),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TIMES,
	},
	[ROTAI_FS_FUTIME] = {
		ROW("fs_futime", rotai_call_futime),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_TIMES,
	},
	[ROTAI_FS_TRUNCATE] = {
		ROW("fs_truncate", rotai_call_truncate),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_OFFSET,
	},
	[ROTAI_FS_FTRUNCATE] = {
		ROW("fs_ftruncate", rotai_call_ftruncate),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_OFFSET,
	},
	[ROTAI_FS_STATFS] = {
		ROW("fs_statfs", rotai_call_statfs),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_SYSTEM_INFO,
	},
	[ROTAI_FS_READV] = {
		ROW("fs_readv", rotai_call_readv),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_MEMORY |
			 ROTAI_TAKES_PLACE,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_readv_slowly,
	},
	[ROTAI_FS_WRITEV] = {
		ROW("fs_writev", rotai_call_writev),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_MEMORY |
			 ROTAI_TAKES_PLACE,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_writev_slowly,
	},
	[ROTAI_FS_FSYNC] = {
		ROW("fs_fsync", rotai_call_fsync),
		.takes = ROTAI_TAKES_FD,
	},
	[ROTAI_FS_FDATASYNC] = {
		ROW("fs_fdatasync", rotai_call_fdatasync),
		.takes = ROTAI_TAKES_FD,
	},
	[ROTAI_FS_COPY_RANGE] = {
		ROW("fs_copy_range", rotai_call_copy_range),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_PLACE |
			 ROTAI_TAKES_OTHER_FD | ROTAI_TAKES_OTHER_PLACE |
			 ROTAI_TAKES_SIZE,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_copy_slowly,
	},
	[ROTAI_FS_SENDFILE] = {
		ROW("fs_sendfile", rotai_call_sendfile),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_PLACE |
			 ROTAI_TAKES_OTHER_FD | ROTAI_TAKES_OTHER_PLACE |
			 ROTAI_TAKES_SIZE,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_copy_slowly,
	},
	[ROTAI_FS_FALLOCATE] = {
		ROW("fs_fallocate", rotai_call_fallocate),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_OPTIONS |
			 ROTAI_TAKES_OFFSET | ROTAI_TAKES_SOME_LENGTH,
		.options = ROTA_FS_KEEP_SIZE | ROTA_FS_PUNCH_HOLE |
			 ROTA_FS_ZERO_RANGE | ROTA_FS_COLLAPSE_RANGE |
			 ROTA_FS_INSERT_RANGE,
	},
	[ROTAI_FS_SCANDIR] = {
		ROW("fs_scandir", rotai_call_scandir),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_ENTRIES |
			 ROTAI_TAKES_OPTIONS,
		.discard = rotai_undo_scandir,
		.options = ROTA_FS_SORTED,
	},
	[ROTAI_FS_OPENDIR] = {
		ROW("fs_opendir", rotai_call_opendir),
		.takes = ROTAI_TAKES_PATH | ROTAI_TAKES_TARGET,
		.discard = rotai_undo_opendir,
		.makes_fd = 1,
	},
	[ROTAI_FS_READDIR] = {
		ROW("fs_readdir", rotai_call_readdir),
		.takes = ROTAI_TAKES_DIR | ROTAI_TAKES_ENTRIES,
		.discard = rotai_undo_scandir,
	},
	[ROTAI_FS_CLOSEDIR] = {
		ROW("fs_closedir", rotai_call_closedir),
		.takes = ROTAI_TAKES_DIR,
		.skip = rotai_skip_closedir,
	},
	[ROTAI_FS_FLOCK] = {
		ROW("fs_flock", rotai_call_flock),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_OPTIONS |
			 ROTAI_TAKES_LOCK,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_flock_slowly,
		.discard = rotai_undo_flock,
		.makes_fd = 1,
		.options = ALL_LOCKS,
	},
	[ROTAI_FS_LOCK_RANGE] = {
		ROW("fs_lock_range", rotai_call_lock_range),
		.takes = ROTAI_TAKES_FD | ROTAI_TAKES_OPTIONS |
			 ROTAI_TAKES_LOCK | ROTAI_TAKES_OFFSET |
			 ROTAI_TAKES_LENGTH,
		.run_slowly = rotai_fs_run_slowly,
		.call_slowly = rotai_call_lock_range_slowly,
		.discard = rotai_undo_lock_range,
		.makes_fd = 1,
		.options = ALL_LOCKS,
	},
};

static int takes(const struct rotai_fs_operation *row, unsigned what)
{
	return (row->takes & what) != 0;
}

static int check_paths(const struct rotai_fs_operation *row,
		       const struct rotai_fs_arguments *a)
{
	if (takes(row, ROTAI_TAKES_PATH) && a->path == NULL)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_TO) && a->to == NULL)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_DIR) && a->dir == NULL)
		return ROTA_EINVAL;
	return 0;
}

static int check_pattern(const char *pattern)
{
	size_t length = strlen(pattern);

	return length < ROTAI_FS_PATTERN ||
			       strcmp(pattern + length - ROTAI_FS_PATTERN,
				      "XXXXXX") != 0
		       ? ROTA_EINVAL
		       : 0;
}

static int check_size(const void *sized, size_t least)
{
	return *(const size_t *)sized < least ? ROTA_EINVAL : 0;
}

static int check_target(const struct rotai_fs_operation *row,
			const struct rotai_fs_arguments *a)
{
	if (takes(row, ROTAI_TAKES_MEMORY))
		return a->target == NULL && a->size > 0 ? ROTA_EINVAL : 0;
	if (!takes(row, ROTAI_TAKES_PATTERN | ROTAI_TAKES_TARGET |
				ROTAI_TAKES_INFO | ROTAI_TAKES_SYSTEM_INFO |
				ROTAI_TAKES_ENTRIES))
		return 0;
	if (a->target == NULL)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_PATTERN))
		return check_pattern(a->target);
	if (takes(row, ROTAI_TAKES_INFO))
		return check_size(a->target, ROTAI_FS_LEAST_INFO);
	if (takes(row, ROTAI_TAKES_SYSTEM_INFO))
		return check_size(a->target, ROTAI_FS_LEAST_SYSTEM_INFO);
	if (takes(row, ROTAI_TAKES_ENTRIES)) {
		const struct rota_dir_entries *entries = a->target;

		return entries->limit == 0 ? ROTA_EINVAL : 0;
	}
	return 0;
}

static int is_one_bit(unsigned bits)
{
	return bits != 0 && (bits & (bits - 1)) == 0;
}

static int check_options(const struct rotai_fs_operation *row,
			 const struct rotai_fs_arguments *a)
{
	if (takes(row, ROTAI_TAKES_OPTIONS) &&
	    (a->options & ~row->options) != 0)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_ONE_OPTION) && a->options != 0 &&
	    !is_one_bit(a->options))
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_LOCK) && !is_one_bit(a->options & ANY_LOCK))
		return ROTA_EINVAL;
	return 0;
}

static int check_offsets(const struct rotai_fs_operation *row,
			 const struct rotai_fs_arguments *a)
{
	if (takes(row, ROTAI_TAKES_OFFSET) && a->offset < 0)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_PLACE) && a->offset < -1)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_LENGTH) && a->length < 0)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_OTHER_PLACE) && a->length < -1)
		return ROTA_EINVAL;
	if (takes(row, ROTAI_TAKES_SOME_LENGTH) && a->length <= 0)
		return ROTA_EINVAL;
	return 0;
}

static int check_arguments(const struct rota_fs *fs,
			   const struct rotai_fs_operation *row,
			   const struct rotai_fs_arguments *a)
{
	int error = check_paths(row, a);

	if (takes(row, ROTAI_TAKES_FD) && a->fd < 0)
		return ROTA_EBADF;
	if (takes(row, ROTAI_TAKES_OTHER_FD) && a->other_fd < 0)
		return ROTA_EBADF;
	if (error == 0)
		error = check_target(row, a);
	if (error == 0)
		error = check_options(row, a);
	if (error == 0)
		error = check_offsets(row, a);
	if (error == 0 && takes(row, ROTAI_TAKES_DATA) && fs->data != NULL)
		error = ROTA_EBUSY;
	return error;
}

/* (2) */
static void store_arguments(struct rota_fs *fs,
			    const struct rotai_fs_operation *row,
			    const struct rotai_fs_arguments *a)
{
	if (takes(row, ROTAI_TAKES_DIR))
		fs->internal.dir = a->dir;
	if (takes(row, ROTAI_TAKES_MEMORY | ROTAI_TAKES_SIZE))
		fs->internal.size = a->size;
	if (!takes(row, ROTAI_TAKES_TO))
		fs->internal.source = a->target;
	if (takes(row, ROTAI_TAKES_MODE)) {
		fs->internal.mode = a->mode;
	} else if (takes(row, ROTAI_TAKES_OWNER)) {
		fs->internal.owner.user = a->user;
		fs->internal.owner.group = a->group;
	} else {
		fs->internal.offset = a->offset;
	}
	fs->internal.length = a->length;
	fs->internal.fd = a->fd;
	if (takes(row, ROTAI_TAKES_OTHER_FD))
		fs->internal.other_fd = a->other_fd;
	else
		fs->internal.options = a->options;
}

int rotai_fs_start(struct rota_fs *fs, rota_fs_fn *fn, enum rotai_fs_row row,
		   const struct rotai_fs_arguments *a)
{
	const struct rotai_fs_operation *operation = &rotai_fs_table[row];
	int error = rotai_fs_usable(fs, fn);

	if (error == 0)
		error = check_arguments(fs, operation, a);
	if (error < 0)
		return error;
	store_arguments(fs, operation, a);
	if (takes(operation, ROTAI_TAKES_PATH))
		error = rotai_fs_take_paths(
			fs, a->path,
			takes(operation, ROTAI_TAKES_TO) ? a->to : NULL);
	if (error < 0)
		return error;
	if (takes(operation, ROTAI_TAKES_DATA)) {
		fs->size = 0;
		fs->internal.block = 0; /* the data is of malloc(3) */
	}
	rotai_fs_begin(fs, fn, operation);
	return 0;
}
