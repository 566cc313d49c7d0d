/*
 * base/registry.h - what checked builds know of every object that a loop has:
 * started nodes, queued tasks, requests in flight, open handles, and the loops
 * themselves. A release build has none of it.
 *
 *  1. An object is known by a key, which is an address inside it: that of its
 *     link, if it has one, so that a list can be checked link by link.
 *  2. The registry never calls its users, and allocates no memory of theirs.
 *  3. The thread sanitizer sees every lock as an order between two threads. It
 *     would miss races between threads that use the registry, so there is none
 *     under it.
 */
#ifndef ROTAI_BASE_REGISTRY_H
#define ROTAI_BASE_REGISTRY_H

#include <stddef.h>

#include "base/assert.h"

struct rota_link;
struct rota_entry;

/* What an object is while it is registered. */
enum rotai_live {
	ROTAI_LIVE_NODE,    /* started */
	ROTAI_LIVE_TASK,    /* queued */
	ROTAI_LIVE_REQUEST, /* in flight */
	ROTAI_LIVE_HANDLE,  /* open */
	ROTAI_LIVE_LOOP,
};

struct rotai_registered {
	const void *key; /* NULL: not in use */
	enum rotai_live live;
	const char *kind; /* "timer", "tcp"... */
	const void *object;
	const void *loop;
	size_t size;             /* a loop's */
	const void *loop_at;     /* where the object says which loop it is of */
	const char *const *name; /* where a handle has its name, or NULL */
};

/* The public function that the calling thread is in, for reports: the outermost
 * since the last callback began. 1 if that is @function now. */
int rotai_function_begin(const char *function);
void rotai_function_end(const int *outermost);
void rotai_function_set(const char *function);

/* Say what is wrong with an object, and end the process. */
_Noreturn void rotai_report(const char *kind, const void *object,
			    const char *what);

void rotai_registry_add(const struct rotai_registered *what);
void rotai_registry_remove(const void *key);

/* Remove all that is of @loop, and @loop. */
void rotai_registry_forget(const void *loop);

int rotai_registry_has(const void *key);

/* An object is about to be initialised: it must not be registered. */
void rotai_registry_check_init(const void *key);

/* Say that the memory of a registered object was changed. */
void rotai_registry_fail(const void *key);

/* If the object is registered, its memory must still be its own: 1, or 0 if it
 * is not registered. */
int rotai_registry_check(const void *key);

/* A link must be in a list, and its neighbours must know it. */
void rotai_registry_check_link(const struct rota_link *link);
void rotai_registry_check_list(const struct rota_link *list);

/* The last of a list must know that it is. */
void rotai_registry_check_end(const struct rota_link *list);

/* The next of a queued entry must be queued as well, or @end. */
void rotai_registry_check_entry(const struct rota_entry *entry,
				const struct rota_entry *end);

#ifdef ROTAI_WATCHFUL
#define ROTAI_WHEN_WATCHFUL(...) __VA_ARGS__
#else

#define ROTAI_WHEN_WATCHFUL(...) ((void)0)
#endif

/* An object begins to be the loop's. @loop_at is the member of @object that
 * says of which. */
#define ROTAI_LIVE_BEGIN(is_live, of_kind, the_object, the_key, the_loop,      \
			 its_loop)                                             \
	ROTAI_WHEN_WATCHFUL(rotai_registry_add(&(struct rotai_registered){     \
		.key = (the_key),                                              \
		.live = (is_live),                                             \
		.kind = (of_kind),                                             \
		.object = (the_object),                                        \
		.loop = (the_loop),                                            \
		.loop_at = (its_loop),                                         \
	}))

/* And ends to be. */
#define ROTAI_LIVE_END(key) ROTAI_WHEN_WATCHFUL(rotai_registry_remove(key))

/* The library is about to look at the object. */
#define ROTAI_LIVE_CHECK(key)                                                  \
	ROTAI_WHEN_WATCHFUL((void)rotai_registry_check(key))
#define ROTAI_LIVE_CHECK_LINK(link)                                            \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_link(link))
#define ROTAI_LIVE_CHECK_END(list)                                             \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_end(list))
#define ROTAI_LIVE_CHECK_LIST(list)                                            \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_list(list))
#define ROTAI_LIVE_CHECK_ENTRY(entry, end)                                     \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_entry(entry, end))

/* An object is about to be initialised; as the first line of a function. */
#define ROTAI_LIVE_CHECK_INIT(key)                                             \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_init(key))
#define ROTAI_LIVE_INIT(key)                                                   \
	ROTAI_WHEN_WATCHFUL(ROTAI_FUNCTION; rotai_registry_check_init(key))

/* Have reports of the rest of the calling function name it. */
#define ROTAI_FUNCTION                                                         \
	const int rotai_outermost                                              \
		__attribute__((unused, cleanup(rotai_function_end))) =         \
			rotai_function_begin(__func__)

#endif
