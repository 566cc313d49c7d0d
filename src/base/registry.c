/*
 * base/registry.c - see registry.h.
 *
 *  1. A hash table with open addressing, at most half full. Its memory comes
 *     from mmap(2), so that neither a test that counts allocations nor a leak
 *     checker sees it. The memory is unmapped when the table is empty.
 *  2. The lock is one word: the fork generation of its holder, plus 1. If a
 *     forked child finds the generation of an ancestor in it, another thread of
 *     the parent was changing the table at the fork. Then the child cannot rely
 *     on the table, and stops using it.
 *  3. A link that was overwritten may point anywhere. So its value is compared
 *     with the table before it is followed.
 */
#include "base/registry.h"

#ifdef ROTAI_WATCHFUL

#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fork.h"
#include "rota/object.h"

enum { FIRST_OBJECTS = 512 };

enum { LOOP_ALIGNMENT = 64 }; /* the loop's address may have flags added */

static struct {
	uint32_t lock; /* atomic; see (2) */
	uint8_t lost;  /* the table cannot be used any more */
	size_t count;
	size_t capacity; /* a power of 2, or 0 */
	struct rotai_registered *slots;
} registry;

static __thread const char *checked_call;

int rotai_function_begin(const char *function)
{
	if (checked_call != NULL)
		return 0;
	checked_call = function;
	return 1;
}

void rotai_function_end(const int *outermost)
{
	if (*outermost)
		checked_call = NULL;
}

void rotai_function_set(const char *function)
{
	checked_call = function;
}

