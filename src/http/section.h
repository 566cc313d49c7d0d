/*
 * http/section.h - reads a section of lines, a head or trailers, and the states
 * of a parser.
 */
#ifndef ROTAI_HTTP_SECTION_H
#define ROTAI_HTTP_SECTION_H

#include "http/refusal.h"

enum rotai_http_state {
	ROTAI_HTTP_BEGIN = 0,   /* no byte of the next message has come */
	ROTAI_HTTP_EMPTY_LF,    /* behind the CR of an empty line */
	ROTAI_HTTP_AFTER_EMPTY, /* behind an empty line */
	ROTAI_HTTP_HEAD_LINES,
	ROTAI_HTTP_LENGTH,          /* in a body with a length */
	ROTAI_HTTP_CLOSE,           /* in a body until the end */
	ROTAI_HTTP_CHUNK_SIZE,      /* in a number */
	ROTAI_HTTP_CHUNK_BLANK,     /* behind it */
	ROTAI_HTTP_CHUNK_EXTENSION, /* behind a semicolon */
	ROTAI_HTTP_CHUNK_LF,        /* behind the CR of the number's line */
	ROTAI_HTTP_CHUNK_DATA,
	ROTAI_HTTP_CHUNK_END_CR, /* behind the data */
	ROTAI_HTTP_CHUNK_END_LF,
	ROTAI_HTTP_TRAILERS,
	ROTAI_HTTP_END,     /* to be reported */
	ROTAI_HTTP_ENDED,   /* no message follows */
	ROTAI_HTTP_REFUSED, /* nothing follows */
};

/* Refuse the message. Returns ROTA_EPROTO. */
int rotai_http_refuse(struct rota_http_parser *parser,
		      enum rotai_http_refusal refusal);

/* Use up @size bytes of the input. */
static inline void rotai_http_use(struct rota_http_parser *parser, size_t size)
{
	parser->internal.input += size;
	parser->internal.left -= size;
}

/* Begin a section with the next byte. */
static inline void rotai_http_begin_section(struct rota_http_parser *parser)
{
	parser->internal.base = parser->internal.own_size;
	parser->internal.at = 0;
	parser->internal.scanned = 0;
}

/* Read lines until the empty one that ends the section. Returns 1 once it is
 * complete: then the head has all of it. Or 0 if more bytes are needed; or
 * ROTA_EPROTO or ROTA_ENOMEM. */
int rotai_http_read_section(struct rota_http_parser *parser);

/* Free the lines that were gathered. */
void rotai_http_free_section(struct rota_http_parser *parser);

#endif
