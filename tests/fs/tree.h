/*
 * tests/fs/tree.h - files and trees of one test, made and inspected by plain
 * calls and by programs of the system.
 */
#ifndef TESTS_FS_TREE_H
#define TESTS_FS_TREE_H

#include "fs/scratch.h"

#include <errno.h>
#include <stdarg.h>

#include "rota/fs_file.h"
#include "rota/fs_tree.h"

enum { TREE_PATH = 512 };

/* Run a command of the shell, which must succeed. */
__attribute__((format(printf, 1, 2))) static inline void shell(const char *form,
							       ...)
{
	char command[4096];
	va_list arguments;

	va_start(arguments, form);
	vsnprintf(command, sizeof(command), form, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* The path of @name in the directory of the test. Several may be in use. */
static inline const char *path_in(const struct scratch *s, const char *name)
{
	static char paths[8][TREE_PATH];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, TREE_PATH, "%s/%s", s->directory, name);
	return path;
}

static inline mode_t mode_at(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

/* How many names a directory has. */
static inline unsigned names_in(const char *path)
{
	DIR *stream = opendir(path);
	unsigned count = 0;

	assert_non_null(stream);
	while (readdir(stream) != NULL)
		count++;
	closedir(stream);
	return count - 2;
}

static inline int64_t do_write_file(struct operation *op, const char *path,
				    const char *text, int flags, unsigned mode)
{
	struct rota_const_buf buf = rota_bytes(text, strlen(text));

	assert_int_equal(
		rota_fs_write_file(&op->fs, on_end, path, buf, flags, mode), 0);
	return outcome(op);
}

static inline int64_t do_copy(struct operation *op, const char *from,
			      const char *to, int flags)
{
	assert_int_equal(rota_fs_copy_file(&op->fs, on_end, from, to, flags),
			 0);
	return outcome(op);
}

static inline int64_t do_remove(struct operation *op, const char *path,
				int flags)
{
	assert_int_equal(rota_fs_remove_tree(&op->fs, on_end, path, flags,
					     buf_of(NULL, 0)),
			 0);
	return outcome(op);
}

/* Make a tree at @path: directories, files, links and FIFOs, at random. */
static inline void grow_tree(const char *path, uint64_t *seed, unsigned depth)
{
	unsigned count = (unsigned)random_below(seed, 7);
	char name[TREE_PATH];

	assert_int_equal(mkdir(path, 0700), 0);
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = (unsigned)random_below(seed, 6);

		assert_in_range(snprintf(name, sizeof(name), "%s/%c%u", path,
					 "dfplxy"[kind], i),
				1, sizeof(name) - 1);
		if (kind == 0 || kind == 4) {
			if (depth > 0)
				grow_tree(name, seed, depth - 1);
		} else if (kind == 2) {
			assert_int_equal(mkfifo(name, 0600), 0);
		} else if (kind == 3) {
			assert_int_equal(symlink(i % 2 ? "/" : "..", name), 0);
		} else {
			put_text(name, name);
		}
	}
}

/* Make a chain of directories, longer than a path may be, in @path. Returns how
 * many. */
static inline unsigned make_chain(const char *path)
{
	static const char name[] = "a-name-of-some-length";
	unsigned depth = getenv("ROTA_TEST_FULL") != NULL ? 10000 : 400;
	int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0700), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	return depth;
}

/* Trees are made in memory, if the system has a directory for that. */
static inline void tree_test_begin(struct file_test *t, struct fixture *f)
{
	t->f = f;
	scratch_begin_under(&t->s,
			    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
	operation_init(&t->op, f->loop);
}

/* Remove what is left in the directory of the test, and the directory. */
static inline void tree_test_end(struct file_test *t)
{
	shell("rm -rf '%s'", t->s.directory);
}

#endif
