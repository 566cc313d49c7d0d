/*
 * http/timing.c - the deadlines of a connection, which share the timer of its
 * struct rota_connection.
 *
 *  1. The timer is for the idle time, until a session has waited for something.
 *     A request that is answered at once starts no timer.
 *  2. To put a deadline off is to store a number. When the timer is called too
 *     early, it is started again for the rest.
 *  3. Whether a peer takes what is sent is looked at four times in the time
 *     that it may take nothing.
 */
#include "http/timing.h"

#include "http/body.h"
#include "http/out.h"

enum { LOOKS = 4 };

static int has_output(const struct rotai_http_session *session)
{
	return session->file_left > 0 || rotai_http_queued(session) > 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the body is too slow. */
static uint64_t body_due(const struct rota_http_exchange *exchange)
{
	return rotai_http_wants_body(exchange)
		       ? least(exchange->pause_due, exchange->body_due)
		       : UINT64_MAX;
}

/* When the handler is too slow. */
static uint64_t handler_due(const struct rota_http_exchange *exchange)
{
	return exchange->is_open && exchange->status == 0 &&
			       !rotai_http_wants_body(exchange)
		       ? exchange->handler_due
		       : UINT64_MAX;
}

/* When to look at the output next. */
static uint64_t output_due(struct rotai_http_session *session, uint64_t now_ns)
{
	uint64_t stall_ns = session->shard->owner->options.stall_ns;

	if (stall_ns == 0 || !has_output(session)) {
		session->stall_due = 0;
		return UINT64_MAX;
	}
	if (session->stall_due == 0) {
		session->taken = rotai_http_taken(session);
		session->moved_ns = now_ns;
		session->stall_due =
			rotai_http_due(now_ns, stall_ns / LOOKS + 1);
	}
	return session->stall_due;
}

void rotai_http_arm(struct rotai_http_session *session)
{
	struct rota_connection *connection =
		&session->connection->in.connection;
	const struct rota_http_exchange *current = session->current;
	uint64_t now_ns = rota_loop_now(session->shard->loop);
	uint64_t due = least(session->head_due, session->linger_due);

	if (current != NULL)
		due = least(due,
			    least(body_due(current), handler_due(current)));
	due = least(due, output_due(session, now_ns));
	if (session->armed_due != 0 && session->armed_due <= due)
		return; /* (2) */
	session->armed_due = due;
	if (due == UINT64_MAX)
		rota_connection_set_idle(connection, 0);
	else
		rota_connection_set_idle(connection,
					 due > now_ns ? due - now_ns : 1);
}

void rotai_http_disarm(struct rotai_http_session *session)
{
	struct rota_connection *connection =
		&session->connection->in.connection;

	if (session->armed_due != 0)
		rota_connection_set_idle(
			connection, session->shard->owner->options.idle_ns);
	else
		rota_connection_touch(connection);
}

/* Whether the peer has taken nothing for too long. (3) */
static int is_stalled(struct rotai_http_session *session, uint64_t now_ns)
{
	uint64_t stall_ns = session->shard->owner->options.stall_ns;
	uint64_t taken;

	if (session->stall_due == 0 || session->stall_due > now_ns)
		return 0;
	if (!has_output(session)) {
		session->stall_due = 0;
		return 0;
	}
	taken = rotai_http_taken(session);
	if (taken != session->taken) {
		session->taken = taken;
		session->moved_ns = now_ns;
	}
	session->stall_due = rotai_http_due(now_ns, stall_ns / LOOKS + 1);
	return now_ns - session->moved_ns >= stall_ns;
}

enum rotai_http_late rotai_http_look(struct rotai_http_session *session)
{
	const struct rota_http_exchange *current = session->current;
	uint64_t now_ns = rota_loop_now(session->shard->loop);

	session->armed_due = 0;
	if (session->linger_due <= now_ns)
		return ROTAI_HTTP_LATE_LINGER;
	if (is_stalled(session, now_ns))
		return ROTAI_HTTP_LATE_OUTPUT;
	if (session->head_due <= now_ns)
		return ROTAI_HTTP_LATE_HEAD;
	if (current != NULL && body_due(current) <= now_ns)
		return ROTAI_HTTP_LATE_BODY;
	if (current != NULL && handler_due(current) <= now_ns)
		return ROTAI_HTTP_LATE_HANDLER;
	return ROTAI_HTTP_ON_TIME;
}
