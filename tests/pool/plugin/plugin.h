/*
 * tests/pool/plugin/plugin.h - a plugin that has the library inside it: built as
 * a shared object of its own, opened and closed by tests/pool/test_unload_linux.c.
 */
#ifndef TESTS_POOL_PLUGIN_PLUGIN_H
#define TESTS_POOL_PLUGIN_PLUGIN_H

#include <stdint.h>

struct plugin {
	/* Have a thread of the process's pool, or of a pool that is dropped
	 * then, do some work, and close the loop: 0 if all went well. */
	int (*use)(int own_pool);

	/* Have a thread read @fd for as long as there is nothing to read, and
	 * leave it there: 0 if all went well. */
	int (*be_stuck)(int fd);

	/* rota_pool_end() */
	int (*end)(uint64_t deadline_ns);

	/* rota_pool_end() while a loop uses the pool. */
	int (*end_in_use)(void);
};

extern const struct plugin plugin;

#endif
