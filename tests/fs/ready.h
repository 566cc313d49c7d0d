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

#endif
