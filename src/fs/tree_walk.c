/*
 * fs/tree_walk.c - rota_tree_walk: a walk as a request.
 *
 *  1. A walk goes through two stages in turn. While a thread of the pool reads
 *     a batch (ROTAI_WALK_READS), the memory of the walk belongs to the thread.
 *     While the callback has the batch (CALLS), or after it while the walk is
 *     paused (PAUSED), it belongs to the loop.
 *  2. A walk that is cancelled while a thread reads ends when the thread comes
 *     back, which is before the next entry. One that is cancelled while its
 *     callback runs ends when that returns: it has the entries. Otherwise a
 *     walk ends at once.
 *  3. In a forked child the positions of open directories are shared with the
 *     parent, so a walk always ends there. If a thread was reading, nobody
 *     knows in which state its memory is, and it is left alone. So it is if the
 *     thread had just finished: see operation.c (5).
 */
#include <fcntl.h>

#include "fs/walk.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/request.h"
#include "pool/item.h"
#include "rota/error.h"

enum walk_stage { WALK_READS, WALK_CALLS, WALK_PAUSED };

/* A value of the status of a walk: its thread has not come to the end. */
enum { WALK_NOT_READ = 2 };

enum {
	ALL_WALK_FLAGS = ROTA_WALK_POST | ROTA_WALK_PRUNE | ROTA_WALK_INFO |
			 ROTA_WALK_FOLLOW | ROTA_WALK_MOUNTS,
};

#define ROTAI_ENTER_WALK(walk)                                                 \
	ROTAI_ENTER("tree_walk", walk,                                         \
		    (walk) != NULL ? (walk)->request.internal.loop : NULL)

static struct rota_tree_walk *walk_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_tree_walk, request);
}

static struct rota_tree_walk *walk_of_item(struct rotai_item *item)
{
	return rota_container_of(item, struct rota_tree_walk, internal.item);
}

static void release_walk(struct rota_tree_walk *walk)
{
	rotai_walk_free(walk->internal.walk);
	walk->internal.walk = NULL;
}

static void call_walk(struct rota_request *request)
{
	struct rota_tree_walk *walk = walk_of(request);

	walk->internal.end(walk, request->internal.status);
}

static void run_walk(struct rotai_item *item)
{
	rotai_walk_read(walk_of_item(item)->internal.walk);
}

static void batch_was_read(struct rotai_item *item, int error);

static void read_batch(struct rota_tree_walk *walk)
{
	walk->internal.stage = WALK_READS;
	walk->internal.walk->status = WALK_NOT_READ;
	rotai_item_queue(&walk->internal.item, walk->request.internal.loop,
			 ROTA_LANE_IO, run_walk, batch_was_read);
}

static void complete_walk(struct rota_tree_walk *walk, int status)
{
	release_walk(walk);
	rotai_request_complete(&walk->request, status);
}

/* Call the callback with the batch, if there is something in it. */
static void call_batch(struct rota_tree_walk *walk)
{
	struct rota_loop *loop = walk->request.internal.loop;
	struct rotai_walk *w = walk->internal.walk;

	walk->internal.stage = WALK_CALLS;
	walk->internal.paused = 0;
	if (w->count == 0)
		return;
	rotai_callback_begin(loop, "tree_walk", NULL, walk);
	walk->internal.batch(walk, w->entries, w->count);
	rotai_callback_end(loop, "tree_walk", walk);
}

static void batch_was_read(struct rotai_item *item, int error)
{
	struct rota_tree_walk *walk = walk_of_item(item);
	int status = error < 0 ? error : walk->internal.walk->status;

	if (walk->internal.late == 0 && error == 0 && status != ROTA_ECANCELED)
		call_batch(walk);
	if (error == 0)
		status = walk->internal.walk->status; /* may be pruned */
	if (walk->internal.late < 0)
		complete_walk(walk, walk->internal.late);
	else if (walk->internal.stage == WALK_CALLS && walk->internal.paused)
		walk->internal.stage = WALK_PAUSED;
	else if (status > 0)
		read_batch(walk);
	else
		complete_walk(walk, status);
}

