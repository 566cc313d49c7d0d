/*
 * system/record_job.h - the job of a lookup of a user or of a group, which
 * equal lookups share.
 */
#ifndef ROTAI_SYSTEM_RECORD_JOB_H
#define ROTAI_SYSTEM_RECORD_JOB_H

#include "loop/request.h"
#include "pool/shared_job.h"
#include "rota/user.h"

enum rotai_record_kind { ROTAI_RECORD_USER, ROTAI_RECORD_GROUP };

/* Which record is looked up: that with @name, or if it is NULL with @id. */
struct rotai_record_key {
	enum rotai_record_kind kind;
	const char *name;
	unsigned id;
	unsigned flags;
};

/* Begin @request, of @class_, whose @waiter waits for the record: @ended is
 * called as rotai_shared_wait() says. Returns 0 or an error, after which
 * nothing has begun. */
int rotai_record_begin(struct rota_request *request, struct rota_loop *loop,
		       const struct rotai_request_class *class_,
		       const struct rotai_record_key *key,
		       struct rotai_waiter *waiter, rotai_item_ended_fn *ended);

/* The status of a request whose @waiter has waited, with @error; @is_late: its
 * deadline has passed. */
int rotai_record_status(const struct rotai_waiter *waiter, int is_late,
			int error);

/* The record that the job has a reference to, or NULL. */
const struct rota_user *
rotai_record_job_user(const struct rotai_shared_job *job);
const struct rota_group *
rotai_record_job_group(const struct rotai_shared_job *job);

#endif
