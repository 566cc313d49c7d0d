/*
 * http/advance.c - what a connection does: it reads requests, calls handlers,
 * and ends.
 *
 *  1. rotai_http_advance() makes steps until nothing more can be done. It runs
 *     once at a time for a session, and all functions of the program are called
 *     in it, or in the close callback.
 *  2. An error of the stream, an abort, a stall: the stream is closed, and its
 *     close callback tells the handlers. By then all requests of the stream
 *     have completed.
 *  3. Nothing is parsed behind a request that is not answered, or behind the
 *     last one of the connection.
 *  4. The end: the sending side is shut down, and what arrives is dropped, for
 *     a time and a number of bytes. If the client has said that it sends no
 *     further request, and everything was read and written, the stream is
 *     closed at once.
 *  5. Output leads to callbacks, and these to output. After some rounds the
 *     loop has its turn.
 */
#include "http/advance.h"

#include "http/body.h"
#include "http/life.h"
#include "http/out.h"
#include "http/quota.h"
#include "http/section.h"
#include "http/session.h"
#include "http/timing.h"
#include "rota/error.h"

enum {
	ROUNDS = 8,           /* (5) */
	MOST_WAITING = 16384, /* bytes of input that wait: reading stops */
};

/* Results of a step. */
enum { GONE = -1, STOP = 0, AGAIN = 1 };

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf);

/* --- requests ------------------------------------------------------------- */

static void call_handler(struct rotai_http_session *session,
			 struct rota_http_exchange *exchange)
{
	const struct rota_http_server_options *options =
		&session->shard->owner->options;
	struct rota_const_buf none;

	rotai_http_note_head(session, exchange);
	if (exchange->head.content_length == 0 &&
	    exchange->head.body != ROTA_HTTP_BODY_CHUNKED) {
		/* It has ended with its head. */
		(void)rota_http_parser_next(&session->parser, &none);
		exchange->is_complete = 1;
	}
	if (exchange->head.method == ROTA_HTTP_CONNECT &&
	    (options->flags & ROTA_HTTP_HANDLES_CONNECT) == 0) {
		exchange->handler_done = 1;
		rotai_http_answer(session, 501, "this server is no proxy",
				  ROTA_ENOTSUP);
		return;
	}
	rotai_http_count(session->shard, ROTAI_HTTP_REQUEST_COUNT, 1);
	options->handler(exchange, options->handler_arg);
}

/* --- steps ---------------------------------------------------------------- */

/* The input has ended where the parser needs more. */
static int end_message_early(struct rotai_http_session *session)
{
	int event = rota_http_parser_finish(&session->parser);

	if (event == ROTA_EPROTO && session->current != NULL) {
		rotai_http_refuse_request(session);
		return AGAIN;
	}
	rotai_http_drop_exchange(session);
	session->is_final = 1;
	return AGAIN;
}

/* Whether the parser may have an event. */
static int has_event(const struct rotai_http_session *session)
{
	return session->parser.internal.left > 0 ||
	       session->parser.internal.state == ROTAI_HTTP_END;
}

/* Ask the parser. */
static int parse(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->current;
	struct rota_const_buf piece;
	int event;

	if (!has_event(session))
		return end_message_early(session);
	if (exchange == NULL)
		exchange = rotai_http_begin_exchange(session);
	if (exchange == NULL) {
		rotai_http_refuse_for_memory(session);
		return AGAIN;
	}
	event = rota_http_parser_next(&session->parser, &piece);
	if (event == ROTA_HTTP_EVENT_HEAD)
		call_handler(session, exchange);
	else if (event == ROTA_HTTP_EVENT_BODY)
		rotai_http_take_piece(exchange, piece);
	else if (event == ROTA_HTTP_EVENT_END &&
		 rotai_http_end_request(exchange) == 0)
		return AGAIN;
	else if (event == ROTA_EPROTO)
		rotai_http_refuse_request(session);
	else if (event != 0)
		rotai_http_refuse_for_memory(session);
	return AGAIN;
}

/* Send the marker, which completes when all output before it has left. */
static void on_marked(struct rota_write *write, int status)
{
	struct rota_http_exchange *exchange =
		rota_container_of(write, struct rota_http_exchange, marker);

	exchange->is_marking = 0;
	exchange->is_marked = 1;
	if (status < 0 && exchange->session->error == 0)
		exchange->session->error = status;
	if (!exchange->session->is_closing)
		rotai_http_advance(exchange->session);
}

static void put_marker(struct rotai_http_session *session,
		       struct rota_http_exchange *exchange)
{
	const struct rota_const_buf nothing = rota_bytes("", 0);
	int error;

	if (exchange->is_marking || exchange->is_marked)
		return;
	error = rota_stream_write(&exchange->marker,
				  rotai_http_stream(session->connection),
				  &nothing, 1, on_marked);
	if (error < 0)
		session->error = error;
	else
		exchange->is_marking = 1;
}

