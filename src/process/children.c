/*
 * process/children.c - see children.h.
 *
 * A hash table by process number, which is chained through the records. It
 * belongs to one process, by its generation. In a forked child its records are
 * those of the parent's children: it begins empty, and a record of the parent
 * is not taken out of it.
 *
 * A number is used again when somebody else has waited for a child, before its
 * record knows that: then its exit is not known any more.
 */
#include "process/children.h"

#include "base/fork.h"
#include "base/list.h"
#include "base/lock.h"
#include "process/child.h"
#include "rota/error.h"

enum { BUCKETS = 256 };

static struct rotai_lock children_lock;
static struct rotai_child *buckets[BUCKETS];
static struct rota_link orphans;
static uint32_t owner;        /* 0, or 1 more than the generation */
static uint32_t starting;     /* atomic */
static uint32_t orphan_count; /* atomic; changed with the lock */

void rotai_children_lock(void)
{
	rotai_lock_take(&children_lock);
	if (owner == rotai_fork_generation + 1)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		buckets[i] = NULL;
	rotai_list_init(&orphans);
	__atomic_store_n(&starting, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&orphan_count, 0, __ATOMIC_RELAXED);
	owner = rotai_fork_generation + 1;
}

void rotai_children_unlock(void)
{
	rotai_lock_release(&children_lock);
}

static struct rotai_child **bucket_of_pid(pid_t pid)
{
	return &buckets[(unsigned)pid % BUCKETS];
}

void rotai_children_add(struct rotai_child *child)
{
	struct rotai_child **bucket = bucket_of_pid(child->pid);
	struct rotai_child *old = rotai_children_find(child->pid);

	if (old != NULL) {
		rotai_children_remove(old);
		if (!old->is_taken)
			old->exit = (struct rota_exit){
				.size = sizeof(old->exit),
				.error = ROTA_ECHILD,
			};
		old->is_taken = 1;
	}
	child->generation = rotai_fork_generation;
	child->is_listed = 1;
	child->next = *bucket;
	*bucket = child;
}

void rotai_children_remove(struct rotai_child *child)
{
	struct rotai_child **at = bucket_of_pid(child->pid);

	if (!child->is_listed)
		return;
	child->is_listed = 0;
	if (child->generation != rotai_fork_generation)
		return;
	while (*at != child)
		at = &(*at)->next;
	*at = child->next;
}

struct rotai_child *rotai_children_find(pid_t pid)
{
	struct rotai_child *at = *bucket_of_pid(pid);

	while (at != NULL && at->pid != pid)
		at = at->next;
	return at;
}

void rotai_children_orphan(struct rotai_child *child)
{
	child->children = NULL;
	rotai_list_append(&orphans, &child->link);
	__atomic_fetch_add(&orphan_count, 1, __ATOMIC_RELAXED);
}

struct rotai_child *rotai_children_take_orphan(void)
{
	struct rota_link *link = rotai_list_take_first(&orphans);

	if (link == NULL)
		return NULL;
	__atomic_fetch_sub(&orphan_count, 1, __ATOMIC_RELAXED);
	return rota_container_of(link, struct rotai_child, link);
}

uint32_t rotai_children_orphan_count(void)
{
	return __atomic_load_n(&orphan_count, __ATOMIC_RELAXED);
}

void rotai_children_start_begin(void)
{
	/* In a forked child the table begins afresh here, and not between this
	 * start and its end. */
	rotai_children_lock();
	rotai_children_unlock();
	__atomic_fetch_add(&starting, 1, __ATOMIC_SEQ_CST);
}

void rotai_children_start_end(void)
{
	__atomic_fetch_sub(&starting, 1, __ATOMIC_SEQ_CST);
}

int rotai_children_are_starting(void)
{
	return __atomic_load_n(&starting, __ATOMIC_SEQ_CST) != 0;
}
