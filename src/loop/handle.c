/*
 * loop/handle.c - handles: open, active, closing, and the closing phase.
 *
 *  1. An open handle is in the loop's list of handles. One that is closing is
 *     in closing_held, and joins the list closing when the last of its requests
 *     has ended, which for most is within rota_handle_close() itself.
 *  2. requests counts those in flight, ended those that have ended and are not
 *     called back. While a handle is closing its ended requests gather in
 *     closing_ended, in the order they ended.
 *  3. So in closing_ended all requests of a handle come before those that
 *     ended after it joined closing. The closing phase calls requests until
 *     the next handle has none left, and then that handle's own callback.
 *  4. Every handle keeps the loop open; what keeps it alive is being active
 *     and referenced, or closing (L1).
 */
#include "loop/handle.h"

#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"

/* OPEN, CLOSING or CLOSED; none of them: it was never open, and its loop and
 * its class may be NULL. */
enum {
	ACTIVE = 1 << 0,
	UNREFERENCED = 1 << 1,
	OPEN = 1 << 2,
	CLOSING = 1 << 3,
	STOPPED = 1 << 4, /* closing, and its class has let go */
	CLOSED = 1 << 5,
	ALL_FLAGS = (1 << 6) - 1,
};

static int has(const struct rota_handle *handle, unsigned flag)
{
	return (handle->internal.flags & flag) != 0;
}

struct rota_handle *rotai_handle_of(struct rota_link *link)
{
	ROTAI_LIVE_CHECK(link);
	return rota_container_of(link, struct rota_handle, internal.open);
}

/* Whether it counts in the loop's alive (4). */
static int is_holding(const struct rota_handle *handle)
{
	return has(handle, CLOSING) ||
	       (has(handle, ACTIVE) && !has(handle, UNREFERENCED));
}

/* Change flags, and the loop's count with them. */
static void set_flags(struct rota_handle *handle, unsigned clear, unsigned set)
{
	int held = is_holding(handle);
	int holds;

	handle->internal.flags =
		((handle->internal.flags & ~clear) | set) & ALL_FLAGS;
	holds = is_holding(handle);
	if (held != holds)
		handle->internal.loop->alive += holds ? 1 : UINT64_MAX;
}

void rotai_handle_open(struct rota_handle *handle, struct rota_loop *loop,
		       const struct rotai_handle_class *class_)
{
	ROTAI_WHEN_WATCHFUL(rotai_registry_add(&(struct rotai_registered){
		.key = &handle->internal.open,
		.live = ROTAI_LIVE_HANDLE,
		.kind = class_->type,
		.object = handle,
		.loop = loop,
		.loop_at = &handle->internal.loop,
		.name = &handle->internal.name,
	}));
	handle->internal.loop = loop;
	handle->internal.class_ = class_;
	handle->internal.close_fn = NULL;
	handle->internal.name = NULL;
	handle->internal.requests = 0;
	handle->internal.ended = 0;
	handle->internal.flags = OPEN;
	rotai_list_append(&loop->handles, &handle->internal.open);
	loop->open++;
}

int rotai_handle_usable(const struct rota_handle *handle)
{
	return has(handle, OPEN) ? rotai_loop_admits(handle->internal.loop)
				 : ROTA_EINVAL;
}

int rotai_handle_reachable(const struct rota_handle *handle)
{
	return has(handle, OPEN | CLOSING | CLOSED)
		       ? rotai_loop_inherited(handle->internal.loop)
		       : ROTA_EINVAL;
}

int rotai_handle_is_busy(const struct rota_handle *handle)
{
	return handle->internal.requests > 0 || handle->internal.ended > 0;
}

void rotai_handle_set_active(struct rota_handle *handle, int active)
{
	set_flags(handle, ACTIVE, active ? ACTIVE : 0);
}

void rotai_handle_request_begun(struct rota_handle *handle)
{
	handle->internal.requests++;
}

static void join_closing(struct rota_handle *handle)
{
	rotai_list_remove(&handle->internal.open); /* of closing_held */
	rotai_list_append(&handle->internal.loop->closing,
			  &handle->internal.open);
}

void rotai_handle_request_ended(struct rota_handle *handle)
{
	handle->internal.requests--;
	handle->internal.ended++;
	if (has(handle, STOPPED) && handle->internal.requests == 0)
		join_closing(handle); /* (1) */
}

void rotai_handle_request_called(struct rota_handle *handle)
{
	ROTA_ASSERT(handle->internal.ended > 0);
	handle->internal.ended--;
}

