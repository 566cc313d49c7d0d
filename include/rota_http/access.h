/*
 * rota_http/access.h - what a server writes down about each request: a line of
 * a log, and how long it took. And a handler that shows the numbers.
 *
 *     static struct rota_http_log *logs[LOOPS];
 *     static struct rota_http_histogram durations[LOOPS];
 *     static struct rota_http_access access;
 *
 *     access.logs = logs;
 *     access.durations = durations;
 *     options.on_done = rota_http_access_done;
 *     options.on_done_arg = &access;
 */
#ifndef ROTA_HTTP_ACCESS_H
#define ROTA_HTTP_ACCESS_H

#include "rota_http/exchange.h"
#include "rota_http/forwarded.h"
#include "rota_http/histogram.h"
#include "rota_http/log.h"
#include "rota_http/metrics.h"
#include "rota_http/server.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** What is written down. Set all members; the program keeps it, in place, as
 * long as the server. */
struct rota_http_access {
	/** A log for each shard of the server, on its loop; or NULL. */
	struct rota_http_log *const *logs;

	/** A histogram for each shard, all zero at first; or NULL. */
	struct rota_http_histogram *durations;

	/** Who the client is, for the log. */
	struct rota_http_trust trust;
};

/**
 * Write down what is known of @exchange, which is done. The duration is that
 * from the head of the request. Requests that were refused are in the log, and
 * have no duration. The @arg is a struct rota_http_access. This is a function
 * for on_done in the options of a server.
 *
 * Thread:  the loop's.
 */
void rota_http_access_done(struct rota_http_exchange *exchange, int status,
			   void *arg);

/**
 * Store in *@client who has sent the request of @exchange: the peer, or whom
 * trusted proxies name in the fields of the request. Returns 0.
 *
 * Thread:  the loop's.
 * Owner:   scheme and host are valid as the texts of the head: see
 *          rota_http_request_head()
 * Errors:  as rota_http_client_find(), and as rota_http_exchange_peer(). After
 *          any of them the client is not known
 */
int rota_http_exchange_client(const struct rota_http_exchange *exchange,
			      const struct rota_http_trust *trust,
			      struct rota_http_client *client);

/**
 * Write the statistics of a server: metrics with names that begin with
 * "rota_http_". Returns 0.
 *
 * Thread:  any.
 * Errors:  as rota_http_metrics_begin()
 */
int rota_http_metrics_server(struct rota_http_metrics *metrics,
			     const struct rota_http_server_stats *stats);

/**
 * Answer with the statistics of the server of @exchange, and the durations of
 * the struct rota_http_access @arg, which may be NULL. This is a handler, which
 * a program calls for a path of its choice, such as "/metrics", and for
 * requests that may see it.
 *
 * Thread:  the loop's.
 */
void rota_http_metrics_handler(struct rota_http_exchange *exchange, void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
