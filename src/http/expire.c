/*
 * http/expire.c - deadlines that have passed: the peer gets an answer if the
 * protocol allows one.
 */
#include "http/expire.h"

#include "http/advance.h"
#include "http/session.h"
#include "http/timing.h"
#include "rota/error.h"

static void end_late_body(struct rotai_http_session *session)
{
	if (session->current->is_ended) /* its body is dropped only */
		session->current->keeps = 0;
	else
		rotai_http_answer(session, 408, "the body came too slowly",
				  ROTA_ETIMEDOUT);
}

static void end_late_output(struct rotai_http_session *session)
{
	session->error = ROTA_ETIMEDOUT;
}

void rotai_http_on_timeout(struct rota_connection *handle)
{
	struct rotai_http_connection *connection = rota_container_of(
		handle, struct rotai_http_connection, in.connection);
	struct rotai_http_session *session = connection->session;
	struct rotai_http_shard *shard =
		rotai_http_shard_of(rota_connection_server(handle));

	if (session == NULL) {
		if (!connection->is_shed)
			rotai_http_count(shard, ROTAI_HTTP_IDLE_ENDED, 1);
		rotai_http_close(connection);
		return;
	}
	switch (rotai_http_look(session)) {
	case ROTAI_HTTP_LATE_HEAD:
		rotai_http_count(shard, ROTAI_HTTP_SLOW_HEADS, 1);
		rotai_http_answer(session, 408, "the head came too slowly",
				  ROTA_ETIMEDOUT);
		break;
	case ROTAI_HTTP_LATE_BODY:
		rotai_http_count(shard, ROTAI_HTTP_SLOW_BODIES, 1);
		end_late_body(session);
		break;
	case ROTAI_HTTP_LATE_HANDLER:
		rotai_http_count(shard, ROTAI_HTTP_SLOW_HANDLERS, 1);
		rotai_http_answer(session, 503, "the answer took too long",
				  ROTA_ETIMEDOUT);
		break;
	case ROTAI_HTTP_LATE_OUTPUT:
		rotai_http_count(shard, ROTAI_HTTP_STALLED, 1);
		end_late_output(session);
		break;
	case ROTAI_HTTP_LATE_LINGER:
		rotai_http_close(connection);
		return;
	case ROTAI_HTTP_ON_TIME:
		break;
	}
	rotai_http_advance(session);
}
