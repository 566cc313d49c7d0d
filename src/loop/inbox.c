/*
 * loop/inbox.c - the way into a loop from other threads, without locks.
 *
 * A stack that any thread pushes to and the loop takes whole, turning it round
 * so that what one thread pushed comes out in its order. One word, head, says
 * all there is to say:
 *
 *     EMPTY      nothing is in, and the loop is awake
 *     ASLEEP     nothing is in, and the loop sleeps, or is about to: whoever
 *                puts the first entry in wakes it
 *     CLOSED     nothing comes in any more
 *     an entry   the newest; each one's next is the one before
 *
 *  1. An entry belongs to whoever claimed it, by changing its next from NULL:
 *     it is never in two places. The loop gives it back, by NULL, before it
 *     calls it.
 *  2. A loop sleeps only after it has changed EMPTY to ASLEEP. So a push finds
 *     either ASLEEP, and wakes it, or it comes first, and the loop does not
 *     sleep. A wake-up may reach a loop that is awake again, or closed: the
 *     poller lives as long as the loop has references.
 *  3. Pushing releases and taking over acquires, so what a thread wrote before
 *     a push is seen by the callback.
 *  4. A task is posted, and an async sent, by setting a flag in its owner, and
 *     pushed by whoever set it. Just before the callback the entry is released
 *     and then the flag cleared. Each side changes the flag by a
 *     read-modify-write, and of two such one sees what came before the other:
 *     who finds it set may rely on a callback that sees what was written
 *     before. With next alone, which a failed claim only reads, a post could
 *     see the entry queued while the callback sees the old data. Two
 *     exceptions: the one who set it may be refused, the loop being closed or
 *     shut down, or find that the loop's own thread has queued the task as a
 *     tick or an immediate; whoever joined him shares his fate.
 *
 * tests/model/ has a model of this, whose interleavings are tried to the last.
 */
#include "loop/inbox.h"

#include "loop/loop.h"
#include "rota/async.h"
#include "rota/task.h"

struct rota_entry rotai_inbox_asleep;
struct rota_entry rotai_inbox_closed;

#define EMPTY  ((struct rota_entry *)NULL)
#define ASLEEP (&rotai_inbox_asleep)
#define CLOSED (&rotai_inbox_closed)

void rotai_inbox_init(struct rotai_inbox *inbox)
{
	inbox->head = EMPTY;
	inbox->references = 1;
	inbox->fork_generation = rotai_fork_generation;
	inbox->refuses = 0;
}

int rotai_inbox_push(struct rota_loop *loop, struct rota_entry *entry)
{
	struct rotai_inbox *inbox = &loop->inbox;
	struct rota_entry *head;
	struct rota_entry *below;
	int error = rotai_loop_inherited(loop);

	/* What the library itself has under way is part of the shutdown. */
	if (error == 0 && __atomic_load_n(&inbox->refuses, __ATOMIC_RELAXED) &&
	    !rotai_entry_has(entry, ROTAI_ENTRY_OWN))
		error = ROTA_ESHUTDOWN;
	head = __atomic_load_n(&inbox->head, __ATOMIC_RELAXED);
	do {
		if (head == CLOSED)
			error = ROTA_ESHUTDOWN;
		if (error < 0) {
			rotai_entry_release(entry);
			return error;
		}
		below = head == EMPTY || head == ASLEEP ? &rotai_entry_end
							: head;
		__atomic_store_n(&entry->next, below, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&inbox->head, &head, entry, 1,
					      __ATOMIC_RELEASE, /* (3) */
					      __ATOMIC_RELAXED));
	if (head == ASLEEP)
		loop->ops->wake(loop->poller); /* (2) */
	return 0;
}

int rotai_inbox_refuses(const struct rotai_inbox *inbox)
{
	return __atomic_load_n(&inbox->refuses, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&inbox->head, __ATOMIC_RELAXED) == CLOSED;
}

/* What came in is queued now, which only checked builds keep a note of. They do
 * not of a post itself: a signal handler may make it. */
static void note(struct rota_loop *loop, struct rota_entry *entry,
		 const struct rota_entry *below)
{
	(void)loop;
	(void)below;
	if (rotai_entry_has(entry, ROTAI_ENTRY_ASYNC))
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_NODE, "async",
				 rota_container_of(entry, struct rota_async,
						   internal.entry),
				 entry, loop, &entry->owner);
	else
		ROTAI_LIVE_BEGIN(ROTAI_LIVE_TASK, "task",
				 rota_container_of(entry, struct rota_task,
						   internal.entry),
				 entry, loop, &entry->owner);
	ROTAI_WHEN_WATCHFUL(if (below == NULL) rotai_registry_fail(entry));
}

void rotai_inbox_take_over(struct rota_loop *loop)
{
	struct rotai_queue *posts = &loop->posts;
	struct rota_entry *first = &rotai_entry_end;
	struct rota_entry *last;
	struct rota_entry *at;

	if (rotai_inbox_is_empty(&loop->inbox))
		return;
	at = __atomic_exchange_n(&loop->inbox.head, EMPTY,
				 __ATOMIC_ACQUIRE); /* (3) */
	last = at;
	while (at != &rotai_entry_end) {
		struct rota_entry *below = rotai_entry_next(at);

		__atomic_store_n(&at->next, first, __ATOMIC_RELAXED);
		first = at;
		at = below;
		note(loop, first, at);
		/* An async keeps the loop open by itself, while started. */
		if (!rotai_entry_has(first, ROTAI_ENTRY_ASYNC))
			rotai_loop_hold(
				loop, !rotai_entry_has(
					      first, ROTAI_ENTRY_UNREFERENCED));
		loop->stats.posts++;
	}
	if (rotai_queue_is_empty(posts))
		posts->first = first;
	else
		__atomic_store_n(&posts->last->next, first, __ATOMIC_RELAXED);
	posts->last = last;
}

int rotai_inbox_fall_asleep(struct rota_loop *loop)
{
	struct rota_entry *head = EMPTY;

	return __atomic_compare_exchange_n(&loop->inbox.head, &head, ASLEEP, 0,
					   __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED) ||
	       head == ASLEEP;
}

void rotai_inbox_wake_up(struct rota_loop *loop)
{
	struct rota_entry *head = ASLEEP;

	if (__atomic_load_n(&loop->inbox.head, __ATOMIC_RELAXED) == ASLEEP)
		(void)__atomic_compare_exchange_n(&loop->inbox.head, &head,
						  EMPTY, 0, __ATOMIC_RELAXED,
						  __ATOMIC_RELAXED);
}

int rotai_inbox_close(struct rotai_inbox *inbox)
{
	struct rota_entry *head = EMPTY;

	if (__atomic_compare_exchange_n(&inbox->head, &head, CLOSED, 0,
					__ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return 1;
	return head == ASLEEP &&
	       __atomic_compare_exchange_n(&inbox->head, &head, CLOSED, 0,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
