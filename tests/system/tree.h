/*
 * tests/system/tree.h - a directory with files as /proc, /sys and a file system
 * of control groups have them.
 */
#ifndef TESTS_SYSTEM_TREE_H
#define TESTS_SYSTEM_TREE_H

#include "support/fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_PATH = 4096 };

static char tree[64];

static inline void tree_path(char path[TREE_PATH], const char *name)
{
	assert_in_range(snprintf(path, TREE_PATH, "%s%s", tree, name), 1,
			TREE_PATH - 1);
}

/* Write the file @name, with the directories that it is in. */
static inline void tree_put_bytes(const char *name, const void *bytes,
				  size_t size)
{
	char path[TREE_PATH];
	FILE *file;

	tree_path(path, name);
	for (char *at = path + strlen(tree) + 1; (at = strchr(at, '/')) != NULL;
	     at++) {
		*at = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline void tree_put(const char *name, const char *text)
{
	tree_put_bytes(name, text, strlen(text));
}

static inline void tree_remove(const char *name)
{
	char path[TREE_PATH];

	tree_path(path, name);
	assert_int_equal(remove(path), 0);
}

static inline int tree_begin(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/rota-system-XXXXXX");
	return mkdtemp(tree) == NULL;
}

static inline int tree_remove_one(const char *path, const struct stat *status,
				  int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

static inline int tree_end(void **state)
{
	(void)state;
	return nftw(tree, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define IN_TREE(test)                                                          \
	cmocka_unit_test_setup_teardown(test, tree_begin, tree_end)

#endif
