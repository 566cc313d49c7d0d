/*
 * tests/support/semaphore.h - a counting semaphore in memory, which POSIX has
 * but macOS lacks.
 */
#ifndef TESTS_SUPPORT_SEMAPHORE_H
#define TESTS_SUPPORT_SEMAPHORE_H

#include <pthread.h>

struct semaphore {
	pthread_mutex_t lock;
	pthread_cond_t raised;
	unsigned count;
};

static inline void semaphore_init(struct semaphore *semaphore)
{
	pthread_mutex_init(&semaphore->lock, NULL);
	pthread_cond_init(&semaphore->raised, NULL);
	semaphore->count = 0;
}

static inline void semaphore_destroy(struct semaphore *semaphore)
{
	pthread_cond_destroy(&semaphore->raised);
	pthread_mutex_destroy(&semaphore->lock);
}

static inline void semaphore_post(struct semaphore *semaphore)
{
	pthread_mutex_lock(&semaphore->lock);
	semaphore->count++;
	pthread_cond_signal(&semaphore->raised);
	pthread_mutex_unlock(&semaphore->lock);
}

static inline void semaphore_wait(struct semaphore *semaphore)
{
	pthread_mutex_lock(&semaphore->lock);
	while (semaphore->count == 0)
		pthread_cond_wait(&semaphore->raised, &semaphore->lock);
	semaphore->count--;
	pthread_mutex_unlock(&semaphore->lock);
}

#endif
