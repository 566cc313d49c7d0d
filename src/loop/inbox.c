/*
 * loop/inbox.c - the lock-free queue through which other threads reach a loop.
 *
 * It is a stack that any thread pushes to. The loop takes the whole stack and
 * reverses it, so that the entries of one thread come out in the order in which
 * it pushed them. One word, head, holds the whole state:
 *
 *     EMPTY      the inbox is empty, and the loop is awake
 *     ASLEEP     the inbox is empty, and the loop sleeps, or is about to: the
 *                thread that pushes the first entry wakes it
 *     CLOSED     the inbox accepts nothing any more
 *     an entry   the newest; the next of each one is the entry before it
 *
 *  1. An entry belongs to the thread that claimed it, by a flag in its owner,
 *     so it is never in two queues. The loop releases it before it calls it.
 *  2. A loop sleeps only after it has changed EMPTY to ASLEEP. A push either
 *     finds ASLEEP, and wakes the loop; or it comes before the change, and the
 *     loop does not sleep. A wake-up may reach a loop that is awake again, or
 *     closed: the poller exists as long as the loop has references.
 *  3. A push releases, and taking over acquires. So the callback sees what a
 *     thread wrote before its push.
 *  4. A claim that fails has found the entry posted or sent. The callback that
 *     is still to come must then see what the thread wrote before its claim. So
 *     claims, failed ones too, and releases change owner by a read-modify-write
 *     operation, and each acquires what the one before has released. A claim
 *     either comes before the release, and the callback sees what was written
 *     before the claim; or it comes after the release, and succeeds. A claim
 *     that only read the flag could see the entry queued while the callback
 *     sees the old data.
 *     There are two exceptions. The thread that holds the claim may be refused,
 *     because the loop is closed or shut down. Then those whose claims failed
 *     meanwhile are refused as well, and get no error. And the loop's own
 *     thread may have queued the task, as a tick or an immediate. It releases
 *     such a task by a plain store.
 *  5. The oldest entry's next is the state that head had before the push.
 *  6. The system call that wakes the loop is a cancellation point. A thread
 *     that ended there would have pushed its entry and woken nobody, so
 *     cancellation is off meanwhile.
 *
 * tests/model/ has a model of this, and tries all its interleavings.
 */
#include "loop/inbox.h"

#include "base/thread.h"
#include "loop/loop.h"
#include "rota/async.h"
#include "rota/task.h"

#define EMPTY  ((uintptr_t)ROTAI_INBOX_EMPTY)
#define ASLEEP ((uintptr_t)ROTAI_INBOX_ASLEEP)
#define CLOSED ((uintptr_t)ROTAI_INBOX_CLOSED)

void rotai_inbox_init(struct rotai_inbox *inbox)
{
	inbox->head = EMPTY;
	inbox->references = 1;
	inbox->refuses = 0;
	rotai_inbox_adopt(inbox);
}

void rotai_inbox_adopt(struct rotai_inbox *inbox)
{
	inbox->fork_generation = rotai_fork_generation;
	rotai_inbox_refuse(inbox, inbox->refuses);
}

/* ~generation is not the generation of any process that could post. */
void rotai_inbox_refuse(struct rotai_inbox *inbox, int refuses)
{
	uint32_t generation = inbox->fork_generation;

	__atomic_store_n(&inbox->refuses, (uint8_t)(refuses != 0),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&inbox->admits, refuses ? ~generation : generation,
			 __ATOMIC_RELAXED);
}

/* (2), (6) */
static __attribute__((noinline)) void wake_loop(struct rota_loop *loop)
{
	int cancel = rotai_thread_disable_cancel();

	loop->ops->wake(loop->poller);
	rotai_thread_restore_cancel(cancel);
}

int rotai_inbox_push(struct rota_loop *loop, struct rota_entry *newest,
		     struct rota_entry *oldest)
{
	struct rotai_inbox *inbox = &loop->inbox;
	uintptr_t head = __atomic_load_n(&inbox->head, __ATOMIC_RELAXED);
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error;
	/* The library's own entries are accepted: the shutdown waits for
	 * them. */
	if (__atomic_load_n(&inbox->refuses, __ATOMIC_RELAXED) &&
	    !rotai_entry_has(newest, ROTAI_ENTRY_OWN))
		return ROTA_ESHUTDOWN;
	do {
		if (head == CLOSED)
			return ROTA_ESHUTDOWN;
		__atomic_store_n(&oldest->next, (struct rota_entry *)head,
				 __ATOMIC_RELAXED); /* (5) */
	} while (!__atomic_compare_exchange_n(&inbox->head, &head,
					      (uintptr_t)newest, 1,
					      __ATOMIC_RELEASE, /* (3) */
					      __ATOMIC_RELAXED));
	if (head == ASLEEP)
		wake_loop(loop);
	return 0;
}

