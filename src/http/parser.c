/*
 * http/parser.c - the states of a parser: see rota_http/parser.h.
 *
 * A message is a head (section.c), then a body by its framing (framing.c), of
 * which the pieces are returned as they lie in the input.
 *
 *  1. The state is what the next byte belongs to. Everything that is before it
 *     is in the head, or was returned.
 *  2. A refusal is a state that is never left, and the input is empty then. So
 *     nothing behind a refused message is read as one.
 *  3. A message that is longer than its limit by its own words is refused
 *     before its head is reported; another one when the limit is reached.
 */
#include "rota_http/parser.h"

#include <stdlib.h>
#include <string.h>

#include "http/chunk.h"
#include "http/memory.h"
#include "http/section.h"
#include "http/sized.h"
#include "rota/error.h"
#include "rota/loop.h"

enum {
	LEAST_HEAD = 64,
	LEAST_TRAILERS = 2,
	MOST_SECTION = 1 << 30,
	SWITCHES = 101,
};

static const struct rota_http_limits default_limits = {
	.size = sizeof(struct rota_http_limits),
	.body_size = UINT64_MAX,
	.head_size = 32768,
	.target_size = 8192,
	.trailer_size = 8192,
	.extension_size = 4096,
};

void rota_http_limits_init_size(struct rota_http_limits *limits, size_t size)
{
	limits->size = size;
	(void)rotai_http_sized_give(limits, sizeof(size), &default_limits,
				    sizeof(default_limits));
}

/* A struct of a later version is accepted if its new members are zero. */
static int are_limits_valid(const struct rota_http_limits *limits)
{
	const char *bytes = (const char *)limits;

	if (limits->size < sizeof(*limits))
		return 0;
	for (size_t i = sizeof(*limits); i < limits->size; i++)
		if (bytes[i] != 0)
			return 0;
	return limits->head_size >= LEAST_HEAD &&
	       limits->head_size <= MOST_SECTION &&
	       limits->trailer_size >= LEAST_TRAILERS &&
	       limits->trailer_size <= MOST_SECTION &&
	       limits->extension_size <= MOST_SECTION;
}

int rota_http_parser_init(struct rota_http_parser *parser,
			  enum rota_http_kind kind, struct rota_http_head *head,
			  const struct rota_http_limits *limits,
			  const struct rota_allocator *allocator)
{
	*parser = (struct rota_http_parser){ 0 };
	if ((kind != ROTA_HTTP_REQUESTS && kind != ROTA_HTTP_RESPONSES) ||
	    (limits != NULL && !are_limits_valid(limits)))
		return ROTA_EINVAL;
	parser->internal.kind = (uint8_t)kind;
	parser->internal.head = head;
	parser->internal.limits = limits != NULL ? limits : &default_limits;
	parser->internal.allocator =
		allocator != NULL ? allocator : &rotai_http_malloc;
	return 0;
}

int rota_http_parser_set_head(struct rota_http_parser *parser,
			      struct rota_http_head *head)
{
	if (!rota_http_parser_is_idle(parser))
		return ROTA_EBUSY;
	parser->internal.head = head;
	return 0;
}

void rota_http_parser_set_method(struct rota_http_parser *parser,
				 enum rota_http_method method)
{
	parser->internal.answers = (uint8_t)method;
}

int rota_http_parser_feed(struct rota_http_parser *parser,
			  struct rota_const_buf buf)
{
	if (buf.data == NULL && buf.size > 0)
		return ROTA_EINVAL;
	if (parser->internal.left > 0)
		return ROTA_EBUSY;
	if (parser->internal.state == ROTAI_HTTP_REFUSED)
		return 0; /* (2) */
	parser->internal.input = buf.data;
	parser->internal.left = buf.size;
	return 0;
}

/* The first byte of a head is there. */
static int begin_head(struct rota_http_parser *parser)
{
	struct rota_http_head *head = parser->internal.head;

	if (head == NULL)
		return ROTA_EINVAL;
	*head = (struct rota_http_head){
		.fields = head->fields,
		.capacity = head->capacity,
	};
	parser->internal.state = ROTAI_HTTP_HEAD_LINES;
	rotai_http_begin_section(parser);
	return 0;
}

