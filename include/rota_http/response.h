/*
 * rota_http/response.h - the response of an exchange.
 *
 * A short one is one call, rota_http_respond(). A longer one has a begin, any
 * number of parts, and an end:
 *
 *     rota_http_response_set(exchange, "Content-Type", type);
 *     rota_http_response_begin(exchange, 200, ROTA_HTTP_LENGTH_UNKNOWN);
 *     rota_http_response_write(exchange, part);
 *     rota_http_response_end(exchange);
 *
 * The server writes Date, Connection, Content-Length and Transfer-Encoding. To
 * a request with HEAD, and with the statuses 204 and 304, the parts of a body
 * are accepted and not sent.
 *
 * Output of one callback leaves together, when the callback has returned.
 */
#ifndef ROTA_HTTP_RESPONSE_H
#define ROTA_HTTP_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/exchange.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** For a length: as many bytes as are written until the end. The body is
 * chunked then; for HTTP/1.0 it ends with the connection. */
#define ROTA_HTTP_LENGTH_UNKNOWN UINT64_MAX

/**
 * Called once for memory or a file that was given to a response, when the
 * server does not use it any more: @status is 0 if all of it was handed to the
 * system, or not needed; or an error: ROTA_EOF if a file was shorter than it
 * should be, or what else has ended the exchange. It is also called after the
 * exchange has failed, and always before it is done.
 *
 * Phase:   pending, closing, or between callbacks.
 * Thread:  the loop's.
 */
typedef void rota_http_release_fn(void *arg, int status);

/**
 * Called after rota_http_response_write() has returned 1, when it may be called
 * again. Not called if the exchange fails.
 *
 * Phase:   poll, pending, or between callbacks.
 * Thread:  the loop's.
 */
typedef void rota_http_writable_fn(struct rota_http_exchange *exchange,
				   void *arg);

/**
 * Answer with @status, a Content-Type of @type unless that is NULL, the fields
 * that were set, and @body. This begins and ends the response. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @body is copied, as far as the system does not take it at once.
 * Errors:  ROTA_EALREADY  the response has begun
 *          else as rota_http_response_set(), rota_http_response_begin() and
 *          rota_http_response_write(). After any of them nothing has changed
 */
int rota_http_respond(struct rota_http_exchange *exchange, int status,
		      const char *type, struct rota_const_buf body);

/**
 * Answer with @status and its reason phrase as a text: for errors. Otherwise as
 * rota_http_respond().
 *
 * Thread:  the loop's.
 * Errors:  as rota_http_respond()
 */
int rota_http_respond_status(struct rota_http_exchange *exchange, int status);

/**
 * Set the field @name to @value, in the place of one that was set or added
 * before. A @value without data removes it. Date may be set as well; then the
 * server writes none. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @name and @value are copied.
 * Errors:  ROTA_EINVAL    @name is no token; @value has a control character, or
 *                         white space around it; or the server writes this
 *                         field: Content-Length, Transfer-Encoding. Of
 *                         Connection, "close" alone can be set
 *          ROTA_EALREADY  the response has begun
 *          ROTA_ENOMEM, ROTA_ECANCELED
 *          After any of them nothing has changed.
 */
int rota_http_response_set(struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf value);

/**
 * Add a field @name with @value behind those that were set: for fields that may
 * occur several times, such as Set-Cookie. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @name and @value are copied.
 * Errors:  as rota_http_response_set()
 */
int rota_http_response_add(struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf value);

/**
 * Store in *@value what rota_http_response_set() or the first
 * rota_http_response_add() has stored for @name. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the bytes are those of the exchange, until it is done.
 * Errors:  ROTA_ENOENT  there is none: *@value is unchanged
 */
int rota_http_response_get(const struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf *value);

/**
 * Have @fn called when the response begins, before its head is written. The
 * function may set fields, and no other. It is called inside
 * rota_http_response_begin() and rota_http_respond(), the last one first; and
 * not for what the server answers by itself. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL
 *          ROTA_EALREADY  the response has begun
 *          ROTA_ENOMEM, ROTA_ECANCELED
 *          After any of them @fn is not called for this call.
 */
int rota_http_response_on_begin(struct rota_http_exchange *exchange,
				rota_http_writable_fn *fn, void *arg);

