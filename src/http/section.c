/*
 * http/section.c - see section.h.
 *
 *  1. A section that is whole in the input is read where it lies. One that is
 *     not is copied to own, from base on, and the next bytes are appended
 *     there. What was read stays read: each line is read as soon as it is
 *     complete, so a bad line is refused before the next one arrives, and the
 *     result does not depend on how the bytes are cut.
 *  2. Bytes before `scanned` are not searched again for the end of a line.
 *  3. Only bytes before the limit are looked at, however many there are. So an
 *     error beyond the limit is never found.
 *  4. Appending takes small steps, as the end of the section is not known: what
 *     is behind it stays in the input.
 *  5. own may move when it grows. Fields have offsets; the head's pointer is
 *     corrected if it points to own.
 */
#include "http/section.h"

#include <string.h>

#include "http/framing.h"
#include "http/line.h"
#include "http/scan.h"
#include "rota/error.h"
#include "rota/loop.h"

enum { STEP = 512, LEAST_OWN = 512 };

int rotai_http_refuse(struct rota_http_parser *parser,
		      enum rotai_http_refusal refusal)
{
	parser->internal.refusal = (uint8_t)refusal;
	parser->internal.state = ROTAI_HTTP_REFUSED;
	parser->internal.left = 0;
	return ROTA_EPROTO;
}

static int is_head(const struct rota_http_parser *parser)
{
	return parser->internal.state == ROTAI_HTTP_HEAD_LINES;
}

static enum rotai_http_refusal
take_first_line(struct rota_http_parser *parser,
		const struct rotai_http_line *line)
{
	if (parser->internal.kind == ROTA_HTTP_RESPONSES)
		return rotai_http_read_status_line(parser->internal.head, line);
	if (line->stop == line->bytes)
		return ROTAI_HTTP_EMPTY_LINES;
	return rotai_http_read_request_line(
		parser->internal.head, line,
		parser->internal.limits->target_size);
}

static enum rotai_http_refusal take_field(struct rota_http_head *head,
					  const struct rotai_http_line *line)
{
	struct rota_http_field *field = &head->fields[head->count];
	enum rotai_http_refusal refusal;

	if (head->count >= head->capacity)
		return ROTAI_HTTP_MANY_FIELDS;
	refusal = rotai_http_read_field(field, line);
	if (refusal == ROTAI_HTTP_FINE)
		refusal = rotai_http_check_unique(head, field);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	head->known |= (uint64_t)(field->name < 64) << (field->name & 63);
	head->count++;
	return ROTAI_HTTP_FINE;
}

static enum rotai_http_refusal take_trailer(struct rota_http_head *head,
					    const struct rotai_http_line *line)
{
	uint32_t index = head->count + head->trailer_count;
	enum rotai_http_refusal refusal;

	if (index >= head->capacity)
		return ROTAI_HTTP_MANY_FIELDS;
	refusal = rotai_http_read_field(&head->fields[index], line);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	switch (head->fields[index].name) {
	case ROTA_HTTP_NAME_HOST:
	case ROTA_HTTP_NAME_CONTENT_LENGTH:
	case ROTA_HTTP_NAME_TRANSFER_ENCODING:
		return ROTAI_HTTP_BAD_TRAILER;
	default:
		head->trailer_count++;
		return ROTAI_HTTP_FINE;
	}
}

static enum rotai_http_refusal
take_section_line(struct rota_http_parser *parser,
		  const struct rotai_http_line *line)
{
	if (!is_head(parser))
		return take_trailer(parser->internal.head, line);
	if (line->at == 0)
		return take_first_line(parser, line);
	return take_field(parser->internal.head, line);
}

/* Why there is no end of a line at @at. */
static enum rotai_http_refusal explain_control(char at)
{
	switch (at) {
	case '\0':
		return ROTAI_HTTP_NUL;
	case '\n':
		return ROTAI_HTTP_BARE_LF;
	case '\r':
		return ROTAI_HTTP_BARE_CR;
	default:
		return ROTAI_HTTP_CONTROL;
	}
}

/* The section has no end before its limit. */
static enum rotai_http_refusal
explain_limit(const struct rota_http_parser *parser)
{
	if (!is_head(parser))
		return ROTAI_HTTP_LONG_TRAILERS;
	return parser->internal.at == 0 ? ROTAI_HTTP_LONG_FIRST_LINE
					: ROTAI_HTTP_LONG_HEAD;
}

static enum rotai_http_refusal finish_section(struct rota_http_parser *parser,
					      const char *bytes, uint32_t size)
{
	struct rota_http_head *head = parser->internal.head;

	if (!is_head(parser)) {
		head->trailer_bytes = bytes;
		return ROTAI_HTTP_FINE;
	}
	head->bytes = bytes;
	head->size = size;
	if (parser->internal.kind == ROTA_HTTP_REQUESTS)
		return rotai_http_frame_request(head);
	return rotai_http_frame_response(
		head, (enum rota_http_method)parser->internal.answers);
}

