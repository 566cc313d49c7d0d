/*
 * base/storage.h - what systems do in different ways with files that they
 * store. All functions return errors as negative codes, and retry after EINTR.
 */
#ifndef ROTAI_BASE_STORAGE_H
#define ROTAI_BASE_STORAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Open the directory @name for looking up names in it: it need not be readable.
 * Returns a descriptor or an error. */
int rotai_storage_search(int directory, const char *name);

/* Open the directory @name for reading. If @follow is 0, a symbolic link is
 * refused with ROTA_ELOOP or ROTA_ENOTDIR. If @mounts is 0 and the system can
 * tell, what is mounted there is refused with ROTA_EXDEV. Returns a descriptor
 * or an error. */
int rotai_storage_enter(int directory, const char *name, int follow,
			int mounts);

/* Let the file @to share the blocks of the file @from: 0, or an error and
 * nothing has changed. ROTA_EOPNOTSUPP: this system cannot do it so. */
int rotai_storage_clone(int from, int to);

/* The same with a new file @name in @directory. */
int rotai_storage_clone_as(int from, int directory, const char *name);

#endif
