/*
 * fs/quiet.c - see quiet.h.
 */
#include "fs/quiet.h"

#include "fs/guard.h"

int64_t rotai_fs_write_quietly(struct rota_fs *fs, rotai_fs_write_fn *write_it)
{
	struct rotai_fs_guard guard;
	int error = 0;
	size_t done;

	rotai_fs_guard_begin(&guard);
	done = write_it(fs, &error);
	rotai_fs_guard_end(&guard, error);
	return error < 0 && done == 0 ? error : (int64_t)done;
}
