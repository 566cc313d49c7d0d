/*
 * base/registry.h - in checked builds, the table of the objects that a loop
 * uses: started nodes, queued tasks, requests in flight, open handles, and the
 * loops themselves. A release build has no registry.
 *
 *  1. The key of an object is an address inside it: that of its link, if it has
 *     one, so that a list can be checked link by link.
 *  2. The registry never calls its users, and does not use their allocators.
 *  3. The thread sanitizer treats every lock as ordering two threads, so it
 *     would miss races between threads that use the registry. Under it there is
 *     no registry.
 */
#ifndef ROTAI_BASE_REGISTRY_H
#define ROTAI_BASE_REGISTRY_H

#include <stddef.h>

#include "base/assert.h"

struct rota_link;
struct rota_entry;

/* The state of a registered object. */
enum rotai_live {
	ROTAI_LIVE_NODE,    /* started */
	ROTAI_LIVE_TASK,    /* queued */
	ROTAI_LIVE_REQUEST, /* in flight */
	ROTAI_LIVE_HANDLE,  /* open */
	ROTAI_LIVE_LOOP,
};

struct rotai_registered {
	const void *key; /* NULL: the slot is free */
	enum rotai_live live;
	const char *kind; /* "timer", "tcp"... */
	const void *object;
	const void *loop;
	size_t size;             /* of a loop */
	const void *loop_at;     /* where the object names its loop */
	const char *const *name; /* the address of a handle's name, or NULL */
};

/* The public function that the calling thread is in, for reports: the outermost
 * since the last callback began. rotai_function_begin() returns 1 if that is
 * @function from now on, and rotai_function_end() gets the address of this
 * result. */
int rotai_function_begin(const char *function);
void rotai_function_end(const int *outermost);
void rotai_function_set(const char *function);

/* Print what is wrong with an object, and abort. */
_Noreturn void rotai_report(const char *kind, const void *object,
			    const char *what);

void rotai_registry_add(const struct rotai_registered *what);
void rotai_registry_remove(const void *key);

/* Remove @loop and all its objects. */
void rotai_registry_forget(const void *loop);

int rotai_registry_has(const void *key);

/* An object is about to be initialised. Fails if it is registered. */
void rotai_registry_check_init(const void *key);

/* If the object is registered, report that its memory was changed, and
 * abort. */
void rotai_registry_fail(const void *key);

/* Fails if the object is registered and its memory was changed. Returns 1, or 0
 * if it is not registered. */
int rotai_registry_check(const void *key);

/* Fails unless the link, or each link of the list, is intact and its neighbours
 * point back to it. */
void rotai_registry_check_link(const struct rota_link *link);
void rotai_registry_check_list(const struct rota_link *list);

/* Fails unless the last link of the list points back to the head. */
void rotai_registry_check_end(const struct rota_link *list);

/* Fails unless the entry that follows a queued one is queued too, or is
 * @end. */
void rotai_registry_check_entry(const struct rota_entry *entry,
				const struct rota_entry *end);

#ifdef ROTAI_WATCHFUL
#define ROTAI_WHEN_WATCHFUL(...) __VA_ARGS__
#else

#define ROTAI_WHEN_WATCHFUL(...) ((void)0)
#endif

/* Register an object of a loop. @its_loop is the address of the word in the
 * object that names the loop. */
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

/* Unregister it. */
#define ROTAI_LIVE_END(key) ROTAI_WHEN_WATCHFUL(rotai_registry_remove(key))

/* Check an object before the library uses it. */
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

/* Check that an object may be initialised. ROTAI_LIVE_INIT() does that as the
 * first line of a public function. */
#define ROTAI_LIVE_CHECK_INIT(key)                                             \
	ROTAI_WHEN_WATCHFUL(rotai_registry_check_init(key))
#define ROTAI_LIVE_INIT(key)                                                   \
	ROTAI_WHEN_WATCHFUL(ROTAI_FUNCTION; rotai_registry_check_init(key))

/* Makes reports name the calling function, from here to its end. */
#define ROTAI_FUNCTION                                                         \
	const int rotai_outermost                                              \
		__attribute__((unused, cleanup(rotai_function_end))) =         \
			rotai_function_begin(__func__)

#endif
