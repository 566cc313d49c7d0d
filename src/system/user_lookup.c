/*
 * system/user_lookup.c - lookups of users, as requests. The record belongs to
 * the shared job, which the request keeps until its callback has returned.
 */
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "rota/error.h"
#include "rota/user.h"
#include "system/record.h"
#include "system/record_job.h"

static struct rota_user_lookup *user_lookup_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_user_lookup, request);
}

static void call_user_lookup(struct rota_request *request)
{
	struct rota_user_lookup *lookup = user_lookup_of(request);
	/* NULL if it was cancelled. The callback may free the lookup. */
	struct rotai_waiter waiter = lookup->internal.waiter;
	const struct rota_user *user = NULL;

	if (request->internal.status == 0)
		user = rotai_record_job_user(waiter.job);
	lookup->internal.fn(lookup, request->internal.status, user);
	if (waiter.job != NULL)
		rotai_shared_drop(&waiter);
}

static int cancel_user_lookup(struct rota_request *request, int status)
{
	struct rota_user_lookup *lookup = user_lookup_of(request);

	return rotai_shared_cancel(&lookup->internal.waiter, request, status,
				   &lookup->internal.late);
}

static void user_lookup_forked(struct rota_request *request)
{
	rotai_shared_forked(&user_lookup_of(request)->internal.waiter);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class user_lookup_class = {
	.type = "user lookup",
	.call = call_user_lookup,
	.cancel = cancel_user_lookup,
	.forked = user_lookup_forked,
};

static void user_lookup_ended(struct rotai_item *item, int error)
{
	struct rota_user_lookup *lookup = rota_container_of(
		item, struct rota_user_lookup, internal.waiter.item);

	rotai_request_complete(&lookup->request,
			       rotai_record_status(&lookup->internal.waiter,
						   lookup->internal.late,
						   error));
}

int rota_user_lookup_begin(struct rota_user_lookup *lookup,
			   struct rota_loop *loop, const char *name,
			   unsigned id, unsigned flags, rota_user_lookup_fn *fn)
{
	ROTAI_ENTER("user lookup", lookup, loop);
	const struct rotai_record_key key = { ROTAI_RECORD_USER, name, id,
					      flags };

	if (lookup == NULL || loop == NULL || fn == NULL ||
	    (flags & ~(unsigned)ROTAI_USER_FLAGS) != 0)
		return ROTA_EINVAL;
	lookup->internal.fn = fn;
	lookup->internal.late = 0;
	return rotai_record_begin(&lookup->request, loop, &user_lookup_class,
				  &key, &lookup->internal.waiter,
				  user_lookup_ended);
}
