/*
 * http/request.c - what a handler does with the request: see
 * rota_http/request.h.
 */
#include "rota_http/request.h"

#include "http/out.h"
#include "rota/error.h"

static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";

const struct rota_http_head *
rota_http_request_head(const struct rota_http_exchange *exchange)
{
	return exchange->has_head ? &exchange->head : NULL;
}

static int check_unasked(const struct rota_http_exchange *exchange)
{
	if (exchange->has_failed || exchange->session == NULL ||
	    exchange->session->error < 0 || exchange->must_abort ||
	    exchange->is_ended)
		return ROTA_ECANCELED;
	return exchange->reading != ROTAI_HTTP_UNASKED ? ROTA_EALREADY : 0;
}

static void restart_pause(struct rota_http_exchange *exchange)
{
	exchange->pause_due =
		rotai_http_due(rota_loop_now(exchange->shard->loop),
			       exchange->shard->owner->options.body_pause_ns);
	rotai_http_wake(exchange->session);
}

/* Ask the client for the body, if it waits for that. */
static void ask(struct rota_http_exchange *exchange)
{
	struct rotai_http_session *session = exchange->session;

	restart_pause(exchange);
	if ((exchange->head.flags & ROTA_HTTP_EXPECTS_CONTINUE) == 0 ||
	    exchange->was_continued || exchange->is_complete ||
	    exchange->status != 0 ||
	    rota_http_parser_rest(&session->parser).size > 0)
		return;
	exchange->was_continued = 1;
	rotai_http_put(session, continue_text, sizeof(continue_text) - 1);
}

int rota_http_request_read(struct rota_http_exchange *exchange,
			   rota_http_body_fn *fn, void *arg)
{
	int error = check_unasked(exchange);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	exchange->body_fn.piece = fn;
	exchange->body_arg = arg;
	exchange->reading = ROTAI_HTTP_PIECES;
	ask(exchange);
	return 0;
}

int rota_http_request_read_all(struct rota_http_exchange *exchange,
			       size_t limit, rota_http_whole_body_fn *fn,
			       void *arg)
{
	int error = check_unasked(exchange);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	exchange->body_fn.whole = fn;
	exchange->body_arg = arg;
	exchange->whole_limit = limit;
	exchange->reading = ROTAI_HTTP_WHOLE;
	if (exchange->head.content_length <= limit) {
		ask(exchange);
		return 0;
	}
	exchange->error = ROTA_EMSGSIZE;
	exchange->whole_failed = 1;
	rotai_http_wake(exchange->session);
	return 0;
}

void rota_http_request_pause(struct rota_http_exchange *exchange)
{
	if (exchange->reading == ROTAI_HTTP_PIECES)
		exchange->is_paused = 1;
}

void rota_http_request_resume(struct rota_http_exchange *exchange)
{
	if (!exchange->is_paused)
		return;
	exchange->is_paused = 0;
	if (exchange->session != NULL)
		restart_pause(exchange);
}

int rota_http_request_is_complete(const struct rota_http_exchange *exchange)
{
	return exchange->is_complete;
}

uint64_t rota_http_request_received(const struct rota_http_exchange *exchange)
{
	return exchange->received;
}
