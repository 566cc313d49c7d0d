/*
 * pool/shared_job.c - see shared_job.h.
 *
 *  1. The job's own item is published to the lane without a client. While its
 *     state is PUBLISHED, the lane has it, as any other item. The thread that
 *     runs it changes the state to ABANDONED first. So when it has run, the
 *     thread gives it back to nobody, but calls its ended(): see running.c.
 *  2. The items of waiters are in no lane. The list of waiters, job->begun and
 *     the pool's list are guarded by pool->shared_lock. A waiter whose item is
 *     still in the list can leave. The thread takes the whole list, under the
 *     lock, and changes the items' state. Then it gives each back to its loop,
 *     and touches none of them afterwards.
 *  3. No other lock is taken, and nothing is called, while that lock is held.
 *     The last waiter to leave removes the job from the pool's list first, if
 *     no thread has begun it, and then asks the lane for it. A thread may claim
 *     the job in between. Then the job runs for nobody.
 *  4. A job that has begun stays in the list, although nobody waits for it.
 *     It may be stuck. If each caller that gives up and tries again had a new
 *     thread, they would soon have all threads of the lane.
 *  5. A loop publishes a new job at once, after the lock was released. Until
 *     then its own waiter has not left, so the job is not taken back before.
 *  6. References: each waiter has one to the job, and the lane has one, from
 *     the publish until ended() or until the job was taken back.
 */
#include "pool/shared_job.h"

#include "base/list.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "pool/client.h"
#include "pool/pool.h"
#include "rota/error.h"

static struct rotai_shared_job *shared_job_of(struct rotai_counted *counted)
{
	return rota_container_of(counted, struct rotai_shared_job, counted);
}

static struct rotai_shared_job *shared_job_of_item(struct rotai_item *item)
{
	return rota_container_of(item, struct rotai_shared_job, item);
}

static struct rotai_waiter *waiter_of(struct rotai_item *item)
{
	return rota_container_of(item, struct rotai_waiter, item);
}

static void free_shared_job(struct rotai_counted *counted)
{
	struct rotai_shared_job *job = shared_job_of(counted);

	job->class_->free(job);
}

void rotai_shared_init(struct rotai_shared_job *job,
		       const struct rotai_shared_class *class_, uint32_t hash)
{
	job->counted = (struct rotai_counted){ .references = 1,
					       .free = free_shared_job };
	job->class_ = class_;
	job->link.next = NULL;
	rotai_list_init(&job->waiters);
	job->hash = hash;
	job->begun = 0;
}

static void run_shared_job(struct rotai_item *item)
{
	struct rotai_shared_job *job = shared_job_of_item(item);

	pthread_mutex_lock(&job->pool->shared_lock);
	job->begun = 1;
	pthread_mutex_unlock(&job->pool->shared_lock);
	__atomic_store_n(&item->state, ROTAI_ITEM_ABANDONED,
			 __ATOMIC_RELAXED); /* (1) */
	job->class_->run(job);
}

/* The job was run, or refused. Any thread. */
static void shared_job_ended(struct rotai_item *item, int error)
{
	struct rotai_shared_job *job = shared_job_of_item(item);
	uint8_t state =
		error == ROTA_EAGAIN ? ROTAI_ITEM_REFUSED : ROTAI_ITEM_ENDED;
	struct rotai_trail trail = { .at = 0 };
	struct rota_link waiters;
	struct rota_link *at;

	rotai_list_init(&waiters);
	pthread_mutex_lock(&job->pool->shared_lock);
	if (rotai_link_is_linked(&job->link))
		rotai_list_remove(&job->link);
	job->begun = 1;
	rotai_list_splice(&waiters, &job->waiters);
	for (at = waiters.next; at != &waiters; at = at->next)
		__atomic_store_n(
			&rota_container_of(at, struct rotai_item, link)->state,
			state, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&job->pool->shared_lock);

	while ((at = rotai_list_take_first(&waiters)) != NULL) /* (2) */
		rotai_item_give_back(
			rota_container_of(at, struct rotai_item, link), &trail);
	rotai_counted_unref(&job->counted); /* (6) */
}

static void publish_shared_job(struct rotai_shared_job *job)
{
	struct rotai_chain chain = { NULL, NULL };
	struct rotai_trail trail = { .at = 0 };

	if (job->pool->records)
		job->item.since = rotai_wait_now();
	rotai_chain_add(&chain, &job->item.link, &trail);
	rotai_lane_publish(&job->pool->lanes[job->lane], chain,
			   ROTAI_LANE_CALL_LAST);
}

/* Prepare the job for the lane. */
static void set_up_shared_job(struct rotai_shared_job *job,
			      struct rota_pool *pool, enum rota_lane lane)
{
	job->pool = pool;
	job->lane = lane;
	job->item = (struct rotai_item){
		.run = run_shared_job,
		.ended = shared_job_ended,
		.lane = (uint8_t)lane,
		.state = ROTAI_ITEM_PUBLISHED,
		.flags = ROTAI_ITEM_DETACHABLE,
	};
}

