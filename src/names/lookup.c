/*
 * names/lookup.c - lookups of addresses, as requests.
 */
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "names/question.h"
#include "rota/error.h"

static struct rota_lookup *lookup_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_lookup, request);
}

static void call_lookup(struct rota_request *request)
{
	struct rota_lookup *lookup = lookup_of(request);
	const struct rota_address_list *list = lookup->internal.list;

	/* The callback may free the lookup. */
	lookup->internal.list = NULL;
	lookup->internal.fn(lookup, request->internal.status, list);
	if (list != NULL)
		rota_address_list_unref(list);
}

static int cancel_lookup(struct rota_request *request, int status)
{
	struct rota_lookup *lookup = lookup_of(request);

	return rotai_shared_cancel(&lookup->internal.waiter, request, status,
				   &lookup->internal.late);
}

static void lookup_forked(struct rota_request *request)
{
	rotai_shared_forked(&lookup_of(request)->internal.waiter);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class lookup_class = {
	.type = "lookup",
	.call = call_lookup,
	.cancel = cancel_lookup,
	.forked = lookup_forked,
};

static void lookup_ended(struct rotai_item *item, int error)
{
	struct rota_lookup *lookup = rota_container_of(item, struct rota_lookup,
						       internal.waiter.item);
	int status = rotai_question_answer(&lookup->internal.waiter, error,
					   &lookup->internal.list);

	if (lookup->internal.late && status == 0) {
		rota_address_list_unref(lookup->internal.list);
		lookup->internal.list = NULL;
	}
	rotai_request_complete(&lookup->request,
			       lookup->internal.late ? ROTA_ETIMEDOUT : status);
}

static void begin_lookup(struct rota_lookup *lookup, struct rota_loop *loop,
			 rota_lookup_fn *fn)
{
	lookup->internal.fn = fn;
	lookup->internal.list = NULL;
	lookup->internal.late = 0;
	rotai_request_begin(&lookup->request, loop, NULL, &lookup_class);
}

int rota_lookup_begin(struct rota_lookup *lookup, struct rota_loop *loop,
		      const char *host, const char *service,
		      const struct rota_lookup_options *options,
		      rota_lookup_fn *fn)
{
	ROTAI_ENTER("lookup", lookup, loop);
	const struct rota_address_list *list;
	struct rotai_question *question;
	int error;

	if (lookup == NULL || loop == NULL || fn == NULL)
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error == 0)
		error = rotai_question_make(&question, &list, host, service,
					    options);
	if (error < 0)
		return error;
	if (error == 0) {
		begin_lookup(lookup, loop, fn);
		lookup->internal.list = list;
		rotai_request_finish(&lookup->request, 0);
		return 0;
	}
	error = rotai_question_ask(question, &lookup->internal.waiter, loop,
				   lookup_ended);
	if (error == 0)
		begin_lookup(lookup, loop, fn);
	return error;
}
