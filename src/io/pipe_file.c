/*
 * io/pipe_file.c - see pipe_file.h.
 *
 *  1. A file is known by its device and inode. They are read just after bind(2)
 *     has made it. If somebody has put another file at the path since, that one
 *     is not touched. It has another inode: the socket keeps its own in use.
 *  2. The mode is set between bind(2) and listen(2), when nobody can connect.
 *     The umask is of the whole process, and other threads make files.
 *  3. A stale file is moved aside before it is removed, and tried again there,
 *     because another process may replace it at the same time: what was moved
 *     may be that process's new socket. Then it is put back by link(2), which
 *     replaces nothing. Where link(2) is refused, as for the file of another
 *     user with Linux' protected_hardlinks (see proc(5)), it is renamed. What
 *     cannot be put back stays aside: it is never removed.
 *  4. To a socket that is bound and not yet listened to, connect(2) says the
 *     same as to one whose process has ended.
 *  5. A forked child has a copy of this memory; the file is its parent's.
 */
#include "io/pipe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fork.h"
#include "base/memory.h"
#include "base/socket.h"
#include "rota/error.h"

enum { PATH_SPACE = sizeof(((struct sockaddr_un *)0)->sun_path) + 1 };

struct rotai_socket_file {
	dev_t device;
	ino_t inode;
	uint32_t generation; /* of forks: (5) */
	char path[PATH_SPACE];
};

/* Read the device and inode of the socket file @path: 0 or an error. */
static int identify(const char *path, struct stat *status)
{
	if (lstat(path, status) < 0)
		return -errno;
	return S_ISSOCK(status->st_mode) ? 0 : ROTA_EADDRINUSE;
}

/* Whether anybody listens at @address: 1, 0 or an error. (4) */
static int is_heard(const struct rotai_unix_address *address)
{
	int fd = rotai_socket_new(AF_UNIX);
	int error;

	if (fd < 0)
		return fd;
	error = rotai_socket_connect(
		fd, (const struct sockaddr *)(const void *)&address->un,
		address->size);
	rotai_fd_close(fd);
	return error != ROTA_ECONNREFUSED;
}

/* Check that no file has the name @name, which rename(2) would replace: 0 or an
 * error. */
static int check_free(const char *name)
{
	struct stat status;

	if (lstat(name, &status) == 0)
		return ROTA_EADDRINUSE;
	return errno == ENOENT ? 0 : -errno;
}

/* Put what was moved from @path to @name back, unless another file has the path
 * by now: 0 or an error. (3) */
static int put_back(const char *name, const char *path)
{
	if (link(name, path) == 0 || errno == EEXIST)
		return unlink(name) < 0 ? -errno : 0;
	return rename(name, path) < 0 ? -errno : 0;
}

/* Remove the file @path, to which nobody listened just now: 0, or an error.
 * (3) */
static int remove_stale(const char *path)
{
	struct rotai_unix_address aside;
	char name[PATH_SPACE + 32];
	int size = snprintf(name, sizeof(name), "%s.%ld", path, (long)getpid());
	int error = rotai_unix_address_set(&aside, name, (size_t)size);
	int left;

	if (error == 0)
		error = check_free(name);
	if (error < 0)
		return error;
	if (rename(path, name) < 0)
		return errno == ENOENT ? 0 : -errno;
	error = is_heard(&aside);
	if (error == 0)
		return unlink(name) < 0 ? -errno : 0;
	if (error > 0)
		error = ROTA_EADDRINUSE;
	left = put_back(name, path);
	return error == ROTA_EADDRINUSE && left < 0 ? left : error;
}

/* The path is in use. If it is stale, remove it: 0, or an error. */
static int make_way(const struct rotai_unix_address *address)
{
	struct stat status;
	int error = identify(address->un.sun_path, &status);

	if (error == ROTA_ENOENT)
		return 0;
	if (error < 0)
		return error;
	error = is_heard(address);
	if (error != 0)
		return error < 0 ? error : ROTA_EADDRINUSE;
	return remove_stale(address->un.sun_path);
}

static int bind_path(int fd, const struct rotai_unix_address *address)
{
	return rotai_socket_bind(
		fd, (const struct sockaddr *)(const void *)&address->un,
		address->size);
}

/* (2) */
static int set_mode(const char *path, uint32_t mode)
{
	if (fchmodat(AT_FDCWD, path, (mode_t)mode, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	/* Not every system has this flag. The path was a socket just now. */
	if (errno != ENOTSUP && errno != EOPNOTSUPP && errno != EINVAL)
		return -errno;
	return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

/* Set the mode, and remember the file, which is new: 0; or an error, and it is
 * removed. */
static int adopt(struct rotai_socket_file *file, uint32_t mode)
{
	struct stat status;
	int error = identify(file->path, &status);

	if (error == ROTA_EADDRINUSE)
		return error; /* somebody else has replaced it */
	if (error == 0) {
		file->device = status.st_dev;
		file->inode = status.st_ino;
		error = mode == 0 ? 0 : set_mode(file->path, mode);
	}
	if (error < 0)
		(void)unlink(file->path);
	return error;
}

static struct rotai_socket_file *
new_file(const struct rota_allocator *from,
	 const struct rotai_unix_address *address)
{
	struct rotai_socket_file *file = rotai_memory_new(from, sizeof(*file));

	if (file == NULL)
		return NULL;
	*file = (struct rotai_socket_file){
		.generation = rotai_fork_generation,
	};
	/* A path is shorter than its space: unix.c (1). */
	(void)snprintf(file->path, sizeof(file->path), "%s",
		       address->un.sun_path);
	return file;
}

int rotai_socket_file_bind(struct rotai_socket_file **file,
			   const struct rota_allocator *from, int fd,
			   const struct rotai_unix_address *address,
			   const struct rota_pipe_bind_options *options)
{
	struct rotai_socket_file *made = new_file(from, address);
	int error;

	if (made == NULL)
		return ROTA_ENOMEM;
	error = bind_path(fd, address);
	if (error == ROTA_EADDRINUSE &&
	    (options->flags & ROTA_PIPE_REPLACE_STALE)) {
		error = make_way(address);
		if (error == 0)
			error = bind_path(fd, address);
	}
	*file = made;
	if (error == 0)
		error = adopt(made, options->mode);
	if (error < 0 || (options->flags & ROTA_PIPE_KEEP_FILE))
		rotai_socket_file_forget(file, from);
	return error;
}

void rotai_socket_file_remove(struct rotai_socket_file **file,
			      const struct rota_allocator *from)
{
	const struct rotai_socket_file *made = *file;
	struct stat status;

	if (made == NULL)
		return;
	if (made->generation == rotai_fork_generation &&
	    lstat(made->path, &status) == 0 && status.st_dev == made->device &&
	    status.st_ino == made->inode)
		(void)unlink(made->path);
	rotai_socket_file_forget(file, from);
}

void rotai_socket_file_forget(struct rotai_socket_file **file,
			      const struct rota_allocator *from)
{
	rotai_memory_free(from, *file, sizeof(struct rotai_socket_file));
	*file = NULL;
}
