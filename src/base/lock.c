/*
 * base/lock.c - see lock.h.
 */
#include "base/lock.h"

#include "base/fork.h"
#include "base/thread.h"

void rotai_lock_take(struct rotai_lock *lock)
{
	uint32_t own = rotai_fork_generation + 1;
	uint32_t holder = 0;
	unsigned tries = 0;

	/* Acquires what the last holder wrote: pairs with the release. */
	while (!__atomic_compare_exchange_n(&lock->holder, &holder, own, 0,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (holder != own)
			continue; /* held in the parent: take it over */
		holder = 0;
		rotai_thread_pause(tries++);
	}
}

void rotai_lock_release(struct rotai_lock *lock)
{
	__atomic_store_n(&lock->holder, 0, __ATOMIC_RELEASE);
}
