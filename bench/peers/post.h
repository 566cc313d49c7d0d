/*
 * peers/post.h - threads that have a loop's thread call back, by each of the
 * peers.
 *
 * There are two kinds. With one, each post is a call, and none stands for two;
 * a producer has tasks of its own, each of which is in flight once at a time.
 * With the other, posts that come before the callback are one: a flag.
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

	/* Post the first @count tasks of @producer, or send that many times.
	 * From any thread, but for each producer from one at a time. */
	void (*post)(void *set, size_t producer, size_t count);

	/* Run the loop until stop() is called in its thread. */
	void (*run)(void *set);
	void (*stop)(void *set);

	void (*free)(void *set);
};

enum { POST_PRODUCERS = 8 };

/* Each post is a call. */
extern const struct post_peer post_rota_task;
extern const struct post_peer post_rota_all;
extern const struct post_peer post_stack;
extern const struct post_peer post_stack_claimed;
extern const struct post_peer post_libuv_queue;
extern const struct post_peer post_libev_queue;
extern const struct post_peer post_libevent_queue;
extern const struct post_peer post_libevent_event;
extern const struct post_peer post_libevent_once;

/* Those that come before the callback are one. */
extern const struct post_peer post_rota_async;
extern const struct post_peer post_flag;
extern const struct post_peer post_libuv_async;
extern const struct post_peer post_libev_async;
extern const struct post_peer post_libevent_async;

#endif
