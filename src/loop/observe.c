/*
 * loop/observe.c - figures, dumps and tracers.
 */
#include "rota/observe.h"

#include "base/clock.h"
#include "base/sized.h"
#include "loop/callback.h"
#include "loop/enter.h"
#include "loop/handle.h"
#include "loop/loop.h"
#include "loop/request.h"
#include "loop/timer.h"
#include "loop/turn.h"
#include "rota/async.h"
#include "rota/task.h"

/* The first version of each struct ended here. */
enum {
	LEAST_STATS_SIZE = ROTAI_SIZE_UP_TO(struct rota_stats, lateness),
	LEAST_TRACER_SIZE = ROTAI_SIZE_UP_TO(struct rota_tracer, callback_end),
};

ROTAI_SIZED(struct rota_stats, lateness);
ROTAI_SIZED(struct rota_tracer, callback_end);
ROTAI_SIZED(struct rota_dump_entry, due_ns);

/* Arrays inside structs cannot grow. */
_Static_assert(ROTA_PHASE_COUNT == 7 && ROTA_LATENESS_BUCKETS == 32,
	       "the arrays of struct rota_stats keep their lengths");

/* Every turn begins every phase, but for those that it has not come to yet, and
 * those that were cut short after the first: no phase need count. */
static void count_phases(const struct rota_loop *loop, uint64_t *phases)
{
	for (unsigned i = ROTA_PHASE_TIMERS; i < ROTA_PHASE_COUNT; i++) {
		phases[i] = loop->stats.turns;
		if (i > ROTA_PHASE_TIMERS)
			phases[i] -= loop->cut_turns;
		if (loop->phase != ROTA_PHASE_NONE && i > loop->phase &&
		    !(loop->run_flags & ROTA_RUN_ONLY_EVENTS))
			phases[i]--;
	}
	phases[ROTA_PHASE_POLL] += loop->event_turns;
}

int rota_loop_stats(const struct rota_loop *loop, struct rota_stats *stats)
{
	ROTAI_ENTER_LOOP(loop);
	struct rota_stats now = loop->stats;

	now.callbacks[loop->phase] += loop->calls - loop->calls_at_phase;
	count_phases(loop, now.phases);
	return rotai_sized_give(stats, LEAST_STATS_SIZE, &now, sizeof(now));
}

int rota_loop_trace(struct rota_loop *loop, struct rota_tracer *tracer)
{
	ROTAI_ENTER_LOOP(loop);
	int error = 0;

	if (tracer != NULL)
		error = rotai_sized_check(tracer, LEAST_TRACER_SIZE,
					  sizeof(*tracer));
	if (error < 0)
		return error;
	loop->tracer = tracer;
	loop->observed = loop->measure || tracer != NULL;
	return 0;
}

/* Whether @tracer wants to be told by @function: one that came with a later
 * version than the caller's is not there to be read. */
#define TELLS(tracer, function)                                                \
	(ROTAI_SIZE_HAS((tracer)->size, struct rota_tracer, function) &&       \
	 (tracer)->function != NULL)

void rotai_trace_begin(struct rota_loop *loop, const char *type,
		       const char *name, const void *object)
{
	struct rota_tracer *tracer = loop->tracer;

	if (TELLS(tracer, callback_begin))
		tracer->callback_begin(tracer, type, name, object);
}

void rotai_trace_end(struct rota_loop *loop, const char *type,
		     const void *object)
{
	struct rota_tracer *tracer = loop->tracer;

	if (TELLS(tracer, callback_end))
		tracer->callback_end(tracer, type, object);
}

static void measure_switch(struct rota_loop *loop)
{
	uint64_t now_ns = rotai_clock_monotonic();

	if (loop->phase != ROTA_PHASE_NONE)
		loop->stats.phase_ns[loop->phase] += now_ns - loop->switched_ns;
	loop->switched_ns = now_ns;
}

static void trace_switch(struct rota_loop *loop, enum rota_phase phase)
{
	struct rota_tracer *tracer = loop->tracer;

	if (loop->phase != ROTA_PHASE_NONE && TELLS(tracer, phase_end))
		tracer->phase_end(tracer, loop->phase);
	if (phase != ROTA_PHASE_NONE && TELLS(tracer, phase_begin))
		tracer->phase_begin(tracer, phase);
}

void rotai_phase_observe(struct rota_loop *loop, enum rota_phase phase)
{
	if (loop->measure)
		measure_switch(loop);
	if (loop->tracer != NULL)
		trace_switch(loop, phase);
}

struct dump {
	rota_dump_fn *fn;
	void *arg;
	size_t count;
};

static void tell(struct dump *dump, const struct rota_dump_entry *entry)
{
	dump->count++;
	if (dump->fn != NULL)
		dump->fn(dump->arg, entry);
}

/* What has neither name, descriptor nor due time. */
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
		return; /* its request is among the requests */
	entry.due_ns = timer->internal.due_ns;
	tell(arg, &entry);
}

static void dump_watch(void *arg, struct rota_watch *watch)
{
	struct rota_dump_entry entry =
		plain(watch, "watch", watch->data, rota_watch_has_ref(watch));

	entry.fd = watch->internal.fd;
	if (watch->internal.events == 0)
		entry.name = "paused";
	tell(arg, &entry);
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
		tell(dump, &entry);
	}
}

static void dump_asyncs(struct dump *dump, const struct rota_link *asyncs)
{
	for (struct rota_link *at = asyncs->next; at != asyncs; at = at->next) {
		const struct rota_async *async = rota_container_of(
			at, struct rota_async, internal.started);
		struct rota_dump_entry entry = plain(
			async, "async", async->data, rota_async_has_ref(async));

		tell(dump, &entry);
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
			continue; /* it is among the asyncs */
		entry = plain(task, "task", task->data,
			      rota_task_has_ref(task));
		entry.name = sort;
		tell(dump, &entry);
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

		tell(dump, &entry);
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
		tell(dump, &entry);
	}
}

size_t rota_loop_dump(struct rota_loop *loop, rota_dump_fn *fn, void *arg)
{
	ROTAI_ENTER_LOOP(loop);
	struct dump dump = { fn, arg, 0 };

	rotai_inbox_take_over(loop);
	rotai_timers_each(loop, dump_timer, &dump);
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
