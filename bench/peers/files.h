/*
 * peers/files.h - reading whole files and getting their status, with each of
 * the peers.
 */
#ifndef BENCH_PEERS_FILES_H
#define BENCH_PEERS_FILES_H

#include <stddef.h>

enum files_task { FILES_READ, FILES_STAT, FILES_PART };

/* FILES_PART: read the first bytes of an open file, as many as file_size. */

/* The files to read, again and again from the first to the last. */
struct files_load {
	enum files_task task;
	const char *const *paths;
	size_t paths_count;
	size_t file_size; /* of each file, which is checked */
	size_t in_flight;
};

struct files_peer {
	const char *name;
	/* NULL: it is only measured for the other task */
	void *(*make)(const struct files_load *load);
	/* Keep the load's number of files in flight until @count are done. */
	void (*run)(void *set, size_t count);
	void (*free)(void *set);
};

/* The default of both peers. */
enum { FILES_THREADS = 4 };

extern const struct files_peer files_rota;
extern const struct files_peer files_rota_threads; /* never without one */
extern const struct files_peer files_rota_buffer;  /* into memory */
extern const struct files_peer files_rota_steps;
extern const struct files_peer files_libuv_steps;
extern const struct files_peer files_libuv_work;
extern const struct files_peer files_libuv_buffer; /* into memory */
extern const struct files_peer files_calls;

/* Read a whole file by plain calls into memory from malloc(), with a 0 after
 * it. Returns the size, or -1. */
long files_read_plainly(const char *path, char **data);

/* The same into @data, which has space for @size bytes. */
long files_read_into(const char *path, char *data, size_t size);

/* The largest file that is read into memory. */
enum { FILES_MEMORY = 16384 };

#endif
