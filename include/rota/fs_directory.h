/*
 * rota/fs_directory.h - reading directories, whole or in batches. The
 * operations are requests like those of rota/fs.h.
 *
 *     rota_dir_entries_init(&entries, 100000);
 *     rota_fs_scandir(&fs, on_entries, "/etc", &entries, ROTA_FS_SORTED);
 *     ...
 *     rota_dir_entries_free(&entries);
 *
 * "." and ".." are left out. If a directory changes while it is read, an entry
 * that is there all the time is reported once; one that comes or goes meanwhile
 * may be reported or not.
 */
#ifndef ROTA_FS_DIRECTORY_H
#define ROTA_FS_DIRECTORY_H

#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What an entry of a directory is. */
enum rota_entry_type {
	ROTA_ENTRY_UNKNOWN, /* it was gone when the system was asked */
	ROTA_ENTRY_FILE,
	ROTA_ENTRY_DIRECTORY,
	ROTA_ENTRY_LINK, /* a symbolic link */
	ROTA_ENTRY_FIFO,
	ROTA_ENTRY_SOCKET,
	ROTA_ENTRY_CHARACTER_DEVICE,
	ROTA_ENTRY_BLOCK_DEVICE,
};

/** What rota_fs_scandir() may do besides reading. */
enum rota_fs_scandir_options {
	ROTA_FS_SORTED = 1, /* by the bytes of the names, as strcmp(3) */
};

/** An entry of a directory. The name ends with a 0, which @length does not
 * count. It need not be valid text. */
struct rota_dir_entry {
	const char *name;
	size_t length;
	uint64_t inode;
	enum rota_entry_type type;
};

/**
 * Entries of a directory.
 *
 * Owner:   the caller, who keeps the struct in place while an operation uses
 *          it, and frees what it refers to with rota_dir_entries_free(). It may
 *          be used again and again: the memory is reused.
 */
struct rota_dir_entries {
	struct rota_dir_entry *items; /* @count of them */
	size_t count;
	size_t limit; /* so many at most: see rota_dir_entries_init() */

	struct {
		char *names;
		size_t names_size;
		size_t names_capacity;
		size_t capacity;
	} internal; /* private to the library: do not read or write */
};

/**
 * A directory that is being read. All zero is valid: it is not open.
 *
 * Owner:   the caller, who keeps it in place while it is open, and closes it.
 */
struct rota_dir {
	void *data; /* for the caller */
	struct {
		void *stream;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @entries, with no entries. At most @limit will be stored, which is
 * not 0; SIZE_MAX: no limit. Each takes 32 bytes and its name.
 *
 * Thread:  any.
 */
void rota_dir_entries_init(struct rota_dir_entries *entries, size_t limit);

/**
 * Free what @entries refers to. It has no entries then, and keeps its limit.
 *
 * Thread:  any, while no operation uses it.
 */
void rota_dir_entries_free(struct rota_dir_entries *entries);

/**
 * Read the whole directory @path in one job of the pool, and store its entries
 * in *@entries instead of those that were there. The result is their number. If
 * there are more than the limit, it is ROTA_EFBIG. After any error there are no
 * entries. @options are of enum rota_fs_scandir_options. Without
 * ROTA_FS_SORTED the order is the file system's.
 *
 * A cancel that finds a thread reading ends the operation with ROTA_ECANCELED,
 * although rota_request_cancel() has returned ROTA_EBUSY.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@entries until @fn is called.
 * Errors:  ROTA_EINVAL  also if @entries is NULL or its limit is 0, or for
 *                       other options; else as rota_fs_open()
 */
int rota_fs_scandir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		    struct rota_dir_entries *entries, unsigned options);

/**
 * Open the directory @path, to be read in batches: opendir(3). The result is 0,
 * and *@dir is open. If the operation was cancelled or timed out, it is closed
 * again.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@dir until @fn is called. What was open there
 *          before is lost.
 * Errors:  ROTA_EINVAL  also if @dir is NULL; else as rota_fs_open()
 */
int rota_fs_opendir(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
		    struct rota_dir *dir);

/**
 * Read the next entries of @dir, at most as many as the limit of @entries, and
 * store them there instead of those that were there. The result is their
 * number; 0 at the end. If @dir is not open, or another operation is using it,
 * it is ROTA_EBADF.
 *
 * What a read that was cancelled or timed out has read is lost.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@dir and *@entries until @fn is called.
 * Errors:  ROTA_EINVAL  also if @dir or @entries is NULL, or the limit is 0;
 *                       else as rota_fs_open()
 */
int rota_fs_readdir(struct rota_fs *fs, rota_fs_fn *fn, struct rota_dir *dir,
		    struct rota_dir_entries *entries);

/**
 * Close @dir: closedir(3). The result is 0; or ROTA_EBADF as for
 * rota_fs_readdir(). As with rota_fs_close(), it is closed when @fn is called,
 * whatever the result.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses *@dir until @fn is called.
 * Errors:  ROTA_EINVAL  also if @dir is NULL; else as rota_fs_open()
 */
int rota_fs_closedir(struct rota_fs *fs, rota_fs_fn *fn, struct rota_dir *dir);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
