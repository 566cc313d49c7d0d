/*
 * pool/create.c - makes a pool from its options.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "base/sized.h"
#include "base/thread.h"
#include "pool/pool.h"
#include "pool/thread.h"
#include "rota/error.h"
#include "rota/loop.h"

/* The first version of the struct ended with spin_ns. */
enum {
	LEAST_POOL_OPTIONS =
		ROTAI_SIZE_UP_TO(struct rota_pool_options, spin_ns),
};

ROTAI_SIZED(struct rota_pool_options, thread_prefix);

/* Arrays inside structs cannot grow, so these have spare elements. */
_Static_assert(sizeof(struct rota_lane_options) == 8 * sizeof(unsigned) &&
		       (int)ROTA_LANE_COUNT <= (int)ROTA_LANE_ROOM,
	       "the lanes of struct rota_pool_options keep their places");

enum { IO_THREADS = 4, BLOCKING_THREADS = 16 };

static const uint64_t IDLE_NS = ROTA_SEC(10);
static const uint64_t LONGEST_SPIN_NS = ROTA_MSEC(1);

void rota_pool_options_init_size(struct rota_pool_options *options, size_t size)
{
	const unsigned processors = rotai_thread_processors();
	const struct rota_pool_options defaults = {
		.lanes = {
			[ROTA_LANE_IO] = { 0, IO_THREADS, { 0 } },
			[ROTA_LANE_BLOCKING] = { 0, BLOCKING_THREADS, { 0 } },
			[ROTA_LANE_CPU] = { 0, processors, { 0 } },
		},
		.idle_ns = IDLE_NS,
	};

	options->size = size;
	(void)rotai_sized_give(options, sizeof(size), &defaults,
			       sizeof(defaults));
}

/* Check the options of a lane. A lane that this version does not know (@known
 * is 0) must have no threads. */
static int check_lane(const struct rota_lane_options *lane, int known)
{
	if (lane->min_threads > lane->max_threads ||
	    (!known && lane->max_threads > 0))
		return ROTA_EINVAL;
	for (size_t i = 0; i < sizeof(lane->reserved) / sizeof(unsigned); i++)
		if (lane->reserved[i] != 0)
			return ROTA_EINVAL;
	return 0;
}

static int check_pool_options(const struct rota_pool_options *options)
{
	for (int i = 0; i < ROTA_LANE_ROOM; i++)
		if (check_lane(&options->lanes[i], i < ROTA_LANE_COUNT) < 0)
			return ROTA_EINVAL;
	if (options->spin_ns > LONGEST_SPIN_NS || options->record_waits > 1 ||
	    memchr(options->thread_prefix, '\0',
		   sizeof(options->thread_prefix)) == NULL)
		return ROTA_EINVAL;
	return rotai_thread_check_stack(options->stack_size);
}

/* Set all members of @options, even if @given is NULL or of an earlier
 * version. */
static int complete_pool_options(struct rota_pool_options *options,
				 const struct rota_pool_options *given)
{
	int error = 0;

	rota_pool_options_init(options);
	if (given != NULL)
		error = rotai_sized_take(options, sizeof(*options), given,
					 LEAST_POOL_OPTIONS);
	return error < 0 ? error : check_pool_options(options);
}

int rota_pool_new(struct rota_pool **pool,
		  const struct rota_pool_options *options)
{
	struct rota_pool_options all;
	struct rota_pool *made;
	int error;

	if (pool == NULL)
		return ROTA_EINVAL;
	error = complete_pool_options(&all, options);
	if (error == 0)
		error = rotai_fork_observe();
	if (error < 0)
		return error;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return ROTA_ENOMEM;
	error = rotai_pool_init(made, &all, rotai_pool_thread);
	if (error < 0) {
		free(made);
		return error;
	}
	*pool = made;
	return 0;
}
