/*
 * system/record_job.c - see record_job.h.
 */
#include "system/record_job.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "rota/error.h"
#include "system/record.h"

struct record_job {
	struct rotai_shared_job job; /* must be first */
	enum rotai_record_kind kind;
	unsigned id;
	unsigned flags;

	/* The answer. */
	int status;
	const struct rota_user *user;
	const struct rota_group *group;

	int has_name;
	char name[];
};

static struct record_job *record_job_of(const struct rotai_shared_job *job)
{
	return rota_container_of((struct rotai_shared_job *)(uintptr_t)job,
				 struct record_job, job);
}

static void find_record(struct rotai_shared_job *job)
{
	struct record_job *of = record_job_of(job);
	const char *name = of->has_name ? of->name : NULL;

	of->status =
		of->kind == ROTAI_RECORD_USER
			? rotai_record_find_user(name, of->id, of->flags,
						 &of->user)
			: rotai_record_find_group(name, of->id, &of->group);
}

static int finds_the_same(const struct rotai_shared_job *job,
			  const struct rotai_shared_job *other)
{
	const struct record_job *a = record_job_of(job);
	const struct record_job *b = record_job_of(other);

	return a->kind == b->kind && a->id == b->id && a->flags == b->flags &&
	       a->has_name == b->has_name && strcmp(a->name, b->name) == 0;
}

static void free_record_job(struct rotai_shared_job *job)
{
	struct record_job *of = record_job_of(job);

	rota_user_unref(of->user);
	rota_group_unref(of->group);
	free(of);
}

static const struct rotai_shared_class record_class = {
	.run = find_record,
	.equals = finds_the_same,
	.free = free_record_job,
};

static struct rotai_shared_job *
make_record_job(const struct rotai_record_key *key)
{
	size_t n = key->name != NULL ? strlen(key->name) : 0;
	struct record_job *made = calloc(1, sizeof(*made) + n + 1);
	uint32_t hash = (uint32_t)key->kind * 31 + key->flags;

	if (made == NULL)
		return NULL;
	made->kind = key->kind;
	made->flags = key->flags;
	made->has_name = key->name != NULL;
	if (key->name != NULL)
		memcpy(made->name, key->name, n);
	else
		made->id = key->id;
	hash = hash * 31 + made->id;
	for (size_t i = 0; i < n; i++)
		hash = hash * 31 + (unsigned char)key->name[i];
	rotai_shared_init(&made->job, &record_class, hash);
	return &made->job;
}

int rotai_record_begin(struct rota_request *request, struct rota_loop *loop,
		       const struct rotai_request_class *class_,
		       const struct rotai_record_key *key,
		       struct rotai_waiter *waiter, rotai_item_ended_fn *ended)
{
	struct rotai_shared_job *job;
	int error;

	if (key->name != NULL && *key->name == '\0')
		return ROTA_EINVAL;
	error = rotai_loop_admits(loop);
	if (error < 0)
		return error;
	job = make_record_job(key);
	if (job == NULL)
		return ROTA_ENOMEM;
	error = rotai_item_prepare(loop);
	if (error < 0) {
		free_record_job(job);
		return error;
	}
	rotai_request_begin(request, loop, NULL, class_);
	rotai_shared_wait(waiter, loop, ROTA_LANE_BLOCKING, job, ended);
	return 0;
}

int rotai_record_status(const struct rotai_waiter *waiter, int is_late,
			int error)
{
	if (is_late)
		return ROTA_ETIMEDOUT;
	return error == 0 ? record_job_of(waiter->job)->status : error;
}

const struct rota_user *
rotai_record_job_user(const struct rotai_shared_job *job)
{
	return record_job_of(job)->user;
}

const struct rota_group *
rotai_record_job_group(const struct rotai_shared_job *job)
{
	return record_job_of(job)->group;
}
