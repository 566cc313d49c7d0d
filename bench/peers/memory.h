/*
 * peers/memory.h - connections and timers on each of the peers, to measure
 * their memory.
 *
 * A peer allocates with malloc() what a server or its library keeps for each
 * object, and nothing else. Nothing is ever freed: the process ends.
 */
#ifndef BENCH_PEERS_MEMORY_H
#define BENCH_PEERS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_peer {
	const char *name;
	size_t size;    /* of the object; 0: only the library knows it */
	bool is_stream; /* it receives and sends by itself */

	/* Make a loop. Each echoed message is added to *@echoed. */
	void *(*make)(size_t *echoed);

	/* Echo all input of @fd, which is connected and non-blocking. */
	void (*open)(void *loop, int fd);

	/* Wait for events, and handle them. */
	void (*turn)(void *loop);
};

struct memory_timer_peer {
	const char *name;
	size_t size;
	void *(*make)(size_t *ignored);

	/* Start another timer, which is due in @delay_ms. */
	void (*start)(void *loop, uint64_t delay_ms);
};

extern const struct memory_peer memory_rota_tcp;
extern const struct memory_peer memory_rota_watch;
extern const struct memory_peer memory_libuv;
extern const struct memory_peer memory_libev;
extern const struct memory_peer memory_libevent;
extern const struct memory_peer memory_bufferevent;

extern const struct memory_timer_peer memory_rota_timer;
extern const struct memory_timer_peer memory_libuv_timer;
extern const struct memory_timer_peer memory_libev_timer;
extern const struct memory_timer_peer memory_libevent_timer;

#endif
