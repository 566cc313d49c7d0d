/*
 * peers/post.h - several threads that have a loop's thread call back.
 */
#ifndef BENCH_PEERS_POST_H
#define BENCH_PEERS_POST_H

#include <stddef.h>

struct post_load {
	size_t producers;
	size_t count; /* posts of each producer */

	/* Called at each arrival, on the loop's thread; may be NULL. */
	void (*arrived)(void);
};

struct post_peer {
	const char *name;
	void *(*make)(const struct post_load *load);

	/* Post the tasks @from to @to - 1 of @producer, from its thread. */
	void (*produce)(void *set, size_t producer, size_t from, size_t to);

	/* Run the loop until the last of all has arrived. */
	void (*run)(void *set);

	void (*free)(void *set);
};

enum { POST_PRODUCERS = 8 };

/* Each post is a call: none stands for two. */
extern const struct post_peer post_rota;
extern const struct post_peer post_libuv_queue;

/* Posts that come before the call are one. */
extern const struct post_peer post_bare;
extern const struct post_peer post_rota_async;
extern const struct post_peer post_libuv_async;

#endif
