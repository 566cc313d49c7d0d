/*
 * rota_http/exchange.h - one request and its response.
 *
 * An exchange begins when the head of its request has arrived, and the handler
 * is called with it. It ends when both sides are done: the handler has ended
 * the response, or was told by rota_http_exchange_on_done() that there is
 * nobody to answer; and the response was handed to the system, or cannot be.
 * Until then the handler may use it in any callback of its loop.
 *
 * Rules for all functions here and in rota_http/request.h and response.h:
 *
 *  - They call nothing of the program from inside.
 *  - When the exchange has failed, because the peer has gone, a limit was
 *    reached, or it was aborted, they return ROTA_ECANCELED and change nothing.
 *  - When the handler has ended the response, its own use of the exchange is
 *    over, unless it waits for rota_http_exchange_on_done().
 */
#ifndef ROTA_HTTP_EXCHANGE_H
#define ROTA_HTTP_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/address.h"
#include "rota/handle.h"
#include "rota/loop.h"
#include "rota/stream.h"
#include "rota_http/head.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rota_http_server;

/** A request and its response. Opaque. */
struct rota_http_exchange;

/**
 * Called once when an exchange is done: @status is 0 if the response was handed
 * to the system completely; ROTA_ECANCELED if the handler has aborted the
 * exchange; ROTA_ETIMEDOUT if a time of the server's options has passed, or
 * another error, such as ROTA_ECONNRESET, if the peer has gone or has broken
 * the protocol. After the last of these functions the exchange must not be used
 * any more.
 *
 * Phase:   poll, pending, timers or closing, or between callbacks. The callback
 *          may use the exchange for reading, and no function that changes it.
 * Thread:  the loop's.
 */
typedef void rota_http_done_fn(struct rota_http_exchange *exchange, int status,
			       void *arg);

/**
 * Called for rota_http_exchange_take_over(): the connection is not of HTTP any
 * more. @first are the bytes that have come behind the request. If the
 * connection has failed before, this is not called.
 *
 * Phase:   as rota_http_handler_fn. The callback may close @stream.
 * Thread:  the loop's.
 * Owner:   the callback gets @stream, and has to end it, for example by
 *          rota_stream_end(). Its close callback calls @free_stream with the
 *          handle, as the last use of it; or @free_stream is the close
 *          callback. The bytes of @first are the server's, until the callback
 *          returns.
 */
typedef void rota_http_take_over_fn(struct rota_stream *stream,
				    struct rota_const_buf first,
				    rota_close_fn *free_stream, void *arg);

/**
 * Have @fn called when @exchange is done. Several functions are called in the
 * reverse order of these calls. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL  @fn is NULL
 *          ROTA_ENOMEM
 *          ROTA_ECANCELED
 *          After any of them @fn is not called for this call.
 */
int rota_http_exchange_on_done(struct rota_http_exchange *exchange,
			       rota_http_done_fn *fn, void *arg);

/**
 * Return @size bytes of the arena of @exchange, aligned for any type, which are
 * freed when the exchange is done; or NULL if there is no memory. The bytes are
 * not set to 0.
 *
 * Thread:  the loop's.
 */
void *rota_http_exchange_allocate(struct rota_http_exchange *exchange,
				  size_t size);

/**
 * Give the handler @delay_ns nanoseconds from now to begin the response, in the
 * place of handler_ns of the options; 0: no limit. When the time is over, the
 * server answers with 503.
 *
 * Thread:  the loop's.
 */
void rota_http_exchange_set_deadline(struct rota_http_exchange *exchange,
				     uint64_t delay_ns);

/**
 * Give up @exchange: the connection is reset, so the peer sees that the
 * response is cut. The functions of rota_http_exchange_on_done() are called
 * with ROTA_ECANCELED. If the exchange has failed already, this only ends the
 * handler's use of it.
 *
 * Phase:   these functions run between callbacks.
 * Thread:  the loop's.
 */
void rota_http_exchange_abort(struct rota_http_exchange *exchange);

/**
 * Answer with @status, which is 101, or 2xx for CONNECT, and the fields of
 * rota_http_response_set(), and give the connection to @fn. The server counts
 * it no longer, and sets no deadlines. The exchange is done then. Returns 0.
 *
 * The server writes the field Connection: upgrade for 101; the program sets
 * Upgrade, and what else the protocol needs.
 *
 * Phase:   @fn runs when all output before it was handed to the system: in the
 *          poll or the pending phase, or between callbacks.
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @fn is NULL; @status does not fit the request: 101
 *                         needs ROTA_HTTP_UPGRADES in the head, and 2xx needs
 *                         CONNECT; or a part of the body has not arrived
 *          ROTA_EALREADY  the response has begun
 *          ROTA_ENOMEM
 *          ROTA_ECANCELED
 *          After any of them nothing has changed, and @fn is not called.
 */
int rota_http_exchange_take_over(struct rota_http_exchange *exchange,
				 int status, rota_http_take_over_fn *fn,
				 void *arg);

/**
 * Store @data for the program: rota_http_exchange_data(). It is NULL at first.
 *
 * Thread:  the loop's.
 */
void rota_http_exchange_set_data(struct rota_http_exchange *exchange,
				 void *data);

/**
 * Return what rota_http_exchange_set_data() has stored.
 *
 * Thread:  the loop's.
 */
void *rota_http_exchange_data(const struct rota_http_exchange *exchange);

/**
 * Return the server of @exchange.
 *
 * Thread:  the loop's.
 */
struct rota_http_server *
rota_http_exchange_server(const struct rota_http_exchange *exchange);

/**
 * Return the number of the shard of @exchange: see rota_http_server_new().
 *
 * Thread:  the loop's.
 */
size_t rota_http_exchange_shard(const struct rota_http_exchange *exchange);

/**
 * Return the loop of @exchange.
 *
 * Thread:  the loop's.
 */
struct rota_loop *
rota_http_exchange_loop(const struct rota_http_exchange *exchange);

/**
 * Store the address of the peer in *@address. Returns 0.
 *
 * Thread:  the loop's.
 * Errors:  ROTA_EINVAL    @address is NULL
 *          ROTA_ENOTCONN  it is not known any more
 *          ROTA_ENOTSUP   the stream is no socket, and
 *                         rota_http_server_serve() was given no address
 */
int rota_http_exchange_peer(const struct rota_http_exchange *exchange,
			    struct rota_address *address);

/**
 * Return 1 if the connection is encrypted, as rota_http_server_serve() was
 * told; 0 if not.
 *
 * Thread:  the loop's.
 */
int rota_http_exchange_is_secure(const struct rota_http_exchange *exchange);

/**
 * Return 1 if @exchange has failed: its functions return ROTA_ECANCELED; 0 if
 * not.
 *
 * Thread:  the loop's.
 */
int rota_http_exchange_has_failed(const struct rota_http_exchange *exchange);

/**
 * Return when the head of @exchange was complete, on the scale of
 * rota_loop_now().
 *
 * Thread:  the loop's.
 */
uint64_t rota_http_exchange_begun_ns(const struct rota_http_exchange *exchange);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
