/*
 * http/list.c - see rota_http/list.h.
 */
#include "rota_http/list.h"

#include <string.h>

#include "http/text.h"
#include "rota/error.h"

enum { WHOLE = 1000 };

static struct rota_const_buf trim(const char *data, const char *end)
{
	while (data < end && rotai_http_is_blank(*data))
		data++;
	while (end > data && rotai_http_is_blank(end[-1]))
		end--;
	return rota_bytes(data, (size_t)(end - data));
}

/* Find @byte outside of quoted strings, or @end. NULL: a string has no end. */
static const char *find_unquoted(const char *at, const char *end, char byte)
{
	int is_quoted = 0;

	for (; at < end && (is_quoted || *at != byte); at++) {
		if (*at == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && *at == '\\' && ++at == end)
			return NULL;
	}
	return is_quoted ? NULL : at;
}

int rota_http_list_next(struct rota_http_list *list,
			struct rota_const_buf *element)
{
	const char *at = list->list.data;
	const char *end;
	const char *comma;

	if (list->list.size == 0)
		return 0;
	end = at + list->list.size;
	do {
		comma = find_unquoted(at, end, ',');
		if (comma == NULL)
			return ROTA_EINVAL;
		*element = trim(at, comma);
		at = comma < end ? comma + 1 : end;
	} while (element->size == 0 && at < end);
	list->list = rota_bytes(at, (size_t)(end - at));
	return element->size > 0;
}

int rota_http_list_has(struct rota_const_buf value, const char *token)
{
	struct rota_http_list list = { value };
	struct rota_const_buf element;

	while (rota_http_list_next(&list, &element) == 1)
		if (rotai_http_is_word(element.data, element.size, token))
			return 1;
	return 0;
}

/* "0.5" is 500; -1: no quality. */
static int read_quality(const char *text, size_t size)
{
	int value = 0;
	int unit = WHOLE;

	if (size == 0 || size > 5 || (text[0] != '0' && text[0] != '1') ||
	    (size > 1 && text[1] != '.'))
		return -1;
	for (size_t i = 0; i < size; i++) {
		if (i == 1)
			continue;
		if (!rotai_http_is(text[i], ROTAI_HTTP_DIGIT))
			return -1;
		value += (text[i] - '0') * unit;
		unit /= 10;
	}
	return value <= WHOLE ? value : -1;
}

/* Look for "q=" in the parameters. Returns 0, or ROTA_EINVAL. */
static int read_parameters(struct rota_http_quality *element)
{
	const char *at = element->parameters.data;
	const char *end = at + element->parameters.size;

	while (at < end) { /* at a semicolon */
		const char *next = find_unquoted(at + 1, end, ';');
		struct rota_const_buf parameter = trim(at + 1, next);
		const char *equals;

		at = next;
		if (parameter.size == 0)
			continue;
		equals = memchr(parameter.data, '=', parameter.size);
		if (equals == NULL || equals == parameter.data)
			return ROTA_EINVAL;
		if (equals - parameter.data != 1 ||
		    (parameter.data[0] | 0x20) != 'q')
			continue;
		element->quality = read_quality(equals + 1, parameter.size - 2);
		if (element->quality < 0)
			return ROTA_EINVAL;
	}
	return 0;
}

int rota_http_quality_next(struct rota_http_list *list,
			   struct rota_http_quality *element)
{
	struct rota_const_buf whole;
	const char *end, *semicolon;
	int found = rota_http_list_next(list, &whole);

	if (found <= 0)
		return found;
	end = whole.data + whole.size;
	semicolon = find_unquoted(whole.data, end, ';');
	element->value = trim(whole.data, semicolon);
	element->parameters = rota_bytes(semicolon, (size_t)(end - semicolon));
	element->quality = WHOLE;
	if (element->value.size == 0)
		return ROTA_EINVAL;
	for (size_t i = 0; i < element->value.size; i++)
		if (!rotai_http_is(element->value.data[i], ROTAI_HTTP_TCHAR) &&
		    element->value.data[i] != '/')
			return ROTA_EINVAL;
	return read_parameters(element) < 0 ? ROTA_EINVAL : 1;
}

int rota_http_accepts_encoding(struct rota_const_buf value, const char *coding)
{
	struct rota_http_list list = { value };
	struct rota_http_quality element;
	int is_identity = strcmp(coding, "identity") == 0;
	int found, named = -1, others = -1;

	while ((found = rota_http_quality_next(&list, &element)) == 1) {
		const char *text = element.value.data;
		size_t size = element.value.size;

		if (rotai_http_is_word(text, size, coding))
			named = element.quality;
		else if (size == 1 && *text == '*')
			others = element.quality;
	}
	if (found < 0)
		return is_identity ? WHOLE : 0;
	if (named >= 0)
		return named;
	if (others >= 0)
		return others;
	return is_identity ? WHOLE : 0;
}

/* How specific a range is that matches @type: 0 if it does not match. */
static int match_type(const struct rota_http_quality *range, const char *type)
{
	const char *text = range->value.data;
	size_t size = range->value.size;
	const char *slash = strchr(type, '/');
	size_t major = slash != NULL ? (size_t)(slash - type) + 1 : 0;

	if (rotai_http_is_word(text, size, type))
		return 3;
	if (size == 3 && memcmp(text, "*/*", 3) == 0)
		return 1;
	if (major > 0 && size == major + 1 && text[major] == '*' &&
	    rotai_http_is_same(text, type, major))
		return 2;
	return 0;
}

/* Whether the only parameter is the quality. */
static int has_quality_alone(const struct rota_http_quality *range)
{
	struct rota_const_buf rest = range->parameters;
	const char *at;

	if (rest.size == 0)
		return 1;
	at = rest.data + 1;
	while (at < rest.data + rest.size && rotai_http_is_blank(*at))
		at++;
	return at < rest.data + rest.size && (*at | 0x20) == 'q' &&
	       at + 1 < rest.data + rest.size && at[1] == '=';
}

int rota_http_accepts_type(struct rota_const_buf value, const char *type)
{
	struct rota_http_list list = { value };
	struct rota_http_quality range;
	int found, best = 0, quality = 0, is_any = 0;

	while ((found = rota_http_quality_next(&list, &range)) == 1) {
		int match = match_type(&range, type);

		is_any = 1;
		if (match > best && has_quality_alone(&range)) {
			best = match;
			quality = range.quality;
		}
	}
	if (found < 0)
		return 0;
	return is_any ? quality : WHOLE;
}
