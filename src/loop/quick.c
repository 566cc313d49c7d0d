/*
 * loop/quick.c - rota_set_timeout() and the other functions for quick timers,
 * on top of timers and tasks.
 *
 * An item returns to the unused ones just before its last call. So its callback
 * may clear its own id, which then does nothing, and a quick timer that the
 * callback sets may get the same item.
 */
#include "loop/quick.h"

#include "loop/enter.h"
#include "loop/loop.h"
#include "loop/quick_items.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "rota/task.h"
#include "rota/timer.h"

static void refer_quick(struct rotai_quick_item *item, int referenced)
{
	item->unreferenced = !referenced;
	if (referenced) {
		rota_timer_ref(&item->timer);
		rota_task_ref(&item->task);
	} else {
		rota_timer_unref(&item->timer);
		rota_task_unref(&item->task);
	}
}

static struct rotai_quick_item *begin_quick(struct rota_loop *loop,
					    rota_quick_fn *fn, void *arg,
					    uint64_t period_ns)
{
	struct rotai_quick_item *item;

	if (fn == NULL || rotai_loop_admits(loop) < 0)
		return NULL;
	item = rotai_quick_take(loop);
	if (item == NULL)
		return NULL;
	if (item->unreferenced)
		refer_quick(item, 1); /* its last user had unreferenced it */
	item->fn = fn;
	item->arg = arg;
	item->period_ns = period_ns;
	return item;
}

/* Call @item for the last time. */
static void call_last(struct rota_loop *loop, struct rotai_quick_item *item)
{
	rota_quick_fn *fn = item->fn;
	void *arg = item->arg;

	rotai_quick_put(loop, item);
	fn(arg);
}

static void on_timer(struct rota_timer *timer)
{
	struct rotai_quick_item *item =
		rota_container_of(timer, struct rotai_quick_item, timer);

	if (item->period_ns == 0) {
		call_last(timer->internal.loop, item);
		return;
	}
	rotai_timer_restart(timer); /* the next period begins now */
	item->fn(item->arg);
}

static void on_task(struct rota_task *task)
{
	struct rotai_quick_item *item =
		rota_container_of(task, struct rotai_quick_item, task);

	call_last(item->timer.internal.loop, item);
}

static uint64_t set(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
		    uint64_t delay_ns, uint64_t period_ns)
{
	struct rotai_quick_item *item = begin_quick(loop, fn, arg, period_ns);

	if (item == NULL)
		return 0;
	if (period_ns == 0)
		(void)rota_timer_start(&item->timer, on_timer, delay_ns);
	else
		(void)rotai_timer_start_kept(&item->timer, on_timer, delay_ns);
	return item->id;
}

uint64_t rota_set_timeout(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			  uint64_t delay_ns)
{
	ROTAI_ENTER_LOOP(loop);
	return set(loop, fn, arg, delay_ns, 0);
}

uint64_t rota_set_interval(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			   uint64_t period_ns)
{
	ROTAI_ENTER_LOOP(loop);
	return period_ns == 0 ? 0 : set(loop, fn, arg, period_ns, period_ns);
}

uint64_t rota_set_immediate(struct rota_loop *loop, rota_quick_fn *fn,
			    void *arg)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_quick_item *item = begin_quick(loop, fn, arg, 0);

	if (item == NULL)
		return 0;
	(void)rota_task_immediate(&item->task, on_task);
	return item->id;
}

static void clear_item(struct rota_loop *loop, struct rotai_quick_item *item)
{
	rota_timer_stop(&item->timer);
	(void)rotai_task_cancel(&item->task);
	rotai_quick_put(loop, item);
}

void rota_clear(struct rota_loop *loop, uint64_t id)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_quick_item *item = rotai_quick_find(loop, id);

	if (item != NULL)
		clear_item(loop, item);
}

int rota_refresh(struct rota_loop *loop, uint64_t id)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_quick_item *item = rotai_quick_find(loop, id);

	if (item == NULL)
		return ROTA_ENOENT;
	if (!rota_timer_is_active(&item->timer))
		return ROTA_EINVAL; /* an immediate */
	return rota_timer_again(&item->timer);
}

int rota_ref(struct rota_loop *loop, uint64_t id)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_quick_item *item = rotai_quick_find(loop, id);

	if (item == NULL)
		return ROTA_ENOENT;
	refer_quick(item, 1);
	return 0;
}

int rota_unref(struct rota_loop *loop, uint64_t id)
{
	ROTAI_ENTER_LOOP(loop);
	struct rotai_quick_item *item = rotai_quick_find(loop, id);

	if (item == NULL)
		return ROTA_ENOENT;
	refer_quick(item, 0);
	return 0;
}

void rotai_quick_clear(struct rota_loop *loop)
{
	for (uint32_t i = 0; i < loop->quick.capacity; i++) {
		struct rotai_quick_item *item = loop->quick.buckets[i];

		while (item != NULL) {
			struct rotai_quick_item *next = item->next;

			if (rota_timer_is_active(&item->timer))
				clear_item(loop, item);
			item = next;
		}
	}
}
