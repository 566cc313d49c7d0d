/*
 * http/line.c - see line.h.
 *
 *  1. The last nine bytes of a request line are a space and the version. So
 *     the target is what lies between that space and the one behind the
 *     method, and a search for what no target contains has to end there.
 *  2. A field name that the library knows needs no check: it is a token.
 */
#include "http/line.h"

#include <string.h>

#include "http/scan.h"
#include "http/text.h"

enum { VERSION_SIZE = 8 };

/* Read "HTTP/1.x" at @text, eight bytes. */
static enum rotai_http_refusal read_version(struct rota_http_head *head,
					    const char *text)
{
	if (memcmp(text, "HTTP/", 5) != 0 ||
	    !rotai_http_is(text[5], ROTAI_HTTP_DIGIT) || text[6] != '.' ||
	    !rotai_http_is(text[7], ROTAI_HTTP_DIGIT))
		return ROTAI_HTTP_BAD_VERSION;
	if (text[5] != '1')
		return ROTAI_HTTP_OTHER_VERSION;
	head->minor = (uint8_t)(text[7] - '0');
	return ROTAI_HTTP_FINE;
}

/* The end of the method, before a space; NULL if it is no token. */
static const char *read_method(struct rota_http_head *head,
			       const struct rotai_http_line *line)
{
	const char *text = line->bytes + line->at;
	const char *at = text;

	if (line->stop - text >= 4 && memcmp(text, "GET ", 4) == 0) {
		head->method = ROTA_HTTP_GET;
		return text + 3;
	}
	while (at < line->stop && rotai_http_is(*at, ROTAI_HTTP_TCHAR))
		at++;
	if (at == text || (at < line->stop && *at != ' '))
		return NULL;
	head->method =
		(uint8_t)rota_http_method_find(text, (size_t)(at - text));
	return at;
}

/* Why the target and the version are not as they should be. */
static enum rotai_http_refusal
explain_request_line(struct rota_http_head *head, const char *target,
		     const char *bad, const struct rotai_http_line *line)
{
	const char *space =
		rotai_http_scan_byte(target, ' ', line->stop, line->stop);
	enum rotai_http_refusal refusal;

	if (space == line->stop || space == target)
		return ROTAI_HTTP_BAD_REQUEST_LINE;
	if (bad < space)
		return ROTAI_HTTP_BAD_TARGET;
	if (line->stop - space - 1 != VERSION_SIZE)
		return memchr(space + 1, ' ',
			      (size_t)(line->stop - space - 1)) != NULL
			       ? ROTAI_HTTP_BAD_REQUEST_LINE
			       : ROTAI_HTTP_BAD_VERSION;
	refusal = read_version(head, space + 1);
	return refusal != ROTAI_HTTP_FINE ? refusal : ROTAI_HTTP_BAD_TARGET;
}

enum rotai_http_refusal
rotai_http_read_request_line(struct rota_http_head *head,
			     const struct rotai_http_line *line,
			     uint32_t target_limit)
{
	const char *space = read_method(head, line);
	const char *target, *bad;
	enum rotai_http_refusal refusal;
	size_t size;

	if (space == NULL)
		return ROTAI_HTTP_BAD_METHOD;
	if (space == line->stop)
		return ROTAI_HTTP_BAD_REQUEST_LINE;
	size = (size_t)(space - (line->bytes + line->at));
	if (size > UINT16_MAX)
		return ROTAI_HTTP_BAD_METHOD;
	target = space + 1;
	bad = rotai_http_scan_target(target, line->end);
	if (bad == target || line->stop - bad != VERSION_SIZE + 1 ||
	    *bad != ' ') /* (1) */
		return explain_request_line(head, target, bad, line);
	refusal = read_version(head, bad + 1);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	if (bad - target > (ptrdiff_t)target_limit)
		return ROTAI_HTTP_LONG_TARGET;
	head->method_size = (uint16_t)size;
	head->target_at = (uint32_t)(target - line->bytes);
	head->target_size = (uint32_t)(bad - target);
	return ROTAI_HTTP_FINE;
}

enum rotai_http_refusal
rotai_http_read_status_line(struct rota_http_head *head,
			    const struct rotai_http_line *line)
{
	const char *text = line->bytes + line->at;
	size_t size = (size_t)(line->stop - text);
	enum rotai_http_refusal refusal;

	if (size < VERSION_SIZE)
		return ROTAI_HTTP_BAD_STATUS_LINE;
	refusal = read_version(head, text);
	if (refusal != ROTAI_HTTP_FINE)
		return refusal;
	if (size < VERSION_SIZE + 4 || text[8] != ' ' ||
	    !rotai_http_is_all(text + 9, 3, ROTAI_HTTP_DIGIT) ||
	    text[9] == '0' || (size > 12 && text[12] != ' '))
		return ROTAI_HTTP_BAD_STATUS_LINE;
	head->status = (uint16_t)((text[9] - '0') * 100 +
				  (text[10] - '0') * 10 + (text[11] - '0'));
	head->target_at = line->at + (size > 12 ? 13 : 12);
	head->target_size = (uint32_t)(size > 12 ? size - 13 : 0);
	return ROTAI_HTTP_FINE;
}

/* Why the @size bytes at @text are no name. */
static enum rotai_http_refusal explain_name(const char *text, size_t size)
{
	if (rotai_http_is_blank(text[0]))
		return ROTAI_HTTP_FOLD;
	if (size == 0)
		return ROTAI_HTTP_NO_NAME;
	if (rotai_http_is_blank(text[size - 1]))
		return ROTAI_HTTP_BLANK_BEFORE_COLON;
	return size > UINT16_MAX ? ROTAI_HTTP_LONG_NAME : ROTAI_HTTP_BAD_NAME;
}

enum rotai_http_refusal
rotai_http_read_field(struct rota_http_field *field,
		      const struct rotai_http_line *line)
{
	const char *text = line->bytes + line->at;
	const char *stop = line->stop;
	const char *colon = rotai_http_scan_byte(text, ':', stop, line->end);
	size_t size = (size_t)(colon - text);
	const char *value = colon + 1;
	enum rota_http_name name;

	if (colon == stop)
		return rotai_http_is_blank(*text) ? ROTAI_HTTP_FOLD
						  : ROTAI_HTTP_NO_COLON;
	name = rota_http_name_find(text, size);
	if (name == ROTA_HTTP_NAME_UNKNOWN && /* (2) */
	    (size > UINT16_MAX ||
	     !rotai_http_is_all(text, size, ROTAI_HTTP_TCHAR)))
		return explain_name(text, size);
	while (value < stop && rotai_http_is_blank(*value))
		value++;
	while (stop > value && rotai_http_is_blank(stop[-1]))
		stop--;
	field->name_at = line->at;
	field->name_size = (uint16_t)size;
	field->name = (uint16_t)name;
	field->value_at = (uint32_t)(value - line->bytes);
	field->value_size = (uint32_t)(stop - value);
	return ROTAI_HTTP_FINE;
}
