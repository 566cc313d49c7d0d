/*
 * loop/task.c - ticks, microtasks, immediates and posts.
 *
 *  1. A task is claimed before it is queued, so that two threads cannot both
 *     queue it. It is released before it is called, so that its callback, and
 *     any thread from then on, can queue it again.
 *  2. A queued task keeps the loop open, and alive if it is referenced. A task
 *     in the inbox does so only once the loop's thread has taken it over.
 *  3. ROTAI_AFTER_TICKS says that the end of a callback must drain ticks and
 *     microtasks. It is never set together with drain_deferred.
 */
#include "rota/task.h"

#include <limits.h>

#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/task.h"

static struct rota_task *task_of(struct rota_entry *entry)
{
	return rota_container_of(entry, struct rota_task, internal.entry);
}

static int task_is_queued(const struct rota_entry *entry)
{
	return rotai_entry_has(entry, ROTAI_ENTRY_QUEUED);
}

void rota_task_init(struct rota_task *task, struct rota_loop *loop)
{
	ROTAI_LIVE_INIT(&task->internal.entry);
	task->internal.entry.owner = (uintptr_t)loop;
	task->internal.fn = NULL;
}

static int queue_here(struct rota_task *task, rota_task_fn *fn,
		      struct rotai_queue *queue)
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
	ROTAI_LIVE_BEGIN(ROTAI_LIVE_TASK, "task", task, entry, loop,
			 &entry->owner);
	rotai_loop_hold(loop, rotai_entry_is_referenced(entry)); /* (2) */
	rotai_queue_append(queue, entry);
	return 0;
}

/* (3) */
static void want_drain(struct rota_loop *loop)
{
	if (!loop->drain_deferred)
		loop->after |= ROTAI_AFTER_TICKS;
}

int rota_task_next_tick(struct rota_task *task, rota_task_fn *fn)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);
	int status = queue_here(task, fn, &loop->ticks);

	if (status == 0)
		want_drain(loop);
	return status;
}

int rota_task_microtask(struct rota_task *task, rota_task_fn *fn)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);
	int status = queue_here(task, fn, &loop->microtasks);

	if (status == 0)
		want_drain(loop);
	return status;
}

int rota_task_immediate(struct rota_task *task, rota_task_fn *fn)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);

	return queue_here(task, fn, &loop->immediates);
}

/* The rest of a post if the inbox is empty, may refuse it, or was pushed to
 * just now. Not inlined: because this call comes last, rota_task_post() needs
 * no stack frame. */
static __attribute__((noinline)) int post_slowly(struct rota_entry *entry)
{
	int status = rotai_inbox_push(rotai_entry_loop(entry), entry, entry);

	if (status < 0)
		rotai_entry_release(entry);
	return status;
}

int rota_task_post(struct rota_task *task, rota_task_fn *fn)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rotai_inbox *inbox;

	if (fn == NULL)
		return ROTA_EINVAL;
	if (!rotai_entry_claim(entry)) /* (1) */
		return ROTA_EALREADY;
	task->internal.fn = fn;
	inbox = &rotai_entry_loop(entry)->inbox;
	if (ROTAI_LIKELY(rotai_inbox_push_more(inbox, entry, entry)))
		return 0;
	return post_slowly(entry);
}

/* Entries that this thread has claimed for @loop and will push. */
struct chain {
	struct rota_loop *loop;
	struct rota_entry *newest;
	struct rota_entry *oldest;
	int count;
};

static int add_all(struct chain *chain, struct rota_task *const *tasks,
		   size_t count, rota_task_fn *fn)
{
	for (size_t i = 0; i < count; i++) {
		struct rota_entry *entry = &tasks[i]->internal.entry;

		if (rotai_entry_loop(entry) != chain->loop)
			return ROTA_EINVAL;
		if (!rotai_entry_claim(entry)) /* (1) */
			continue;
		tasks[i]->internal.fn = fn;
		__atomic_store_n(&entry->next, chain->newest, __ATOMIC_RELAXED);
		if (chain->count++ == 0)
			chain->oldest = entry;
		chain->newest = entry;
	}
	return 0;
}

static void give_back(const struct chain *chain)
{
	struct rota_entry *entry = chain->newest;

	for (int i = 0; i < chain->count; i++) {
		struct rota_entry *next = rotai_entry_next(entry);

		rotai_entry_release(entry);
		entry = next;
	}
}

int rota_task_post_all(struct rota_task *const *tasks, size_t count,
		       rota_task_fn *fn)
{
	struct chain chain = { .loop = NULL };
	int status;

	if (fn == NULL || count > INT_MAX)
		return ROTA_EINVAL;
	if (count == 0)
		return 0;
	chain.loop = rotai_entry_loop(&tasks[0]->internal.entry);
	status = add_all(&chain, tasks, count, fn);
	if (status == 0 && chain.count > 0)
		status = rotai_inbox_push(chain.loop, chain.newest,
					  chain.oldest);
	if (status < 0) {
		give_back(&chain);
		return status;
	}
	return chain.count;
}