/* Between two messages: look for the next one. Returns 1, 0 or an error. */
static int begin_message(struct rota_http_parser *parser)
{
	uint8_t state = parser->internal.state;

	rotai_http_free_section(parser);
	if (parser->internal.left == 0)
		return 0;
	if (state == ROTAI_HTTP_EMPTY_LF) {
		if (*parser->internal.input != '\n')
			return rotai_http_refuse(parser, ROTAI_HTTP_BARE_CR);
		rotai_http_use(parser, 1);
		parser->internal.state = ROTAI_HTTP_AFTER_EMPTY;
		return 1;
	}
	if (state == ROTAI_HTTP_BEGIN && *parser->internal.input == '\r' &&
	    parser->internal.kind == ROTA_HTTP_REQUESTS) {
		rotai_http_use(parser, 1);
		parser->internal.state = ROTAI_HTTP_EMPTY_LF;
		return 1;
	}
	return begin_head(parser) < 0 ? ROTA_EINVAL : 1;
}

/* The head is complete: choose the state for its body. */
static int begin_body(struct rota_http_parser *parser)
{
	const struct rota_http_head *head = parser->internal.head;

	parser->internal.may_come = parser->internal.limits->body_size;
	parser->internal.remaining = head->content_length;
	parser->internal.extensions = 0;
	parser->internal.digits = 0;
	if (head->content_length > parser->internal.may_come)
		return rotai_http_refuse(parser,
					 ROTAI_HTTP_LONG_BODY); /* (3) */
	if (head->body == ROTA_HTTP_BODY_CHUNKED)
		parser->internal.state = ROTAI_HTTP_CHUNK_SIZE;
	else if (head->body == ROTA_HTTP_BODY_CLOSE)
		parser->internal.state = ROTAI_HTTP_CLOSE;
	else
		parser->internal.state = head->content_length > 0
						 ? ROTAI_HTTP_LENGTH
						 : ROTAI_HTTP_END;
	return ROTA_HTTP_EVENT_HEAD;
}

static int read_head(struct rota_http_parser *parser)
{
	int done = rotai_http_read_section(parser);

	return done == 1 ? begin_body(parser) : done;
}

/* Return a piece of the body, of at most @most bytes. */
static int take_piece(struct rota_http_parser *parser, uint64_t most,
		      struct rota_const_buf *body)
{
	size_t size = parser->internal.left;

	if (size == 0)
		return 0;
	if (size > most)
		size = (size_t)most;
	if (size > parser->internal.may_come)
		size = (size_t)parser->internal.may_come;
	if (size == 0)
		return rotai_http_refuse(parser, ROTAI_HTTP_LONG_BODY);
	*body = rota_bytes(parser->internal.input, size);
	rotai_http_use(parser, size);
	parser->internal.may_come -= size;
	return ROTA_HTTP_EVENT_BODY;
}

/* The same for one of known length, after which the state is @next. */
static int take_known(struct rota_http_parser *parser, uint8_t next,
		      struct rota_const_buf *body)
{
	int event = take_piece(parser, parser->internal.remaining, body);

	if (event == ROTA_HTTP_EVENT_BODY) {
		parser->internal.remaining -= body->size;
		if (parser->internal.remaining == 0)
			parser->internal.state = next;
	}
	return event;
}

/* Report the end of the message. */
static int end_message(struct rota_http_parser *parser)
{
	const struct rota_http_head *head = parser->internal.head;
	int is_interim = (head->flags & ROTA_HTTP_INTERIM) != 0;

	parser->internal.state = ROTAI_HTTP_BEGIN;
	if (parser->internal.kind == ROTA_HTTP_REQUESTS || is_interim)
		return ROTA_HTTP_EVENT_END;
	if (head->status == SWITCHES ||
	    (parser->internal.answers == ROTA_HTTP_CONNECT &&
	     head->status < 300) ||
	    (head->flags & ROTA_HTTP_KEEP_ALIVE) == 0)
		parser->internal.state = ROTAI_HTTP_ENDED;
	parser->internal.answers = ROTA_HTTP_OTHER;
	return ROTA_HTTP_EVENT_END;
}

static int read_trailers(struct rota_http_parser *parser)
{
	int done = rotai_http_read_section(parser);

	return done == 1 ? end_message(parser) : done;
}

