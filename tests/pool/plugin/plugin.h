/*
 * tests/pool/plugin/plugin.h - a plugin that contains the library. It is built
 * as a shared object, and tests/pool/test_unload_linux.c opens, uses and closes
 * it.
 */
#ifndef TESTS_POOL_PLUGIN_PLUGIN_H
#define TESTS_POOL_PLUGIN_PLUGIN_H

#include <stdint.h>

struct plugin {
	/* Run some jobs in the default pool, or in a pool that is then dropped,
	 * and close the loop. Returns 0 if all went well. */
	int (*use)(int own_pool);

	/* Queue a job that blocks until @fd can be read, and abandon it there.
	 * Returns 0 if all went well. */
	int (*be_stuck)(int fd);

	/* Watch a signal, in a loop that is left open, and, if @stops, no
	 * longer. Returns 0 if all went well. */
	int (*watch_signal)(int number, int stops);

	/* rota_pool_end() */
	int (*end)(uint64_t deadline_ns);

	/* rota_pool_end() while a loop uses the default pool. */
	int (*end_in_use)(void);
};

extern const struct plugin plugin;

#endif
