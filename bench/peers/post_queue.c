/*
 * post_queue.c - make the queue that accompanies a wake-up.
 */
#include "peers/post_queue.h"

#include <stdlib.h>

#include "support/bench.h"

struct post_job *post_queue_init(struct post_queue *queue, size_t jobs,
				 void *data)
{
	struct post_job *all = calloc(jobs, sizeof(*all));

	if (!all || pthread_mutex_init(&queue->mutex, NULL))
		bench_fail("no memory for jobs");
	queue->first = NULL;
	queue->last = &queue->first;
	for (size_t i = 0; i < jobs; i++)
		all[i].data = data;
	return all;
}

void post_queue_free(struct post_queue *queue, struct post_job *jobs)
{
	pthread_mutex_destroy(&queue->mutex);
	free(jobs);
}
