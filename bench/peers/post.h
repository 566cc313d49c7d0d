/*
 * peers/post.h - threads that make a loop's thread call back, with each of the
 * peers.
 *
 * There are two kinds. In the first kind each post is one call, and posts are
 * not merged. A producer has tasks of its own, and each of them is in flight at
 * most once at a time. In the second kind, posts before the callback are merged
 * into one: a flag.
 */
#ifndef BENCH_PEERS_POST_H
#define BENCH_PEERS_POST_H

#include <stddef.h>

struct post_load {
	size_t producers;
	size_t tasks; /* of each producer */

	/* Called at each arrival, on the loop's thread. */
	void (*arrived)(void *arg);
	void *arg;
};

struct post_peer {
	const char *name;
	void *(*make)(const struct post_load *load);

	/* Post the first @count tasks of @producer, or send that many times. It
	 * may be called from any thread, but only by one at a time for each
	 * producer. */
	void (*post)(void *set, size_t producer, size_t count);

	/* Run the loop until stop() is called on its thread. */
	void (*run)(void *set);
	void (*stop)(void *set);

	void (*free)(void *set);
};

enum { POST_PRODUCERS = 8 };

/* Each post is one call. */
extern const struct post_peer post_rota_task;
extern const struct post_peer post_rota_all;
extern const struct post_peer post_stack;
extern const struct post_peer post_stack_claimed;
extern const struct post_peer post_libuv_queue;
extern const struct post_peer post_libev_queue;
extern const struct post_peer post_libevent_queue;
extern const struct post_peer post_libevent_event;
extern const struct post_peer post_libevent_once;

/* Posts before the callback are merged into one. */
extern const struct post_peer post_rota_async;
extern const struct post_peer post_flag;
extern const struct post_peer post_libuv_async;
extern const struct post_peer post_libev_async;
extern const struct post_peer post_libevent_async;

#endif