/* With the lock held: a job in flight that equals @job; if there is none, @job,
 * which others can join from now on. */
static struct rotai_shared_job *find_or_add(struct rotai_shared_job *job)
{
	struct rota_link *list =
		&job->pool->shared[job->hash % ROTAI_SHARED_LISTS];
	struct rota_link *at;

	for (at = list->next; at != list; at = at->next) {
		struct rotai_shared_job *other =
			rota_container_of(at, struct rotai_shared_job, link);

		if (other->hash == job->hash && other->lane == job->lane &&
		    other->class_ == job->class_ &&
		    job->class_->equals(other, job))
			return other;
	}
	rotai_list_append(list, &job->link);
	return job;
}

/* Without threads, the loop does the job: nobody can join it. */
static void run_here(struct rotai_item *item)
{
	struct rotai_shared_job *job = waiter_of(item)->job;

	job->class_->run(job);
}

void rotai_shared_wait(struct rotai_waiter *waiter, struct rota_loop *loop,
		       enum rota_lane lane, struct rotai_shared_job *job,
		       rotai_item_ended_fn *ended)
{
	struct rotai_pool_client *client = rotai_pool_client_get(loop);
	struct rota_pool *pool = client->pool;
	struct rotai_shared_job *joined;

	waiter->job = job;
	if (!rotai_lane_has_threads(&pool->lanes[lane])) {
		job->pool = NULL;
		rotai_item_queue(&waiter->item, loop, lane, run_here, ended);
		return;
	}
	waiter->item = (struct rotai_item){ .ended = ended,
					    .client = client,
					    .lane = (uint8_t)lane };
	rotai_pool_client_join(client, &waiter->item);
	set_up_shared_job(job, pool, lane);
	pthread_mutex_lock(&pool->shared_lock);
	joined = find_or_add(job);
	waiter->job = joined;
	rotai_counted_ref(&joined->counted); /* (6) */
	rotai_list_append(&joined->waiters, &waiter->item.link);
	pthread_mutex_unlock(&pool->shared_lock);
	if (joined == job)
		publish_shared_job(job); /* (5) */
	else
		rotai_counted_unref(&job->counted);
}

void rotai_shared_drop(struct rotai_waiter *waiter)
{
	struct rotai_shared_job *job = waiter->job;

	waiter->job = NULL;
	rotai_counted_unref(&job->counted);
}

/* Nobody waits for @job any more, and no thread had begun it: take it back from
 * the lane, unless a thread claims it first. (3) */
static void withdraw(struct rotai_shared_job *job)
{
	if (rotai_lane_take_back(&job->pool->lanes[job->lane], &job->item))
		rotai_counted_unref(&job->counted); /* (6) */
}

static int leave_shared_job(struct rotai_waiter *waiter)
{
	struct rotai_shared_job *job = waiter->job;
	int is_waiting;
	int is_last = 0;

	pthread_mutex_lock(&job->pool->shared_lock);
	is_waiting = waiter->item.state == ROTAI_ITEM_PUBLISHED;
	if (is_waiting) {
		rotai_list_remove(&waiter->item.link);
		is_last = !job->begun && rotai_list_is_empty(&job->waiters);
		if (is_last)
			rotai_list_remove(&job->link);
	}
	pthread_mutex_unlock(&job->pool->shared_lock);
	if (!is_waiting)
		return ROTA_EALREADY;
	rotai_pool_client_count_out(waiter->item.client);
	if (is_last)
		withdraw(job);
	return 0;
}

int rotai_shared_leave(struct rotai_waiter *waiter)
{
	int error = waiter->job->pool != NULL
			    ? leave_shared_job(waiter)
			    : rotai_item_cancel(&waiter->item);

	if (error == 0)
		rotai_shared_drop(waiter);
	return error == 0 ? 0 : ROTA_EALREADY;
}

void rotai_shared_forked(struct rotai_waiter *waiter)
{
	struct rotai_shared_job *job = waiter->job;
	uint32_t left = __atomic_sub_fetch(&job->counted.references, 1,
					   __ATOMIC_ACQ_REL);

	waiter->job = NULL;
	/* No lane will ever drop its reference. (6) */
	if (left == 0 || (left == 1 && job->pool != NULL && !job->begun))
		job->class_->free(job);
}

int rotai_shared_cancel(struct rotai_waiter *waiter,
			struct rota_request *request, int status, int *late)
{
	int error = rotai_shared_leave(waiter);

	if (error == 0)
		rotai_request_finish(request, status);
	else if (status == ROTA_ETIMEDOUT)
		*late = 1;
	return error;
}
