/*
 * http/file_cache.h - files that are kept open, or in memory: one cache for
 * each shard. See file_cache.c.
 */
#ifndef ROTAI_HTTP_FILE_CACHE_H
#define ROTAI_HTTP_FILE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/fs_beneath.h"
#include "rota/loop.h"
#include "rota_http/conditional.h"
#include "rota_http/date.h"
#include "rota_http/files.h"

struct rotai_http_file;
struct rotai_http_file_cache;
struct rotai_http_file_wait;

/* Called when a file has been looked at: @error is 0 and @file is used until
 * rotai_http_file_release(); or it is NULL. */
typedef void rotai_http_file_fn(struct rotai_http_file_wait *wait,
				struct rotai_http_file *file, int error);

/* A request for a file that is being looked at. */
struct rotai_http_file_wait {
	struct rotai_http_file_wait *next;
	rotai_http_file_fn *fn;
};

/* What is known about a path. While it is used, nothing of it changes but for
 * the times, and the entity tag, which becomes strong. */
struct rotai_http_file {
	struct rota_file_info info;
	int fd;     /* or -1: it is in memory, or a directory */
	char *body; /* info.bytes bytes, or NULL */
	uint8_t is_directory;
	uint8_t etag_size;
	char etag[ROTA_HTTP_ETAG_SIZE];
	char modified[ROTA_HTTP_DATE_SIZE];

	/* Of the cache. */
	int error;          /* a path without a file */
	uint32_t hash;      /* of the path */
	uint32_t uses;      /* while there are, it is not freed */
	uint8_t is_listed;  /* in the table, and in a list */
	uint8_t is_loading; /* fs is in flight */
	uint8_t is_whole;   /* as many bytes were read */
	uint8_t attempts;   /* to read it as a whole */
	uint64_t valid_ns;  /* until then */
	uint64_t used_ns;   /* when it was requested last */
	struct rotai_http_file_cache *cache;
	struct rotai_http_file *chain; /* of its place in the table */
	struct rotai_http_file *newer; /* in its list */
	struct rotai_http_file *older;
	struct rotai_http_file *known;      /* what is being looked at again */
	struct rotai_http_file_wait *first; /* waits, in their order */
	struct rotai_http_file_wait **last;
	struct rota_file_info seen; /* of fs */
	struct rota_fs fs;
	size_t path_size;
	char path[]; /* with a 0 */
};

/* Files of one kind, by the time of their last request. */
struct rotai_http_file_list {
	struct rotai_http_file *newest;
	struct rotai_http_file *oldest;
	size_t count;
};

/* When the content was modified, in whole seconds. */
static inline int64_t
rotai_http_file_seconds(const struct rotai_http_file *file)
{
	return file->info.modified_ns / 1000000000 -
	       (file->info.modified_ns % 1000000000 < 0);
}

struct rotai_http_file_cache {
	const struct rota_http_files_options *options;
	int root; /* the directory; the caller's */
	struct rotai_http_file **table;
	size_t mask;                         /* its size - 1 */
	struct rotai_http_file_list files;   /* those that are being opened,
					       * too */
	struct rotai_http_file_list missing; /* paths without a file */
	size_t in_use;                       /* uses, and files that are being
					       * looked at */
	struct rota_http_files_stats stats;
};

/* Returns 0 or ROTA_ENOMEM. */
int rotai_http_file_cache_init(struct rotai_http_file_cache *cache, int root,
			       const struct rota_http_files_options *options);

/* Free what is kept. Nothing is in use. */
void rotai_http_file_cache_free(struct rotai_http_file_cache *cache);

/* Find the file @path, which is relative to the root and ends with a 0. If it
 * is known, store it in *@file, to be used until rotai_http_file_release(), and
 * return 1. Else return 0, and wait->fn is called once, later. With @is_fresh,
 * what is known is looked at again. Or return an error: of the file, or
 * ROTA_ENOMEM or those of rota_fs_open_beneath(). */
int rotai_http_file_get(struct rotai_http_file_cache *cache,
			struct rota_loop *loop, const char *path, size_t size,
			int is_fresh, struct rotai_http_file **file,
			struct rotai_http_file_wait *wait);

/* Begin another use, or end one. */
void rotai_http_file_use(struct rotai_http_file *file);
void rotai_http_file_release(struct rotai_http_file *file);

#endif
