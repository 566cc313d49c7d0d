/*
 * rota_http/writer.h - writes heads of messages, and what is around chunks.
 *
 * A writer fills memory of the caller's. Names that are no tokens, and values
 * with CR, LF or other control characters, are refused. So no value can begin a
 * field or a response of its own.
 *
 *     rota_http_writer_init(&writer, memory, sizeof(memory));
 *     rota_http_write_status(&writer, 200, NULL);
 *     rota_http_write_field(&writer, "Content-Type", type);
 *     rota_http_write_number(&writer, "Content-Length", body.size);
 *     size = rota_http_write_end(&writer);
 *
 * The first error is kept, so that it is enough to look at the last result.
 */
#ifndef ROTA_HTTP_WRITER_H
#define ROTA_HTTP_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/date.h"
#include "rota_http/parser.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum {
	/** Bytes of the line before a chunk, at most. */
	ROTA_HTTP_CHUNK_SIZE = 18,

	/** Bytes of the answer to a refusal, at most. */
	ROTA_HTTP_REFUSAL_SIZE = 512,
};

/**
 * Writes a head.
 *
 * Owner:   the caller, and the memory too.
 */
struct rota_http_writer {
	struct {
		char *begin;
		char *at;
		char *end;
		int error; /* the first one */
	} internal;        /* private to the library: do not read or write */
};

/** A date as text, which is formatted once a second at most. All zero, it has
 * none. */
struct rota_http_date_cache {
	struct {
		int64_t seconds;
		char text[ROTA_HTTP_DATE_SIZE];
		uint8_t is_set;
	} internal; /* private to the library: do not read or write */
};

/**
 * Return the reason phrase of @status, such as "Not Found"; "" for a status
 * that no RFC defines.
 *
 * Thread:  any.
 */
const char *rota_http_status_text(int status);

/**
 * Begin a head in the @size bytes at @memory.
 *
 * Thread:  any.
 * Owner:   the caller keeps @memory until the head is written.
 */
void rota_http_writer_init(struct rota_http_writer *writer, char *memory,
			   size_t size);

/**
 * Write the status line of a response of HTTP/1.1. @reason may be NULL:
 * rota_http_status_text(). Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    @status is not from 100 to 999, @reason has a control
 *                         character, or this is not the first line
 *          ROTA_EMSGSIZE  the memory is too small
 *          After any of them the following calls return the same.
 */
int rota_http_write_status(struct rota_http_writer *writer, int status,
			   const char *reason);

/**
 * Write the request line of a request of HTTP/1.1. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    @method is no token, @target has a character that no
 *                         target has or is empty, or this is not the first line
 *          ROTA_EMSGSIZE  the memory is too small
 *          After any of them the following calls return the same.
 */
int rota_http_write_request(struct rota_http_writer *writer, const char *method,
			    struct rota_const_buf target);

/**
 * Write a field. Returns 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    @name is no token, @value has a control character
 *                         other than a tab or white space around it, or there
 *                         is no first line yet
 *          ROTA_EMSGSIZE  the memory is too small
 *          After any of them the following calls return the same.
 */
int rota_http_write_field(struct rota_http_writer *writer, const char *name,
			  struct rota_const_buf value);

/**
 * Write a field whose value is a @number, such as Content-Length. Returns 0.
 *
 * Thread:  any.
 * Errors:  as rota_http_write_field()
 */
int rota_http_write_number(struct rota_http_writer *writer, const char *name,
			   uint64_t number);

/**
 * Write the empty line at the end of a head. Returns the size of the head.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    there is no first line
 *          ROTA_EMSGSIZE  the memory is too small
 *          or the error of an earlier call for this head
 */
ptrdiff_t rota_http_write_end(struct rota_http_writer *writer);

/**
 * Write the line before a chunk of @size bytes to @to, and return its size. CR
 * LF follow the chunk. For @size 0 this is the line of the last chunk, after
 * which come trailers, and then CR LF in any case.
 *
 * Thread:  any.
 */
size_t rota_http_write_chunk(char to[ROTA_HTTP_CHUNK_SIZE], uint64_t size);

/**
 * Write a whole answer to a message that was refused: a head with
 * "Connection: close", and the reason as the body. Returns its size.
 *
 * Thread:  any.
 */
size_t rota_http_write_refusal(char to[ROTA_HTTP_REFUSAL_SIZE],
			       const struct rota_http_refusal *refusal);

/**
 * Return the date of @seconds as rota_http_date_write() writes it. It is
 * formatted only if @seconds is another one than in the call before.
 *
 * Thread:  any. A cache is for one thread at a time.
 * Owner:   the text is valid until the next call for @cache.
 */
struct rota_const_buf rota_http_date_get(struct rota_http_date_cache *cache,
					 int64_t seconds);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
