/*
 * rota/fs_tree.h - trees of directories: remove one in one trip to the pool, or
 * walk through one, with a callback for each batch of entries.
 */
#ifndef ROTA_FS_TREE_H
#define ROTA_FS_TREE_H

#include "rota/buf.h"
#include "rota/fs.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** How rota_fs_remove_tree() removes: 0, or several of these. */
enum rota_remove_flags {
	/** Stop at the first error, instead of removing what can be removed. */
	ROTA_REMOVE_STOP = 1 << 0,

	/** Remove also the content of file systems that are mounted in the
	 * tree. Where they are mounted, the directory itself stays, with the
	 * error ROTA_EBUSY; or ROTA_ELOOP, if the mount leads back to a
	 * directory that is being removed. */
	ROTA_REMOVE_MOUNTS = 1 << 1,

	/** If there is no tree, the result is 0 instead of ROTA_ENOENT. */
	ROTA_REMOVE_MISSING = 1 << 2,
};

/**
 * Remove the directory @path and everything in it; or the file @path, if it is
 * no directory. The result is the number of files and directories that were
 * removed; or the first error. @flags are of enum rota_remove_flags.
 *
 * Symbolic links are removed, not followed, @path included. Slashes at the end
 * of @path are ignored. A link that takes the place of a directory meanwhile
 * does not lead out of the tree. Another file system that is mounted in the
 * tree is not entered: ROTA_EXDEV. What others remove meanwhile is no error;
 * what others create meanwhile is removed too, unless they do not stop: then
 * the result is ROTA_ENOTEMPTY.
 *
 * If @failed.size is not 0, the path that the first error is about is stored at
 * @failed.data, followed by a 0; or only the 0, if there was no error. If there
 * is not enough memory for the path, its last @failed.size - 1 bytes are
 * stored.
 *
 * A tree may be deeper than PATH_MAX allows. At most 32 directories are open at
 * a time. A cancel that finds a thread at work ends the operation with
 * ROTA_ECANCELED before the next entry, although rota_request_cancel() has
 * returned ROTA_EBUSY. What was removed stays removed.
 *
 * Phase:   @fn as rota_fs_fn
 * Thread:  the loop's.
 * Owner:   the library uses @path and the memory of @failed until @fn is
 *          called.
 * Errors:  ROTA_EINVAL  also if @flags has unknown flags, if @failed.data is
 *                       NULL and @failed.size is not 0, or if the last name of
 *                       @path is ".", ".." or nothing: "/"; else as
 *                       rota_fs_open()
 */
int rota_fs_remove_tree(struct rota_fs *fs, rota_fs_fn *fn, const char *path,
			int flags, struct rota_buf failed);

struct rota_tree_walk;

/** How a tree is walked: 0, or several of these. */
enum rota_walk_flags {
	/** Report a directory after its content, instead of before it. */
	ROTA_WALK_POST = 1 << 0,

	/** End a batch after each directory, so that the callback can decide
	 * with rota_tree_walk_prune() not to enter it. That is one trip to the
	 * pool for each directory. Not together with ROTA_WALK_POST. */
	ROTA_WALK_PRUNE = 1 << 1,

	/** Fill entry->info, which costs a system call for each entry. */
	ROTA_WALK_INFO = 1 << 2,

	/** Follow symbolic links. Entries are about the file that a link leads
	 * to; or about the link, if it leads to none. */
	ROTA_WALK_FOLLOW = 1 << 3,

	/** Enter file systems that are mounted in the tree. */
	ROTA_WALK_MOUNTS = 1 << 4,
};

/** A file or a directory in a tree. A later version may add members at the
 * end. */
struct rota_tree_entry {
	/** The path within the tree: "." is the tree itself. */
	const char *path;

	/** The last name of the path. */
	const char *name;

	/** NULL without ROTA_WALK_INFO, and if there was an error. */
	const struct rota_file_info *info;

	/** 0 is the tree itself. */
	size_t depth;

	/** S_IFDIR, S_IFREG, S_IFLNK or another type of <sys/stat.h>. */
	uint32_t type;

	/** 0. Or why this directory could not be entered or read to its end, or
	 * why nothing is known about this entry. An entry with an error comes
	 * in addition to the one for the directory. */
	int error;
};

/**
 * Called with the next @count entries, at least one. The callback may cancel
 * &walk->request, pause the walk, and with ROTA_WALK_PRUNE call
 * rota_tree_walk_prune().
 *
 * Phase:   poll, or pending as rota_fs_fn.
 * Thread:  the loop's.
 * Owner:   the library owns the entries and what they point to. They stay until
 *          the callback returns; or, after rota_tree_walk_pause(), until
 *          rota_tree_walk_resume() or the end of the walk.
 */