/* Between the pieces of a chunked body. Returns 1, 0 or an error. */
static int read_chunk_line(struct rota_http_parser *parser)
{
	enum rotai_http_refusal refusal = rotai_http_read_chunk_line(parser);

	if (refusal != ROTAI_HTTP_FINE)
		return rotai_http_refuse(parser, refusal);
	return parser->internal.left > 0;
}

int rota_http_parser_next(struct rota_http_parser *parser,
			  struct rota_const_buf *body)
{
	int found = 1;

	while (found == 1)
		switch (parser->internal.state) {
		case ROTAI_HTTP_BEGIN:
		case ROTAI_HTTP_EMPTY_LF:
		case ROTAI_HTTP_AFTER_EMPTY:
			found = begin_message(parser);
			break;
		case ROTAI_HTTP_HEAD_LINES:
			return read_head(parser);
		case ROTAI_HTTP_LENGTH:
			return take_known(parser, ROTAI_HTTP_END, body);
		case ROTAI_HTTP_CHUNK_DATA:
			return take_known(parser, ROTAI_HTTP_CHUNK_END_CR,
					  body);
		case ROTAI_HTTP_CLOSE:
			return take_piece(parser, UINT64_MAX, body);
		case ROTAI_HTTP_TRAILERS:
			return read_trailers(parser);
		case ROTAI_HTTP_END:
			return end_message(parser);
		case ROTAI_HTTP_ENDED:
			return 0;
		case ROTAI_HTTP_REFUSED:
			return ROTA_EPROTO;
		default:
			found = read_chunk_line(parser);
		}
	return found;
}

int rota_http_parser_finish(struct rota_http_parser *parser)
{
	if (parser->internal.left > 0 &&
	    parser->internal.state != ROTAI_HTTP_ENDED)
		return ROTA_EBUSY;
	switch (parser->internal.state) {
	case ROTAI_HTTP_BEGIN:
	case ROTAI_HTTP_AFTER_EMPTY:
	case ROTAI_HTTP_ENDED:
		return 0;
	case ROTAI_HTTP_CLOSE:
		parser->internal.state = ROTAI_HTTP_ENDED;
		return ROTA_HTTP_EVENT_END;
	case ROTAI_HTTP_END:
		return end_message(parser);
	case ROTAI_HTTP_REFUSED:
		return ROTA_EPROTO;
	case ROTAI_HTTP_EMPTY_LF:
	case ROTAI_HTTP_HEAD_LINES:
		return rotai_http_refuse(parser, ROTAI_HTTP_CUT_HEAD);
	default:
		return rotai_http_refuse(parser, ROTAI_HTTP_CUT_BODY);
	}
}

struct rota_http_refusal
rota_http_parser_refusal(const struct rota_http_parser *parser)
{
	return rotai_http_refusal(
		(enum rotai_http_refusal)parser->internal.refusal,
		(enum rota_http_kind)parser->internal.kind);
}

int rota_http_parser_limit_body(struct rota_http_parser *parser, uint64_t most)
{
	switch (parser->internal.state) {
	case ROTAI_HTTP_LENGTH:
	case ROTAI_HTTP_CHUNK_DATA:
		if (parser->internal.remaining > most)
			return ROTA_EMSGSIZE;
		break;
	case ROTAI_HTTP_CLOSE:
	case ROTAI_HTTP_CHUNK_SIZE:
	case ROTAI_HTTP_CHUNK_BLANK:
	case ROTAI_HTTP_CHUNK_EXTENSION:
	case ROTAI_HTTP_CHUNK_LF:
	case ROTAI_HTTP_CHUNK_END_CR:
	case ROTAI_HTTP_CHUNK_END_LF:
		break;
	default:
		return ROTA_EINVAL;
	}
	parser->internal.may_come = most;
	return 0;
}

struct rota_const_buf
rota_http_parser_rest(const struct rota_http_parser *parser)
{
	return rota_bytes(parser->internal.input, parser->internal.left);
}

int rota_http_parser_is_idle(const struct rota_http_parser *parser)
{
	return parser->internal.state == ROTAI_HTTP_BEGIN ||
	       parser->internal.state == ROTAI_HTTP_AFTER_EMPTY;
}

void rota_http_parser_free(struct rota_http_parser *parser)
{
	if (parser->internal.allocator != NULL)
		rotai_http_free_section(parser);
	*parser = (struct rota_http_parser){ 0 };
}
