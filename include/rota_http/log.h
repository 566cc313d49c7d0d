/*
 * rota_http/log.h - a log with a line for each request.
 *
 * A log belongs to one loop. A server with several loops has a log for each,
 * all with the same path: lines are appended whole, and no lock is needed.
 */
#ifndef ROTA_HTTP_LOG_H
#define ROTA_HTTP_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "rota/address.h"
#include "rota/buf.h"
#include "rota_http/head.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_allocator;
struct rota_http_log;
struct rota_loop;

enum {
	/** Bytes of a line, at most. */
	ROTA_HTTP_LOG_LINE_SIZE = 8192,

	/** Bytes of a target in a line, at most; and of a referer and of a user
	 * agent. What is longer is cut, and ends in "...". */
	ROTA_HTTP_LOG_TARGET_SIZE = 4096,
	ROTA_HTTP_LOG_TEXT_SIZE = 1024,
};

/** What is known of a request, when its response is done. Call
 * rota_http_log_entry_init(), then set members. */
struct rota_http_log_entry {
	const struct rota_address *client; /* NULL: not known */
	struct rota_const_buf user;        /* empty: not known */
	struct rota_const_buf method;      /* empty: refused before its head */
	struct rota_const_buf target;
	struct rota_const_buf referer; /* empty: none */
	struct rota_const_buf agent;   /* empty: none */
	int64_t seconds;               /* since 1970-01-01 UTC */
	uint64_t duration_ns;
	uint64_t body_size; /* bytes of the body that were sent */
	int status;         /* 0: none was sent */
	int minor;          /* of the version, 1.x */
};

/**
 * Set *@entry to what the head of the request says; or, with @head NULL, to
 * nothing.
 *
 * Thread:  any.
 * Owner:   the members refer to the bytes of @head.
 */
void rota_http_log_entry_init(struct rota_http_log_entry *entry,
			      const struct rota_http_head *head);

/**
 * Write a line about *@entry, with its LF, and return its size. It has no other
 * control characters: text from the peer is escaped.
 *
 * Thread:  the loop's.
 */
typedef size_t rota_http_log_format_fn(char to[ROTA_HTTP_LOG_LINE_SIZE],
				       const struct rota_http_log_entry *entry);

/**
 * The common format, with the time in UTC:
 *
 *	192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] "GET / HTTP/1.1" 200 512
 *
 * In texts, quotes and backslashes have a backslash before them, and other
 * bytes than printable ASCII are \x and two digits. What is not known is "-".
 *
 * Thread:  any.
 */
size_t rota_http_log_common(char to[ROTA_HTTP_LOG_LINE_SIZE],
			    const struct rota_http_log_entry *entry);

/**
 * The combined format: the common one, and "referer" "user agent", in quotes.
 *
 * Thread:  any.
 */
size_t rota_http_log_combined(char to[ROTA_HTTP_LOG_LINE_SIZE],
			      const struct rota_http_log_entry *entry);

/** The options of a log. Call rota_http_log_options_init(), then change
 * members. */
struct rota_http_log_options {
	size_t size; /* of this struct, as the caller was compiled */

	rota_http_log_format_fn *format;

	/** Bytes of memory for lines that are not written yet, at least 4 *
	 * ROTA_HTTP_LOG_LINE_SIZE. Half of it is filled while the other half is
	 * written. */
	uint64_t memory_size;

	/** How long a line waits for others, in nanoseconds, before it is
	 * written; at most, if the pool is not busy. */
	uint64_t flush_ns;

	uint64_t mode; /* of a file that is made, as in open(2) */

	const struct rota_allocator *allocator; /* NULL: malloc(3) */
};

/** The statistics of a log. A later version may add members at the end. */
struct rota_http_log_stats {
	size_t size; /* of this struct, set by the caller */

	uint64_t written; /* lines */
	uint64_t dropped; /* lines: the memory was full, or a write failed */
	uint64_t errors;  /* calls of the system that have failed */
	int64_t error;    /* the last one, or 0 */
	uint64_t opened;  /* how many times the file was opened */
};

/**
 * Set *@options to the defaults, for a caller in which the struct has @size
 * bytes. Programs call rota_http_log_options_init(), which passes the size.
 *
 * Thread:  any.
 */
void rota_http_log_options_init_size(struct rota_http_log_options *options,
				     size_t size);

/**
 * Set *@options to the defaults: the combined format, 128 KiB, one second, and
 * mode 0640.
 *
 * Thread:  any.
 */
static inline void
rota_http_log_options_init(struct rota_http_log_options *options)
{
	rota_http_log_options_init_size(options, sizeof(*options));
}

/**
 * Open the file @path, or make it, and store a log that appends to it in *@log.
 * @options NULL means the defaults. The file is opened in this call; all that
 * is done later is done in the pool of @loop. A relative @path is resolved
 * again when the file is opened again. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the library owns the log until rota_http_log_close(). @path is
 *          copied.
 * Errors:  ROTA_EINVAL  @path is NULL or empty, or the options are not valid
 *          ROTA_ENOMEM  there is no memory
 *          Others       what open(2) reports
 */
int rota_http_log_new(struct rota_http_log **log, struct rota_loop *loop,
		      const char *path,
		      const struct rota_http_log_options *options);

/**
 * Append a line about *@entry. It is formatted in this call, and written by a
 * thread of the pool, together with others: when half of the memory is full, or
 * after flush_ns. If there is no memory left, the line is dropped and counted.
 * This call never waits.
 *
 * While lines wait, the log keeps the loop alive.
 *
 * Thread:  the loop's.
 */
void rota_http_log_write(struct rota_http_log *log,
			 const struct rota_http_log_entry *entry);

/**
 * Open the file again before the next lines are written: for a program that has
 * renamed the file, typically on SIGHUP. If that fails, the lines go to the old
 * file, and it is tried again with the next lines.
 *
 * Thread:  any, and signal handlers; not at the same time as
 *          rota_http_log_close().
 */
void rota_http_log_reopen(struct rota_http_log *log);

/**
 * Store the statistics of @log in *@stats, of which @stats->size bytes are
 * written. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @stats is NULL, or its size is smaller than in the
 *                       first version
 */
int rota_http_log_get_stats(const struct rota_http_log *log,
			    struct rota_http_log_stats *stats);

/** Called when a log is closed. @stats are its last statistics. */
typedef void rota_http_log_closed_fn(const struct rota_http_log_stats *stats,
				     void *arg);

/**
 * Write the lines that wait, close the file, and then call @fn(@stats, @arg),
 * or nothing if @fn is NULL. @log may not be used any more. A log must be
 * closed before its loop is. Returns 0.
 *
 * Phase:   @fn runs where the callbacks of work do: see rota_work_queue().
 * Thread:  the loop's.
 * Errors:  What rota_work_queue() reports, such as ROTA_ESHUTDOWN, because the
 *          loop is shutting down. Then the log was closed in this call, @fn is
 *          not called, and lines were only written if the file is a regular
 *          one.
 */
int rota_http_log_close(struct rota_http_log *log, rota_http_log_closed_fn *fn,
			void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
