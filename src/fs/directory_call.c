/*
 * fs/directory_call.c - the system calls of rota/fs_directory.h.
 *
 *  1. Names are collected one after another in one block of memory, which moves
 *     when it grows. So the pointers to them are set at the end.
 *  2. A thread takes the stream out of a rota_dir while it uses it. So a second
 *     operation that is begun too early finds none, and two threads never use
 *     one stream.
 *  3. closedir(3) frees the stream whatever its result, as close(2) does. EINTR
 *     is no error.
 */
#include "fs/call.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "rota/error.h"

enum { FIRST_ENTRIES = 64, FIRST_NAMES = 2048, LOOK_FOR_CANCEL = 256 };

/* The capacity that an array with @capacity needs for @wanted. */
static size_t grown(size_t capacity, size_t wanted, size_t first)
{
	size_t next = capacity < first ? first : capacity;

	while (next < wanted)
		next *= 2;
	return next;
}

static int reserve_dir_entry(struct rota_dir_entries *entries, size_t name_size)
{
	size_t items = grown(entries->internal.capacity, entries->count + 1,
			     FIRST_ENTRIES);
	size_t bytes =
		grown(entries->internal.names_capacity,
		      entries->internal.names_size + name_size, FIRST_NAMES);
	void *memory;

	if (items > entries->internal.capacity) {
		if (items > SIZE_MAX / sizeof(*entries->items))
			return ROTA_ENOMEM;
		memory = realloc(entries->items,
				 items * sizeof(*entries->items));
		if (memory == NULL)
			return ROTA_ENOMEM;
		entries->items = memory;
		entries->internal.capacity = items;
	}
	if (bytes > entries->internal.names_capacity) {
		memory = realloc(entries->internal.names, bytes);
		if (memory == NULL)
			return ROTA_ENOMEM;
		entries->internal.names = memory;
		entries->internal.names_capacity = bytes;
	}
	return 0;
}

static int add_entry(struct rota_dir_entries *entries, int fd,
		     const struct dirent *found)
{
	size_t length = strlen(found->d_name);
	int error = reserve_dir_entry(entries, length + 1);

	if (error < 0)
		return error;
	memcpy(entries->internal.names + entries->internal.names_size,
	       found->d_name, length + 1);
	entries->internal.names_size += length + 1;
	entries->items[entries->count++] = (struct rota_dir_entry){
		.length = length,
		.inode = (uint64_t)found->d_ino,
		.type = rotai_entry_type(fd, found),
	};
	return 0;
}

/* (1) */
static void set_names(struct rota_dir_entries *entries)
{
	const char *name = entries->internal.names;

	for (size_t i = 0; i < entries->count; i++) {
		entries->items[i].name = name;
		name += entries->items[i].length + 1;
	}
}

static void forget_entries(struct rota_dir_entries *entries)
{
	entries->count = 0;
	entries->internal.names_size = 0;
}

/* Read entries up to the limit: 1 if the limit was reached, 0 at the end, or an
 * error. */
static int read_entries(struct rota_dir_entries *entries, DIR *stream)
{
	const struct dirent *found;
	int more = 1;

	while (more > 0 && entries->count < entries->limit) {
		if (entries->count % LOOK_FOR_CANCEL == 0 &&
		    rota_work_canceled())
			return ROTA_ECANCELED;
		more = rotai_next_entry(stream, &found);
		if (more > 0) {
			int error = add_entry(entries, dirfd(stream), found);

			if (error < 0)
				return error;
		}
	}
	return more;
}

/* Store the result of reading: a count or an error. */
static int64_t end_reading(struct rota_dir_entries *entries, int error)
{
	if (error < 0) {
		forget_entries(entries);
		return error;
	}
	set_names(entries);
	return (int64_t)entries->count;
}

static int open_dir_stream(const struct rota_fs *fs, DIR **stream)
{
	int fd = openat(fs->internal.directory, fs->internal.path,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	fd = rotai_fd_raise(fd);
	if (fd < 0)
		return fd;
	*stream = fdopendir(fd);
	if (*stream == NULL) {
		int error = -errno;

		rotai_fd_close(fd);
		return error;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct rota_dir_entry *one = a;
	const struct rota_dir_entry *other = b;

	return strcmp(one->name, other->name);
}

int64_t rotai_call_scandir(struct rota_fs *fs)
{
	struct rota_dir_entries *entries = fs->internal.target;
	const struct dirent *beyond;
	int64_t result;
	DIR *stream;
	int more;

	forget_entries(entries);
	more = open_dir_stream(fs, &stream);
	if (more < 0)
		return more;
	more = read_entries(entries, stream);
	if (more > 0)
		more = rotai_next_entry(stream, &beyond);
	if (more > 0)
		more = ROTA_EFBIG;
	closedir(stream);
	result = end_reading(entries, more);
	if (result > 0 && (fs->internal.options & ROTA_FS_SORTED) != 0)
		qsort(entries->items, entries->count, sizeof(*entries->items),
		      compare_names);
	return result;
}

void rotai_undo_scandir(struct rota_fs *fs)
{
	forget_entries(fs->internal.target);
}

int64_t rotai_call_opendir(struct rota_fs *fs)
{
	struct rota_dir *dir = fs->internal.target;
	DIR *stream;
	int error = open_dir_stream(fs, &stream);

	if (error == 0)
		dir->internal.stream = stream;
	return error;
}

/* (2) */
static DIR *take_stream(struct rota_dir *dir)
{
	return __atomic_exchange_n(&dir->internal.stream, NULL,
				   __ATOMIC_ACQ_REL);
}

void rotai_undo_opendir(struct rota_fs *fs)
{
	DIR *stream = take_stream(fs->internal.target);

	if (stream != NULL)
		closedir(stream);
}

int64_t rotai_call_readdir(struct rota_fs *fs)
{
	struct rota_dir_entries *entries = fs->internal.target;
	struct rota_dir *dir = fs->internal.dir;
	DIR *stream = take_stream(dir);
	int more;

	if (stream == NULL)
		return ROTA_EBADF;
	forget_entries(entries);
	more = read_entries(entries, stream);
	__atomic_store_n(&dir->internal.stream, stream, __ATOMIC_RELEASE);
	return end_reading(entries, more);
}

int64_t rotai_call_closedir(struct rota_fs *fs)
{
	DIR *stream = take_stream(fs->internal.dir);

	if (stream == NULL)
		return ROTA_EBADF;
	return closedir(stream) < 0 && errno != EINTR ? -errno : 0; /* (3) */
}

void rotai_skip_closedir(struct rota_fs *fs)
{
	(void)rotai_call_closedir(fs);
}
