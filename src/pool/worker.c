/*
 * pool/worker.c - a worker: the memory of a thread of a lane, and the slots
 * with the jobs that it has taken. thread.c has what the thread does.
 *
 *  1. A worker's memory stays with the lane when its thread ends.
 *  2. A slot is filled only with the lane's lock held. The thread that claims
 *     the job in it empties it: lane.c (1).
 *  3. If the pool records waits, the counts are behind the worker, in the same
 *     block.
 */
#include "pool/worker.h"

#include <stdlib.h>
#include <string.h>

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

struct rotai_worker *rotai_worker_new(struct rotai_lane *lane, unsigned index)
{
	struct rotai_worker *worker;
	size_t size = sizeof(*worker);

	if (lane->pool->records)
		size += sizeof(*worker->waits); /* (3) */
	worker = calloc(1, size);
	if (worker == NULL)
		return NULL;
	if (lane->pool->records)
		worker->waits = (struct rotai_waits *)(worker + 1);
	worker->index = index;
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
	worker->dismissed = 0;
	if (worker->waits != NULL)
		memset(worker->waits, 0, sizeof(*worker->waits));
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
	for (int i = 0; worker->waits != NULL && i < ROTA_WAIT_BUCKETS; i++)
		stats->waits[i] += __atomic_load_n(&worker->waits->counts[i],
						   __ATOMIC_RELAXED);
}

void rotai_worker_retire(struct rotai_worker *worker)
{
	struct rotai_lane *lane = worker->lane;

	lane->done += worker->ended;
	for (int i = 0; worker->waits != NULL && i < ROTA_WAIT_BUCKETS; i++)
		lane->waits[i] += worker->waits->counts[i];
}

/* Which of the counts is for a wait of so many units. */
static int bucket_of(uint32_t wait)
{
	int bucket = 0;

	for (; wait > 0 && bucket < ROTA_WAIT_BUCKETS - 1; wait >>= 1)
		bucket++;
	return bucket;
}

void rotai_worker_note_wait(struct rotai_worker *worker,
			    const struct rotai_item *item)
{
	uint64_t *count =
		&worker->waits
			 ->counts[bucket_of(rotai_wait_now() - item->since)];

	__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

void rotai_worker_note_taken(struct rotai_worker *worker)
{
	for (unsigned i = 0; i < worker->taken; i++) {
		const struct rotai_item *item =
			rotai_slot_load(&worker->slots[i]);

		if (item != NULL)
			worker->waits->since[i] = item->since;
	}
}

uint32_t rotai_worker_wait(const struct rotai_worker *worker, uint32_t now)
{
	for (unsigned i = 0; i < worker->taken; i++)
		if (rotai_slot_load(&worker->slots[i]) != NULL)
			return now - worker->waits->since[i];
	return 0;
}

/* Append the digits of @number to the name that ends at @at. */
static char *append_number(char *at, unsigned number)
{
	if (number >= 10)
		at = append_number(at, number / 10);
	*at = (char)('0' + number % 10);
	return at + 1;
}

void rotai_worker_set_name(const struct rotai_worker *worker)
{
	enum { LONGEST = 15, DIGITS = 10 };
	const char *prefix = worker->lane->pool->prefix;
	const char *name = worker->lane->name;
	char end[16 + DIGITS];
	char whole[LONGEST + 1];
	size_t end_size = strlen(name);
	size_t size = strlen(prefix);

	memcpy(end, name, end_size);
	end_size = (size_t)(append_number(end + end_size, worker->index) - end);
	if (end_size > LONGEST)
		end_size = LONGEST;
	if (size > LONGEST - end_size)
		size = LONGEST - end_size;
	memcpy(whole, prefix, size);
	memcpy(whole + size, end, end_size);
	whole[size + end_size] = '\0';
	rotai_thread_set_name(whole);
}