/* The queue of the loop's own thread that contains @entry, or NULL. */
static struct rotai_queue *queue_of(struct rota_loop *loop,
				    const struct rota_entry *entry)
{
	struct rotai_queue *const queues[] = {
		&loop->ticks, &loop->microtasks, &loop->immediates,
		&loop->taken, &loop->posts,
	};

	if (!task_is_queued(entry))
		return NULL;
	for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
		if (rotai_queue_has(queues[i], entry))
			return queues[i];
	return NULL;
}

int rotai_task_cancel(struct rota_task *task)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);
	struct rotai_queue *queue;

	if (loop == NULL)
		return ROTA_ENOENT; /* it was never initialized */
	rotai_inbox_take_over(loop);
	queue = queue_of(loop, entry);
	if (queue == NULL)
		return ROTA_ENOENT;
	(void)rotai_queue_remove(queue, entry);
	ROTAI_LIVE_END(entry);
	rotai_loop_release(loop, rotai_entry_is_referenced(entry));
	rotai_entry_release(entry);
	if (rotai_queue_is_empty(&loop->ticks) &&
	    rotai_queue_is_empty(&loop->microtasks))
		loop->drain_deferred = 0;
	return 0;
}

int rota_task_cancel(struct rota_task *task)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	struct rota_loop *loop = rotai_entry_loop(&task->internal.entry);
	int error = loop == NULL ? 0 : rotai_loop_inherited(loop);

	return error < 0 ? error : rotai_task_cancel(task);
}

int rota_task_is_queued(const struct rota_task *task)
{
	ROTAI_ENTER_LIVE("task", task, &task->internal.entry,
			 rotai_entry_loop(&task->internal.entry));
	return task_is_queued(&task->internal.entry);
}

static void refer_task(struct rota_task *task, int referenced)
{
	struct rota_entry *entry = &task->internal.entry;
	struct rota_loop *loop = rotai_entry_loop(entry);

	if (loop != NULL) {
		rotai_inbox_take_over(loop);
		if (queue_of(loop, entry) != NULL) /* (2) */
			rotai_loop_exchange(loop,
					    rotai_entry_is_referenced(entry),
					    referenced);
	}
	rotai_entry_refer(entry, referenced);
}

void rota_task_ref(struct rota_task *task)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	refer_task(task, 1);
}

void rota_task_unref(struct rota_task *task)
{
	ROTAI_ENTER("task", task, rotai_entry_loop(&task->internal.entry));
	refer_task(task, 0);
}

int rota_task_has_ref(const struct rota_task *task)
{
	ROTAI_ENTER_LIVE("task", task, &task->internal.entry,
			 rotai_entry_loop(&task->internal.entry));
	return rotai_entry_is_referenced(&task->internal.entry);
}

/* Call a task that the loop's own thread had queued. The caller has to end the
 * callback. */
static struct rota_task *call_own(struct rota_loop *loop,
				  struct rota_entry *entry)
{
	struct rota_task *task = task_of(entry);
	rota_task_fn *fn = task->internal.fn;
	uintptr_t owner = rotai_entry_owner(entry);

	ROTAI_LIVE_END(entry);
	rotai_loop_release(loop, !(owner & ROTAI_ENTRY_UNREFERENCED));
	rotai_entry_release_own(entry, owner); /* (1) */
	rotai_callback_begin(loop, "task", NULL, task);
	fn(task);
	return task;
}

void rotai_immediates_call(struct rota_loop *loop)
{
	struct rota_entry *entry;

	while ((entry = rotai_queue_take_first(&loop->taken)) != NULL)
		rotai_callback_end(loop, "task", call_own(loop, entry));
}

/* Run the tasks of @queue until it is empty, or the budget @left is used up.
 * Returns what is left of the budget. A budget that begins at 0 wraps, and is
 * never used up. */
static uint64_t drain_tasks(struct rota_loop *loop, struct rotai_queue *queue,
			    uint64_t left)
{
	struct rota_entry *entry;

	while ((entry = rotai_queue_take_first(queue)) != NULL) {
		rotai_callback_count(loop, "task", call_own(loop, entry));
		if (--left == 0)
			break;
	}
	return left;
}

/* Run ticks and microtasks until there are none, or the budget is used up. */
static void drain_all(struct rota_loop *loop)
{
	uint64_t left = loop->tick_budget;
	int limited = left != 0;

	do {
		left = drain_tasks(loop, &loop->ticks, left);
		if (left != 0 || !limited)
			left = drain_tasks(loop, &loop->microtasks, left);
	} while ((left != 0 || !limited) &&
		 !rotai_queue_is_empty(&loop->ticks));

	loop->after &= (uint8_t)~ROTAI_AFTER_TICKS;
	loop->drain_deferred = !rotai_queue_is_empty(&loop->ticks) ||
			       !rotai_queue_is_empty(&loop->microtasks);
	loop->stats.tick_deferrals += loop->drain_deferred;
}

void rotai_callback_after(struct rota_loop *loop)
{
	if (loop->after & ROTAI_AFTER_TICKS)
		drain_all(loop);
	if (loop->after & ROTAI_AFTER_EXTENSIONS)
		rotai_extensions_after(loop);
}

void rotai_ticks_run_deferred(struct rota_loop *loop)
{
	if (!loop->drain_deferred)
		return;
	loop->drain_deferred = 0;
	loop->after |= ROTAI_AFTER_TICKS;
	rotai_callback_after(loop);
}
