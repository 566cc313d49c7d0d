/*
 * pool/worker.c - a worker: the memory of a thread of a lane, and the slots
 * with the jobs that it has taken. thread.c has what the thread does.
 *
 *  1. A worker's memory stays with the lane when its thread ends.
 *  2. A slot is filled only with the lane's lock held. The thread that claims
 *     the job in it empties it: lane.c (1).
 */
#include "pool/worker.h"

#include <stdlib.h>

#include "base/image.h"
#include "base/thread.h"
#include "pool/pool.h"

struct rotai_worker *rotai_worker_of(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_worker, link);
}

struct rotai_worker *rotai_worker_of_idle(struct rota_link *link)
{
	return rota_container_of(link, struct rotai_worker, idle);
}

struct rotai_worker *rotai_worker_new(struct rotai_lane *lane)
{
	struct rotai_worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	if (rotai_condition_init(&worker->wake) < 0) {
		free(worker);
		return NULL;
	}
	worker->lane = lane;
	return worker;
}

void rotai_worker_free(struct rotai_worker *worker)
{
	pthread_cond_destroy(&worker->wake);
	free(worker);
}

int rotai_worker_start(struct rotai_worker *worker)
{
	struct rota_pool *pool = worker->lane->pool;
	int error;

	worker->taken = 0;
	worker->begun = 0;
	worker->ended = 0;
	error = rotai_image_enter();
	if (error < 0)
		return error;
	rotai_pool_hold(pool);
	error = rotai_thread_start(worker->lane->body, worker,
				   pool->stack_size);
	if (error < 0) {
		rotai_pool_unhold(pool);
		rotai_image_leave();
	}
	return error;
}

void rotai_worker_count(const struct rotai_worker *worker,
			struct rota_lane_stats *stats)
{
	uint64_t begun = __atomic_load_n(&worker->begun, __ATOMIC_RELAXED);
	uint64_t ended = __atomic_load_n(&worker->ended, __ATOMIC_RELAXED);

	stats->done += ended;
	stats->running += begun - ended;
	for (unsigned i = 0; i < worker->taken; i++)
		stats->queued += rotai_slot_load(&worker->slots[i]) != NULL;
}
