/*
 * names/name_lookup.c - lookups of the name of an address, as requests.
 *
 *  1. The names are in the memory of the shared job, which the request keeps
 *     until its callback has returned.
 *  2. If both are numbers, getnameinfo(3) asks nobody. Then the job is run in
 *     the call itself, and nobody joins it.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/eai.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "pool/shared_job.h"
#include "rota/dns.h"
#include "rota/error.h"

enum { BOTH_NUMERIC = ROTA_NAME_NUMERIC_HOST | ROTA_NAME_NUMERIC_SERVICE };

/* As long as the system's: NI_MAXHOST and NI_MAXSERV. */
enum { NAMED_HOST_SIZE = 1025, SERVICE_SIZE = 32 };

static const struct {
	unsigned flag;
	int of_system;
} name_flags[] = {
	{ ROTA_NAME_NUMERIC_HOST, NI_NUMERICHOST },
	{ ROTA_NAME_NUMERIC_SERVICE, NI_NUMERICSERV },
	{ ROTA_NAME_REQUIRED, NI_NAMEREQD },
	{ ROTA_NAME_DATAGRAM, NI_DGRAM },
	{ ROTA_NAME_SHORT, NI_NOFQDN },
};

enum {
	NAME_FLAGS = sizeof(name_flags) / sizeof(name_flags[0]),
	KNOWN_NAME_FLAGS = (ROTA_NAME_SHORT << 1) - 1,
};

struct naming {
	struct rotai_shared_job job; /* must be first */
	struct rota_address address;
	unsigned flags;

	/* The answer. */
	int status;
	char host[NAMED_HOST_SIZE];
	char service[SERVICE_SIZE];
};

static struct naming *naming_of(const struct rotai_shared_job *job)
{
	return rota_container_of((struct rotai_shared_job *)(uintptr_t)job,
				 struct naming, job);
}

static void find_names(struct rotai_shared_job *job)
{
	struct naming *naming = naming_of(job);
	int flags = 0;

	for (int i = 0; i < NAME_FLAGS; i++)
		if (naming->flags & name_flags[i].flag)
			flags |= name_flags[i].of_system;
	do {
		errno = 0;
		naming->status = rotai_eai_error(getnameinfo(
			&naming->address.is.any,
			(socklen_t)naming->address.size, naming->host,
			sizeof(naming->host), naming->service,
			sizeof(naming->service), flags));
	} while (naming->status == ROTA_EINTR);
}

static int names_the_same(const struct rotai_shared_job *job,
			  const struct rotai_shared_job *other)
{
	const struct naming *a = naming_of(job);
	const struct naming *b = naming_of(other);

	return a->flags == b->flags && a->address.size == b->address.size &&
	       memcmp(&a->address.is, &b->address.is, a->address.size) == 0;
}

static void free_naming(struct rotai_shared_job *job)
{
	free(naming_of(job));
}

static const struct rotai_shared_class naming_class = {
	.run = find_names,
	.equals = names_the_same,
	.free = free_naming,
};

static struct rota_name_lookup *name_lookup_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_name_lookup, request);
}

static void call_name_lookup(struct rota_request *request)
{
	struct rota_name_lookup *lookup = name_lookup_of(request);
	/* NULL if it was cancelled. The callback may free the lookup. (1) */
	struct rotai_waiter waiter = lookup->internal.waiter;
	const struct naming *naming = NULL;

	if (request->internal.status == 0)
		naming = naming_of(waiter.job);
	lookup->internal.fn(lookup, request->internal.status,
			    naming != NULL ? naming->host : NULL,
			    naming != NULL ? naming->service : NULL);
	if (waiter.job != NULL)
		rotai_shared_drop(&waiter);
}

static int cancel_name_lookup(struct rota_request *request, int status)
{
	struct rota_name_lookup *lookup = name_lookup_of(request);

	return rotai_shared_cancel(&lookup->internal.waiter, request, status,
				   &lookup->internal.late);
}

static void name_lookup_forked(struct rota_request *request)
{
	rotai_shared_forked(&name_lookup_of(request)->internal.waiter);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class name_lookup_class = {
	.type = "name lookup",
	.call = call_name_lookup,
	.cancel = cancel_name_lookup,
	.forked = name_lookup_forked,
};

static void name_lookup_ended(struct rotai_item *item, int error)
{
	struct rota_name_lookup *lookup = rota_container_of(
		item, struct rota_name_lookup, internal.waiter.item);

	if (lookup->internal.late)
		error = ROTA_ETIMEDOUT;
	else if (error == 0)
		error = naming_of(lookup->internal.waiter.job)->status;
	rotai_request_complete(&lookup->request, error);
}

static struct naming *new_naming(const struct rota_address *address,
				 unsigned flags)
{
	struct naming *naming = calloc(1, sizeof(*naming));
	uint32_t hash = flags;

	if (naming == NULL)
		return NULL;
	/* Only the bytes that the family uses. */
	(void)rota_address_from(&naming->address, &address->is.any,
				address->size);
	naming->flags = flags;
	for (size_t i = 0; i < naming->address.size; i++)
		hash = hash * 31 + ((unsigned char *)&naming->address.is)[i];
	rotai_shared_init(&naming->job, &naming_class, hash);
	return naming;
}

/* Return 0, or the error of the arguments. */
static int check_naming(const struct rota_address *address, unsigned flags)
{
	struct rota_address copy;

	if (address == NULL || (flags & ~(unsigned)KNOWN_NAME_FLAGS) != 0 ||
	    rota_address_from(&copy, &address->is.any, address->size) < 0 ||
	    copy.is.any.sa_family == AF_UNIX)
		return ROTA_EINVAL;
	return 0;
}

static void begin_name_lookup(struct rota_name_lookup *lookup,
			      struct rota_loop *loop, rota_name_lookup_fn *fn)
{
	lookup->internal.fn = fn;
	lookup->internal.late = 0;
	rotai_request_begin(&lookup->request, loop, NULL, &name_lookup_class);
}

int rota_name_lookup_begin(struct rota_name_lookup *lookup,
			   struct rota_loop *loop,
			   const struct rota_address *address, unsigned flags,
			   rota_name_lookup_fn *fn)
{
	ROTAI_ENTER("name lookup", lookup, loop);
	struct naming *naming;
	int error;

	if (lookup == NULL || loop == NULL || fn == NULL)
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error == 0)
		error = check_naming(address, flags);
	if (error < 0)
		return error;
	naming = new_naming(address, flags);
	if (naming == NULL)
		return ROTA_ENOMEM;
	if ((flags & BOTH_NUMERIC) == BOTH_NUMERIC) { /* (2) */
		find_names(&naming->job);
		begin_name_lookup(lookup, loop, fn);
		lookup->internal.waiter.job = &naming->job;
		rotai_request_finish(&lookup->request, naming->status);
		return 0;
	}
	error = rotai_item_prepare(loop);
	if (error < 0) {
		free(naming);
		return error;
	}
	begin_name_lookup(lookup, loop, fn);
	rotai_shared_wait(&lookup->internal.waiter, loop, ROTA_LANE_BLOCKING,
			  &naming->job, name_lookup_ended);
	return 0;
}