/* Read the lines of a section that begins at @bytes and of which @size bytes
 * have come. Stores the size of the section in *@whole once it is complete. */
static enum rotai_http_refusal read_lines(struct rota_http_parser *parser,
					  const char *bytes, size_t size,
					  uint32_t *whole)
{
	uint32_t limit = is_head(parser)
				 ? parser->internal.limits->head_size
				 : parser->internal.limits->trailer_size;
	struct rotai_http_line line = { .bytes = bytes };
	const char *at = bytes + parser->internal.scanned;
	enum rotai_http_refusal refusal = ROTAI_HTTP_FINE;

	line.end = bytes + (size < limit ? size : limit); /* (3) */
	while (refusal == ROTAI_HTTP_FINE) {
		line.stop = rotai_http_scan_line(at, line.end);
		if (line.stop == line.end ||
		    (line.stop + 1 == line.end && *line.stop == '\r')) {
			parser->internal.scanned =
				(uint32_t)(line.stop - bytes); /* (2) */
			return line.end == bytes + limit ? explain_limit(parser)
							 : ROTAI_HTTP_FINE;
		}
		if (*line.stop != '\r' || line.stop[1] != '\n')
			return explain_control(*line.stop);
		at = line.stop + 2;
		line.at = parser->internal.at;
		if (line.stop == bytes + line.at &&
		    (line.at > 0 || !is_head(parser))) {
			*whole = (uint32_t)(at - bytes);
			return finish_section(parser, bytes, *whole);
		}
		refusal = take_section_line(parser, &line);
		parser->internal.at = (uint32_t)(at - bytes);
	}
	return refusal;
}

/* Make space for @size more bytes in own. */
static int reserve_own_lines(struct rota_http_parser *parser, uint32_t size)
{
	const struct rota_allocator *from = parser->internal.allocator;
	struct rota_http_head *head = parser->internal.head;
	uint32_t old = parser->internal.own_capacity;
	uint32_t need = parser->internal.own_size + size;
	uint32_t capacity = old + old / 2;
	int is_own = head->bytes == parser->internal.own;
	char *own;

	if (need <= old)
		return 0;
	if (capacity < need)
		capacity = need;
	if (capacity < LEAST_OWN)
		capacity = LEAST_OWN;
	own = from->resize(from->context, parser->internal.own, old, capacity);
	if (own == NULL)
		return ROTA_ENOMEM;
	if (is_own && old > 0)
		head->bytes = own; /* (5) */
	parser->internal.own = own;
	parser->internal.own_capacity = capacity;
	return 0;
}

/* Copy @size bytes of the input behind own. They are not used up yet. */
static int append_input(struct rota_http_parser *parser, uint32_t size)
{
	int error = reserve_own_lines(parser, size);

	if (error == 0)
		memcpy(parser->internal.own + parser->internal.own_size,
		       parser->internal.input, size);
	return error;
}

/* Read a section that begins with the input. */
static int read_in_place(struct rota_http_parser *parser)
{
	uint32_t whole = 0;
	uint32_t size;
	enum rotai_http_refusal refusal = read_lines(
		parser, parser->internal.input, parser->internal.left, &whole);

	if (refusal != ROTAI_HTTP_FINE)
		return rotai_http_refuse(parser, refusal);
	if (whole > 0) {
		rotai_http_use(parser, whole);
		return 1;
	}
	size = (uint32_t)parser->internal.left; /* less than the limit */
	if (append_input(parser, size) < 0)
		return ROTA_ENOMEM;
	parser->internal.own_size += size;
	rotai_http_use(parser, size);
	return 0;
}

int rotai_http_read_section(struct rota_http_parser *parser)
{
	uint32_t base = parser->internal.base;
	uint32_t whole = 0;

	if (parser->internal.left == 0)
		return 0;
	if (parser->internal.own_size == base)
		return read_in_place(parser);
	while (parser->internal.left > 0) { /* (4) */
		uint32_t held = parser->internal.own_size - base;
		uint32_t size = parser->internal.left < STEP
					? (uint32_t)parser->internal.left
					: STEP;
		enum rotai_http_refusal refusal;

		if (append_input(parser, size) < 0)
			return ROTA_ENOMEM;
		refusal = read_lines(parser, parser->internal.own + base,
				     held + size, &whole);
		if (refusal != ROTAI_HTTP_FINE)
			return rotai_http_refuse(parser, refusal);
		if (whole > 0)
			size = whole - held;
		parser->internal.own_size += size;
		rotai_http_use(parser, size);
		if (whole > 0)
			return 1;
	}
	return 0;
}

void rotai_http_free_section(struct rota_http_parser *parser)
{
	const struct rota_allocator *from = parser->internal.allocator;

	if (parser->internal.own != NULL)
		from->resize(from->context, parser->internal.own,
			     parser->internal.own_capacity, 0);
	parser->internal.own = NULL;
	parser->internal.own_size = 0;
	parser->internal.own_capacity = 0;
	parser->internal.base = 0;
}
