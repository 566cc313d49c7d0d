/*
 * base/lock.h - a lock that a forked child need not fear: one that a thread of
 * the parent held at the fork is free in the child.
 *
 * For what is short and rare: a thread that finds the lock held yields the
 * processor and tries again. rotai_fork_observe() must have succeeded before.
 * What the lock guards may be half changed in a child, if a thread of the
 * parent was at it: who uses it must be fit for that.
 */
#ifndef ROTAI_BASE_LOCK_H
#define ROTAI_BASE_LOCK_H

#include <stdint.h>

/* 0: free. Else 1 more than the generation of the process whose thread holds
 * it. */
struct rotai_lock {
	uint32_t holder;
};

void rotai_lock_take(struct rotai_lock *lock);
void rotai_lock_release(struct rotai_lock *lock);

#endif
