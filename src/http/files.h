/*
 * http/files.h - what serving files is made of: see files.c.
 */
#ifndef ROTAI_HTTP_FILES_H
#define ROTAI_HTTP_FILES_H

#include <stddef.h>

#include "http/file_cache.h"
#include "rota_http/exchange.h"
#include "rota_http/files.h"

struct rota_http_files {
	struct rota_http_files_options options;
	int root;
	size_t count;
	struct rotai_http_file_cache shards[];
};

/* A request for a file or a directory, in the arena of its exchange. */
struct rotai_http_file_request {
	struct rota_http_exchange *exchange;
	struct rota_http_files *files;
	struct rotai_http_file_cache *cache;
	struct rotai_http_file *file; /* what was found, or NULL */
	struct rotai_http_file_wait wait;
	int order[8]; /* of the codings that the client wants */
	int wanted;
	int tried;        /* how many of them were looked for */
	size_t path_size; /* without what was added to it */
	size_t space;     /* of path */
	char path[];      /* relative to the root, with a 0 */
};

/* The status for an error of opening or reading a file. */
int rotai_http_file_status(int error);

/* The answer is an error, or the connection's end if there is no memory for
 * it. */
void rotai_http_file_refuse(struct rota_http_exchange *exchange, int status);

#endif
