/*
 * tests/fs/ready.h - operations of the table, begun and run to their end.
 *
 *     assert_int_equal(DONE(&t.op, rota_fs_unlink(&t.op.fs, on_end, path)),
 *                      0);
 */
#ifndef TESTS_FS_READY_H
#define TESTS_FS_READY_H

#include "fs/scratch.h"

#define DONE(op, began) (assert_int_equal(began, 0), outcome(op))

/* Put the path of @name in the directory of @s into @path. */
static inline const char *path_in(const struct scratch *s, const char *name,
				  char *path, size_t size)
{
	assert_in_range(snprintf(path, size, "%s/%s", s->directory, name), 1,
			size - 1);
	return path;
}

/* Write @text to the file @path, which is made anew. */
static inline void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_text(const char *path, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(found, text);
}

static inline int is_there(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

#endif
