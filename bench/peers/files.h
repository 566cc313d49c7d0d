/*
 * peers/files.h - whole files, and what the system says of them, by each of the
 * peers.
 */
#ifndef BENCH_PEERS_FILES_H
#define BENCH_PEERS_FILES_H

#include <stddef.h>

enum files_task { FILES_READ, FILES_STAT };

/* What is to be read, again and again from the first to the last. */
struct files_load {
	enum files_task task;
	const char *const *paths;
	size_t paths_count;
	size_t file_size; /* of each: what comes has to be that */
	size_t in_flight;
};

struct files_peer {
	const char *name;
	/* NULL: has no way to stat other than another subject's */
	void *(*make)(const struct files_load *load);
	/* Have the load's number of files in flight until @count are done. */
	void (*run)(void *set, size_t count);
	void (*free)(void *set);
};

/* Of each peer: the default of both. */
enum { FILES_THREADS = 4 };

extern const struct files_peer files_rota;
extern const struct files_peer files_rota_steps;
extern const struct files_peer files_libuv_steps;
extern const struct files_peer files_libuv_work;
extern const struct files_peer files_calls;

/* Read a whole file by plain calls: into memory of malloc's, with a 0 after
 * it. Returns the size, or -1. */
long files_read_plainly(const char *path, char **data);

#endif
