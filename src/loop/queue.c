/*
 * loop/queue.c - see queue.h.
 */
#include "loop/queue.h"

#include "base/assert.h"

struct rota_entry rotai_entry_end;

static void set_next(struct rota_entry *entry, struct rota_entry *next)
{
	__atomic_store_n(&entry->next, next, __ATOMIC_RELAXED);
}

void rotai_queue_init(struct rotai_queue *queue)
{
	queue->first = &rotai_entry_end;
	queue->last = NULL;
}

void rotai_queue_append(struct rotai_queue *queue, struct rota_entry *entry)
{
	set_next(entry, &rotai_entry_end);
	if (rotai_queue_is_empty(queue))
		queue->first = entry;
	else
		set_next(queue->last, entry);
	queue->last = entry;
}

int rotai_queue_remove(struct rotai_queue *queue, struct rota_entry *entry)
{
	struct rota_entry *before = NULL;
	struct rota_entry *at = queue->first;

	while (at != entry && at != &rotai_entry_end) {
		ROTAI_LIVE_CHECK_ENTRY(at, &rotai_entry_end);
		before = at;
		at = rotai_entry_next(at);
	}
	if (at != entry)
		return 0;
	if (before == NULL)
		queue->first = rotai_entry_next(entry);
	else
		set_next(before, rotai_entry_next(entry));
	if (queue->last == entry)
		queue->last = before;
	return 1;
}

int rotai_queue_has(const struct rotai_queue *queue,
		    const struct rota_entry *entry)
{
	const struct rota_entry *at = queue->first;

	while (at != entry && at != &rotai_entry_end) {
		ROTAI_LIVE_CHECK_ENTRY(at, &rotai_entry_end);
		at = rotai_entry_next(at);
	}
	return at == entry;
}

void rotai_queue_prepend(struct rotai_queue *queue, struct rotai_queue *from)
{
	if (rotai_queue_is_empty(from))
		return;
	ROTAI_LIVE_CHECK_ENTRY(from->last, &rotai_entry_end);
	ROTA_ASSERT(rotai_entry_next(from->last) == &rotai_entry_end);
	if (rotai_queue_is_empty(queue))
		queue->last = from->last;
	else
		set_next(from->last, queue->first);
	queue->first = from->first;
	rotai_queue_init(from);
}