typedef void rota_tree_batch_fn(struct rota_tree_walk *walk,
				const struct rota_tree_entry *entries,
				size_t count);

/**
 * Called when @walk has ended. @status is 0, if all was walked that can be
 * entered; or an error, which may be ROTA_ENOMEM, ROTA_ECANCELED,
 * ROTA_ETIMEDOUT, or why the tree itself was not found. The callback may free
 * @walk, or start another walk with it.
 *
 * Phase:   poll, or pending as rota_fs_fn.
 * Thread:  the loop's.
 */
typedef void rota_tree_end_fn(struct rota_tree_walk *walk, int status);

struct rotai_walk;

/**
 * A walk through a tree. &walk->request can be cancelled and can have a
 * deadline: the walk ends before the next entry.
 *
 * Owner:   the caller, who keeps it alive and in place until the
 *          rota_tree_end_fn begins.
 */
struct rota_tree_walk {
	struct rota_request request;
	struct {
		struct rotai_item item;
		rota_tree_batch_fn *batch;
		rota_tree_end_fn *end;
		struct rotai_walk *walk; /* what it has in memory */
		int16_t late; /* the status if it was cut short, or 0 */
		uint8_t stage;
		uint8_t paused;
		int directory;
	} internal; /* private to the library: do not read or write */
};

/**
 * Initialize @walk for use on @loop.
 *
 * Thread:  the loop's.
 */
void rota_tree_walk_init(struct rota_tree_walk *walk, struct rota_loop *loop);

/**
 * Have the paths of the next walks of @walk begin at the open directory @fd,
 * as openat(2) has it; with -1, at the current directory of the process again.
 * So "." is the tree of that directory, whatever path leads to it meanwhile. An
 * absolute path begins at the root. The walk keeps no other descriptor of @fd,
 * and does not change its position. Until rota_tree_walk_init() is called
 * again, this is kept. Do not call this while @walk is in flight.
 *
 * Thread:  the loop's.
 * Owner:   the caller keeps @fd open until the walk has ended.
 * Errors:  none here. The walk itself ends with ROTA_EBADF, if @fd is not open,
 *          or ROTA_ENOTDIR, if it is no directory.
 */
void rota_tree_walk_set_directory(struct rota_tree_walk *walk, int fd);

/**
 * Walk through the tree @path: call @batch with its entries, batch by batch,
 * and then @end. @flags are of enum rota_walk_flags. The tree itself is the
 * first entry. A directory comes before its content, with ROTA_WALK_POST after
 * it; else the order is that of the file system. If @path is no directory, it
 * is the only entry. A symbolic link there is followed only with
 * ROTA_WALK_FOLLOW, or if @path ends with a slash.
 *
 * Only one batch is in memory, of at most 256 entries, and at most 32
 * directories are open at a time. The next batch is read when @batch has
 * returned, or after rota_tree_walk_resume(). A tree may be deeper than
 * PATH_MAX allows. If it changes meanwhile, entries may be missed or reported
 * twice, and the walk ends all the same; what vanishes is no error. With
 * ROTA_WALK_FOLLOW, a link back to a directory in which the walk is has the
 * error ROTA_ELOOP, and is not entered. Where another file system is mounted,
 * only the entry of the directory is reported, without ROTA_WALK_MOUNTS.
 *
 * Phase:   @batch as rota_tree_batch_fn, @end as rota_tree_end_fn
 * Thread:  the loop's.
 * Owner:   @path is copied.
 * Errors:  ROTA_EINVAL  @walk, @batch, @end or @path is NULL; @path is empty;
 *                       or @flags has unknown flags or both of ROTA_WALK_POST
 *                       and ROTA_WALK_PRUNE
 *          ROTA_EBUSY   @walk is in flight
 *          ROTA_ENOMEM  at any time
 *          else as rota_fs_open()
 *          After any of them nothing has changed, and nothing is called.
 */
int rota_tree_walk_start(struct rota_tree_walk *walk, rota_tree_batch_fn *batch,
			 rota_tree_end_fn *end, const char *path, int flags);

/**
 * In a rota_tree_batch_fn: keep the entries, and read no more until
 * rota_tree_walk_resume(). Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @walk is not in its rota_tree_batch_fn
 */
int rota_tree_walk_pause(struct rota_tree_walk *walk);

/**
 * Go on with a walk that is paused. If it is not, do nothing.
 *
 * Thread:  the loop's.
 */
void rota_tree_walk_resume(struct rota_tree_walk *walk);

/**
 * Do not enter the directory that is the last entry of this batch, which has no
 * error. Call this in a rota_tree_batch_fn, or while the walk is paused.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  the walk is in no batch, has no ROTA_WALK_PRUNE, or the
 *                       last entry is no directory that would be entered
 */
int rota_tree_walk_prune(struct rota_tree_walk *walk);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
