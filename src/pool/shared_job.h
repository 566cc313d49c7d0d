/*
 * pool/shared_job.h - a job that several items wait for, perhaps of several
 * loops: an item that wants what a job in flight will find out joins that job,
 * and no second thread does the same.
 *
 * The job is in memory of its own, which the library allocates, and belongs to
 * no loop. So any item can stop waiting at any time, and its loop can close,
 * while a thread is working on the job.
 */
#ifndef ROTAI_POOL_SHARED_JOB_H
#define ROTAI_POOL_SHARED_JOB_H

#include "base/counted.h"
#include "pool/item.h"
#include "rota/pool.h"

struct rotai_shared_job;

struct rotai_shared_class {
	/* Do the job, on a thread of its lane, or on the loop's if the lane has
	 * none. Results are in the memory of the job. */
	void (*run)(struct rotai_shared_job *job);

	/* Return whether @job, which is in flight, does what @other would. */
	int (*equals)(const struct rotai_shared_job *job,
		      const struct rotai_shared_job *other);

	/* Free the memory of @job. Any thread. */
	void (*free)(struct rotai_shared_job *job);
};

/* The base of a job. */
struct rotai_shared_job {
	struct rotai_counted counted; /* one for each waiter, one for the lane;
				       * must be first */
	const struct rotai_shared_class *class_;
	struct rotai_item item; /* of no loop */
	struct rota_pool *pool;
	struct rota_link link;    /* in the list of the pool, or in none */
	struct rota_link waiters; /* their items */
	enum rota_lane lane;
	uint32_t hash;
	int begun; /* a thread has it, or there is none for it */
};

/* Initialize @job, for one caller, who passes it to rotai_shared_wait(). Equal
 * jobs have the same @hash. */
void rotai_shared_init(struct rotai_shared_job *job,
		       const struct rotai_shared_class *class_, uint32_t hash);

/* Have @waiter wait for @job; or for an equal one that is in flight in the pool
 * of @loop and lane @lane, and @job is freed. rotai_item_prepare() was called.
 * waiter->job is then the job, and @ended is called in the loop's thread when
 * it is done, as for any item; or with an error, if it was not run. It must
 * call rotai_shared_drop(). */
void rotai_shared_wait(struct rotai_waiter *waiter, struct rota_loop *loop,
		       enum rota_lane lane, struct rotai_shared_job *job,
		       rotai_item_ended_fn *ended);

/* The result of waiter->job is not needed any more, in ended(). */
void rotai_shared_drop(struct rotai_waiter *waiter);

/* Stop waiting. Returns 0, and @ended will not be called; or ROTA_EALREADY: the
 * job is done, and @ended is still to come. If nobody waits any more, a job
 * that no thread has begun is taken back. One that has begun goes on, and new
 * waiters may join it. */
int rotai_shared_leave(struct rotai_waiter *waiter);

/* The cancel of @request, which waits by @waiter: as its class wants it. If it
 * is too late for a time-out, *@late is set. */
int rotai_shared_cancel(struct rotai_waiter *waiter,
			struct rota_request *request, int status, int *late);

/* In a forked child, for class->forked: @waiter waits no more. The memory of a
 * job that a thread had begun is lost. */
void rotai_shared_forked(struct rotai_waiter *waiter);

#endif
