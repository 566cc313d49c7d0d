/*
 * rota_http/files.h - a handler that serves the files below a directory.
 *
 *     rota_http_files_options_init(&options);
 *     options.root = "/srv/www";
 *     rota_http_files_new(&files, 1, &options);
 *     server_options.handler = rota_http_files_handler;
 *     server_options.handler_arg = files;
 *
 * It answers GET and HEAD, and other methods with 405. It sends validators and
 * evaluates preconditions, sends ranges, and redirects from a directory without
 * a slash behind it to the one with it. A path never leads out of the root, by
 * no encoding and no symbolic link: see rota_http_path_clean() and
 * rota_fs_open_beneath().
 *
 * Files that were found, and names that were not, are kept for a short time.
 * Small files are kept in memory. So a request for a file that others have just
 * requested needs no system call beyond those of the connection, and what it
 * gets may be older by valid_ns of the options. A file that is replaced by
 * rename(2) is sent whole, as it was or as it is. One that becomes shorter
 * while it is sent ends the connection.
 */
#ifndef ROTA_HTTP_FILES_H
#define ROTA_HTTP_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/exchange.h"
#include "rota_http/media_type.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The files below a directory. Opaque. */
struct rota_http_files;

/** Flags of struct rota_http_files_options. */
enum rota_http_files_flags {
	/** List directories that have no index file. Without this flag they
	 * are answered with 404. */
	ROTA_HTTP_FILES_LISTS = 1 << 0,

	/** Serve and list names that begin with a dot. */
	ROTA_HTTP_FILES_DOT_FILES = 1 << 1,

	/** Serve what is in /.well-known/: RFC 8615. */
	ROTA_HTTP_FILES_WELL_KNOWN = 1 << 2,

	/** Send page.html.br or page.html.gz for page.html to clients that
	 * accept the coding. The program takes care that they have the same
	 * content. */
	ROTA_HTTP_FILES_PRECOMPRESSED = 1 << 3,

	/** Follow no symbolic link. Without this flag those are followed that
	 * lead to a place below the root. */
	ROTA_HTTP_FILES_NO_SYMLINKS = 1 << 4,
};

/** The options of files. Call rota_http_files_options_init(), then change
 * members. Numbers are those of one shard. */
struct rota_http_files_options {
	size_t size; /* of this struct, as the caller was compiled */

	/** The directory. It has no default. */
	const char *root;

	/** The file to send for a directory: "index.html". NULL: none. */
	const char *index;

	/** Media types that come before those of rota_http_media_type_find().
	 */
	const struct rota_http_media_type *types;
	size_t type_count;

	/** The media type of other files: "application/octet-stream". NULL:
	 * they are sent without one. */
	const char *default_type;

	/** The field Cache-Control of files. NULL: there is none. */
	const char *cache_control;

	/** Files and directories that are kept: 1024; and a quarter as many
	 * names that do not exist. */
	size_t entries;

	/** Descriptors that are kept open: 256. */
	size_t descriptors;

	/** A file of at most so many bytes is kept in memory: 64 KiB. */
	size_t body_size;

	/** Bytes of files in memory: 16 MiB. */
	size_t memory;

	/** How long what is kept is used without looking at the file system
	 * again: 1 s. With 0, it is looked at for each request. */
	uint64_t valid_ns;

	/** What nobody has requested for so long is not kept: 60 s. It is
	 * removed with the next request to the shard. */
	uint64_t unused_ns;

	/** Names in a list of a directory: 10,000. A larger directory is
	 * answered with 403. */
	size_t listed;

	/** Ranges of a request, at most 64: 16. If it has more, the whole file
	 * is sent. */
	unsigned ranges;

	/** enum rota_http_files_flags. */
	unsigned flags;
};

/** What rota_http_files_get_stats() stores. Numbers count since
 * rota_http_files_new() unless they say now. A later version may add members at
 * the end. */
struct rota_http_files_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t entries;     /* now, names that do not exist included */
	uint64_t descriptors; /* now */
	uint64_t memory;      /* bytes of files now */
	uint64_t hits;        /* found and valid */
	uint64_t misses;      /* not found */
	uint64_t checks;      /* found, and looked at again */
	uint64_t changes;     /* of these, had changed */
	uint64_t evicted;     /* removed because of a limit */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_http_files_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_http_files_options_init_size(struct rota_http_files_options *options,
				       size_t size);

/**
 * Set *@options to the defaults, which the comments of the members say.
 *
 * Thread:  any.
 */
static inline void
rota_http_files_options_init(struct rota_http_files_options *options)
{
	rota_http_files_options_init_size(options, sizeof(*options));
}

/**
 * Open the directory of @options, for a server with @shards shards, and store
 * the result in *@files. Returns 0.
 *
 * Thread:  any.
 * Owner:   the caller, who ends it by rota_http_files_free(). *@options and the
 *          root are not used after the call. The caller keeps the types and
 *          the texts of the other members in place until then.
 * Errors:  ROTA_EINVAL  @files, @options or the root are NULL, @shards is 0, or
 *                       an option is out of range
 *          ROTA_ENOMEM
 *          Others       those of open(2), such as ROTA_ENOENT, ROTA_ENOTDIR
 *          After any of them *@files is unchanged.
 */
int rota_http_files_new(struct rota_http_files **files, size_t shards,
			const struct rota_http_files_options *options);

/**
 * Free @files. No exchange uses it any more: the server has stopped. NULL: do
 * nothing. Returns 0.
 *
 * Thread:  any, when no loop uses @files.
 * Errors:  ROTA_EBUSY  an exchange uses it: nothing has changed
 */
int rota_http_files_free(struct rota_http_files *files);

/**
 * Answer @exchange with the file that its target names: a function of type
 * rota_http_handler_fn, with a struct rota_http_files as @arg.
 *
 * Phase:   as rota_http_handler_fn
 * Thread:  the loop's.
 */
void rota_http_files_handler(struct rota_http_exchange *exchange, void *arg);

/**
 * Answer @exchange with the file that @path names, which is encoded and begins
 * with "/": for handlers that serve files at a part of their paths, and for a
 * file of their choice. Fields that were set before are sent as well, except
 * with errors. A redirect to a directory is relative, so that it is right
 * wherever that is served. The exchange is answered in any case, perhaps later.
 * The caller must not use it any more, except in functions of
 * rota_http_exchange_on_done().
 *
 * Thread:  the loop's.
 * Owner:   @path is not used after the call.
 */
void rota_http_files_serve(struct rota_http_files *files,
			   struct rota_http_exchange *exchange,
			   struct rota_const_buf path);

/**
 * Store numbers about the shard number @index in *@stats. Set @stats->size
 * before the call. Returns 0.
 *
 * Thread:  that of the shard's loop; any when no loop uses @files.
 * Errors:  ROTA_EINVAL  @stats is NULL, its size is too small, or there is no
 *                       such shard
 */
int rota_http_files_get_stats(const struct rota_http_files *files, size_t index,
			      struct rota_http_files_stats *stats);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
