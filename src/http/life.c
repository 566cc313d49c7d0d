/*
 * http/life.c - the end of exchanges.
 *
 *  1. An exchange is freed when its functions of on_done were called, no
 *     session has it, and its handler is done: because it has ended the
 *     response, or because such a function has told it.
 *  2. Functions of the program are called from rotai_http_advance() and from
 *     close callbacks, never inside a call of the program's. So nothing below
 *     such a function is freed by what it calls, except for orphans, which
 *     nothing else refers to.
 */
#include "http/life.h"

#include "http/storage.h"
#include "rota/error.h"

int rotai_http_has_hooks(const struct rota_http_exchange *exchange)
{
	return exchange->done_hooks != NULL ||
	       exchange->shard->owner->options.on_done != NULL;
}

int rotai_http_release_lent(struct rota_http_exchange *exchange)
{
	struct rotai_http_lent **at = &exchange->lent;
	struct rotai_http_lent *lent;

	/* In order. */
	while ((lent = *at) != NULL && lent->is_ready) {
		rota_http_release_fn *release = lent->release;
		void *arg = lent->arg;
		int status = lent->status;

		*at = lent->next;
		rotai_http_lent_give(exchange->shard, lent);
		if (release != NULL)
			release(arg, status);
	}
	return exchange->lent != NULL;
}

void rotai_http_tell(struct rota_http_exchange *exchange, int status)
{
	const struct rota_http_server_options *options =
		&exchange->shard->owner->options;
	struct rotai_http_hook *hook;

	if (exchange->done_hooks != NULL)
		exchange->handler_done = 1; /* it is told now */
	while ((hook = exchange->done_hooks) != NULL) {
		exchange->done_hooks = hook->next;
		hook->fn.done(exchange, status, hook->arg);
	}
	if (options->on_done != NULL)
		options->on_done(exchange, status, options->on_done_arg);
	exchange->was_told = 1;
}

/* The body ends by an error. */
static void fail_body(struct rota_http_exchange *exchange, int status)
{
	uint8_t reading = exchange->reading;

	if (exchange->is_ended)
		return;
	exchange->reading = ROTAI_HTTP_REPORTED;
	if (reading == ROTAI_HTTP_PIECES)
		exchange->body_fn.piece(exchange, status, rota_bytes(NULL, 0),
					exchange->body_arg);
	else if (reading == ROTAI_HTTP_WHOLE)
		exchange->body_fn.whole(exchange, status, rota_bytes(NULL, 0),
					exchange->body_arg);
}

void rotai_http_fail(struct rota_http_exchange *exchange, int status)
{
	exchange->has_failed = 1;
	exchange->session = NULL;
	exchange->error = status;
	if (!exchange->was_told) {
		fail_body(exchange, status);
		(void)rotai_http_release_lent(exchange);
		rotai_http_tell(exchange, status);
	}
	rotai_http_leave(exchange);
}

void rotai_http_leave(struct rota_http_exchange *exchange)
{
	struct rotai_http_shard *shard = exchange->shard;

	exchange->session = NULL;
	exchange->has_failed = 1; /* nothing more can be done with it */
	if (exchange->handler_done) {
		rotai_http_forget(exchange);
		return;
	}
	exchange->previous = NULL;
	exchange->next = shard->orphans;
	if (shard->orphans != NULL)
		shard->orphans->previous = exchange;
	shard->orphans = exchange;
}

void rotai_http_handler_ends(struct rota_http_exchange *exchange)
{
	struct rotai_http_shard *shard = exchange->shard;

	if (exchange->handler_done)
		return;
	exchange->handler_done = 1;
	if (exchange->session != NULL || !exchange->was_told)
		return;
	if (exchange->previous != NULL)
		exchange->previous->next = exchange->next;
	else
		shard->orphans = exchange->next;
	if (exchange->next != NULL)
		exchange->next->previous = exchange->previous;
	rotai_http_forget(exchange);
}

void rotai_http_forget(struct rota_http_exchange *exchange)
{
	struct rotai_http_shard *shard = exchange->shard;

	rotai_http_exchange_give(exchange);
	rotai_http_count(shard, ROTAI_HTTP_EXCHANGES, UINT64_MAX);
	if (shard->is_stopping)
		rotai_http_note_gone(shard);
}

void rotai_http_note_gone(struct rotai_http_shard *shard)
{
	if (!shard->has_no_connection || shard->is_gone ||
	    shard->counters[ROTAI_HTTP_EXCHANGES] > 0)
		return;
	shard->is_gone = 1;
	/* It is a task of the first loop. */
	(void)rota_task_post(&shard->gone_task, shard->owner->gone);
}
