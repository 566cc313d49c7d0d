/*
 * signal/signal.c - watchers of signals, as handles of a loop.
 *
 *  1. Each started watcher is a target of its number: number.c. The handler
 *     counts the delivery in it and sends the async of its loop. All watchers
 *     of a loop share that async, an own one of the loop's extension.
 *  2. The list `started` is in the order of the starts. A dispatch takes it
 *     whole and moves each watcher back before it is called, so that a callback
 *     may stop or start any watcher, and a start inside it is not called in the
 *     same dispatch (T8).
 *  3. With the last watcher of a loop, a send that was not dispatched yet is
 *     taken back, so that the loop can be closed.
 *  4. In a forked child, until the loop is rebuilt, nothing changes (F2). What
 *     was counted belongs to the parent: the rebuilt loop begins at 0.
 */
#include "rota/signal.h"

#include "base/fork.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/sized.h"
#include "loop/async.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/extension.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "signal/number.h"

/* The first version of the struct ended here. */
enum { LEAST_INFO = ROTAI_SIZE_UP_TO(struct rota_signal_info, user) };

ROTAI_SIZED(struct rota_signal_info, user);

/* What a loop keeps for its watchers. */
struct rotai_signals {
	struct rotai_extension extension;
	struct rota_loop *loop;
	struct rota_link started;    /* watchers, and */
	struct rota_link dispatched; /* those that a dispatch has yet to see */
	struct rota_async async;
};

static struct rotai_signals *signals_of(struct rotai_extension *extension)
{
	return rota_container_of(extension, struct rotai_signals, extension);
}

static struct rota_signal *signal_of(struct rota_link *link)
{
	return rota_container_of(link, struct rota_signal, internal.started);
}

static struct rota_signal *signal_of_handle(struct rota_handle *handle)
{
	return rota_container_of(handle, struct rota_signal, handle);
}

/* Its target has the async that is in there. */
static struct rotai_signals *signals_of_signal(const struct rota_signal *signal)
{
	return rota_container_of(signal->internal.target.async,
				 struct rotai_signals, async);
}

static void stop_watcher(struct rota_signal *signal)
{
	struct rotai_signals *signals;

	if (signal->internal.fn == NULL)
		return;
	signals = signals_of_signal(signal);
	signal->internal.fn = NULL;
	(void)rotai_number_move(signal->internal.number, 0,
				&signal->internal.target);
	rotai_list_remove(&signal->internal.started);
	rotai_handle_set_active(&signal->handle, 0);
	if (rotai_list_is_empty(&signals->started) &&
	    rotai_list_is_empty(&signals->dispatched))
		rotai_async_take_back(&signals->async); /* (3) */
}

static void stop_handle(struct rota_handle *handle)
{
	stop_watcher(signal_of_handle(handle));
}

static int no_descriptor(const struct rota_handle *handle)
{
	(void)handle;
	return -1;
}

static const struct rotai_handle_class signal_class = {
	.type = "signal",
	.stop = stop_handle,
	.fd = no_descriptor,
};

static void call_watcher(struct rota_loop *loop, struct rota_signal *signal)
{
	rota_signal_fn *fn = signal->internal.fn;
	/* The send was acquired with the async. */
	uint32_t count = __atomic_exchange_n(&signal->internal.target.count, 0,
					     __ATOMIC_RELAXED);

	if (count == 0)
		return;
	if (signal->internal.once)
		stop_watcher(signal);
	rotai_callback_begin(loop, signal_class.type,
			     signal->handle.internal.name, signal);
	fn(signal, count);
	rotai_callback_end(loop, signal_class.type, signal);
}

/* (2) */
static void dispatch_signals(struct rota_async *async)
{
	struct rotai_signals *signals =
		rota_container_of(async, struct rotai_signals, async);
	struct rota_loop *loop = signals->loop;
	struct rota_link *link;

	rotai_list_splice(&signals->dispatched, &signals->started);
	while ((link = rotai_list_take_first(&signals->dispatched)) != NULL) {
		rotai_list_append(&signals->started, link);
		call_watcher(loop, signal_of(link));
		if (rotai_loop_inherited(loop) < 0)
			return; /* the rest is the parent's (F2) */
	}
}

/* (4) */
static void signals_forked(struct rotai_extension *extension,
			   struct rota_loop *loop)
{
	struct rotai_signals *signals = signals_of(extension);
	struct rota_link *at;

