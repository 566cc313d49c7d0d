/*
 * process/reaper.c - the reaper, as a handle of a loop.
 *
 *  1. A handler of SIGCHLD sends the reaper's async: the same handler that
 *     watchers of signals have. The kernel merges signals, so each time all
 *     children are looked for, at most REAP_MOST in one call.
 *  2. The async and the target of the signal belong to the loop's extension,
 *     whose memory lives as long as the loop: a handle may be freed at once.
 *  3. One reaper of the process is started at a time. `reaping` is the
 *     generation of that process, plus 1.
 */
#include "rota/reaper.h"

#include <signal.h>

#include "base/fork.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/subreaper.h"
#include "loop/async.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "process/reap.h"
#include "signal/number.h"

enum { REAP_MOST = 1024 };

/* What a loop keeps for its reaper. */
struct rotai_reapers {
	struct rotai_extension extension;
	struct rota_loop *loop;
	struct rota_reaper *started; /* or NULL */
	struct rotai_signal_target target;
	struct rota_async async;
};

static uint32_t reaping; /* atomic: (3) */

static struct rotai_reapers *reapers_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_reapers, extension);
}

static struct rotai_reapers *reapers_of_loop(const struct rota_loop *loop)
{
	return reapers_of(rotai_extension_get(loop, ROTAI_EXTENSION_REAPER));
}

static struct rota_reaper *reaper_of(struct rota_handle *handle)
{
	return rota_container_of(handle, struct rota_reaper, handle);
}