/* (2) */
static int cancel_walk(struct rota_request *request, int status)
{
	struct rota_tree_walk *walk = walk_of(request);
	int error = 0;

	if (walk->internal.late < 0)
		return ROTA_EALREADY;
	if (walk->internal.stage == WALK_READS)
		error = rotai_item_cancel(&walk->internal.item);
	if (error == 0 && walk->internal.stage != WALK_CALLS) {
		release_walk(walk);
		rotai_request_finish(request, status);
	} else {
		walk->internal.late = (int16_t)status;
	}
	return 0;
}

/* (3) */
static void walk_forked(struct rota_request *request)
{
	struct rota_tree_walk *walk = walk_of(request);

	if (walk->internal.stage == WALK_CALLS) {
		walk->internal.late = ROTA_ECANCELED;
		return;
	}
	if (walk->internal.stage == WALK_PAUSED ||
	    (walk->internal.walk->status == WALK_NOT_READ &&
	     !rotai_item_was_taken(&walk->internal.item)))
		release_walk(walk);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class walk_class = {
	.type = "tree_walk",
	.call = call_walk,
	.cancel = cancel_walk,
	.forked = walk_forked,
};

void rota_tree_walk_init(struct rota_tree_walk *walk, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&walk->request.internal.link);
	walk->request.internal.loop = loop;
	walk->request.internal.state = 0; /* not in flight */
	walk->internal.directory = AT_FDCWD;
}

void rota_tree_walk_set_directory(struct rota_tree_walk *walk, int fd)
{
	ROTAI_ENTER_WALK(walk);
	walk->internal.directory = fd < 0 ? AT_FDCWD : fd;
}

/* Return 0 if @walk can be started, or the error. */
static int walk_usable(const struct rota_tree_walk *walk)
{
	struct rota_loop *loop = walk->request.internal.loop;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	if (rota_request_is_active(&walk->request))
		return ROTA_EBUSY;
	return rotai_item_prepare(loop);
}

int rota_tree_walk_start(struct rota_tree_walk *walk, rota_tree_batch_fn *batch,
			 rota_tree_end_fn *end, const char *path, int flags)
{
	ROTAI_ENTER_WALK(walk);
	enum { BOTH = ROTA_WALK_POST | ROTA_WALK_PRUNE };
	int error;

	if (walk == NULL || batch == NULL || end == NULL || path == NULL ||
	    *path == '\0' || (flags & ~ALL_WALK_FLAGS) != 0 ||
	    (flags & BOTH) == BOTH)
		return ROTA_EINVAL;
	error = walk_usable(walk);
	if (error < 0)
		return error;
	walk->internal.walk =
		rotai_walk_new(walk->internal.directory, path, flags);
	if (walk->internal.walk == NULL)
		return ROTA_ENOMEM;
	walk->internal.batch = batch;
	walk->internal.end = end;
	walk->internal.late = 0;
	rotai_request_begin(&walk->request, walk->request.internal.loop, NULL,
			    &walk_class);
	read_batch(walk);
	return 0;
}

/* Whether the loop has a batch of @walk. */
static int has_batch(const struct rota_tree_walk *walk)
{
	return walk != NULL && rota_request_is_active(&walk->request) &&
	       walk->internal.walk != NULL && walk->internal.late == 0 &&
	       walk->internal.stage != WALK_READS;
}

int rota_tree_walk_pause(struct rota_tree_walk *walk)
{
	ROTAI_ENTER_WALK(walk);
	if (!has_batch(walk) || walk->internal.stage != WALK_CALLS)
		return ROTA_EINVAL;
	walk->internal.paused = 1;
	return 0;
}

void rota_tree_walk_resume(struct rota_tree_walk *walk)
{
	ROTAI_ENTER_WALK(walk);
	int status;

	if (!has_batch(walk) ||
	    rotai_loop_inherited(walk->request.internal.loop) < 0)
		return;
	walk->internal.paused = 0;
	if (walk->internal.stage == WALK_CALLS)
		return;
	status = walk->internal.walk->status;
	if (status > 0) {
		read_batch(walk);
		return;
	}
	release_walk(walk);
	rotai_request_finish(&walk->request, status);
}

int rota_tree_walk_prune(struct rota_tree_walk *walk)
{
	ROTAI_ENTER_WALK(walk);
	struct rotai_walk *w;

	if (!has_batch(walk))
		return ROTA_EINVAL;
	w = walk->internal.walk;
	if (!w->enters)
		return ROTA_EINVAL;
	w->enters = 0;
	w->status = w->way.depth > 0;
	return 0;
}
