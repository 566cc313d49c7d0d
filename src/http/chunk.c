/*
 * http/chunk.c - see chunk.h.
 *
 *  1. A number has at most 16 digits, so it does not overflow while it is read.
 *  2. Extensions are skipped. Together they have a limit: otherwise a client
 *     could send them without end, and one byte of data now and then.
 */
#include "http/chunk.h"

#include "http/scan.h"
#include "http/section.h"
#include "http/text.h"

enum { MOST_DIGITS = 16, BITS_OF_DIGIT = 4 };

static enum rotai_http_refusal take_digit(struct rota_http_parser *parser,
					  char digit)
{
	if (parser->internal.digits == MOST_DIGITS) /* (1) */
		return ROTAI_HTTP_HUGE_CHUNK;
	parser->internal.digits++;
	parser->internal.remaining = parser->internal.remaining
					     << BITS_OF_DIGIT |
				     rotai_http_hex(digit);
	return ROTAI_HTTP_FINE;
}

/* The number has ended before @byte. */
static enum rotai_http_refusal end_size(struct rota_http_parser *parser,
					char byte)
{
	if (parser->internal.digits == 0)
		return ROTAI_HTTP_BAD_CHUNK_SIZE;
	if (parser->internal.remaining > INT64_MAX)
		return ROTAI_HTTP_HUGE_CHUNK;
	if (parser->internal.remaining > parser->internal.may_come)
		return ROTAI_HTTP_LONG_BODY;
	if (byte == '\r')
		parser->internal.state = ROTAI_HTTP_CHUNK_LF;
	else if (byte == ';')
		parser->internal.state = ROTAI_HTTP_CHUNK_EXTENSION;
	else if (rotai_http_is_blank(byte))
		parser->internal.state = ROTAI_HTTP_CHUNK_BLANK;
	else
		return byte == '\n' ? ROTAI_HTTP_BARE_LF
				    : ROTAI_HTTP_BAD_CHUNK_LINE;
	return ROTAI_HTTP_FINE;
}

/* @byte is behind the number: white space, or of an extension. */
static enum rotai_http_refusal take_extension(struct rota_http_parser *parser,
					      char byte)
{
	int is_blank = parser->internal.state == ROTAI_HTTP_CHUNK_BLANK;

	if (is_blank && byte == ';')
		parser->internal.state = ROTAI_HTTP_CHUNK_EXTENSION;
	else if (is_blank && !rotai_http_is_blank(byte))
		return ROTAI_HTTP_BAD_CHUNK_LINE;
	else if (byte == '\r')
		parser->internal.state = ROTAI_HTTP_CHUNK_LF;
	else if (rotai_http_is_control(byte))
		return byte == '\n' ? ROTAI_HTTP_BARE_LF
				    : ROTAI_HTTP_BAD_CHUNK_LINE;
	if (++parser->internal.extensions >
	    parser->internal.limits->extension_size + 1) /* (2), and the CR */
		return ROTAI_HTTP_LONG_EXTENSIONS;
	return ROTAI_HTTP_FINE;
}

static enum rotai_http_refusal end_chunk_line(struct rota_http_parser *parser,
					      char byte)
{
	if (byte != '\n')
		return ROTAI_HTTP_BARE_CR;
	if (parser->internal.remaining > 0) {
		parser->internal.state = ROTAI_HTTP_CHUNK_DATA;
		return ROTAI_HTTP_FINE;
	}
	parser->internal.state = ROTAI_HTTP_TRAILERS;
	rotai_http_begin_section(parser);
	return ROTAI_HTTP_FINE;
}

static enum rotai_http_refusal take_byte(struct rota_http_parser *parser,
					 char byte)
{
	switch (parser->internal.state) {
	case ROTAI_HTTP_CHUNK_SIZE:
		return rotai_http_is(byte, ROTAI_HTTP_HEX)
			       ? take_digit(parser, byte)
			       : end_size(parser, byte);
	case ROTAI_HTTP_CHUNK_BLANK:
	case ROTAI_HTTP_CHUNK_EXTENSION:
		return take_extension(parser, byte);
	case ROTAI_HTTP_CHUNK_LF:
		return end_chunk_line(parser, byte);
	case ROTAI_HTTP_CHUNK_END_CR:
		parser->internal.state = ROTAI_HTTP_CHUNK_END_LF;
		return byte == '\r' ? ROTAI_HTTP_FINE
				    : ROTAI_HTTP_BAD_CHUNK_END;
	default: /* ROTAI_HTTP_CHUNK_END_LF */
		parser->internal.state = ROTAI_HTTP_CHUNK_SIZE;
		parser->internal.digits = 0;
		return byte == '\n' ? ROTAI_HTTP_FINE
				    : ROTAI_HTTP_BAD_CHUNK_END;
	}
}

enum rotai_http_refusal
rotai_http_read_chunk_line(struct rota_http_parser *parser)
{
	enum rotai_http_refusal refusal = ROTAI_HTTP_FINE;

	while (refusal == ROTAI_HTTP_FINE && parser->internal.left > 0 &&
	       parser->internal.state != ROTAI_HTTP_CHUNK_DATA &&
	       parser->internal.state != ROTAI_HTTP_TRAILERS) {
		char byte = *parser->internal.input;

		rotai_http_use(parser, 1);
		refusal = take_byte(parser, byte);
	}
	return refusal;
}