int rotai_inbox_refuses(const struct rotai_inbox *inbox)
{
	return __atomic_load_n(&inbox->refuses, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) == CLOSED;
}

/* Register what came in as queued, in checked builds. A post itself is not
 * registered, because a signal handler may make it. An entry that was
 * initialised again since then has lost its claim. */
static inline void note_entry(struct rota_loop *loop, struct rota_entry *entry)
{
	(void)loop;
	(void)entry;
	ROTAI_WHEN_WATCHFUL(
		if (rotai_entry_has(entry, ROTAI_ENTRY_ASYNC)) ROTAI_LIVE_BEGIN(
			ROTAI_LIVE_NODE, "async",
			rota_container_of(entry, struct rota_async,
					  internal.entry),
			entry, loop, &entry->owner);
		else ROTAI_LIVE_BEGIN(ROTAI_LIVE_TASK, "task",
				      rota_container_of(entry, struct rota_task,
							internal.entry),
				      entry, loop, &entry->owner);
		if (!rotai_entry_has(entry, ROTAI_ENTRY_QUEUED))
			rotai_registry_fail(entry));
}

/* Tasks keep the loop open and alive from now on. An async does that by itself,
 * while it is started. */
static void hold_for_entries(struct rota_loop *loop, uint64_t count,
			     uint64_t asyncs, uint64_t unreferenced)
{
	ROTA_CHECK(rotai_loop_is_on_thread(loop));
	loop->open += count - asyncs;
	loop->alive += count - asyncs - unreferenced;
	loop->stats.posts += count;
}

/* Reverse the stack whose newest entry is @at. Returns its oldest. */
static struct rota_entry *turn_round(struct rota_loop *loop,
				     struct rota_entry *at)
{
	struct rota_entry *first = &rotai_entry_end;
	uint64_t count = 0, asyncs = 0, unreferenced = 0;

	do {
		struct rota_entry *below = rotai_entry_next(at);
		uintptr_t owner = rotai_entry_owner(at);

		if (ROTAI_UNLIKELY(owner & (ROTAI_ENTRY_ASYNC |
					    ROTAI_ENTRY_UNREFERENCED))) {
			asyncs += (owner & ROTAI_ENTRY_ASYNC) != 0;
			unreferenced += (owner & ROTAI_ENTRY_ASYNC) == 0;
		}
		__atomic_store_n(&at->next, first, __ATOMIC_RELAXED);
		first = at;
		at = below;
		note_entry(loop, first);
		count++;
	} while ((uintptr_t)at >= ROTAI_INBOX_STATES); /* (5) */
	hold_for_entries(loop, count, asyncs, unreferenced);
	return first;
}

void rotai_inbox_take_over(struct rota_loop *loop)
{
	struct rotai_queue *posts = &loop->posts;
	struct rota_entry *first;
	struct rota_entry *last;

	if (rotai_inbox_is_empty(&loop->inbox))
		return;
	last = (struct rota_entry *)__atomic_exchange_n(
		&loop->inbox.head, EMPTY, __ATOMIC_ACQUIRE); /* (3) */
	first = turn_round(loop, last);
	if (rotai_queue_is_empty(posts))
		posts->first = first;
	else
		__atomic_store_n(&posts->last->next, first, __ATOMIC_RELAXED);
	posts->last = last;
}

int rotai_inbox_fall_asleep(struct rota_loop *loop)
{
	uintptr_t head = EMPTY;

	return __atomic_compare_exchange_n(&loop->inbox.head, &head, ASLEEP, 0,
					   __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       head == ASLEEP;
}

void rotai_inbox_wake_up(struct rota_loop *loop)
{
	uintptr_t head = ASLEEP;

	if (__atomic_load_n(&loop->inbox.head, __ATOMIC_RELAXED) == ASLEEP)
		(void)__atomic_compare_exchange_n(&loop->inbox.head, &head,
						  EMPTY, 0, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED);
}

int rotai_inbox_close(struct rotai_inbox *inbox)
{
	uintptr_t head = EMPTY;

	if (__atomic_compare_exchange_n(&inbox->head, &head, CLOSED, 0,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return 1;
	return head == ASLEEP &&
	       __atomic_compare_exchange_n(&inbox->head, &head, CLOSED, 0,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