static void registry_lock(void)
{
	uint32_t mine = rotai_fork_generation + 1;
	uint32_t held = 0;

	while (!__atomic_compare_exchange_n(&registry.lock, &held, mine, 0,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		if (held != mine) { /* (2) */
			registry.lost = 1;
			__atomic_store_n(&registry.lock, mine,
					 __ATOMIC_RELAXED);
			return;
		}
		held = 0;
		sched_yield();
	}
}

static void registry_unlock(void)
{
	__atomic_store_n(&registry.lock, 0, __ATOMIC_RELEASE);
}

static size_t place_of(const void *key, size_t capacity)
{
	uint64_t hash = (uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) & (capacity - 1);
}

/* The slot of @key, or the free slot where it would go. There must be a
 * table. */
static struct rotai_registered *slot_of(const void *key)
{
	size_t at = place_of(key, registry.capacity);

	while (registry.slots[at].key != NULL && registry.slots[at].key != key)
		at = (at + 1) & (registry.capacity - 1);
	return &registry.slots[at];
}

static struct rotai_registered *find(const void *key)
{
	struct rotai_registered *slot;

	if (registry.lost || registry.capacity == 0)
		return NULL;
	slot = slot_of(key);
	return slot->key != NULL ? slot : NULL;
}

static void unmap(struct rotai_registered *slots, size_t capacity)
{
	if (capacity > 0)
		munmap(slots, capacity * sizeof(*slots));
}

/* Make room for one more object. */
static void registry_make_room(void)
{
	size_t capacity = registry.capacity;
	struct rotai_registered *slots = registry.slots;
	void *memory;

	if (2 * (registry.count + 1) <= capacity)
		return;
	registry.capacity = capacity == 0 ? FIRST_OBJECTS : 2 * capacity;
	memory = mmap(NULL, registry.capacity * sizeof(*slots),
		      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED) {
		registry.lost = 1;
		registry.capacity = capacity;
		return;
	}
	registry.slots = memory;
	for (size_t i = 0; i < capacity; i++)
		if (slots[i].key != NULL)
			*slot_of(slots[i].key) = slots[i];
	unmap(slots, capacity);
}

/* Free @slot, and move back the entries that were placed beyond it because it
 * was taken. */
static void free_slot(struct rotai_registered *slot)
{
	size_t mask = registry.capacity - 1;
	size_t hole = (size_t)(slot - registry.slots);
	size_t at = hole;

	for (;;) {
		size_t home;

		at = (at + 1) & mask;
		if (registry.slots[at].key == NULL)
			break;
		home = place_of(registry.slots[at].key, registry.capacity);
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		registry.slots[hole] = registry.slots[at];
		hole = at;
	}
	registry.slots[hole].key = NULL;
	if (--registry.count > 0)
		return;
	unmap(registry.slots, registry.capacity); /* (1) */
	registry.capacity = 0;
	registry.slots = NULL;
}

/* Whether the memory of the object still names its loop. */
static int is_intact(const struct rotai_registered *what)
{
	uintptr_t loop;

	if (what->loop_at == NULL)
		return 1;
	memcpy(&loop, what->loop_at, sizeof(loop));
	return (loop & ~(uintptr_t)(LOOP_ALIGNMENT - 1)) ==
	       (uintptr_t)what->loop;
}

static const struct rotai_registered *find_object(const void *object)
{
	for (size_t i = 0; !registry.lost && i < registry.capacity; i++)
		if (registry.slots[i].key != NULL &&
		    registry.slots[i].object == object)
			return &registry.slots[i];
	return NULL;
}

/* Prints, for example: rota: rota_stream_send(): tcp "name" 0x55d0c8: what is
 * wrong. */
_Noreturn static void fail(const char *kind, const char *name,
			   const void *object, const char *what)
{
	char address[2 + 2 * sizeof(object) + 1];
	const char *const parts[] = {
		"rota: ",
		checked_call != NULL ? checked_call : "",
		checked_call != NULL ? "(): " : "",
		kind,
		name != NULL ? " \"" : "",
		name != NULL ? name : "",
		name != NULL ? "\"" : "",
		" ",
		rotai_address_text(object, address, sizeof(address)),
		": ",
		what,
		"\n",
	};

	rotai_fail(parts, sizeof(parts) / sizeof(parts[0]));
}

void rotai_report(const char *kind, const void *object, const char *what)
{
	const struct rotai_registered *known;
	const char *name = NULL;

	registry_lock();
	known = find_object(object);
	if (known != NULL) {
		kind = known->kind;
		if (known->name != NULL && is_intact(known))
			name = *known->name;
	}
	registry_unlock();
	fail(kind, name, object, what);
}

static const char *const changed[] = {
	[ROTAI_LIVE_NODE] =
		"its memory was changed while it was started: it was freed, or "
		"used for something else. Stop it first.",
	[ROTAI_LIVE_TASK] =
		"its memory was changed while it was queued: it was freed, or "
		"used for something else. Cancel it first.",
	[ROTAI_LIVE_REQUEST] =
		"its memory was changed while it was in flight: it was freed, "
		"or used for something else. Its callback comes first; to have "
		"it come soon, cancel the request.",
	[ROTAI_LIVE_HANDLE] =
		"its memory was changed while it was open: it was freed, or "
		"used for something else. Close it first, and wait for the "
		"callback of the close.",
	[ROTAI_LIVE_LOOP] = "its memory was changed. Close it first.",
};

static const char *const again[] = {
	[ROTAI_LIVE_NODE] = "is initialised while it is started, or started "
			    "after its memory was overwritten. Stop it first.",
	[ROTAI_LIVE_TASK] =
		"is initialised while it is queued, or queued after its memory "
		"was overwritten. Cancel it first.",
	[ROTAI_LIVE_REQUEST] =
		"is used again while it is in flight. It can be used again "
		"when "
		"its callback has begun; another operation meanwhile needs "
		"another struct.",
	[ROTAI_LIVE_HANDLE] =
		"is initialised while it is open. Close it first, and wait for "
		"the callback of the close.",
	[ROTAI_LIVE_LOOP] = "is there already.",
};

/* Report that memory was changed. The lock is held. */
_Noreturn static void fail_changed(const struct rotai_registered *what)
{
	struct rotai_registered copy = *what;

	registry_unlock();
	fail(copy.kind, NULL, copy.object, changed[copy.live]);
}

/* The same, for an object that is initialised or begun again. */
_Noreturn static void fail_again(const struct rotai_registered *what)
{
	struct rotai_registered copy = *what;
	const char *name =
		copy.name != NULL && is_intact(&copy) ? *copy.name : NULL;

	registry_unlock();
	fail(copy.kind, name, copy.object, again[copy.live]);
}

void rotai_registry_add(const struct rotai_registered *what)
{
	struct rotai_registered *slot;

	registry_lock();
	slot = find(what->key);
	if (slot != NULL)
		fail_again(slot);
	registry_make_room();
	if (!registry.lost) {
		*slot_of(what->key) = *what;
		registry.count++;
	}
	registry_unlock();
}

void rotai_registry_remove(const void *key)
{
	struct rotai_registered *slot;

	registry_lock();
	slot = find(key);
	if (slot != NULL)
		free_slot(slot);
	registry_unlock();
}

void rotai_registry_forget(const void *loop)
{
	size_t i = 0;

	registry_lock();
	while (!registry.lost && i < registry.capacity) {
		struct rotai_registered *slot = &registry.slots[i];

		if (slot->key != NULL && slot->loop == loop)
			free_slot(slot); /* another entry may have moved here */
		else
			i++;
	}
	registry_unlock();
}

int rotai_registry_has(const void *key)
{
	int has;

	registry_lock();
	has = registry.lost || find(key) != NULL;
	registry_unlock();
	return has;
}

void rotai_registry_check_init(const void *key)
{
	struct rotai_registered *slot;

	registry_lock();
	slot = find(key);
	if (slot != NULL)
		fail_again(slot);
	registry_unlock();
}

void rotai_registry_fail(const void *key)
{
	struct rotai_registered *slot;

	registry_lock();
	slot = find(key);
	if (slot != NULL)
		fail_changed(slot);
	registry_unlock();
}

int rotai_registry_check(const void *key)
{
	struct rotai_registered *slot;

	registry_lock();
	slot = find(key);
	if (slot != NULL && !is_intact(slot))
		fail_changed(slot);
	registry_unlock();
	return slot != NULL;
}

/* Whether @to can be a neighbour of @what in a list: it is the link of another
 * object, or the head of a list, which is inside the loop. (3) */
static int is_plausible(const struct rotai_registered *what, const void *to)
{
	const struct rotai_registered *loop = find(what->loop);
	const char *start = what->loop;

	if (find(to) != NULL || loop == NULL)
		return 1;
	return (const char *)to >= start &&
	       (const char *)to < start + loop->size;
}

/* Report that @link does not point back to its neighbour. The lock is held. */
_Noreturn static void fail_link(const struct rota_link *link)
{
	const struct rotai_registered *slot = find(link);

	if (slot != NULL)
		fail_changed(slot);
	registry_unlock();
	fail("link", NULL, link,
	     "its list is broken: an object that was in it was freed, or used "
	     "for something else.");
}

void rotai_registry_check_link(const struct rota_link *link)
{
	const struct rotai_registered *slot;

	registry_lock();
	slot = find(link);
	if (slot != NULL &&
	    (!is_intact(slot) || !is_plausible(slot, link->next) ||
	     !is_plausible(slot, link->prev)))
		fail_changed(slot);
	if (link->next->prev != link)
		fail_link(link->next);
	if (link->prev->next != link)
		fail_link(link->prev);
	registry_unlock();
}

void rotai_registry_check_end(const struct rota_link *list)
{
	if (list->prev->next == list)
		return;
	registry_lock();
	fail_link(list->prev);
}

void rotai_registry_check_list(const struct rota_link *list)
{
	const struct rota_link *at;

	for (at = list->next; at != list; at = at->next)
		rotai_registry_check_link(at);
}

void rotai_registry_check_entry(const struct rota_entry *entry,
				const struct rota_entry *end)
{
	const struct rotai_registered *slot;
	const struct rota_entry *next;

	registry_lock();
	slot = find(entry);
	if (slot != NULL) {
		next = __atomic_load_n(&entry->next, __ATOMIC_RELAXED);
		if (!is_intact(slot) || (next != end && find(next) == NULL))
			fail_changed(slot);
	}
	registry_unlock();
}

#else

/* C requires at least one declaration in a file. */
typedef int rotai_registry_is_empty;

#endif