/* Whether all output of @exchange has left. Otherwise it will be noticed. */
static int has_left(struct rotai_http_session *session,
		    struct rota_http_exchange *exchange)
{
	if (rotai_http_release_lent(exchange))
		return 0;
	if (exchange->is_marking)
		return 0;
	if (exchange->is_marked ||
	    (rotai_http_queued(session) == 0 && session->file_left == 0))
		return 1;
	put_marker(session, exchange);
	return 0;
}

/* Hand the stream over. */
static int hand_over_stream(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->current;
	struct rota_stream *stream = rotai_http_stream(session->connection);
	rota_http_take_over_fn *fn = exchange->take_over_fn;
	void *arg = exchange->take_over_arg;
	struct rotai_http_connection *connection = session->connection;
	struct rota_const_buf first;
	rota_close_fn *free_stream;

	rotai_http_flush(session);
	if (session->error < 0 || session->first_unsent != NULL ||
	    !has_left(session, exchange))
		return STOP;
	first = rota_http_parser_rest(&session->parser);
	rotai_http_count(session->shard, ROTAI_HTTP_TAKEN_OVER, 1);
	session->current = NULL;
	rota_stream_read_stop(stream);
	rota_stream_on_drain(stream, NULL);
	rotai_http_tell(exchange, 0);
	rotai_http_leave(exchange);
	connection->session = NULL;
	free_stream = rotai_http_release(connection, session->shard);
	rota_handle_on_shutdown(&stream->handle, free_stream);
	fn(stream, first, free_stream, arg);
	rotai_http_end_session(session);
	return GONE;
}

/* The current request has a handler. Returns STOP, AGAIN, GONE; or 2: parse. */
static int step_exchange(struct rotai_http_session *session,
			 struct rota_http_exchange *exchange)
{
	if (exchange->must_abort) {
		rotai_http_count(session->shard, ROTAI_HTTP_ABORTED, 1);
		session->error = ROTA_ECANCELED;
		return STOP;
	}
	if (rotai_http_report_end(exchange))
		return AGAIN;
	if (exchange->take_over_fn != NULL)
		return hand_over_stream(session);
	if (exchange->is_ended &&
	    (exchange->is_complete || !exchange->keeps ||
	     session->dropped > session->shard->owner->options.linger_size)) {
		rotai_http_end_exchange(session);
		return AGAIN;
	}
	return rotai_http_wants_body(exchange) ? 2 : STOP;
}

static int make_step(struct rotai_http_session *session)
{
	struct rota_http_exchange *exchange = session->current;
	int result = 2;

	if (session->error < 0)
		return STOP;
	if (exchange != NULL && exchange->is_open)
		result = step_exchange(session, exchange);
	else if (session->is_final || session->is_blocked ||
		 session->unsent_count >= ROTAI_HTTP_UNSENT)
		return STOP; /* (3) */
	if (result != 2)
		return result;
	if (!has_event(session) && !session->has_ended)
		return STOP;
	return parse(session);
}

/* Tell those whose output has left. Returns whether there was one. */
static int tell_sent(struct rotai_http_session *session)
{
	struct rota_http_exchange *current = session->current;
	int any = 0;

	while (session->first_unsent != NULL &&
	       has_left(session, session->first_unsent)) {
		struct rota_http_exchange *exchange =
			rotai_http_take_unsent(session);

		rotai_http_tell(exchange, 0);
		rotai_http_leave(exchange);
		any = 1;
	}
	for (struct rota_http_exchange *at = session->first_unsent; at != NULL;
	     at = at->next)
		(void)rotai_http_release_lent(at);
	if (current == NULL || !current->is_open)
		return any;
	(void)rotai_http_release_lent(current);
	if (current->is_pressed && !session->is_blocked && !current->is_ended &&
	    rotai_http_queued(session) <=
		    session->shard->owner->options.watermark) {
		current->is_pressed = 0;
		if (current->writable_fn != NULL)
			current->writable_fn(current, current->writable_arg);
		any = 1;
	}
	return any;
}

/* --- the end -------------------------------------------------------------- */

void rotai_http_close(struct rotai_http_connection *connection)
{
	struct rota_stream *stream = rotai_http_stream(connection);

	if (connection->session != NULL)
		connection->session->is_closing = 1;
	(void)rota_handle_close(&stream->handle, rotai_http_on_close);
}

/* (2) */
static void reset_connection(struct rotai_http_session *session)
{
	session->is_closing = 1;
	if (session->shard->gatherer == session)
		session->shard->gatherer = NULL;
	(void)rota_connection_reset(&session->connection->in.connection);
}

