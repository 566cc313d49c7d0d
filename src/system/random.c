/*
 * system/random.c - see rota/random.h.
 *
 *  1. Once the kernel has entropy, it always has. So a request that can be
 *     served at once is, unless it is so large that it would delay the loop.
 *  2. A thread that waits for entropy cannot be interrupted. It writes to
 *     memory of the job, from which the loop's thread copies: a request that
 *     ends before gets none of it.
 *  3. Random bytes may be keys. The memory of a job is overwritten before it is
 *     freed.
 */
#include "rota/random.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/entropy.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "pool/shared_job.h"
#include "rota/error.h"

enum { MOST_WITHOUT_THREAD = 4096 };

struct randomness {
	struct rotai_shared_job job; /* must be first */
	int status;
	size_t size;
	unsigned char bytes[];
};

int rota_random_bytes(void *bytes, size_t size)
{
	if (bytes == NULL && size > 0)
		return ROTA_EINVAL;
	return rotai_entropy_read(bytes, size, 1);
}

static struct randomness *randomness_of(struct rotai_shared_job *job)
{
	return rota_container_of(job, struct randomness, job);
}

static void read_entropy(struct rotai_shared_job *job)
{
	struct randomness *of = randomness_of(job);

	of->status = rotai_entropy_read(of->bytes, of->size, 1);
}

/* Nobody gets the bytes of another. */
static int never_the_same(const struct rotai_shared_job *job,
			  const struct rotai_shared_job *other)
{
	(void)job;
	(void)other;
	return 0;
}

static void free_randomness(struct rotai_shared_job *job)
{
	struct randomness *of = randomness_of(job);
	volatile unsigned char *bytes = of->bytes;

	for (size_t i = 0; i < of->size; i++)
		bytes[i] = 0; /* (3) */
	free(of);
}

static const struct rotai_shared_class randomness_class = {
	.run = read_entropy,
	.equals = never_the_same,
	.free = free_randomness,
};

static struct rota_random *random_of(struct rota_request *request)
{
	return rota_container_of(request, struct rota_random, request);
}

static void call_random(struct rota_request *request)
{
	struct rota_random *random = random_of(request);

	random->internal.fn(random, request->internal.status);
}

static int cancel_random(struct rota_request *request, int status)
{
	struct rota_random *random = random_of(request);

	return rotai_shared_cancel(&random->internal.waiter, request, status,
				   &random->internal.late);
}

static void random_forked(struct rota_request *request)
{
	rotai_shared_forked(&random_of(request)->internal.waiter);
	rotai_request_finish(request, ROTA_ECANCELED);
}

static const struct rotai_request_class random_class = {
	.type = "random bytes",
	.call = call_random,
	.cancel = cancel_random,
	.forked = random_forked,
};

static void random_ended(struct rotai_item *item, int error)
{
	struct rota_random *random = rota_container_of(item, struct rota_random,
						       internal.waiter.item);
	const struct randomness *of =
		randomness_of(random->internal.waiter.job);

	if (random->internal.late)
		error = ROTA_ETIMEDOUT;
	else if (error == 0)
		error = of->status;
	if (error == 0)
		memcpy(random->internal.bytes, of->bytes,
		       random->internal.size);
	rotai_shared_drop(&random->internal.waiter);
	rotai_request_complete(&random->request, error);
}

static void begin_random(struct rota_random *random, struct rota_loop *loop,
			 rota_random_fn *fn)
{
	random->internal.fn = fn;
	random->internal.late = 0;
	rotai_request_begin(&random->request, loop, NULL, &random_class);
}

/* Have a thread get the bytes. Returns 0 or an error. */
static int begin_on_thread(struct rota_random *random, struct rota_loop *loop,
			   void *bytes, size_t size, rota_random_fn *fn)
{
	struct randomness *of = size <= SIZE_MAX - sizeof(*of)
					? malloc(sizeof(*of) + size)
					: NULL;
	int error;

	if (of == NULL)
		return ROTA_ENOMEM;
	error = rotai_item_prepare(loop);
	if (error < 0) {
		free(of);
		return error;
	}
	of->size = size;
	rotai_shared_init(&of->job, &randomness_class, (uint32_t)(uintptr_t)of);
	random->internal.bytes = bytes;
	random->internal.size = size;
	begin_random(random, loop, fn);
	rotai_shared_wait(&random->internal.waiter, loop, ROTA_LANE_BLOCKING,
			  &of->job, random_ended);
	return 0;
}

int rota_random_begin(struct rota_random *random, struct rota_loop *loop,
		      void *bytes, size_t size, rota_random_fn *fn)
{
	ROTAI_ENTER("random bytes", random, loop);
	int error;

	if (random == NULL || loop == NULL || fn == NULL ||
	    (bytes == NULL && size > 0))
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error < 0)
		return error;
	if (size > MOST_WITHOUT_THREAD ||
	    rotai_entropy_read(bytes, size, 0) < 0)
		return begin_on_thread(random, loop, bytes, size, fn);
	begin_random(random, loop, fn); /* (1) */
	rotai_request_finish(&random->request, 0);
	return 0;
}
