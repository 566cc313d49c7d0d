/*
 * fs/operation.h - what all operations on files share: how they begin, end and
 * are cancelled. An operation consists of a run function for a thread of the io
 * lane; another one for the blocking lane, if it may have to wait for something
 * that never comes; and functions for a result that is not reported, and for an
 * operation that is not run.
 *
 *     int error = rotai_fs_usable(fs, fn);
 *
 *     if (error < 0)
 *             return error;
 *     (check the other arguments, and put them into fs->internal)
 *     rotai_fs_begin(fs, fn, &open_operation);
 *     return 0;
 *
 * Most operations need only a row in a table: see fs/table.h.
 */
#ifndef ROTAI_FS_OPERATION_H
#define ROTAI_FS_OPERATION_H

#include "loop/enter.h"
#include "loop/request.h"
#include "pool/item.h"
#include "rota/fs.h"

/* Do the work of a row of the table: return 0, a count, a descriptor or an
 * error. Or, if it may take long, do nothing and return ROTAI_FS_MOVES. After
 * ROTA_EINTR it is called again. Any thread. */
typedef int64_t rotai_fs_call_fn(struct rota_fs *fs);

struct rotai_fs_operation {
	struct rotai_request_class class_; /* ROTAI_FS_CLASS("fs_open") */

	/* Run the operation, and store 0, a count, a descriptor or an error in
	 * fs->internal.result. Or, if it may take long, do nothing and store
	 * ROTAI_FS_MOVES. Any thread. rotai_fs_run() makes the call below. */
	rotai_item_run_fn *run;

	/* Do the same without waiting for anything: see attempt.c. Or leave the
	 * result as it is, or store ROTAI_FS_PARTLY; then run() goes on. The
	 * loop's thread. NULL: only a thread can do it. */
	void (*attempt)(struct rota_fs *fs);

	/* After ROTAI_FS_MOVES: run the operation in the blocking lane. */
	rotai_item_run_fn *run_slowly;

	/* What rotai_fs_run() and rotai_fs_run_slowly() do. */
	rotai_fs_call_fn *call;
	rotai_fs_call_fn *call_slowly;

	/* The operation was run, and its result, which is no error, will not be
	 * reported: free what it has made. The loop's thread. NULL: there is
	 * nothing to free. */
	void (*discard)(struct rota_fs *fs);

	/* The result is a descriptor, or something else outside this process's
	 * memory, which discard() closes or removes. */
	uint8_t makes_fd;

	/* fs->internal.options says whether the path was found to be a file a
	 * short while ago: rotai_attempt_is_recent(). */
	uint8_t asks_if_recent;

	/* The operation will not be run. The loop's thread. NULL: do
	 * nothing. */
	void (*skip)(struct rota_fs *fs);

	/* Which arguments it takes: see fs/table.h. */
	uint32_t takes;
	uint32_t options; /* all that it knows */
};

/* Values of the result that are neither a result nor an error. */
#define ROTAI_FS_NOT_RUN INT64_MIN
#define ROTAI_FS_MOVES   (INT64_MIN + 1)

/* An attempt has done the first @count bytes of the operation; @count is at
 * most 1 GiB. */
#define ROTAI_FS_PARTLY(count) (INT64_MIN + 2 + (int64_t)(count))

/* Whether @result is such a value, and how many bytes. */
static inline int rotai_fs_is_partly(int64_t result)
{
	return result > ROTAI_FS_MOVES && result < INT32_MIN;
}

static inline size_t rotai_fs_done(int64_t result)
{
	return rotai_fs_is_partly(result)
		       ? (size_t)(result - ROTAI_FS_PARTLY(0))
		       : 0;
}

#define ROTAI_FS_CLASS(name)                                                   \
	{                                                                      \
		.type = name, .call = rotai_fs_call,                           \
		.cancel = rotai_fs_cancel, .forked = rotai_fs_forked,          \
	}

/* The first line of every function that begins an operation: see
 * loop/enter.h. */
#define ROTAI_ENTER_FS(fs)                                                     \
	ROTAI_ENTER("fs", fs, (fs) != NULL ? (fs)->request.internal.loop : NULL)

void rotai_fs_call(struct rota_request *request);
int rotai_fs_cancel(struct rota_request *request, int status);
void rotai_fs_forked(struct rota_request *request);
void rotai_fs_run(struct rotai_item *item);
void rotai_fs_run_slowly(struct rotai_item *item);

/* Return 0 if an operation of @fs that calls @fn can begin, else the error. */
int rotai_fs_usable(const struct rota_fs *fs, rota_fs_fn *fn);

/* Store the path of the next operation of @fs, or a copy of it; and @to, unless
 * it is NULL. Returns 0 or ROTA_ENOMEM. Call this after everything else has
 * been checked: rotai_fs_begin() must follow. */
int rotai_fs_take_paths(struct rota_fs *fs, const char *path, const char *to);

/* @fs is in flight from now on. */
void rotai_fs_begin(struct rota_fs *fs, rota_fs_fn *fn,
		    const struct rotai_fs_operation *operation);

static inline struct rota_fs *rotai_fs_of(struct rotai_item *item)
{
	return rota_container_of(item, struct rota_fs, internal.item);
}

#endif
