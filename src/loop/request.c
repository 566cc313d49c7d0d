/*
 * loop/request.c - operations in flight, and the pending phase.
 *
 *  1. The state of a request decides which list of the loop it is in:
 *     `requests` while it is in flight; when it has ended, `ended`, or
 *     `closing_ended` if its handle is closing.
 *  2. A request keeps the loop alive from when it begins until it is called
 *     (L3), even if its handle is unreferenced.
 *  3. A deadline is a timer that cancels the request. It is cleared when the
 *     request ends.
 */
#include "loop/request.h"

#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"

enum { AT_REST, IN_FLIGHT, ENDED };

struct rota_request *rotai_request_of(struct rota_link *link)
{
	ROTAI_LIVE_CHECK(link);
	return rota_container_of(link, struct rota_request, internal.link);
}

void rotai_request_begin(struct rota_request *request, struct rota_loop *loop,
			 struct rota_handle *handle,
			 const struct rotai_request_class *class_)
{
	ROTAI_LIVE_BEGIN(ROTAI_LIVE_REQUEST, class_->type, request,
			 &request->internal.link, loop,
			 &request->internal.loop);
	request->internal.loop = loop;
	request->internal.class_ = class_;
	request->internal.handle = handle;
	request->internal.deadline = NULL;
	request->internal.status = 0;
	request->internal.state = IN_FLIGHT;
	rotai_list_append(&loop->requests, &request->internal.link);
	rotai_loop_hold(loop, 1);
	if (handle != NULL)
		rotai_handle_request_begun(handle);
}

/* End @request, which then is in no list. */
static void end_request(struct rota_request *request, int status)
{
	ROTA_ASSERT(request->internal.state == IN_FLIGHT);
	if (request->internal.deadline != NULL)
		rota_request_clear_deadline(request); /* (3) */
	request->internal.status = status;
	request->internal.state = ENDED;
	rotai_list_remove(&request->internal.link);
}

void rotai_request_finish(struct rota_request *request, int status)
{
	struct rota_loop *loop = request->internal.loop;
	struct rota_handle *handle = request->internal.handle;
	struct rota_link *list = &loop->ended;

	end_request(request, status);
	if (handle != NULL && rota_handle_is_closing(handle))
		list = &loop->closing_ended;
	rotai_list_append(list, &request->internal.link);
	if (handle != NULL)
		rotai_handle_request_ended(handle);
}

void rotai_request_complete(struct rota_request *request, int status)
{
	struct rota_handle *handle = request->internal.handle;

	ROTA_ASSERT(request->internal.loop->phase == ROTA_PHASE_POLL ||
		    request->internal.loop->phase == ROTA_PHASE_PENDING);
	if (handle == NULL) {
		end_request(request, status);
		rotai_request_call(request);
		return;
	}
	rotai_request_finish(request, status);
	if (rota_handle_is_closing(handle))
		return; /* O2: it is called in the closing phase */
	rotai_list_remove(&request->internal.link);
	rotai_request_call(request);
}

void rotai_request_drop(struct rota_request *request, int status)
{
	struct rota_handle *handle = request->internal.handle;

	end_request(request, status);
	ROTAI_LIVE_END(&request->internal.link);
	request->internal.state = AT_REST;
	rotai_loop_release(request->internal.loop, 1);
	if (handle != NULL) {
		rotai_handle_request_ended(handle);
		rotai_handle_request_called(handle);
	}
}

void rotai_request_call(struct rota_request *request)
{
	struct rota_loop *loop = request->internal.loop;
	struct rota_handle *handle = request->internal.handle;
	const struct rotai_request_class *class_ = request->internal.class_;

	ROTAI_LIVE_END(&request->internal.link);
	request->internal.state = AT_REST;
	rotai_loop_release(loop, 1);
	if (handle != NULL)
		rotai_handle_request_called(handle);
	rotai_callback_begin(loop, class_->type, NULL, request);
	class_->call(request);
	rotai_callback_end(loop, class_->type, request);
}

int rota_request_cancel(struct rota_request *request)
{
	ROTAI_ENTER_LIVE("request", request, &request->internal.link,
			 request->internal.loop);
	int error;

	if (request->internal.state == AT_REST)
		return ROTA_EALREADY;
	error = rotai_loop_inherited(request->internal.loop);
	if (error < 0)
		return error;
	if (request->internal.state == ENDED)
		return ROTA_EALREADY;
	return request->internal.class_->cancel(request, ROTA_ECANCELED);
}

int rota_request_is_active(const struct rota_request *request)
{
	ROTAI_ENTER_LIVE("request", request, &request->internal.link,
			 request->internal.loop);
	return request->internal.state != AT_REST;
}

static void on_deadline(struct rota_timer *timer)
{
	struct rota_deadline *deadline =
		rota_container_of(timer, struct rota_deadline, internal.timer);
	struct rota_request *request = deadline->internal.request;

	request->internal.deadline = NULL;
	(void)request->internal.class_->cancel(request, ROTA_ETIMEDOUT);
}

int rota_request_set_deadline(struct rota_request *request,
			      struct rota_deadline *deadline, uint64_t due_ns)
{
	ROTAI_ENTER_LIVE("request", request, &request->internal.link,
			 request->internal.loop);
	struct rota_loop *loop = request->internal.loop;
	int error;

	if (request->internal.state != IN_FLIGHT)
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error < 0)
		return error;
	rota_request_clear_deadline(request);
	deadline->internal.request = request;
	request->internal.deadline = deadline;
	rota_timer_init(&deadline->internal.timer, loop);
	rotai_timer_start_own(&deadline->internal.timer, on_deadline, due_ns);
	return 0;
}

void rota_request_clear_deadline(struct rota_request *request)
{
	ROTAI_ENTER_LIVE("request", request, &request->internal.link,
			 request->internal.loop);
	struct rota_deadline *deadline = request->internal.deadline;

	if (request->internal.state != IN_FLIGHT || deadline == NULL)
		return;
	rota_timer_stop(&deadline->internal.timer);
	request->internal.deadline = NULL;
}

void rotai_pending_call(struct rota_loop *loop)
{
	struct rota_link *link;
	unsigned taken = rotai_extensions_take(loop);

	rotai_list_splice(&loop->ended_taken, &loop->ended); /* T8 */
	rotai_ticks_run_deferred(loop);
	rotai_extensions_pending(loop, taken);
	while ((link = rotai_list_take_first(&loop->ended_taken)) != NULL)
		rotai_request_call(rotai_request_of(link));
}

void rotai_requests_forked(struct rota_loop *loop)
{
	const struct rota_link *at;
	size_t count = 0;

	for (at = loop->requests.next; at != &loop->requests; at = at->next)
		count++;
	/* One that ends may end others. What is left was called, or nothing has
	 * to be done for it, however often it is called. */
	while (count-- > 0 && !rotai_list_is_empty(&loop->requests)) {
		struct rota_request *request =
			rotai_request_of(loop->requests.next);

		rotai_list_remove(&request->internal.link);
		rotai_list_append(&loop->requests, &request->internal.link);
		if (request->internal.class_->forked != NULL)
			request->internal.class_->forked(request);
	}
}

void rotai_requests_cancel(struct rota_loop *loop)
{
	struct rota_link *at = loop->requests.next;

	while (at != &loop->requests) {
		struct rota_request *request = rotai_request_of(at);

		/* A cancel ends only this request, so @at stays valid. */
		at = at->next;
		if (request->internal.handle == NULL)
			(void)rota_request_cancel(request);
	}
}
