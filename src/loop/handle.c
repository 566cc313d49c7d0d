/*
 * loop/handle.c - handles: whether they are open and active, and how many
 * requests they have.
 *
 *  1. An open handle is in the loop's list `handles`. A closing one is in
 *     `closing_held` until the last of its requests has ended, and then in
 *     `closing`. For most handles that is before rota_handle_close() returns:
 *     see closing.c.
 *  2. `requests` counts the requests in flight. `ended` counts those that have
 *     ended and whose callbacks have not been called.
 *  3. Every handle keeps the loop open. A handle keeps the loop alive while it
 *     is active and referenced, or closing (L1).
 */
#include "loop/handle.h"

#include "loop/enter.h"
#include "loop/loop.h"

struct rota_handle *rotai_handle_of(struct rota_link *link)
{
	ROTAI_LIVE_CHECK(link);
	return rota_container_of(link, struct rota_handle, internal.open);
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
	handle->internal.flags = ROTAI_HANDLE_OPEN;
	rotai_list_append(&loop->handles, &handle->internal.open);
	loop->open++;
}

int rotai_handle_usable(const struct rota_handle *handle)
{
	return rotai_handle_has(handle, ROTAI_HANDLE_OPEN)
		       ? rotai_loop_admits(handle->internal.loop)
		       : ROTA_EINVAL;
}

void rotai_handle_set_active(struct rota_handle *handle, int active)
{
	rotai_handle_set_flags(handle, ROTAI_HANDLE_ACTIVE,
			       active ? ROTAI_HANDLE_ACTIVE : 0);
}

void rotai_handle_request_begun(struct rota_handle *handle)
{
	handle->internal.requests++;
}

void rotai_handle_join_closing(struct rota_handle *handle)
{
	rotai_list_remove(&handle->internal.open); /* from closing_held */
	rotai_list_append(&handle->internal.loop->closing,
			  &handle->internal.open);
}

void rotai_handle_request_ended(struct rota_handle *handle)
{
	handle->internal.requests--;
	handle->internal.ended++;
	if (rotai_handle_has(handle, ROTAI_HANDLE_STOPPED) &&
	    handle->internal.requests == 0)
		rotai_handle_join_closing(handle); /* (1) */
}

void rotai_handle_request_called(struct rota_handle *handle)
{
	ROTA_ASSERT(handle->internal.ended > 0);
	handle->internal.ended--;
}

void rota_handle_on_shutdown(struct rota_handle *handle, rota_close_fn *fn)
{
	ROTAI_ENTER_HANDLE(handle);
	const struct rotai_handle_class *class_ = handle->internal.class_;

	if (!rotai_handle_has(handle, ROTAI_HANDLE_OPEN))
		return;
	if (class_->is_ending == NULL || !class_->is_ending(handle))
		handle->internal.close_fn = fn; /* until a close replaces it */
}

int rota_handle_is_active(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return rotai_handle_has(handle, ROTAI_HANDLE_ACTIVE);
}

int rota_handle_is_closing(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return rotai_handle_has(handle,
				ROTAI_HANDLE_CLOSING | ROTAI_HANDLE_CLOSED);
}

void rota_handle_ref(struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	rotai_handle_set_flags(handle, ROTAI_HANDLE_UNREFERENCED, 0);
}

void rota_handle_unref(struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	rotai_handle_set_flags(handle, 0, ROTAI_HANDLE_UNREFERENCED);
}

int rota_handle_has_ref(const struct rota_handle *handle)
{
	ROTAI_ENTER_HANDLE(handle);
	return !rotai_handle_has(handle, ROTAI_HANDLE_UNREFERENCED);
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