	(void)loop;
	/* A dispatch that forked goes no further. */
	rotai_list_splice(&signals->started, &signals->dispatched);
	rotai_async_repair(&signals->async);
	for (at = signals->started.next; at != &signals->started; at = at->next)
		/* The number was watched before: that cannot fail now. */
		(void)rotai_number_move(0, signal_of(at)->internal.number,
					&signal_of(at)->internal.target);
}

static void free_signals(struct rotai_extension *extension,
			 struct rota_loop *loop)
{
	rotai_memory_free(&loop->allocator, signals_of(extension),
			  sizeof(struct rotai_signals));
}

/* The extension of @loop, made if it is the first time: or NULL. */
static struct rotai_signals *prepare(struct rota_loop *loop)
{
	struct rotai_extension *extension =
		rotai_extension_get(loop, ROTAI_EXTENSION_SIGNAL);
	struct rotai_signals *signals;

	if (extension != NULL)
		return signals_of(extension);
	if (rotai_fork_observe() < 0)
		return NULL;
	signals = rotai_memory_new(&loop->allocator, sizeof(*signals));
	if (signals == NULL)
		return NULL;
	signals->extension = (struct rotai_extension){
		.free = free_signals,
		.forked = signals_forked,
	};
	signals->loop = loop;
	rotai_list_init(&signals->started);
	rotai_list_init(&signals->dispatched);
	rotai_async_start_own(&signals->async, loop, dispatch_signals);
	rotai_extension_set(loop, ROTAI_EXTENSION_SIGNAL, &signals->extension);
	return signals;
}

int rota_signal_init(struct rota_signal *signal, struct rota_loop *loop)
{
	ROTAI_ENTER("signal", signal, loop);
	ROTAI_LIVE_CHECK_INIT(&signal->handle.internal.open);
	struct rotai_signals *signals;
	int error = rotai_loop_admits(loop);

	if (error < 0)
		return error;
	signals = prepare(loop);
	if (signals == NULL)
		return ROTA_ENOMEM;
	signal->internal.target.async = &signals->async;
	signal->internal.fn = NULL;
	signal->internal.number = 0;
	signal->internal.once = 0;
	rotai_handle_open(&signal->handle, loop, &signal_class);
	return 0;
}

static int start_watcher(struct rota_signal *signal, rota_signal_fn *fn,
			 int number, int once)
{
	int from = signal->internal.fn != NULL ? signal->internal.number : 0;
	int error = rotai_handle_usable(&signal->handle);

	if (error == 0 && fn == NULL)
		error = ROTA_EINVAL;
	if (error == 0)
		error = rotai_number_check(number);
	if (error == 0 && number != from)
		error = rotai_number_move(from, number,
					  &signal->internal.target);
	if (error < 0)
		return error;
	if (signal->internal.fn == NULL) {
		rotai_list_append(&signals_of_signal(signal)->started,
				  &signal->internal.started);
		rotai_handle_set_active(&signal->handle, 1);
	}
	signal->internal.fn = fn;
	signal->internal.number = number;
	signal->internal.once = once;
	return 0;
}

int rota_signal_start(struct rota_signal *signal, rota_signal_fn *fn,
		      int number)
{
	ROTAI_ENTER_HANDLE(&signal->handle);
	return start_watcher(signal, fn, number, 0);
}

int rota_signal_start_once(struct rota_signal *signal, rota_signal_fn *fn,
			   int number)
{
	ROTAI_ENTER_HANDLE(&signal->handle);
	return start_watcher(signal, fn, number, 1);
}

void rota_signal_stop(struct rota_signal *signal)
{
	ROTAI_ENTER_HANDLE(&signal->handle);
	if (rotai_handle_reachable(&signal->handle) == 0) /* (4) */
		stop_watcher(signal);
}

int rota_signal_number(const struct rota_signal *signal)
{
	ROTAI_ENTER_HANDLE(&signal->handle);
	return signal->internal.fn != NULL ? signal->internal.number : 0;
}

int rota_signal_get_info(const struct rota_signal *signal,
			 struct rota_signal_info *info)
{
	ROTAI_ENTER_HANDLE(&signal->handle);
	struct rota_signal_info latest = { .size = sizeof(latest) };
	int error = ROTA_ENODATA;

	if (signal->internal.number > 0)
		error = rotai_number_describe(signal->internal.number,
					      &signal->internal.target,
					      &latest);
	if (info == NULL || info->size < LEAST_INFO)
		return ROTA_EINVAL;
	return error < 0 ? error
			 : rotai_sized_give(info, LEAST_INFO, &latest,
					    sizeof(latest));
}