/* Requests that have ended wait for the closing phase now (2). */
static void move_ended(struct rota_handle *handle, struct rota_link *list)
{
	struct rota_link *at = list->next;

	while (at != list && handle->internal.ended > 0) {
		struct rota_link *next = at->next;

		if (rotai_request_of(at)->internal.handle == handle) {
			rotai_list_remove(at);
			rotai_list_append(&handle->internal.loop->closing_ended,
					  at);
		}
		at = next;
	}
}

static int may_close(const struct rota_handle *handle)
{
	int error = rotai_handle_reachable(handle);

	if (error < 0)
		return error;
	return has(handle, OPEN) ? 0 : ROTA_EALREADY;
}

int rota_handle_close(struct rota_handle *handle, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(handle);
	struct rota_loop *loop = handle->internal.loop;
	int error = may_close(handle);

	if (error < 0)
		return error;
	handle->internal.close_fn = fn;
	set_flags(handle, ACTIVE | OPEN, CLOSING);
	rotai_list_remove(&handle->internal.open);
	rotai_list_append(&loop->closing_held, &handle->internal.open);
	move_ended(handle, &loop->ended_taken);
	move_ended(handle, &loop->ended);
	handle->internal.class_->stop(handle);
	set_flags(handle, 0, STOPPED);
	if (handle->internal.requests == 0)
		join_closing(handle);
	return 0;
}

int rota_handle_close_now(struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	int error = may_close(handle);

	if (error < 0)
		return error;
	if (rotai_handle_is_busy(handle))
		return ROTA_EBUSY;
	rotai_list_remove(&handle->internal.open);
	handle->internal.class_->stop(handle);
	set_flags(handle, ACTIVE | OPEN, CLOSED);
	ROTAI_LIVE_END(&handle->internal.open);
	handle->internal.loop->open--;
	return 0;
}

void rota_handle_on_shutdown(struct rota_handle *handle, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(handle);
	const struct rotai_handle_class *class_ = handle->internal.class_;

	if (!has(handle, OPEN))
		return;
	if (class_->is_ending == NULL || !class_->is_ending(handle))
		handle->internal.close_fn = fn; /* until a close replaces it */
}

int rota_handle_is_active(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return has(handle, ACTIVE);
}

int rota_handle_is_closing(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return has(handle, CLOSING | CLOSED);
}

void rota_handle_ref(struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	set_flags(handle, UNREFERENCED, 0);
}

void rota_handle_unref(struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	set_flags(handle, 0, UNREFERENCED);
}

int rota_handle_has_ref(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return !has(handle, UNREFERENCED);
}

void rota_handle_set_name(struct rota_handle *handle, const char *name)
{
	ROTAI_ENTER_HANDLE(handle);
	handle->internal.name = name;
}

const char *rota_handle_name(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return handle->internal.name;
}

const char *rota_handle_type(const struct rota_handle *handle)
{
	const struct rotai_handle_class *class_ = handle->internal.class_;

	return class_ == NULL ? NULL : class_->type;
}

struct rota_loop *rota_handle_loop(const struct rota_handle *handle)
{
	return handle->internal.loop;
}

static void call_next_request(struct rota_link *ended)
{
	rotai_request_call(rotai_request_of(rotai_list_take_first(ended)));
}

static void call_close(struct rota_loop *loop, struct rota_handle *handle)
{
	rota_close_fn *fn = handle->internal.close_fn;
	const char *type = handle->internal.class_->type;

	set_flags(handle, CLOSING | STOPPED, CLOSED);
	ROTAI_LIVE_END(&handle->internal.open);
	loop->open--;
	if (fn == NULL)
		return;
	rotai_callback_begin(loop, type, handle->internal.name, handle);
	fn(handle);
	rotai_callback_end(loop, type, handle);
}

void rotai_closing_call(struct rota_loop *loop)
{
	struct rota_link *ended = &loop->closing_ended_taken;
	struct rota_link *closing = &loop->closing_taken;

	rotai_list_splice(ended, &loop->closing_ended);
	rotai_list_splice(closing, &loop->closing);
	while (!rotai_list_is_empty(closing)) {
		struct rota_handle *handle = rotai_handle_of(closing->next);

		while (handle->internal.ended > 0) /* (3) */
			call_next_request(ended);
		rotai_list_remove(&handle->internal.open);
		call_close(loop, handle);
	}
	while (!rotai_list_is_empty(ended))
		call_next_request(ended);
}

void rotai_handles_close(struct rota_loop *loop)
{
	while (!rotai_list_is_empty(&loop->handles)) {
		struct rota_handle *handle =
			rotai_handle_of(loop->handles.next);

		/* What is about to close by itself, and what is to be told of a
		 * shutdown, has its function. */
		(void)rota_handle_close(handle, handle->internal.close_fn);
	}
}
