/*
 * pool/thread.h - what a thread of a pool does.
 */
#ifndef ROTAI_POOL_THREAD_H
#define ROTAI_POOL_THREAD_H

/* The function that a thread runs. @arg is its struct rotai_worker. */
void *rotai_pool_thread(void *arg);

#endif
