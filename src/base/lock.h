/*
 * base/lock.h - a lock that is safe across forks: if another thread of the
 * parent held it at the fork, it is free in the child.
 *
 * It is for short and rare sections: a thread that finds the lock held yields
 * the processor and tries again. rotai_fork_observe() must have succeeded
 * before. If another thread of the parent held the lock at the fork, the data
 * that it protects may be half changed in the child. The code that uses the
 * data has to cope with that.
 */
#ifndef ROTAI_BASE_LOCK_H
#define ROTAI_BASE_LOCK_H

#include <stdint.h>

/* 0: free. Otherwise the fork generation of the holder's process, plus 1. */
struct rotai_lock {
	uint32_t holder;
};

void rotai_lock_take(struct rotai_lock *lock);
void rotai_lock_release(struct rotai_lock *lock);

#endif
