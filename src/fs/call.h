/*
 * fs/call.h - what the rows of the table do: see fs/table.h. A function
 * rotai_call_mkdir() makes the system call of rota_fs_mkdir(), with the
 * arguments in fs->internal, in a thread of the io lane; one whose name ends
 * with _slowly, in the blocking lane. rotai_undo_mkdtemp() discards a result
 * that nobody gets. Each is in the file *_call.c on its subject.
 */
#ifndef ROTAI_FS_CALL_H
#define ROTAI_FS_CALL_H

#include <errno.h>

#include "rota/fs.h"

static inline int64_t rotai_call_result(int64_t n)
{
	return n < 0 ? -errno : n;
}

/* path_call.c */
int64_t rotai_call_link(struct rota_fs *fs);
int64_t rotai_call_symlink(struct rota_fs *fs);
int64_t rotai_call_readlink(struct rota_fs *fs);
int64_t rotai_call_realpath(struct rota_fs *fs);
int64_t rotai_call_rename(struct rota_fs *fs);
int64_t rotai_call_unlink(struct rota_fs *fs);
int64_t rotai_call_mkdir(struct rota_fs *fs);
int64_t rotai_call_rmdir(struct rota_fs *fs);
void rotai_undo_read(struct rota_fs *fs); /* of readlink and realpath */

/* temporary_call.c */
int64_t rotai_call_mkdtemp(struct rota_fs *fs);
int64_t rotai_call_mkstemp(struct rota_fs *fs);
void rotai_undo_mkdtemp(struct rota_fs *fs);
void rotai_undo_mkstemp(struct rota_fs *fs);

/* attribute_call.c */
int64_t rotai_call_stat(struct rota_fs *fs);
void rotai_attempt_stat(struct rota_fs *fs); /* see attempt.c */
void rotai_attempt_lstat(struct rota_fs *fs);
void rotai_attempt_fstat(struct rota_fs *fs);
int64_t rotai_call_lstat(struct rota_fs *fs);
int64_t rotai_call_fstat(struct rota_fs *fs);
int64_t rotai_call_access(struct rota_fs *fs);
int64_t rotai_call_chmod(struct rota_fs *fs);
int64_t rotai_call_fchmod(struct rota_fs *fs);
int64_t rotai_call_chown(struct rota_fs *fs);
int64_t rotai_call_lchown(struct rota_fs *fs);
int64_t rotai_call_fchown(struct rota_fs *fs);
int64_t rotai_call_utime(struct rota_fs *fs);
int64_t rotai_call_lutime(struct rota_fs *fs);
int64_t rotai_call_futime(struct rota_fs *fs);
int64_t rotai_call_truncate(struct rota_fs *fs);
int64_t rotai_call_ftruncate(struct rota_fs *fs);
int64_t rotai_call_statfs(struct rota_fs *fs);

/* vector_call.c */
int64_t rotai_call_readv(struct rota_fs *fs);
int64_t rotai_call_readv_slowly(struct rota_fs *fs);
int64_t rotai_call_writev(struct rota_fs *fs);
int64_t rotai_call_writev_slowly(struct rota_fs *fs);

/* data_call.c */
int64_t rotai_call_close(struct rota_fs *fs);
void rotai_skip_close(struct rota_fs *fs);
int64_t rotai_call_fsync(struct rota_fs *fs);
int64_t rotai_call_fdatasync(struct rota_fs *fs);
int64_t rotai_call_fallocate(struct rota_fs *fs);

/* copy_call.c */
int64_t rotai_call_copy_range(struct rota_fs *fs);
int64_t rotai_call_sendfile(struct rota_fs *fs);
int64_t rotai_call_copy_slowly(struct rota_fs *fs); /* of both */

/* directory_call.c */
int64_t rotai_call_scandir(struct rota_fs *fs);
void rotai_undo_scandir(struct rota_fs *fs);
int64_t rotai_call_opendir(struct rota_fs *fs);
void rotai_undo_opendir(struct rota_fs *fs);
int64_t rotai_call_readdir(struct rota_fs *fs);
int64_t rotai_call_closedir(struct rota_fs *fs);
void rotai_skip_closedir(struct rota_fs *fs);

/* lock_call.c */
int64_t rotai_call_flock(struct rota_fs *fs);
int64_t rotai_call_flock_slowly(struct rota_fs *fs);
void rotai_undo_flock(struct rota_fs *fs);
int64_t rotai_call_lock_range(struct rota_fs *fs);
int64_t rotai_call_lock_range_slowly(struct rota_fs *fs);
void rotai_undo_lock_range(struct rota_fs *fs);

#endif
