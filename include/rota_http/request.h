/*
 * rota_http/request.h - the request of an exchange: its head, and its body, all
 * at once or piece by piece.
 *
 * The body of a request is read only when the handler asks for it. Until then
 * it waits, and so do the requests behind it. What the handler
 * has not read when the response ends is dropped, up to linger_size of the
 * options; of more than that, the connection ends.
 */
#ifndef ROTA_HTTP_REQUEST_H
#define ROTA_HTTP_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/exchange.h"
#include "rota_http/head.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/**
 * Called with a piece of the body: @status is 0 and @piece has at least one
 * byte. Then with ROTA_EOF at its end, when the trailers are in the head. Or
 * with an error, as the last call: ROTA_EPROTO if the body is malformed or the
 * connection has ended within it, ROTA_EMSGSIZE if it is longer than body_size
 * of the limits, ROTA_ETIMEDOUT if a time has passed, or an error of the
 * stream. After an error the exchange has failed, and the server answers if it
 * can.
 *
 * Phase:   poll, or between callbacks. The callback may pause the body, and use
 *          all functions of the exchange.
 * Thread:  the loop's.
 * Owner:   the bytes of @piece are the server's, until the callback returns.
 */
typedef void rota_http_body_fn(struct rota_http_exchange *exchange, int status,
			       struct rota_const_buf piece, void *arg);

/**
 * Called with the whole body, when @status is 0. Or with an error, and no
 * bytes: ROTA_EMSGSIZE if the body is longer than the limit of
 * rota_http_request_read_all(), and then the handler answers, for example with
 * 413; ROTA_ENOMEM, where it is the same, with 503; or as rota_http_body_fn.
 *
 * Phase:   poll, or between callbacks.
 * Thread:  the loop's.
 * Owner:   the bytes of @body are those of the exchange, until it is done.
 */
typedef void rota_http_whole_body_fn(struct rota_http_exchange *exchange,
				     int status, struct rota_const_buf body,
				     void *arg);

/**
 * Return the head of the request; or NULL if there is none, because it was
 * refused. The struct is valid until the exchange is done. Its texts
 * (rota_http_head_target() and so on) are valid until the callback returns in
 * which they were asked for: the bytes may be moved after that.
 *
 * Thread:  the loop's.
 */
const struct rota_http_head *
rota_http_request_head(const struct rota_http_exchange *exchange);

/**
 * Call @fn with the pieces of the body as they arrive, and then with its end.
 * If there is no body, @fn is called with the end only. If the client waits for
 * 100 (Continue), that is sent now: RFC 9110, 10.1.1. Returns 0.
 *
 * Phase:   @fn runs in the poll phase, or between callbacks, and never inside
 *          this call.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL
 *          ROTA_EALREADY  the body is being read, or was
 *          ROTA_ECANCELED also if the response has ended
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_http_request_read(struct rota_http_exchange *exchange,
			   rota_http_body_fn *fn, void *arg);

/**
 * Read the whole body into memory, at most @limit bytes, and then call @fn. A
 * body whose length is known to be more is not read, and no 100 (Continue) is
 * sent for it. Returns 0.
 *
 * Phase:   as rota_http_request_read()
 * Thread:  the loop's.
 * Errors:  as rota_http_request_read()
 */
int rota_http_request_read_all(struct rota_http_exchange *exchange,
			       size_t limit, rota_http_whole_body_fn *fn,
			       void *arg);

/**
 * Call the function of rota_http_request_read() no more until
 * rota_http_request_resume(). This takes effect at once. What arrives waits: at
 * most 16 KiB and a buffer of the loop here, the rest in the buffers of the
 * system, and then the peer has to wait. If the body is paused, or not being
 * read, this does nothing.
 *
 * Thread:  the loop's.
 */
void rota_http_request_pause(struct rota_http_exchange *exchange);

/**
 * Go on after rota_http_request_pause(). Otherwise this does nothing.
 *
 * Phase:   the function of rota_http_request_read() is not called inside this
 *          call.
 * Thread:  the loop's.
 */
void rota_http_request_resume(struct rota_http_exchange *exchange);

/**
 * Return 1 if the whole request has arrived and was reported, 0 if a part of
 * its body is missing, or was not read yet.
 *
 * Thread:  the loop's.
 */
int rota_http_request_is_complete(const struct rota_http_exchange *exchange);

/**
 * Return how many bytes of the body have been reported, or dropped.
 *
 * Thread:  the loop's.
 */
uint64_t rota_http_request_received(const struct rota_http_exchange *exchange);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
