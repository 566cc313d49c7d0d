/*
 * below.h - open what a path names below a directory, and nothing else.
 */
#ifndef FILESERVER_BELOW_H
#define FILESERVER_BELOW_H

#include <stdint.h>

struct below_file {
	int fd;
	int64_t size;
	const char *name; /* the last of its path: a part of that, or static */
};

/*
 * Open the regular file @path, for reading, below the directory @root_fd. If it
 * is a directory, open the index.html in it. Each name is opened in the
 * directory before it, and neither ".." nor a symbolic link is followed: so
 * nothing leads out of the root, whatever is renamed meanwhile. A FIFO or a
 * device is not waited for, and counts as not there.
 *
 * Returns 0, or -errno: then @file->fd is -1. @path is changed. This may wait
 * for the disk.
 */
int below_open(struct below_file *file, int root_fd, char *path);

/* Close it, if it is open. */
void below_close(struct below_file *file);

#endif
