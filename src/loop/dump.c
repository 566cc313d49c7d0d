/*
 * loop/dump.c - lists what keeps a loop open, object by object.
 */
#include "base/sized.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/timer.h"
#include "loop/wall_timer.h"
#include "loop/watch.h"
#include "rota/async.h"
#include "rota/observe.h"
#include "rota/task.h"

ROTAI_SIZED(struct rota_dump_entry, due_ns);

struct dump {
	rota_dump_fn *fn;
	void *arg;
	size_t count;
};

static void report_entry(struct dump *dump, const struct rota_dump_entry *entry)
{
	dump->count++;
	if (dump->fn != NULL)
		dump->fn(dump->arg, entry);
}

/* An entry that has neither name, descriptor nor due time. */
static struct rota_dump_entry plain(const void *object, const char *type,
				    const void *data, int alive)
{
	return (struct rota_dump_entry){
		.size = sizeof(struct rota_dump_entry),
		.object = object,
		.type = type,
		.data = data,
		.fd = -1,
		.due_ns = UINT64_MAX,
		.alive = alive,
	};
}

static void dump_timer(void *arg, struct rota_timer *timer)
{
	struct rota_dump_entry entry =
		plain(timer, "timer", timer->data, rota_timer_has_ref(timer));

	if (rotai_timer_is_own(timer))
		return; /* its request is listed */
	entry.due_ns = timer->internal.due_ns;
	report_entry(arg, &entry);
}

/* Its due time is on the scale of the wall clock. */
static void dump_wall_timer(void *arg, struct rota_wall_timer *timer)
{
	struct rota_dump_entry entry = plain(timer, "wall timer", timer->data,
					     rota_wall_timer_has_ref(timer));

	entry.due_ns = rota_wall_timer_due(timer);
	report_entry(arg, &entry);
}

static void dump_watch(void *arg, struct rota_watch *watch)
{
	struct rota_dump_entry entry =
		plain(watch, "watch", watch->data, rota_watch_has_ref(watch));

	entry.fd = watch->internal.fd;
	if (watch->internal.events == 0)
		entry.name = "paused";
	report_entry(arg, &entry);
}

static void dump_hooks(struct dump *dump, const struct rota_link *hooks)
{
	static const char *const sorts[] = {
		[ROTA_HOOK_IDLE] = "idle",
		[ROTA_HOOK_PREPARE] = "prepare",
		[ROTA_HOOK_CHECK] = "check",
		[ROTA_HOOK_POLL] = "poll",
	};

	for (struct rota_link *at = hooks->next; at != hooks; at = at->next) {
		const struct rota_hook *hook = rota_container_of(
			at, struct rota_hook, internal.started);
		struct rota_dump_entry entry = plain(hook, "hook", hook->data,
						     rota_hook_has_ref(hook));

		entry.name = sorts[hook->internal.kind];
		report_entry(dump, &entry);
	}
}

static void dump_asyncs(struct dump *dump, const struct rota_link *asyncs)
{
	for (struct rota_link *at = asyncs->next; at != asyncs; at = at->next) {
		const struct rota_async *async = rota_container_of(
			at, struct rota_async, internal.started);
		struct rota_dump_entry entry = plain(
			async, "async", async->data, rota_async_has_ref(async));

		report_entry(dump, &entry);
	}
}

static void dump_tasks(struct dump *dump, const struct rotai_queue *queue,
		       const char *sort)
{
	for (struct rota_entry *at = queue->first; at != &rotai_entry_end;
	     at = rotai_entry_next(at)) {
		const struct rota_task *task =
			rota_container_of(at, struct rota_task, internal.entry);
		struct rota_dump_entry entry;

		if (rotai_entry_has(at, ROTAI_ENTRY_ASYNC))
			continue; /* it is listed with the asyncs */
		entry = plain(task, "task", task->data,
			      rota_task_has_ref(task));
		entry.name = sort;
		report_entry(dump, &entry);
	}
}

static void dump_requests(struct dump *dump, const struct rota_link *requests)
{
	for (struct rota_link *at = requests->next; at != requests;
	     at = at->next) {
		const struct rota_request *request = rotai_request_of(at);
		struct rota_dump_entry entry =
			plain(request, request->internal.class_->type,
			      request->data, 1);

		report_entry(dump, &entry);
	}
}

static void dump_handles(struct dump *dump, const struct rota_link *handles)
{
	for (struct rota_link *at = handles->next; at != handles;
	     at = at->next) {
		const struct rota_handle *handle = rotai_handle_of(at);
		const struct rotai_handle_class *class_ =
			handle->internal.class_;
		int closing = rota_handle_is_closing(handle);
		struct rota_dump_entry entry =
			plain(handle, class_->type, handle->data,
			      closing || (rota_handle_is_active(handle) &&
					  rota_handle_has_ref(handle)));

		entry.name = handle->internal.name;
		if (!closing)
			entry.fd = class_->fd(handle);
		report_entry(dump, &entry);
	}
}

size_t rota_loop_dump(struct rota_loop *loop, rota_dump_fn *fn, void *arg)
{
	ROTAI_ENTER_LOOP(loop);
	struct dump dump = { fn, arg, 0 };

	rotai_inbox_take_over(loop);
	rotai_timers_each(loop, dump_timer, &dump);
	rotai_wall_timers_each(loop, dump_wall_timer, &dump);
	for (int kind = ROTA_HOOK_IDLE; kind < ROTA_HOOK_KIND_COUNT; kind++)
		dump_hooks(&dump, &loop->hooks[kind]);
	dump_asyncs(&dump, &loop->asyncs);
	rotai_watches_each(loop, dump_watch, &dump);
	dump_tasks(&dump, &loop->ticks, "tick");
	dump_tasks(&dump, &loop->microtasks, "microtask");
	dump_tasks(&dump, &loop->taken,
		   loop->phase == ROTA_PHASE_POLL ? "post" : "immediate");
	dump_tasks(&dump, &loop->immediates, "immediate");
	dump_tasks(&dump, &loop->posts, "post");
	dump_requests(&dump, &loop->requests);
	dump_requests(&dump, &loop->ended_taken);
	dump_requests(&dump, &loop->ended);
	dump_requests(&dump, &loop->closing_ended_taken);
	dump_requests(&dump, &loop->closing_ended);
	dump_handles(&dump, &loop->handles);
	dump_handles(&dump, &loop->closing_held);
	dump_handles(&dump, &loop->closing_taken);
	dump_handles(&dump, &loop->closing);
	return dump.count;
}