/* (4) */
static void end_connection(struct rotai_http_session *session)
{
	const struct rota_http_server_options *options =
		&session->shard->owner->options;
	struct rota_stream *stream = rotai_http_stream(session->connection);
	int is_empty =
		rotai_http_queued(session) == 0 && session->file_left == 0;
	int error;

	if (is_empty && session->first_unsent == NULL &&
	    (session->has_ended ||
	     (session->client_ends && !session->lingers &&
	      rota_http_parser_rest(&session->parser).size == 0))) {
		rotai_http_close(session->connection);
		return;
	}
	if (!session->lingers) {
		session->lingers = 1;
		session->dropped = 0;
		error = rota_stream_shutdown(NULL, stream, NULL);
		if (error < 0) {
			session->error = error;
			reset_connection(session);
			return;
		}
		is_empty = error == 0;
	}
	if (is_empty && session->linger_due == UINT64_MAX)
		session->linger_due =
			rotai_http_due(rota_loop_now(session->shard->loop),
				       options->linger_ns);
}

/* --- after the steps ------------------------------------------------------ */

/* What the lent buffer has, and is needed later, is copied. */
static int keep_input(struct rotai_http_session *session)
{
	struct rota_http_exchange *at = session->first_unsent;
	int error = 0;

	for (; at != NULL; at = at->next)
		if (rotai_http_own_head(at) < 0)
			error = ROTA_ENOMEM;
	if (session->current != NULL &&
	    rotai_http_own_head(session->current) < 0)
		error = ROTA_ENOMEM;
	if (session->is_final) {
		rota_http_parser_free(&session->parser);
		rotai_http_free_input(session, 1);
		return error;
	}
	if (rotai_http_own_input(session) < 0)
		error = ROTA_ENOMEM;
	rotai_http_free_input(session, 0);
	return error;
}

static int wants_input(const struct rotai_http_session *session)
{
	const struct rota_http_exchange *current = session->current;

	if (session->has_ended)
		return 0;
	if (session->lingers)
		return 1;
	if (session->is_final ||
	    rota_http_parser_rest(&session->parser).size > MOST_WAITING)
		return 0;
	if (current != NULL && current->is_open)
		return 1; /* also to notice that the peer goes */
	return !session->is_blocked &&
	       session->unsent_count < ROTAI_HTTP_UNSENT;
}

static void update_reading(struct rotai_http_session *session)
{
	struct rota_stream *stream = rotai_http_stream(session->connection);
	int wants = wants_input(session);

	if (wants == session->is_reading)
		return;
	if (!wants)
		rota_stream_read_stop(stream);
	else
		session->error = rota_stream_read_start(stream, on_read);
	session->is_reading = wants != 0;
}

/* Whether nothing is left to do. */
static int is_idle(const struct rotai_http_session *session)
{
	const struct rota_http_exchange *current = session->current;

	return (current == NULL || !current->is_open) &&
	       session->first_unsent == NULL && session->is_reading &&
	       !session->is_blocked &&
	       session->parser.internal.state == ROTAI_HTTP_BEGIN &&
	       rota_http_parser_rest(&session->parser).size == 0 &&
	       session->file_left == 0 && rotai_http_queued(session) == 0;
}

static void note_waiting(struct rotai_http_session *session)
{
	const struct rota_http_server_options *options =
		&session->shard->owner->options;

	if (session->head_due == UINT64_MAX &&
	    session->parser.internal.state != ROTAI_HTTP_BEGIN &&
	    !session->is_final &&
	    (session->current == NULL || !session->current->is_open))
		session->head_due = rotai_http_due(
			rota_loop_now(session->shard->loop), options->head_ns);
}

/* Decide what the session waits for. */
static void wait_for_more(struct rotai_http_session *session)
{
	struct rotai_http_connection *connection = session->connection;

	if (session->error == 0 && keep_input(session) < 0)
		session->error = ROTA_ENOMEM;
	if (session->error < 0) {
		reset_connection(session);
		return;
	}
	if (connection->is_last && is_idle(session))
		session->is_final = 1;
	if (session->is_final && session->current != NULL &&
	    !session->current->is_open)
		rotai_http_drop_exchange(session);
	if (session->is_final && session->current == NULL)
		end_connection(session);
	if (session->is_closing)
		return;
	update_reading(session);
	if (session->error < 0) {
		reset_connection(session);
	} else if (!session->is_final && is_idle(session)) {
		rotai_http_drop_exchange(session);
		rotai_http_go_idle(session);
	} else {
		note_waiting(session);
		rotai_http_arm(session);
	}
}