/**
 * Begin the response: write its head, with @status from 200 to 599 and a body
 * of @length bytes, or of ROTA_HTTP_LENGTH_UNKNOWN. With HEAD and 304 the
 * @length is only told, and ROTA_HTTP_LENGTH_UNKNOWN tells nothing. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @status is out of range, or @length is above
 *                         INT64_MAX
 *          ROTA_EALREADY  the response has begun
 *          ROTA_ENOMEM, ROTA_ECANCELED
 *          After any of them nothing has changed.
 */
int rota_http_response_begin(struct rota_http_exchange *exchange, int status,
			     uint64_t length);

/**
 * Write @data as a part of the body. Returns 0; or 1 if more than the watermark
 * is queued: the bytes are accepted, and the function of
 * rota_http_response_on_writable() says when to go on.
 *
 * Thread:  the loop's.
 * Owner:   @data is copied, as far as the system does not take it at once.
 * Errors:  ROTA_EINVAL    @data has no data and a size, or the response has not
 *                         begun
 *          ROTA_EMSGSIZE  there are more bytes than the length says
 *          ROTA_ENOBUFS   a call has returned 1, and the output is not writable
 *                         again
 *          ROTA_ENOMEM, ROTA_ECANCELED
 *          After any of them no byte of @data is accepted.
 */
int rota_http_response_write(struct rota_http_exchange *exchange,
			     struct rota_const_buf data);

/**
 * Write @data without copying it, and then call @release, which may be NULL.
 * Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   the caller keeps the bytes in place and unchanged until @release is
 *          called. They count for the watermark as copies do.
 * Errors:  as rota_http_response_write(), without ROTA_ENOBUFS. After any of
 *          them @release is not called
 */
int rota_http_response_lend(struct rota_http_exchange *exchange,
			    struct rota_const_buf data,
			    rota_http_release_fn *release, void *arg);

/**
 * Write @length bytes of the file @fd, from @offset on, behind what was written
 * before, and then call @release, which may be NULL: rota_stream_sendfile(). If
 * the file is shorter than that, the connection is reset, so that the peer does
 * not take what it got for the whole. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @fd stays open, and the caller's, until @release is called.
 * Errors:  as rota_http_response_lend(), and as rota_stream_sendfile()
 *          After any of them nothing has changed, and @release is not called.
 */
int rota_http_response_send_file(struct rota_http_exchange *exchange, int fd,
				 uint64_t offset, uint64_t length,
				 rota_http_release_fn *release, void *arg);

/**
 * Call @fn when more can be written after rota_http_response_write() has
 * returned 1. NULL: call nothing.
 *
 * Phase:   @fn is not called inside a call.
 * Thread:  the loop's.
 */
void rota_http_response_on_writable(struct rota_http_exchange *exchange,
				    rota_http_writable_fn *fn, void *arg);

/**
 * Add a trailer field, to be written behind a chunked body: RFC 9110, 6.5. To
 * another body it is dropped. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   @name and @value are copied.
 * Errors:  ROTA_EINVAL    as rota_http_response_set(); or the response has not
 *                         begun
 *          ROTA_ENOMEM, ROTA_ECANCELED
 *          After any of them nothing has changed.
 */
int rota_http_response_trailer(struct rota_http_exchange *exchange,
			       const char *name, struct rota_const_buf value);

/**
 * End the response. Returns 0. After this, or after an error other than
 * ROTA_EINVAL, the handler must not use @exchange any more, except in functions
 * of rota_http_exchange_on_done().
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    the response has not begun, or has ended: nothing has
 *                         changed
 *          ROTA_EMSGSIZE  the body is shorter than its length: the connection
 *                         is reset
 *          ROTA_ECANCELED
 */
int rota_http_response_end(struct rota_http_exchange *exchange);

/**
 * Return 1 if the response has begun, 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_http_response_has_begun(const struct rota_http_exchange *exchange);

/**
 * Return the status of the response, or 0 if it has not begun.
 *
 * Thread:  the loop's.
 */
int rota_http_response_status(const struct rota_http_exchange *exchange);

/**
 * Return how many bytes of the body were written, without what is around
 * chunks. With HEAD, 204 and 304 it is 0.
 *
 * Thread:  the loop's.
 */
uint64_t rota_http_response_sent(const struct rota_http_exchange *exchange);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
