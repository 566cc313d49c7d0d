/*
 * fs/operation.c - how every operation on files begins and ends.
 *
 *  1. From rotai_fs_begin() to operation_ended() a pool thread may be running
 *     the operation. During that time nobody changes the input fields, only the
 *     thread writes the result, and only the loop uses the base and `late`.
 *  2. The result is ROTAI_FS_NOT_RUN until a thread has run the operation to
 *     its end. In a forked child this shows whether the operation was finished.
 *  3. If an operation was run and its result is not passed to the callback, the
 *     result is discarded. If an operation is never run, it is skipped. Either
 *     happens once, before the callback. In a forked child neither happens if a
 *     thread was running the operation: nobody knows how far it got.
 *  4. An operation that finds in the io lane that it may have to wait for long
 *     returns without having done anything, and is queued in the blocking lane.
 *     In between it has not ended, whatever the state of its item.
 *  5. fork(2) copies the table of descriptors before the memory. So the memory
 *     of a child may contain a descriptor that a thread made in between, and
 *     whose number belongs to another file in the child. The child therefore
 *     leaves all descriptors open that threads have made. Neither does it
 *     remove a file, or release a lock, that is the parent's as well.
 *  6. A copy of the paths is freed just before the callback, in all cases:
 *     until then discard() and skip() may use it.
 *  7. An operation that the loop's thread may complete without waiting is first
 *     queued for that thread, and attempted in the pending phase. If it cannot
 *     be completed, it goes on in the io lane. Until then its result is
 *     ROTAI_FS_NOT_RUN, or ROTAI_FS_PARTLY.
 */
#include "fs/operation.h"

#include <fcntl.h>
#include <string.h>

#include "base/memory.h"
#include "fs/attempt.h"
#include "fs/wait.h"
#include "loop/loop.h"
#include "rota/error.h"

static struct rota_fs *fs_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_fs, request);
}

static const struct rotai_fs_operation *operation_of(const struct rota_fs *fs)
{
	return rota_container_of(fs->request.internal.class_,
				 const struct rotai_fs_operation, class_);
}

void rota_fs_init(struct rota_fs *fs, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&fs->request.internal.link);
	fs->request.internal.loop = loop;
	fs->request.internal.state = 0; /* not in flight */
	fs->request.internal.priority = 0;
	fs->internal.files_only = 0;
	fs->internal.threads_only = 0;
	fs->internal.block = 0;
	fs->internal.copies_paths = 0;
	fs->internal.directory = AT_FDCWD;
	fs->internal.copy = NULL;
	fs->data = NULL;
	fs->size = 0;
}

void rota_fs_set_files_only(struct rota_fs *fs, int files_only)
{
	ROTAI_ENTER_FS(fs);
	fs->internal.files_only = files_only != 0;
}

void rota_fs_set_threads_only(struct rota_fs *fs, int threads_only)
{
	ROTAI_ENTER_FS(fs);
	fs->internal.threads_only = threads_only != 0;
}

void rota_fs_set_directory(struct rota_fs *fs, int fd)
{
	ROTAI_ENTER_FS(fs);
	fs->internal.directory = fd < 0 ? AT_FDCWD : fd;
}

void rota_fs_set_copy_paths(struct rota_fs *fs, int copies)
{
	ROTAI_ENTER_FS(fs);
	fs->internal.copies_paths = copies != 0;
}

/* A copy of paths, and its size. (6) */
struct copied_paths {
	size_t size;
	char bytes[];
};

static void free_copy(struct rota_fs *fs)
{
	struct copied_paths *copy = fs->internal.copy;

	if (copy == NULL)
		return;
	fs->internal.copy = NULL;
	rotai_memory_free(&fs->request.internal.loop->allocator, copy,
			  copy->size);
}

int rotai_fs_take_paths(struct rota_fs *fs, const char *path, const char *to)
{
	size_t length;
	size_t to_length;
	size_t size;
	struct copied_paths *copy;

	fs->internal.path = path;
	if (to != NULL)
		fs->internal.to = to;
	if (!fs->internal.copies_paths)
		return 0;
	length = strlen(path) + 1;
	to_length = to == NULL ? 0 : strlen(to) + 1;
	size = sizeof(*copy) + length + to_length;
	copy = rotai_memory_new(&fs->request.internal.loop->allocator, size);
	if (copy == NULL)
		return ROTA_ENOMEM;
	copy->size = size;
	fs->internal.path = memcpy(copy->bytes, path, length);
	if (to != NULL)
		fs->internal.to = memcpy(copy->bytes + length, to, to_length);
	fs->internal.copy = copy;
	return 0;
}

int rotai_fs_usable(const struct rota_fs *fs, rota_fs_fn *fn)
{
	struct rota_loop *loop;
	int error;

	if (fs == NULL || fn == NULL)
		return ROTA_EINVAL;
	loop = fs->request.internal.loop;
	error = rotai_loop_admits(loop);
	if (error < 0)
		return error;
	if (rota_request_is_active(&fs->request))
		return ROTA_EBUSY;
	return rotai_item_prepare(loop);
}

/* Whether the operation was run to its end. (2) */
static int has_result(const struct rota_fs *fs)
{
	return fs->internal.result != ROTAI_FS_NOT_RUN &&
	       !rotai_fs_is_partly(fs->internal.result);
}

static void discard_result(struct rota_fs *fs)
{
	const struct rotai_fs_operation *operation = operation_of(fs);

	if (fs->internal.result >= 0 && operation->discard != NULL)
		operation->discard(fs);
}