void rotai_http_advance(struct rotai_http_session *session)
{
	int rounds = 0;
	int result;

	if (session->is_closing)
		return;
	session->is_advancing = 1;
	do {
		do
			result = make_step(session);
		while (result == AGAIN);
		if (result == GONE)
			return;
		rotai_http_flush(session);
	} while (session->error == 0 && tell_sent(session) &&
		 ++rounds < ROUNDS);
	rotai_http_flush(session);
	session->is_advancing = 0;
	if (rounds == ROUNDS && session->error == 0)
		(void)rota_task_immediate(&session->task,
					  session->shard->owner->work);
	wait_for_more(session);
}

void rotai_http_work(struct rota_task *task)
{
	rotai_http_advance(
		rota_container_of(task, struct rotai_http_session, task));
}

/* --- callbacks of the stream ---------------------------------------------- */

static void on_drain(struct rota_stream *stream, int status)
{
	struct rotai_http_connection *connection = stream->handle.data;
	struct rotai_http_session *session = connection->session;

	if (session == NULL) {
		if (status < 0)
			rotai_http_close(connection);
		return;
	}
	if (status < 0 && session->error == 0)
		session->error = status;
	session->is_blocked = 0;
	rotai_http_advance(session);
}

/* Bytes behind the last response. (4) */
static void drop_input(struct rotai_http_session *session, size_t size)
{
	session->dropped += size;
	if (session->dropped > session->shard->owner->options.linger_size)
		rotai_http_close(session->connection);
}

static void end_of_input(struct rotai_http_session *session, int status)
{
	int is_gone = (session->shard->owner->options.flags &
		       ROTA_HTTP_END_IS_GONE) != 0;

	session->has_ended = 1;
	session->is_reading = 0;
	if (status != ROTA_EOF)
		session->error = status;
	else if (is_gone && session->current != NULL &&
		 session->current->is_open && session->current->status == 0)
		session->error = ROTA_ECONNRESET;
	rotai_http_advance(session);
}

static void on_read(struct rota_stream *stream, int status,
		    const struct rota_buf *buf)
{
	struct rotai_http_connection *connection = stream->handle.data;
	struct rotai_http_session *session = connection->session;
	struct rotai_http_shard *shard = rotai_http_shard_of(
		rota_connection_server(&connection->in.connection));

	if (status < 0 && session == NULL) {
		rotai_http_close(connection);
		return;
	}
	if (status < 0) {
		end_of_input(session, status);
		return;
	}
	rotai_http_count(shard, ROTAI_HTTP_RECEIVED, buf->size);
	if (session == NULL)
		session = rotai_http_begin_session(connection, shard);
	if (session == NULL) {
		rotai_http_count(shard, ROTAI_HTTP_OVER_MEMORY, 1);
		rotai_http_close(connection);
	} else if (session->lingers) {
		drop_input(session, buf->size);
	} else {
		if (rotai_http_add_input(session,
					 rota_bytes(buf->data, buf->size)) < 0)
			session->error = ROTA_ENOMEM;
		rotai_http_advance(session);
	}
}

static void fail_gone(struct rota_http_exchange *exchange, int error)
{
	rotai_http_count(exchange->shard, ROTAI_HTTP_GONE, 1);
	rotai_http_fail(exchange, error);
}

void rotai_http_on_close(struct rota_handle *handle)
{
	struct rotai_http_connection *connection = handle->data;
	struct rotai_http_session *session = connection->session;
	struct rotai_http_shard *shard = rotai_http_shard_of(
		rota_connection_server(&connection->in.connection));
	rota_close_fn *fn;
	int error;

	if (session != NULL) {
		error = session->error < 0 ? session->error : ROTA_ECANCELED;
		session->is_closing = 1;
		while (session->first_unsent != NULL)
			fail_gone(rotai_http_take_unsent(session), error);
		if (session->current != NULL && session->current->is_open)
			fail_gone(session->current, error);
		else
			rotai_http_drop_exchange(session);
		connection->session = NULL;
		rotai_http_end_session(session);
	}
	fn = rotai_http_release(connection, shard);
	fn(handle);
}

int rotai_http_open(struct rotai_http_connection *connection,
		    struct rotai_http_shard *shard, struct rota_const_buf first)
{
	struct rota_stream *stream = rotai_http_stream(connection);
	size_t watermark = shard->owner->options.watermark;
	int error = rota_stream_read_start(stream, on_read);

	if (error < 0)
		return error;
	if (watermark != ROTA_HIGH_WATERMARK)
		(void)rota_stream_set_watermarks(stream, watermark / 4,
						 watermark);
	rota_stream_on_drain(stream, on_drain);
	if (first.size > 0) {
		struct rotai_http_session *session =
			rotai_http_begin_session(connection, shard);

		if (session == NULL)
			return ROTA_ENOMEM;
		(void)rota_http_parser_feed(&session->parser, first);
		if (rotai_http_own_input(session) < 0) {
			rotai_http_go_idle(session);
			return ROTA_ENOMEM;
		}
		rotai_http_wake(session);
	}
	return 0;
}
