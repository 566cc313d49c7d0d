/*
 * below.c - opens files by paths that strangers give.
 */
#include "below.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void below_close(struct below_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* Go from the directory that is open on to @name in it: 0, or an error. */
static int step(struct below_file *file, const char *name, struct stat *info)
{
	int directory_fd = file->fd;
	int error = 0;

	file->name = name;
	file->fd = openat(directory_fd, name,
			  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file->fd < 0 || fstat(file->fd, info) < 0)
		error = -errno;
	close(directory_fd);
	return error;
}

int below_open(struct below_file *file, int root_fd, char *path)
{
	struct stat info = { .st_mode = S_IFDIR };
	int error = 0;

	file->fd = openat(root_fd, ".", O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	while (error == 0 && S_ISDIR(info.st_mode)) {
		const char *name = strtok_r(path, "/", &path);

		if (name == NULL)
			name = "index.html";
		error = strcmp(name, "..") != 0 ? step(file, name, &info)
						: -ENOENT;
	}
	if (error == 0 &&
	    (!S_ISREG(info.st_mode) || strtok_r(path, "/", &path) != NULL))
		error = -ENOENT;
	if (error < 0)
		below_close(file);
	file->size = info.st_size;
	return error;
}
