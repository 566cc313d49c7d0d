/*
 * http/body.c - the body of a request, and what of the input outlives the
 * buffer that the loop has lent.
 *
 *  1. A handler that answers in its first call costs no copy. When it has not
 *     answered as rotai_http_advance() ends, its head goes to the arena, and
 *     the bytes behind it to memory of the session. Reading goes on, so that it
 *     is noticed when the peer goes, until there is a number of such bytes.
 *  2. The memory for a whole body grows with what has arrived, not by what the
 *     length promises.
 */
#include "http/body.h"

#include <string.h>

#include "http/storage.h"
#include "rota/error.h"

enum { LEAST_WHOLE = 1024 };

int rotai_http_wants_body(const struct rota_http_exchange *exchange)
{
	if (exchange->is_complete || !exchange->is_open)
		return 0;
	if (exchange->is_ended)
		return 1; /* to drop it */
	return exchange->reading == ROTAI_HTTP_WHOLE ||
	       (exchange->reading == ROTAI_HTTP_PIECES && !exchange->is_paused);
}

static int grow_whole(struct rota_http_exchange *exchange, size_t need)
{
	size_t capacity = exchange->whole_capacity;
	char *bytes;

	if (need <= capacity)
		return 0;
	if (capacity == 0)
		capacity = LEAST_WHOLE;
	while (capacity < need)
		capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
	bytes = rotai_http_resize(exchange->shard, exchange->whole,
				  exchange->whole_capacity, capacity);
	if (bytes == NULL)
		return ROTA_ENOMEM;
	exchange->whole = bytes;
	exchange->whole_capacity = capacity;
	return 0;
}

static void add_to_whole(struct rota_http_exchange *exchange,
			 struct rota_const_buf piece)
{
	int error = 0;

	if (piece.size > exchange->whole_limit - exchange->whole_size)
		error = ROTA_EMSGSIZE;
	else
		error = grow_whole(exchange, exchange->whole_size + piece.size);
	if (error < 0) {
		exchange->error = error;
		exchange->whole_failed = 1;
		return;
	}
	memcpy(exchange->whole + exchange->whole_size, piece.data, piece.size);
	exchange->whole_size += piece.size;
}

void rotai_http_take_piece(struct rota_http_exchange *exchange,
			   struct rota_const_buf piece)
{
	const struct rota_http_server_options *options =
		&exchange->shard->owner->options;
	uint64_t now_ns = rota_loop_now(exchange->shard->loop);

	exchange->received += piece.size;
	exchange->pause_due = rotai_http_due(now_ns, options->body_pause_ns);
	if (exchange->is_ended)
		exchange->session->dropped += piece.size;
	else if (exchange->reading == ROTAI_HTTP_PIECES)
		exchange->body_fn.piece(exchange, 0, piece, exchange->body_arg);
	else
		add_to_whole(exchange, piece);
}

static int own_trailers(struct rota_http_exchange *exchange)
{
	struct rota_http_head *head = &exchange->head;
	const struct rota_http_field *field = head->fields + head->count;
	size_t size = 0;
	char *bytes;

	for (uint32_t i = 0; i < head->trailer_count; i++, field++) {
		if (size < field->name_at + (size_t)field->name_size)
			size = field->name_at + (size_t)field->name_size;
		if (size < field->value_at + (size_t)field->value_size)
			size = field->value_at + (size_t)field->value_size;
	}
	if (size == 0)
		return 0;
	bytes = rotai_http_arena(exchange, size);
	if (bytes == NULL)
		return ROTA_ENOMEM;
	memcpy(bytes, head->trailer_bytes, size);
	head->trailer_bytes = bytes;
	return 0;
}

int rotai_http_end_request(struct rota_http_exchange *exchange)
{
	const struct rota_http_server_options *options =
		&exchange->shard->owner->options;

	exchange->is_complete = 1;
	if (exchange->received > 0 && exchange->status == 0 &&
	    exchange->handler_due != UINT64_MAX)
		exchange->handler_due =
			rotai_http_due(rota_loop_now(exchange->shard->loop),
				       options->handler_ns);
	return own_trailers(exchange);
}

int rotai_http_report_end(struct rota_http_exchange *exchange)
{
	struct rota_const_buf body =
		rota_bytes(exchange->whole, exchange->whole_size);
	uint8_t reading = exchange->reading;
	int status = exchange->whole_failed ? exchange->error : 0;

	if (exchange->is_ended || exchange->is_paused)
		return 0;
	if (reading != ROTAI_HTTP_PIECES && reading != ROTAI_HTTP_WHOLE)
		return 0;
	if (!exchange->is_complete && !exchange->whole_failed)
		return 0;
	exchange->reading = ROTAI_HTTP_REPORTED;
	if (reading == ROTAI_HTTP_PIECES)
		exchange->body_fn.piece(exchange, ROTA_EOF, rota_bytes(NULL, 0),
					exchange->body_arg);
	else if (status < 0)
		exchange->body_fn.whole(exchange, status, rota_bytes(NULL, 0),
					exchange->body_arg);
	else
		exchange->body_fn.whole(exchange, 0, body, exchange->body_arg);
	return 1;
}

int rotai_http_own_head(struct rota_http_exchange *exchange)
{
	char *bytes;

	if (!exchange->has_head || exchange->head_is_ours)
		return 0;
	bytes = rotai_http_arena(exchange, exchange->head.size);
	if (bytes == NULL) {
		exchange->has_head = 0;
		return ROTA_ENOMEM;
	}
	exchange->head_is_ours = 1;
	/* The fields are in the exchange already, so this does not fail. */
	return rota_http_head_copy(&exchange->head, bytes, NULL, 0);
}

int rotai_http_own_input(struct rotai_http_session *session)
{
	struct rota_const_buf left = rota_http_parser_rest(&session->parser);
	char *bytes;

	if (left.size == 0 || session->rest != NULL)
		return 0;
	bytes = rotai_http_resize(session->shard, NULL, 0, left.size);
	if (bytes == NULL)
		return ROTA_ENOMEM;
	memcpy(bytes, left.data, left.size);
	session->rest = bytes;
	session->rest_size = left.size;
	session->parser.internal.input = bytes;
	return 0;
}

int rotai_http_add_input(struct rotai_http_session *session,
			 struct rota_const_buf more)
{
	struct rota_const_buf left = rota_http_parser_rest(&session->parser);
	size_t size = left.size + more.size;
	char *bytes;

	if (left.size == 0)
		return rota_http_parser_feed(&session->parser, more);
	bytes = rotai_http_resize(session->shard, NULL, 0, size);
	if (bytes == NULL)
		return ROTA_ENOMEM;
	memcpy(bytes, left.data, left.size);
	memcpy(bytes + left.size, more.data, more.size);
	rotai_http_free_input(session, 1);
	session->rest = bytes;
	session->rest_size = size;
	session->parser.internal.input = bytes;
	session->parser.internal.left = size;
	return 0;
}

void rotai_http_free_input(struct rotai_http_session *session, int force)
{
	if (session->rest == NULL ||
	    (!force && rota_http_parser_rest(&session->parser).size > 0))
		return;
	rotai_http_resize(session->shard, session->rest, session->rest_size, 0);
	session->rest = NULL;
}
