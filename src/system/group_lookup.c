/*
 * system/group_lookup.c - lookups of groups, as requests. The record belongs to
 * the shared job, which the request keeps until its callback has returned.
 */
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "rota/error.h"
#include "rota/user.h"
#include "system/record_job.h"

static struct rota_group_lookup *group_lookup_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_group_lookup, request);
}

static void call_group_lookup(struct rota_request *request)
{
	struct rota_group_lookup *lookup = group_lookup_of(request);
	/* NULL if it was cancelled. The callback may free the lookup. */
	struct rotai_waiter waiter = lookup->internal.waiter;
	const struct rota_group *group = NULL;

	if (request->internal.status == 0)
		group = rotai_record_job_group(waiter.job);
	lookup->internal.fn(lookup, request->internal.status, group);
	if (waiter.job != NULL)
		rotai_shared_drop(&waiter);
}

static int cancel_group_lookup(struct rota_request *request, int status)
{
	struct rota_group_lookup *lookup = group_lookup_of(request);

	return rotai_shared_cancel(&lookup->internal.waiter, request, status,
				   &lookup->internal.late);
}

static void group_lookup_forked(struct rota_request *request)
{
	rotai_shared_forked(&group_lookup_of(request)->internal.waiter);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class group_lookup_class = {
	.type = "group lookup",
	.call = call_group_lookup,
	.cancel = cancel_group_lookup,
	.forked = group_lookup_forked,
};

static void group_lookup_ended(struct rotai_item *item, int error)
{
	struct rota_group_lookup *lookup = rota_container_of(
		item, struct rota_group_lookup, internal.waiter.item);

	rotai_request_complete(&lookup->request,
			       rotai_record_status(&lookup->internal.waiter,
						   lookup->internal.late,
						   error));
}

int rota_group_lookup_begin(struct rota_group_lookup *lookup,
			    struct rota_loop *loop, const char *name,
			    unsigned id, rota_group_lookup_fn *fn)
{
	ROTAI_ENTER("group lookup", lookup, loop);
	const struct rotai_record_key key = { ROTAI_RECORD_GROUP, name, id, 0 };

	if (lookup == NULL || loop == NULL || fn == NULL)
		return ROTA_EINVAL;
	lookup->internal.fn = fn;
	lookup->internal.late = 0;
	return rotai_record_begin(&lookup->request, loop, &group_lookup_class,
				  &key, &lookup->internal.waiter,
				  group_lookup_ended);
}
