/*
 * fs/attribute_call.c - the system calls of rota/fs_attribute.h, and stat(2).
 *
 *  1. There is no truncateat(2). The file is opened for that, but only if it is
 *     a regular file: the open of a device may do something, and that of a FIFO
 *     may wait.
 */
#include "fs/call.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "base/sized.h"
#include "base/status.h"
#include "fs/attempt.h"
#include "fs/quiet.h"
#include "fs/table.h"
#include "rota/error.h"

ROTAI_SIZED(struct rota_file_info, born_ns);
ROTAI_SIZED(struct rota_file_system_info, longest_name);

static void give_info(struct rota_fs *fs, const struct rota_file_info *now)
{
	(void)rotai_sized_give(fs->internal.target, ROTAI_FS_LEAST_INFO, now,
			       sizeof(*now));
}

static int64_t give_status(struct rota_fs *fs, int directory, const char *path,
			   int follows)
{
	struct rota_file_info now = { .size = sizeof(now) };
	int error = rotai_status_read(directory, path, follows, &now);

	if (error == 0)
		give_info(fs, &now);
	return error;
}

int64_t rotai_call_stat(struct rota_fs *fs)
{
	return give_status(fs, fs->internal.directory, fs->internal.path, 1);
}

/* An attempt has ended with @error. */
static void give_known(struct rota_fs *fs, const struct rotai_known *known,
		       int error)
{
	if (error == ROTA_EAGAIN)
		return;
	if (error == 0)
		give_info(fs, &known->info);
	fs->internal.result = error;
}

void rotai_attempt_stat(struct rota_fs *fs)
{
	struct rotai_known known;
	int error = rotai_attempt_find(fs, &known);

	give_known(fs, &known, error);
}

void rotai_attempt_lstat(struct rota_fs *fs)
{
	struct rotai_known known;
	int error = rotai_attempt_find_link(fs, &known);

	give_known(fs, &known, error);
}

void rotai_attempt_fstat(struct rota_fs *fs)
{
	struct rotai_known known;
	int error = rotai_attempt_look(fs, &known);

	give_known(fs, &known, error);
}

int64_t rotai_call_lstat(struct rota_fs *fs)
{
	return give_status(fs, fs->internal.directory, fs->internal.path, 0);
}

int64_t rotai_call_fstat(struct rota_fs *fs)
{
	return give_status(fs, fs->internal.fd, NULL, 1);
}

int64_t rotai_call_access(struct rota_fs *fs)
{
	unsigned asked = fs->internal.options;
	int mode = F_OK;

	if ((asked & ROTA_FS_MAY_READ) != 0)
		mode |= R_OK;
	if ((asked & ROTA_FS_MAY_WRITE) != 0)
		mode |= W_OK;
	if ((asked & ROTA_FS_MAY_EXECUTE) != 0)
		mode |= X_OK;
	return rotai_call_result(
		faccessat(fs->internal.directory, fs->internal.path, mode, 0));
}

int64_t rotai_call_chmod(struct rota_fs *fs)
{
	return rotai_call_result(fchmodat(fs->internal.directory,
					  fs->internal.path,
					  (mode_t)fs->internal.mode, 0));
}

int64_t rotai_call_fchmod(struct rota_fs *fs)
{
	return rotai_call_result(
		fchmod(fs->internal.fd, (mode_t)fs->internal.mode));
}

static int64_t change_owner(const struct rota_fs *fs, int flags)
{
	return rotai_call_result(
		fchownat(fs->internal.directory, fs->internal.path,
			 (uid_t)fs->internal.owner.user,
			 (gid_t)fs->internal.owner.group, flags));
}

int64_t rotai_call_chown(struct rota_fs *fs)
{
	return change_owner(fs, 0);
}

int64_t rotai_call_lchown(struct rota_fs *fs)
{
	return change_owner(fs, AT_SYMLINK_NOFOLLOW);
}

int64_t rotai_call_fchown(struct rota_fs *fs)
{
	return rotai_call_result(fchown(fs->internal.fd,
					(uid_t)fs->internal.owner.user,
					(gid_t)fs->internal.owner.group));
}

static struct timespec to_timespec(int64_t ns)
{
	const int64_t ns_of_second = 1000000000;
	struct timespec time = { 0 };

	if (ns == ROTA_FS_TIME_NOW) {
		time.tv_nsec = UTIME_NOW;
	} else if (ns == ROTA_FS_TIME_OMIT) {
		time.tv_nsec = UTIME_OMIT;
	} else {
		int64_t seconds = ns / ns_of_second - (ns % ns_of_second < 0);

		time.tv_sec = (time_t)seconds;
		time.tv_nsec =
			(long)((uint64_t)ns -
			       (uint64_t)seconds * (uint64_t)ns_of_second);
	}
	return time;
}

static int64_t change_times(const struct rota_fs *fs, int flags)
{
	const struct timespec times[2] = {
		to_timespec(fs->internal.offset),
		to_timespec(fs->internal.length),
	};

	return rotai_call_result(utimensat(fs->internal.directory,
					   fs->internal.path, times, flags));
}

int64_t rotai_call_utime(struct rota_fs *fs)
{
	return change_times(fs, 0);
}

int64_t rotai_call_lutime(struct rota_fs *fs)
{
	return change_times(fs, AT_SYMLINK_NOFOLLOW);
}

int64_t rotai_call_futime(struct rota_fs *fs)
{
	const struct timespec times[2] = {
		to_timespec(fs->internal.offset),
		to_timespec(fs->internal.length),
	};

	return rotai_call_result(futimens(fs->internal.fd, times));
}

/* (1) */
static int truncate_opened(const struct rota_fs *fs)
{
	int dir = fs->internal.directory;
	const char *path = fs->internal.path;
	struct stat status;
	int error;
	int fd;

	if (fstatat(dir, path, &status, 0) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return ROTA_EISDIR;
	if (!S_ISREG(status.st_mode))
		return ROTA_EINVAL;
	fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	error = ftruncate(fd, (off_t)fs->internal.offset) < 0 ? -errno : 0;
	rotai_fd_close(fd);
	return error;
}

static size_t cut_path(struct rota_fs *fs, int *error)
{
	if (fs->internal.directory != AT_FDCWD)
		*error = truncate_opened(fs);
	else if (truncate(fs->internal.path, (off_t)fs->internal.offset) < 0)
		*error = -errno;
	return 0;
}

static size_t cut_file(struct rota_fs *fs, int *error)
{
	if (ftruncate(fs->internal.fd, (off_t)fs->internal.offset) < 0)
		*error = -errno;
	return 0;
}

int64_t rotai_call_truncate(struct rota_fs *fs)
{
	return rotai_fs_write_quietly(fs, cut_path);
}

int64_t rotai_call_ftruncate(struct rota_fs *fs)
{
	return rotai_fs_write_quietly(fs, cut_file);
}

int64_t rotai_call_statfs(struct rota_fs *fs)
{
	struct rota_file_system_info now = { .size = sizeof(now) };
	int error = rotai_file_system_read(fs->internal.directory,
					   fs->internal.path, &now);

	if (error == 0)
		(void)rotai_sized_give(fs->internal.target,
				       ROTAI_FS_LEAST_SYSTEM_INFO, &now,
				       sizeof(now));
	return error;
}
