/*
 * peers/post_queue.h - the queue that a program adds to its loop's wake-up if
 * no call may be lost: a list and a mutex.
 *
 * The loop takes the whole list, so only a thread that finds it empty must wake
 * the loop. That saves the other posts the price of the wake-up.
 */
#ifndef BENCH_PEERS_POST_QUEUE_H
#define BENCH_PEERS_POST_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct post_job {
	struct post_job *next;
	void (*fn)(struct post_job *job);
	void *data;
};

struct post_queue {
	pthread_mutex_t mutex;
	struct post_job *first;
	struct post_job **last;
};

/* Initialize @queue, and make as many jobs as the load has tasks, in one array:
 * those of the first producer come first. */
struct post_job *post_queue_init(struct post_queue *queue, size_t jobs,
				 void *data);
void post_queue_free(struct post_queue *queue, struct post_job *jobs);

/* Returns whether the caller must wake the loop. */
static inline bool post_queue_put(struct post_queue *queue,
				  struct post_job *job,
				  void (*fn)(struct post_job *job))
{
	bool was_empty;

	job->fn = fn;
	job->next = NULL;
	pthread_mutex_lock(&queue->mutex);
	was_empty = !queue->first;
	*queue->last = job;
	queue->last = &job->next;
	pthread_mutex_unlock(&queue->mutex);
	return was_empty;
}

/* Call all jobs that are queued. */
static inline void post_queue_run(struct post_queue *queue)
{
	struct post_job *job;

	pthread_mutex_lock(&queue->mutex);
	job = queue->first;
	queue->first = NULL;
	queue->last = &queue->first;
	pthread_mutex_unlock(&queue->mutex);

	while (job) {
		struct post_job *next = job->next;

		job->fn(job);
		job = next;
	}
}

#endif
