/*
 * fs/path_call.c - the system calls of rota/fs_path.h, except those that make
 * temporary files.
 *
 *  1. How long a link is is only known when all of it was read: it may be
 *     replaced after lstat(2), and links of /proc have no length.
 */
#include "fs/call.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filesystem.h"
#include "rota/error.h"

enum { FIRST_LINK = 256 };

int64_t rotai_call_link(struct rota_fs *fs)
{
	int dir = fs->internal.directory;

	return rotai_call_result(
		linkat(dir, fs->internal.path, dir, fs->internal.to, 0));
}

int64_t rotai_call_symlink(struct rota_fs *fs)
{
	return rotai_call_result(symlinkat(
		fs->internal.path, fs->internal.directory, fs->internal.to));
}

static int64_t take_text(struct rota_fs *fs, char *text, size_t length)
{
	fs->data = text;
	fs->size = length;
	return (int64_t)length;
}

/* Read the link into @size bytes: -1 with an errno, or so many that it may not
 * have been all, or the result with the bytes in fs->data. */
static int64_t read_link_into(struct rota_fs *fs, size_t size)
{
	char *text = malloc(size);
	ssize_t n;

	if (text == NULL) {
		errno = ENOMEM;
		return -1;
	}
	n = readlinkat(fs->internal.directory, fs->internal.path, text, size);
	if (n < 0 || (size_t)n == size) {
		int error = errno;

		free(text);
		errno = error;
		return n;
	}
	text[n] = '\0';
	return take_text(fs, text, (size_t)n);
}

int64_t rotai_call_readlink(struct rota_fs *fs)
{
	size_t size = FIRST_LINK;
	int64_t n;

	while ((n = read_link_into(fs, size)) == (int64_t)size)
		size *= 2; /* (1) */
	return rotai_call_result(n);
}

int64_t rotai_call_realpath(struct rota_fs *fs)
{
	char *text;
	int error = rotai_real_path(fs->internal.directory, fs->internal.path,
				    &text);

	return error < 0 ? error : take_text(fs, text, strlen(text));
}

void rotai_undo_read(struct rota_fs *fs)
{
	free(fs->data);
	fs->data = NULL;
	fs->size = 0;
}

int64_t rotai_call_rename(struct rota_fs *fs)
{
	int dir = fs->internal.directory;

	if (fs->internal.options != 0)
		return rotai_rename_with(dir, fs->internal.path,
					 fs->internal.to, fs->internal.options);
	return rotai_call_result(
		renameat(dir, fs->internal.path, dir, fs->internal.to));
}

int64_t rotai_call_unlink(struct rota_fs *fs)
{
	return rotai_call_result(
		unlinkat(fs->internal.directory, fs->internal.path, 0));
}

int64_t rotai_call_mkdir(struct rota_fs *fs)
{
	return rotai_call_result(mkdirat(fs->internal.directory,
					 fs->internal.path,
					 (mode_t)fs->internal.mode));
}

int64_t rotai_call_rmdir(struct rota_fs *fs)
{
	return rotai_call_result(unlinkat(fs->internal.directory,
					  fs->internal.path, AT_REMOVEDIR));
}
