/*
 * fs/operation.h - what all operations on files share: how they begin, end and
 * are cancelled. An operation is a run function for a thread of the io lane,
 * and another for the blocking lane if it may have to wait for what never
 * comes; and what becomes of its result if nobody is told.
 *
 *     int error = rotai_fs_usable(fs, fn);
 *
 *     if (error < 0)
 *             return error;
 *     (check the other arguments, and put them into fs->internal)
 *     rotai_fs_begin(fs, fn, &open_operation);
 *     return 0;
 */
#ifndef ROTAI_FS_OPERATION_H
#define ROTAI_FS_OPERATION_H

#include "loop/enter.h"
#include "loop/request.h"
#include "pool/item.h"
#include "rota/fs.h"

struct rotai_fs_operation {
	struct rotai_request_class class_; /* ROTAI_FS_CLASS("fs_open") */

	/* Do it, and leave 0, a count, a descriptor or an error in
	 * fs->internal.result. Any thread. Or, having done nothing, leave
	 * ROTAI_FS_MOVES there: it may take long. */
	rotai_item_run_fn *run;

	/* Then do it in the blocking lane. */
	rotai_item_run_fn *run_slowly;

	/* It has been run, and its result, which is no error, will not be
	 * told. The loop's thread. NULL: nothing is left of it. */
	void (*discard)(struct rota_fs *fs);

	/* The result is a descriptor, which discard() closes. */
	uint8_t makes_fd;

	/* It will not be run. The loop's thread. NULL: so be it. */
	void (*skip)(struct rota_fs *fs);
};

/* Results that are none. */
#define ROTAI_FS_NOT_RUN INT64_MIN
#define ROTAI_FS_MOVES   (INT64_MIN + 1)

#define ROTAI_FS_CLASS(name)                                                   \
	{                                                                      \
		.type = name, .call = rotai_fs_call,                           \
		.cancel = rotai_fs_cancel, .forked = rotai_fs_forked,          \
	}

/* The first line of every function that begins one: see loop/enter.h. */
#define ROTAI_ENTER_FS(fs)                                                     \
	ROTAI_ENTER("fs", fs, (fs) != NULL ? (fs)->request.internal.loop : NULL)

void rotai_fs_call(struct rota_request *request);
int rotai_fs_cancel(struct rota_request *request, int status);
void rotai_fs_forked(struct rota_request *request);

/* Whether an operation of @fs that calls @fn can begin: 0, or why not. */
int rotai_fs_usable(const struct rota_fs *fs, rota_fs_fn *fn);

/* @fs is in flight from now on. */
void rotai_fs_begin(struct rota_fs *fs, rota_fs_fn *fn,
		    const struct rotai_fs_operation *operation);

static inline struct rota_fs *rotai_fs_of(struct rotai_item *item)
{
	return rota_container_of(item, struct rota_fs, internal.item);
}

#endif
