/*
 * loop/quick.c - rota_set_timeout() and its kin, on top of timers and tasks.
 *
 *  1. Items are made one by one and kept for the next until the loop goes:
 *     setting and clearing in a steady state allocates nothing.
 *  2. An id is the item's number, counted from 1, and how often the item has
 *     been used, in the high half. The number of uses changes as an item ends,
 *     so an old id finds nothing.
 *  3. An item ends before its last call, and only then: its callback may
 *     clear its own id, and what it sets may get the same item.
 */
#include "loop/quick.h"

#include "base/memory.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "rota/task.h"
#include "rota/timer.h"

struct rotai_quick_item {
	struct rota_timer timer;
	struct rota_task task;
	rota_quick_fn *fn; /* NULL: not in use */
	void *arg;
	uint64_t period_ns; /* 0: once */
	struct rotai_quick_item *next_free;
	uint32_t number;
	uint32_t uses;
};

static struct rotai_quick_item *make_item(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;
	struct rotai_quick_item *item;

	if (quick->count == UINT32_MAX ||
	    rotai_memory_reserve(&loop->allocator, &quick->items,
				 &quick->capacity, quick->count + 1,
				 sizeof(*quick->items)) < 0)
		return NULL;
	item = rotai_memory_new(&loop->allocator, sizeof(*item));
	if (item == NULL)
		return NULL;
	quick->items[quick->count++] = item;
	item->number = (uint32_t)quick->count;
	item->uses = 0;
	rota_timer_init(&item->timer, loop);
	rota_task_init(&item->task, loop);
	return item;
}

static struct rotai_quick_item *begin(struct rota_loop *loop, rota_quick_fn *fn,
				      void *arg, uint64_t period_ns)
{
	struct rotai_quick_item *item = loop->quick.free;

	if (fn == NULL || rotai_loop_admits(loop) < 0)
		return NULL;
	if (item != NULL)
		loop->quick.free = item->next_free;
	else
		item = make_item(loop);
	if (item == NULL)
		return NULL;
	item->fn = fn;
	item->arg = arg;
	item->period_ns = period_ns;
	return item;
}

static void end(struct rota_loop *loop, struct rotai_quick_item *item)
{
	item->fn = NULL;
	if (++item->uses == 0)
		return; /* (2): its ids are used up, so it stays unused */
	item->next_free = loop->quick.free;
	loop->quick.free = item;
}

static uint64_t id_of(const struct rotai_quick_item *item)
{
	return (uint64_t)item->uses << 32 | item->number;
}

/* @item is at its last call. (3) */
static void call_last(struct rota_loop *loop, struct rotai_quick_item *item)
{
	rota_quick_fn *fn = item->fn;
	void *arg = item->arg;

	end(loop, item);
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
	rotai_timer_restart(timer); /* the next period begins with this call */
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
	struct rotai_quick_item *item = begin(loop, fn, arg, period_ns);

	if (item == NULL)
		return 0;
	(void)rota_timer_start(&item->timer, on_timer, delay_ns);
	return id_of(item);
}

uint64_t rota_set_timeout(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			  uint64_t delay_ns)
{
	return set(loop, fn, arg, delay_ns, 0);
}

uint64_t rota_set_interval(struct rota_loop *loop, rota_quick_fn *fn, void *arg,
			   uint64_t period_ns)
{
	return period_ns == 0 ? 0 : set(loop, fn, arg, period_ns, period_ns);
}

uint64_t rota_set_immediate(struct rota_loop *loop, rota_quick_fn *fn,
			    void *arg)
{
	struct rotai_quick_item *item = begin(loop, fn, arg, 0);

	if (item == NULL)
		return 0;
	(void)rota_task_immediate(&item->task, on_task);
	return id_of(item);
}

static void clear_item(struct rota_loop *loop, struct rotai_quick_item *item)
{
	rota_timer_stop(&item->timer);
	(void)rotai_task_cancel(&item->task);
	end(loop, item);
}

void rota_clear(struct rota_loop *loop, uint64_t id)
{
	uint32_t number = (uint32_t)id;
	struct rotai_quick_item *item;

	if (number == 0 || number > loop->quick.count)
		return;
	item = loop->quick.items[number - 1];
	if (item->fn != NULL && id_of(item) == id)
		clear_item(loop, item);
}

void rotai_quick_clear(struct rota_loop *loop)
{
	for (size_t i = 0; i < loop->quick.count; i++)
		if (rota_timer_is_active(&loop->quick.items[i]->timer))
			clear_item(loop, loop->quick.items[i]);
}

void rotai_quick_free(struct rota_loop *loop)
{
	struct rotai_quick *quick = &loop->quick;

	for (size_t i = 0; i < quick->count; i++)
		rotai_memory_free(&loop->allocator, quick->items[i],
				  sizeof(*quick->items[i]));
	rotai_memory_free(&loop->allocator, quick->items,
			  quick->capacity * sizeof(struct rotai_quick_item *));
}
