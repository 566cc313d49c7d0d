/*
 * loop/task.c - ticks, microtasks, immediates and posts.
 *
 *  1. A task is claimed before it is queued, so that two threads cannot both
 *     queue it, and released before it is called, so that its callback, and
 *     any thread from then on, can queue it again.
 *  2. A queued task holds the loop, but for one that is still in the inbox:
 *     it does from when the loop's thread takes that over.
 *  3. drain_due says that the end of a callback is to drain ticks and
 *     microtasks. It is never set together with drain_deferred.
 */
#include "rota/task.h"

#include "loop/callback.h"
#include "loop/loop.h"
#include "loop/task.h"

static struct rota_task *task_of(struct rota_entry *entry)
{
	return rota_container_of(entry, struct rota_task, internal.entry);
}

static void set_flags(struct rota_entry *entry, unsigned clear, unsigned set)
{
	uintptr_t owner = rotai_entry_owner(entry);

	/* Only the loop's thread writes: no other update can be lost. */
	__atomic_store_n(&entry->owner, (owner & ~(uintptr_t)clear) | set,
			 __ATOMIC_RELAXED);
}

static int is_referenced(const struct rota_entry *entry)
{
	return !rotai_entry_has(entry, ROTAI_ENTRY_UNREFERENCED);
}

static int is_queued(const struct rota_entry *entry)
{
	return rotai_entry_next(entry) != NULL;
}

void rota_task_init(struct rota_task *task, struct rota_loop *loop)
{
	task->internal.entry.next = NULL;
	task->internal.entry.owner = (uintptr_t)loop;
	task->internal.fn = NULL;
}

static int queue_here(struct rota_task *task, rota_task_fn *fn,
		      struct rotai_queue *queue, unsigned flag)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	if (!rotai_entry_claim(entry)) /* (1) */
		return ROTA_EALREADY;
	task->internal.fn = fn;
	set_flags(entry, 0, flag);
	rotai_loop_hold(loop, is_referenced(entry)); /* (2) */
	rotai_queue_append(queue, entry);
	return 0;
}

int rota_task_next_tick(struct rota_task *task, rota_task_fn *fn)
{
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);
	int status = queue_here(task, fn, &loop->ticks, ROTAI_ENTRY_TICK);

	if (status == 0)
		loop->drain_due = !loop->drain_deferred; /* (3) */
	return status;
}

int rota_task_microtask(struct rota_task *task, rota_task_fn *fn)
{
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);
	int status =
		queue_here(task, fn, &loop->microtasks, ROTAI_ENTRY_MICROTASK);

	if (status == 0)
		loop->drain_due = !loop->drain_deferred; /* (3) */
	return status;
}

int rota_task_immediate(struct rota_task *task, rota_task_fn *fn)
{
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);

	return queue_here(task, fn, &loop->immediates, ROTAI_ENTRY_IMMEDIATE);
}

int rota_task_post(struct rota_task *task, rota_task_fn *fn)
{
	struct rota_entry *entry = &task->internal.entry;

	if (fn == NULL)
		return ROTA_EINVAL;
	if (!rotai_entry_claim(entry)) /* (1) */
		return ROTA_EALREADY;
	task->internal.fn = fn;
	return rotai_inbox_push(rotai_entry_loop(entry), entry);
}

static int remove_from_queue(struct rota_loop *loop, struct rota_entry *entry)
{
	switch (rotai_entry_owner(entry) & ROTAI_ENTRY_QUEUE) {
	case ROTAI_ENTRY_TICK:
		return rotai_queue_remove(&loop->ticks, entry);
	case ROTAI_ENTRY_MICROTASK:
		return rotai_queue_remove(&loop->microtasks, entry);
	case ROTAI_ENTRY_IMMEDIATE:
		return rotai_queue_remove(&loop->immediates, entry) ||
		       rotai_queue_remove(&loop->taken, entry);
	default:
		return rotai_queue_remove(&loop->posts, entry) ||
		       rotai_queue_remove(&loop->taken, entry);
	}
}

int rota_task_cancel(struct rota_task *task)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);
	int error = rotai_loop_inherited(loop);

	if (error < 0)
		return error;
	rotai_inbox_take_over(loop);
	if (!is_queued(entry) || !remove_from_queue(loop, entry))
		return ROTA_ENOENT;
	rotai_loop_release(loop, is_referenced(entry));
	set_flags(entry, ROTAI_ENTRY_QUEUE, 0);
	rotai_entry_release(entry);
	return 0;
}

int rota_task_is_queued(const struct rota_task *task)
{
	return is_queued(&task->internal.entry);
}

static void set_referenced(struct rota_task *task, int referenced)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);
	unsigned flag = ROTAI_ENTRY_UNREFERENCED;

	rotai_inbox_take_over(loop); /* so that (2) is settled */
	if (is_queued(entry)) {
		rotai_loop_release(loop, is_referenced(entry));
		rotai_loop_hold(loop, referenced);
	}
	set_flags(entry, flag, referenced ? 0 : flag);
}

void rota_task_ref(struct rota_task *task)
{
	set_referenced(task, 1);
}

void rota_task_unref(struct rota_task *task)
{
	set_referenced(task, 0);
}

int rota_task_has_ref(const struct rota_task *task)
{
	return is_referenced(&task->internal.entry);
}

/* Let the task go, and call it; the end of the callback is the caller's. */
static struct rota_task *begin_call(struct rota_loop *loop,
				    struct rota_entry *entry)
{
	struct rota_task *task = task_of(entry);
	rota_task_fn *fn = task->internal.fn;

	rotai_loop_release(loop, is_referenced(entry));
	set_flags(entry, ROTAI_ENTRY_QUEUE, 0);
	rotai_entry_release(entry); /* (1) */
	rotai_callback_begin(loop, "task", NULL, task);
	fn(task);
	return task;
}

void rotai_task_call(struct rota_loop *loop, struct rota_entry *entry)
{
	rotai_callback_end(loop, "task", begin_call(loop, entry));
}

void rotai_immediates_take(struct rota_loop *loop)
{
	rotai_queue_prepend(&loop->taken, &loop->immediates);
}

void rotai_immediates_run(struct rota_loop *loop)
{
	struct rota_entry *entry;

	while ((entry = rotai_queue_take_first(&loop->taken)) != NULL)
		rotai_task_call(loop, entry);
}

/* Run @queue to its end: how much is left of the budget @left. It ends at 0;
 * one that began at 0 wraps, and has no end. */
static uint64_t drain(struct rota_loop *loop, struct rotai_queue *queue,
		      uint64_t left)
{
	struct rota_entry *entry;

	while ((entry = rotai_queue_take_first(queue)) != NULL) {
		rotai_callback_count(loop, "task", begin_call(loop, entry));
		if (--left == 0)
			break;
	}
	return left;
}

void rotai_ticks_drain(struct rota_loop *loop)
{
	uint64_t left = loop->tick_budget;
	int limited = left != 0;

	do {
		left = drain(loop, &loop->ticks, left);
		if (left != 0 || !limited)
			left = drain(loop, &loop->microtasks, left);
	} while ((left != 0 || !limited) &&
		 !rotai_queue_is_empty(&loop->ticks));

	loop->drain_due = 0;
	loop->drain_deferred = !rotai_queue_is_empty(&loop->ticks) ||
			       !rotai_queue_is_empty(&loop->microtasks);
	loop->stats.tick_deferrals += loop->drain_deferred;
}

void rotai_ticks_run_deferred(struct rota_loop *loop)
{
	if (!loop->drain_deferred)
		return;
	loop->drain_deferred = 0;
	rotai_ticks_drain(loop);
}
