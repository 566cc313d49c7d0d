/*
 * http/session.c - the begin and the end of sessions and of their exchanges.
 *
 * Nothing here reads, and nothing calls a program, but for what
 * rotai_http_fail() and rotai_http_leave() do.
 */
#include "http/session.h"

#include "http/answer.h"
#include "http/body.h"
#include "http/life.h"
#include "http/out.h"
#include "http/proxied.h"
#include "http/storage.h"
#include "http/timing.h"
#include "rota/error.h"

/* --- sessions ------------------------------------------------------------- */

struct rotai_http_session *
rotai_http_begin_session(struct rotai_http_connection *connection,
			 struct rotai_http_shard *shard)
{
	const struct rota_http_server_options *options = &shard->owner->options;
	struct rotai_http_session *session = rotai_http_session_take(shard);

	if (session == NULL)
		return NULL;
	session->connection = connection;
	session->head_due = UINT64_MAX;
	session->linger_due = UINT64_MAX;
	session->is_reading = 1;
	(void)rota_http_parser_init(&session->parser, ROTA_HTTP_REQUESTS, NULL,
				    &options->limits, &shard->allocator);
	rota_task_init(&session->task, shard->loop);
	connection->session = session;
	rota_connection_set_busy(&connection->in.connection, 1);
	rotai_http_count(shard, ROTAI_HTTP_SESSIONS, 1);
	return session;
}

/* Nothing refers to the session. */
void rotai_http_end_session(struct rotai_http_session *session)
{
	struct rotai_http_shard *shard = session->shard;

	if (shard->gatherer == session)
		shard->gatherer = NULL;
	if (rota_task_is_queued(&session->task))
		(void)rota_task_cancel(&session->task);
	rotai_http_free_input(session, 1);
	rota_http_parser_free(&session->parser);
	rotai_http_count(shard, ROTAI_HTTP_SESSIONS, UINT64_MAX);
	rotai_http_session_give(session);
}

/* The connection is idle. */
void rotai_http_go_idle(struct rotai_http_session *session)
{
	struct rotai_http_connection *connection = session->connection;

	rotai_http_disarm(session);
	connection->session = NULL;
	rotai_http_end_session(session);
	rota_connection_set_busy(&connection->in.connection, 0);
}

/* --- exchanges ------------------------------------------------------------ */

/* Return the exchange that the parser fills, or NULL. */
struct rota_http_exchange *
rotai_http_begin_exchange(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange =
		rotai_http_exchange_take(session->shard);

	if (exchange == NULL)
		return NULL;
	exchange->session = session;
	session->current = exchange;
	rotai_http_count(session->shard, ROTAI_HTTP_EXCHANGES, 1);
	(void)rota_http_parser_set_head(&session->parser, &exchange->head);
	rotai_http_note_peer(exchange);
	return exchange;
}

/* A head has arrived. Set what follows from it. */
void rotai_http_note_head(struct rotai_http_session *session,
			  struct rota_http_exchange *exchange)
{
	const struct rota_http_server_options *options =
		&session->shard->owner->options;
	struct rotai_http_connection *connection = session->connection;
	uint64_t now_ns = rota_loop_now(session->shard->loop);

	exchange->is_open = 1;
	exchange->has_head = 1;
	exchange->begun_ns = now_ns;
	exchange->handler_due = rotai_http_due(now_ns, options->handler_ns);
	exchange->pause_due = rotai_http_due(now_ns, options->body_pause_ns);
	exchange->body_due = rotai_http_due(now_ns, options->body_ns);
	session->head_due = UINT64_MAX;
	if (connection->requests < UINT32_MAX)
		connection->requests++;
	if ((exchange->head.flags & ROTA_HTTP_KEEP_ALIVE) == 0) {
		exchange->client_ends = 1;
	} else if (options->requests > 0 &&
		   connection->requests >= options->requests) {
		rotai_http_count(session->shard, ROTAI_HTTP_REQUEST_LIMIT, 1);
	} else {
		exchange->keeps = 1;
	}
}

/* The current exchange has no head: drop it. */
void rotai_http_drop_exchange(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->current;

	if (exchange == NULL)
		return;
	session->current = NULL;
	rotai_http_forget(exchange);
}

static void append_unsent(struct rotai_http_session *session,
			  struct rota_http_exchange *exchange)
{
	exchange->next = NULL;
	if (session->last_unsent != NULL)
		session->last_unsent->next = exchange;
	else
		session->first_unsent = exchange;
	session->last_unsent = exchange;
	session->unsent_count++;
}

struct rota_http_exchange *
rotai_http_take_unsent(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->first_unsent;

	session->first_unsent = exchange->next;
	if (session->first_unsent == NULL)
		session->last_unsent = NULL;
	session->unsent_count--;
	return exchange;
}

/* The current exchange is answered, and its request was read or is given up. */
void rotai_http_end_exchange(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->current;

	session->current = NULL;
	session->dropped = 0;
	if (!exchange->keeps || !exchange->is_complete) {
		session->is_final = 1;
		session->client_ends =
			exchange->client_ends && exchange->is_complete &&
			rota_http_parser_rest(&session->parser).size == 0;
	}
	if (exchange->lent != NULL ||
	    (!exchange->was_told && rotai_http_has_hooks(exchange))) {
		if (rotai_http_own_head(exchange) < 0)
			session->error = ROTA_ENOMEM;
		append_unsent(session, exchange);
		return;
	}
	exchange->was_told = 1;
	rotai_http_leave(exchange);
}

void rotai_http_answer(struct rotai_http_session *session, int status,
		       const char *text, int error)
{
	struct rota_http_exchange *exchange = session->current;

	if (exchange == NULL || exchange->status != 0) {
		session->error = error; /* the peer sees a cut (2) */
		return;
	}
	rotai_http_put_answer(exchange, status, text);
	session->current = NULL;
	session->is_final = 1;
	session->head_due = UINT64_MAX;
	if (!exchange->is_open)
		exchange->handler_done = 1; /* it was never called */
	rotai_http_fail(exchange, error);
}

void rotai_http_refuse_request(struct rotai_http_session *session)
{
	struct rota_http_refusal refusal =
		rota_http_parser_refusal(&session->parser);
	int error = refusal.status == 413 ? ROTA_EMSGSIZE : ROTA_EPROTO;

	rotai_http_count(session->shard, ROTAI_HTTP_REFUSED_COUNT, 1);
	rotai_http_answer(session, refusal.status, refusal.text, error);
}

void rotai_http_refuse_for_memory(struct rotai_http_session *session)
{
	char text[ROTA_HTTP_REFUSAL_SIZE];
	static const char reason[] = "there is not enough memory";
	size_t size;

	rotai_http_count(session->shard, ROTAI_HTTP_OVER_MEMORY, 1);
	if (session->current != NULL) {
		rotai_http_answer(session, 503, reason, ROTA_ENOMEM);
		return;
	}
	size = rotai_http_write_busy(
		text, session->shard->owner->options.retry_seconds, reason);
	rotai_http_put(session, text, size);
	rotai_http_count(session->shard, ROTAI_HTTP_RESPONSES + 5, 1);
	session->is_final = 1;
}