static int claim_reaping(void)
{
	uint32_t mine = rotai_fork_generation + 1;
	uint32_t found = __atomic_load_n(&reaping, __ATOMIC_RELAXED);

	return found != mine &&
	       __atomic_compare_exchange_n(&reaping, &found, mine, 0,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void release_reaping(void)
{
	__atomic_store_n(&reaping, 0, __ATOMIC_RELAXED);
}

static void stop_reaper(struct rota_reaper *reaper)
{
	struct rotai_reapers *reapers =
		reapers_of_loop(reaper->handle.internal.loop);

	if (reapers->started != reaper)
		return;
	reapers->started = NULL;
	(void)rotai_number_move(SIGCHLD, 0, &reapers->target);
	rotai_async_take_back(&reapers->async);
	if (reaper->internal.is_subreaper)
		(void)rotai_subreaper_set(reaper->internal.was_subreaper);
	rotai_handle_set_active(&reaper->handle, 0);
	release_reaping();
}

static void stop_reaper_handle(struct rota_handle *handle)
{
	stop_reaper(reaper_of(handle));
}

static int no_reaper_fd(const struct rota_handle *handle)
{
	(void)handle;
	return -1;
}

static const struct rotai_handle_class reaper_class = {
	.type = "reaper",
	.stop = stop_reaper_handle,
	.fd = no_reaper_fd,
};

static void call_reaper(struct rota_reaper *reaper, pid_t pid,
			const struct rota_exit *exit)
{
	struct rota_loop *loop = reaper->handle.internal.loop;

	if (reaper->internal.fn == NULL)
		return;
	rotai_callback_begin(loop, reaper_class.type,
			     reaper->handle.internal.name, reaper);
	reaper->internal.fn(reaper, (int)pid, exit);
	rotai_callback_end(loop, reaper_class.type, reaper);
}

/* (1) */
static void dispatch_reaper(struct rota_async *async)
{
	struct rotai_reapers *reapers =
		rota_container_of(async, struct rotai_reapers, async);
	struct rota_loop *loop = reapers->loop;

	for (int i = 0; i < REAP_MOST; i++) {
		enum rotai_reap found;
		struct rota_exit exit;
		pid_t pid;

		if (rotai_loop_inherited(loop) < 0 || reapers->started == NULL)
			return;
		found = rotai_reap(&pid, &exit);
		if (found == ROTAI_REAP_NONE)
			return;
		if (found == ROTAI_REAP_LATER)
			break;
		if (found == ROTAI_REAP_TAKEN)
			call_reaper(reapers->started, pid, &exit);
	}
	if (reapers->started != NULL)
		(void)rota_async_send(&reapers->async);
}

static void reapers_forked(struct rotai_extension *extension,
			   struct rota_loop *loop)
{
	struct rotai_reapers *reapers = reapers_of(extension);

	(void)loop;
	rotai_async_repair(&reapers->async);
	if (reapers->started == NULL || !claim_reaping())
		return;
	/* SIGCHLD was watched before: that cannot fail now. */
	(void)rotai_number_move(0, SIGCHLD, &reapers->target);
}

static void free_reapers(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	rotai_memory_free(&loop->allocator, reapers_of(extension),
			  sizeof(struct rotai_reapers));
}

static int prepare_reapers(struct rota_loop *loop)
{
	struct rotai_reapers *reapers;

	if (rotai_extension_get(loop, ROTAI_EXTENSION_REAPER) != NULL)
		return 0;
	if (rotai_fork_observe() < 0)
		return ROTA_ENOMEM;
	reapers = rotai_memory_new(&loop->allocator, sizeof(*reapers));
	if (reapers == NULL)
		return ROTA_ENOMEM;
	reapers->extension = (struct rotai_extension){
		.free = free_reapers,
		.forked = reapers_forked,
	};
	reapers->loop = loop;
	reapers->started = NULL;
	reapers->target.async = &reapers->async;
	rotai_async_start_own(&reapers->async, loop, dispatch_reaper);
	rotai_extension_set(loop, ROTAI_EXTENSION_REAPER, &reapers->extension);
	return 0;
}

int rota_reaper_init(struct rota_reaper *reaper, struct rota_loop *loop)
{
	ROTAI_ENTER("reaper", reaper, loop);
	ROTAI_LIVE_CHECK_INIT(&reaper->handle.internal.open);
	int error = rotai_loop_admits(loop);

	if (error == 0)
		error = prepare_reapers(loop);
	if (error < 0)
		return error;
	reaper->internal.fn = NULL;
	reaper->internal.is_subreaper = 0;
	rotai_handle_open(&reaper->handle, loop, &reaper_class);
	return 0;
}

/* Begin to wait: 0, or an error with nothing changed. */
static int begin_reaping(struct rota_reaper *reaper, unsigned flags)
{
	struct rotai_reapers *reapers =
		reapers_of_loop(reaper->handle.internal.loop);
	int before = 0;
	int error = rotai_number_move(0, SIGCHLD, &reapers->target);

	if (error < 0)
		return error;
	if (flags & ROTA_REAPER_SUBREAPER)
		before = rotai_subreaper_set(1);
	if (before < 0) {
		(void)rotai_number_move(SIGCHLD, 0, &reapers->target);
		return before;
	}
	reaper->internal.is_subreaper = (flags & ROTA_REAPER_SUBREAPER) != 0;
	reaper->internal.was_subreaper = before;
	reapers->started = reaper;
	/* What has ended before sends no signal. */
	(void)rota_async_send(&reapers->async);
	return 0;
}

int rota_reaper_start(struct rota_reaper *reaper, rota_reaped_fn *fn,
		      unsigned flags)
{
	ROTAI_ENTER_HANDLE(&reaper->handle);
	int error = rotai_handle_usable(&reaper->handle);

	if (error == 0 && (flags & ~(unsigned)ROTA_REAPER_SUBREAPER) != 0)
		error = ROTA_EINVAL;
	if (error == 0 && !claim_reaping())
		error = ROTA_EALREADY;
	if (error < 0)
		return error;
	error = begin_reaping(reaper, flags);
	if (error < 0) {
		release_reaping();
		return error;
	}
	reaper->internal.fn = fn;
	rotai_handle_set_active(&reaper->handle, 1);
	return 0;
}

void rota_reaper_stop(struct rota_reaper *reaper)
{
	ROTAI_ENTER_HANDLE(&reaper->handle);
	if (rotai_handle_reachable(&reaper->handle) == 0)
		stop_reaper(reaper);
}
