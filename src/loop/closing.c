/*
 * loop/closing.c - closing handles, and the closing phase.
 *
 *  1. When a handle is closed, its class stops it at once. The handle waits in
 *     the list `closing_held` while pool threads still work on some of its
 *     requests. It moves to the list `closing` when the last of its requests
 *     has ended.
 *  2. While a handle is closing, its requests that have ended are collected in
 *     `closing_ended`, in the order in which they ended.
 *  3. So in `closing_ended` all requests of a handle come before those that
 *     ended after the handle moved to `closing`. The closing phase calls
 *     requests until the next handle has none left, and then calls that
 *     handle's own callback.
 */
#include "loop/closing.h"

#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/request.h"

/* Move the requests of @handle that have ended from @list to closing_ended:
 * their callbacks will run in the closing phase. (2) */
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
	return rotai_handle_has(handle, ROTAI_HANDLE_OPEN) ? 0 : ROTA_EALREADY;
}

int rota_handle_close(struct rota_handle *handle, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(handle);
	struct rota_loop *loop = handle->internal.loop;
	int error = may_close(handle);

	if (error < 0)
		return error;
	handle->internal.close_fn = fn;
	rotai_handle_set_flags(handle, ROTAI_HANDLE_ACTIVE | ROTAI_HANDLE_OPEN,
			       ROTAI_HANDLE_CLOSING);
	rotai_list_remove(&handle->internal.open);
	rotai_list_append(&loop->closing_held, &handle->internal.open);
	move_ended(handle, &loop->ended_taken);
	move_ended(handle, &loop->ended);
	handle->internal.class_->stop(handle);
	rotai_handle_set_flags(handle, 0, ROTAI_HANDLE_STOPPED);
	if (handle->internal.requests == 0)
		rotai_handle_join_closing(handle);
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
	rotai_handle_set_flags(handle, ROTAI_HANDLE_ACTIVE | ROTAI_HANDLE_OPEN,
			       ROTAI_HANDLE_CLOSED);
	ROTAI_LIVE_END(&handle->internal.open);
	handle->internal.loop->open--;
	return 0;
}

static void call_next_request(struct rota_link *ended)
{
	rotai_request_call(rotai_request_of(rotai_list_take_first(ended)));
}

static void call_close(struct rota_loop *loop, struct rota_handle *handle)
{
	rota_close_fn *fn = handle->internal.close_fn;
	const char *type = handle->internal.class_->type;

	rotai_handle_set_flags(handle,
			       ROTAI_HANDLE_CLOSING | ROTAI_HANDLE_STOPPED,
			       ROTAI_HANDLE_CLOSED);
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

		/* close_fn is set if the handle is about to close by itself, or
		 * if rota_handle_on_shutdown() has set it. */
		(void)rota_handle_close(handle, handle->internal.close_fn);
	}
}