static void skip(struct rota_fs *fs)
{
	const struct rotai_fs_operation *operation = operation_of(fs);

	if (operation->skip != NULL)
		operation->skip(fs);
}

static void operation_ended(struct rotai_item *item, int error);

/* (4) */
static void move(struct rota_fs *fs)
{
	fs->internal.result = ROTAI_FS_NOT_RUN;
	rotai_item_queue_for(&fs->internal.item, &fs->request,
			     ROTA_LANE_BLOCKING, operation_of(fs)->run_slowly,
			     operation_ended);
}

static void operation_ended(struct rotai_item *item, int error)
{
	struct rota_fs *fs = rotai_fs_of(item);

	if (error == 0 && fs->internal.result == ROTAI_FS_MOVES) {
		if (fs->internal.late == 0 && !rotai_fs_wait_is_over(fs)) {
			move(fs);
			return;
		}
		error = ROTA_ECANCELED;
	}
	rotai_fs_wait_end(fs);
	if (error < 0)
		skip(fs);
	else if (fs->internal.late < 0)
		discard_result(fs);
	rotai_request_complete(&fs->request, fs->internal.late < 0
						     ? fs->internal.late
						     : error);
}

static int64_t call_until_done(struct rota_fs *fs, rotai_fs_call_fn *call)
{
	int64_t result;

	do {
		result = call(fs);
	} while (result == ROTA_EINTR);
	return result;
}

void rotai_fs_run(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result = call_until_done(fs, operation_of(fs)->call);
}

void rotai_fs_run_slowly(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	fs->internal.result =
		call_until_done(fs, operation_of(fs)->call_slowly);
}

static void queue(struct rota_fs *fs)
{
	rotai_item_queue_for(&fs->internal.item, &fs->request, ROTA_LANE_IO,
			     operation_of(fs)->run, operation_ended);
}

/* (7) */
static void run_attempt(struct rotai_item *item)
{
	struct rota_fs *fs = rotai_fs_of(item);

	if (!rotai_attempt_begin(fs))
		return;
	operation_of(fs)->attempt(fs);
	rotai_attempt_end(fs, has_result(fs));
}

/* Leave to a thread what might have been attempted. */
static void queue_knowing(struct rota_fs *fs)
{
	if (operation_of(fs)->asks_if_recent &&
	    fs->internal.result == ROTAI_FS_NOT_RUN)
		fs->internal.options = (unsigned)rotai_attempt_is_recent(fs);
	queue(fs);
}

static void attempt_ended(struct rotai_item *item, int error)
{
	struct rota_fs *fs = rotai_fs_of(item);

	if (has_result(fs)) {
		operation_ended(item, error);
		return;
	}
	queue_knowing(fs);
}

static int can_attempt(const struct rota_fs *fs,
		       const struct rotai_fs_operation *operation)
{
	return operation->attempt != NULL && !fs->internal.threads_only &&
	       rotai_item_has_threads(fs->request.internal.loop, ROTA_LANE_IO);
}

void rotai_fs_begin(struct rota_fs *fs, rota_fs_fn *fn,
		    const struct rotai_fs_operation *operation)
{
	struct rota_loop *loop = fs->request.internal.loop;

	fs->internal.fn = fn;
	fs->internal.result = ROTAI_FS_NOT_RUN; /* (2) */
	fs->internal.late = 0;
	rotai_fs_wait_init(fs);
	rotai_request_begin(&fs->request, loop, NULL, &operation->class_);
	if (!can_attempt(fs, operation))
		queue(fs);
	else if (rotai_attempt_is_due(fs))
		rotai_item_queue_here(&fs->internal.item, loop, run_attempt,
				      attempt_ended);
	else
		queue_knowing(fs);
}

void rotai_fs_call(struct rota_request *request)
{
	struct rota_fs *fs = fs_of(request);
	int status = request->internal.status;

	free_copy(fs); /* (6) */
	fs->internal.fn(fs, status < 0 ? status : fs->internal.result);
}

/* End the operation of @fs, which a thread runs, with @status, if it can be
 * ended: 1 or 0. The callback comes when the thread is done. */
static int cut(struct rota_fs *fs, int status, int error)
{
	if (error == ROTA_EALREADY && fs->internal.result == ROTAI_FS_MOVES)
		rotai_fs_wait_is_cut(fs); /* (4) */
	else if (error != ROTA_EBUSY || !rotai_fs_wait_cut(fs))
		return 0;
	fs->internal.late = (int16_t)status;
	return 1;
}

int rotai_fs_cancel(struct rota_request *request, int status)
{
	struct rota_fs *fs = fs_of(request);
	int error;

	if (rotai_fs_wait_was_cut(fs))
		return ROTA_EALREADY;
	error = rotai_item_cancel(&fs->internal.item);
	if (error == 0) {
		skip(fs);
		rotai_request_finish(request, status);
		return 0;
	}
	if (cut(fs, status, error))
		return 0;
	if (status == ROTA_ETIMEDOUT)
		fs->internal.late = (int16_t)status;
	return error;
}

void rotai_fs_forked(struct rota_request *request)
{
	struct rota_fs *fs = fs_of(request);

	if (has_result(fs)) {
		if (!operation_of(fs)->makes_fd) /* (5) */
			discard_result(fs);
	} else if (!rotai_item_was_taken(&fs->internal.item)) {
		skip(fs);
	}
	rotai_fs_wait_forget(fs); /* (5) */
	rotai_request_finish(request, ROTA_ECANCELED);
}
