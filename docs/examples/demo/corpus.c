/*
 * corpus.c - the project's own files, in memory.
 */
#include "demo.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const roots[] = {
	"include", "src", "docs", "tests", "Makefile", "README.md",
};

static char *join(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = malloc(size);

	if (path != NULL)
		snprintf(path, size, "%s/%s", directory, name);
	return path;
}

/* Make room for one more file. */
static int grow(struct corpus *corpus)
{
	struct corpus_file *files;

	if ((corpus->count & (corpus->count - 1)) != 0)
		return 0; /* room for the next power of two */
	files = realloc(corpus->files,
			(corpus->count > 0 ? 2 * corpus->count : 1) *
				sizeof(*files));
	if (files == NULL)
		return ROTA_ENOMEM;
	corpus->files = files;
	return 0;
}

/* Takes @path over if it returns 0. */
static int add_file(struct corpus *corpus, char *path, size_t size)
{
	struct corpus_file *file;
	FILE *stream;
	int error = grow(corpus);

	if (error < 0)
		return error;
	file = &corpus->files[corpus->count];
	file->bytes = malloc(size);
	if (file->bytes == NULL)
		return ROTA_ENOMEM;
	stream = fopen(path, "rb");
	if (stream == NULL) {
		error = -errno;
		free(file->bytes);
		return error;
	}
	file->size = fread(file->bytes, 1, size, stream);
	fclose(stream);
	if (file->size == 0) {
		free(file->bytes);
		return ROTA_EIO;
	}
	file->name = path;
	corpus->count++;
	corpus->size += file->size;
	return 0;
}

static int add_path(struct corpus *corpus, char *path);

static int add_directory(struct corpus *corpus, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int error = 0;

	if (directory == NULL)
		return -errno;
	while (error == 0 && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		error = add_path(corpus, join(path, entry->d_name));
	}
	closedir(directory);
	return error;
}

/* Add the file, or all that is below the directory. Takes @path over. */
static int add_path(struct corpus *corpus, char *path)
{
	struct stat status;
	int error = 0;

	if (path == NULL)
		return ROTA_ENOMEM;
	if (lstat(path, &status) < 0)
		error = errno == ENOENT ? 0 : -errno;
	else if (S_ISDIR(status.st_mode))
		error = add_directory(corpus, path);
	else if (S_ISREG(status.st_mode) && status.st_size > 0) {
		error = add_file(corpus, path, (size_t)status.st_size);
		if (error == 0)
			return 0; /* the name is in use now */
	}
	free(path);
	return error;
}

int corpus_load(struct corpus *corpus, const char *root)
{
	int error = 0;

	*corpus = (struct corpus){ 0 };
	for (size_t i = 0; error == 0 && i < sizeof(roots) / sizeof(*roots);
	     i++)
		error = add_path(corpus, join(root, roots[i]));
	if (error == 0 && corpus->count == 0)
		error = ROTA_ENOENT;
	if (error < 0)
		corpus_free(corpus);
	return error;
}

void corpus_free(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->count; i++) {
		free(corpus->files[i].name);
		free(corpus->files[i].bytes);
	}
	free(corpus->files);
	*corpus = (struct corpus){ 0 };
}

const char *cursor_peek(const struct corpus *corpus,
			const struct cursor *cursor, size_t *size)
{
	const struct corpus_file *file = &corpus->files[cursor->file];

	*size = file->size - cursor->offset;
	return file->bytes + cursor->offset;
}

int cursor_advance(const struct corpus *corpus, struct cursor *cursor,
		   size_t size)
{
	cursor->offset += size;
	if (cursor->offset < corpus->files[cursor->file].size)
		return 0;
	cursor->file = (cursor->file + 1) % corpus->count;
	cursor->offset = 0;
	return 1;
}

size_t cursor_compare(const struct corpus *corpus, struct cursor *cursor,
		      const char *bytes, size_t size, uint64_t *files)
{
	size_t done = 0;

	while (done < size) {
		size_t n;
		const char *expected = cursor_peek(corpus, cursor, &n);

		if (n > size - done)
			n = size - done;
		if (memcmp(expected, bytes + done, n) != 0) {
			size_t equal = 0;

			while (expected[equal] == bytes[done + equal])
				equal++;
			cursor_advance(corpus, cursor, equal);
			return done + equal;
		}
		*files += (uint64_t)cursor_advance(corpus, cursor, n);
		done += n;
	}
	return done;
}
