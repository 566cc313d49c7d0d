/*
 * knotes.c - finding a knote, and the queue of active ones.
 *
 * A hash table per kqueue finds the knote of an (ident, filter): a program with
 * thousands of descriptors must not walk a list on each event. The table grows
 * with the number of knotes. If there is no memory for that, it only gets
 * slower.
 *
 *  1. A knote is in the queue if and only if KQD_QUEUED is set; active_count is
 *     the length of the queue.
 *  2. The eventfd `wake` is readable if and only if the queue is not empty, so
 *     that poll(2) on the kqueue's descriptor reports this. kqd_settle()
 *     restores this state; code that changes the queue calls it before it
 *     releases the lock.
 */
#include "double.h"

#include <errno.h>
#include <stdlib.h>

#include "wraps.h"

enum { FEWEST_BUCKETS = 64 };

static struct kqd_knote **bucket_of(struct kqd_knote **buckets, size_t count,
				    uintptr_t ident, int filter)
{
	/* Idents are mostly small and dense; filters are -1 to -15. */
	size_t hash = (size_t)ident * 16 + (size_t)-filter;

	hash ^= hash >> 20;
	return &buckets[hash & (count - 1)];
}

int kqd_index_init(struct kqd_queue *kq)
{
	kq->buckets = calloc(FEWEST_BUCKETS, sizeof(*kq->buckets));
	if (!kq->buckets)
		return ENOMEM;
	kq->bucket_count = FEWEST_BUCKETS;
	return 0;
}

static void index_grow(struct kqd_queue *kq)
{
	size_t count = kq->bucket_count * 4;
	struct kqd_knote **buckets = calloc(count, sizeof(*buckets));
	struct kqd_knote *knote, *next, **bucket;
	size_t i;

	if (!buckets)
		return;

	for (i = 0; i < kq->bucket_count; i++) {
		for (knote = kq->buckets[i]; knote; knote = next) {
			next = knote->next;
			bucket = bucket_of(buckets, count, knote->kev.ident,
					   knote->kev.filter);
			knote->next = *bucket;
			*bucket = knote;
		}
	}
	free(kq->buckets);
	kq->buckets = buckets;
	kq->bucket_count = count;
}

void kqd_index_insert(struct kqd_knote *knote)
{
	struct kqd_queue *kq = knote->kq;
	struct kqd_knote **bucket;

	/* Few buckets are used, because the hash has a factor of 16 for the
	 * filters, and most descriptors use one of them. */
	if (kq->knote_count * 4 >= kq->bucket_count)
		index_grow(kq);

	bucket = bucket_of(kq->buckets, kq->bucket_count, knote->kev.ident,
			   knote->kev.filter);
	knote->next = *bucket;
	*bucket = knote;
	kq->knote_count++;
}

void kqd_index_remove(struct kqd_knote *knote)
{
	struct kqd_queue *kq = knote->kq;
	struct kqd_knote **place =
		bucket_of(kq->buckets, kq->bucket_count, knote->kev.ident,
			  knote->kev.filter);

	while (*place != knote)
		place = &(*place)->next;
	*place = knote->next;
	kq->knote_count--;
}

struct kqd_knote *kqd_index_find(const struct kqd_queue *kq, uintptr_t ident,
				 int filter)
{
	struct kqd_knote *knote =
		*bucket_of(kq->buckets, kq->bucket_count, ident, filter);

	while (knote &&
	       (knote->kev.ident != ident || knote->kev.filter != filter))
		knote = knote->next;
	return knote;
}

void kqd_enqueue(struct kqd_knote *knote)
{
	if (knote->status & (KQD_QUEUED | KQD_DISABLED))
		return;
	knote->status |= KQD_QUEUED;
	kqd_list_append(&knote->kq->active, &knote->active);
	knote->kq->active_count++;
}

void kqd_dequeue(struct kqd_knote *knote)
{
	if (!(knote->status & KQD_QUEUED))
		return;
	knote->status &= ~(unsigned)KQD_QUEUED;
	kqd_list_remove(&knote->active);
	knote->kq->active_count--;
}

void kqd_activate(struct kqd_knote *knote)
{
	knote->status |= KQD_ACTIVE;
	kqd_enqueue(knote);
}

void kqd_settle(struct kqd_queue *kq)
{
	uint64_t value = 1;
	bool wanted = kq->active_count > 0;

	/* Neither call can fail: the counter is 0 or 1, and nobody else has the
	 * descriptor. */
	if (wanted && !kq->woken)
		kq->woken = __real_write(kq->wake, &value, sizeof(value)) > 0;
	else if (!wanted && kq->woken)
		kq->woken = __real_read(kq->wake, &value, sizeof(value)) <= 0;
}

void kqd_knote_test(struct kqd_knote *knote)
{
	const struct kqd_filter *filter = kqd_filter_of(knote->kev.filter);

	/* An active knote is checked again when it is retrieved. */
	if (!(knote->status & KQD_ACTIVE) && filter->event(knote))
		kqd_activate(knote);
}

void kqd_knote_drop(struct kqd_knote *knote)
{
	kqd_dequeue(knote);
	kqd_index_remove(knote);
	kqd_filter_of(knote->kev.filter)->detach(knote);
	free(knote);
}
