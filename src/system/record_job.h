/*
 * system/record_job.h - the job of a lookup of a user or of a group, which
 * equal lookups share.
 */
#ifndef ROTAI_SYSTEM_RECORD_JOB_H
#define ROTAI_SYSTEM_RECORD_JOB_H

#include "pool/shared_job.h"
#include "rota/user.h"

enum rotai_record_kind { ROTAI_RECORD_USER, ROTAI_RECORD_GROUP };

/* Make a job for the record with that @name, or if @name is NULL with that @id;
 * or NULL. */
struct rotai_shared_job *rotai_record_job_new(enum rotai_record_kind kind,
					      const char *name, unsigned id,
					      unsigned flags);

/* Free a job that was not passed to rotai_shared_wait(). */
void rotai_record_job_free(struct rotai_shared_job *job);

/* What the job has found, when it is done: the status, and the record that the
 * job has a reference to, or NULL. */
int rotai_record_job_status(const struct rotai_shared_job *job);
const struct rota_user *
rotai_record_job_user(const struct rotai_shared_job *job);
const struct rota_group *
rotai_record_job_group(const struct rotai_shared_job *job);

#endif
