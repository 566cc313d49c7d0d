/*
 * fs/temporary_call.c - making a file or a directory under a name that nothing
 * has. mkstemp(3) cannot begin at a directory that is open, so the names are
 * made here.
 *
 *  1. O_EXCL and mkdir(2) fail if there is anything under the name, a symbolic
 *     link too. So nothing of somebody else's is opened, even if the name was
 *     guessed.
 */
#include "fs/call.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/filesystem.h"
#include "fs/table.h"
#include "rota/error.h"

enum { NAME_TRIES = 1000 };

static char *pattern_end(const struct rota_fs *fs)
{
	char *pattern = fs->internal.target;

	return pattern + strlen(pattern) - ROTAI_FS_PATTERN;
}

static void put_name(char *end)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	unsigned char random[ROTAI_FS_PATTERN];

	rotai_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		end[i] = letters[random[i] % (sizeof(letters) - 1)];
}

static void put_pattern_back(const struct rota_fs *fs)
{
	memset(pattern_end(fs), 'X', ROTAI_FS_PATTERN);
}

/* Call @make for one name after the other. */
static int64_t try_names(struct rota_fs *fs, int64_t (*make)(int, const char *))
{
	int64_t result = ROTA_EEXIST;

	for (int i = 0; i < NAME_TRIES && result == ROTA_EEXIST; i++) {
		put_name(pattern_end(fs));
		do {
			result = make(fs->internal.directory,
				      fs->internal.target);
		} while (result == ROTA_EINTR);
	}
	if (result < 0)
		put_pattern_back(fs);
	return result;
}

static int64_t make_directory(int directory, const char *path)
{
	return rotai_call_result(mkdirat(directory, path, 0700));
}

static int64_t make_file(int directory, const char *path)
{
	return rotai_call_result(openat(
		directory, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

int64_t rotai_call_mkdtemp(struct rota_fs *fs)
{
	return try_names(fs, make_directory);
}

int64_t rotai_call_mkstemp(struct rota_fs *fs)
{
	return try_names(fs, make_file);
}

void rotai_undo_mkdtemp(struct rota_fs *fs)
{
	(void)unlinkat(fs->internal.directory, fs->internal.target,
		       AT_REMOVEDIR);
	put_pattern_back(fs);
}

void rotai_undo_mkstemp(struct rota_fs *fs)
{
	rotai_fd_close((int)fs->internal.result);
	(void)unlinkat(fs->internal.directory, fs->internal.target, 0);
	put_pattern_back(fs);
}
