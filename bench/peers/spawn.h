/*
 * peers/spawn.h - start a program and wait for its end, with several libraries.
 */
#ifndef BENCH_PEERS_SPAWN_H
#define BENCH_PEERS_SPAWN_H

#include <stddef.h>

struct spawn_peer {
	const char *name;

	/* Start @program @count times, each after the end of the one before. */
	void (*one_by_one)(const char *program, size_t count);

	/* Start @count at once, and wait for all of them. NULL: the same. */
	void (*at_once)(const char *program, size_t count);
};

/* Start @together children, let all of them end, and take their exits; and that
 * @rounds times. The marks of support/trace.h are around what the library
 * does. */
struct spawn_marked {
	size_t together;
	size_t rounds;
};

void spawn_rota_marked(void *marked);

extern const struct spawn_peer spawn_rota;
extern const struct spawn_peer spawn_libuv;
extern const struct spawn_peer spawn_vfork;
extern const struct spawn_peer spawn_posix;

#endif
