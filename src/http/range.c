/*
 * http/range.c - see rota_http/range.h.
 */
#include "rota_http/range.h"

#include <string.h>

#include "http/text.h"
#include "rota/error.h"

enum { UNIT_SIZE = sizeof("bytes=") - 1 };

/* Read a number, which may be missing. Numbers that are too large are
 * UINT64_MAX. Returns what follows. */
static const char *read_offset(const char *at, const char *end,
			       uint64_t *offset, int *is_missing)
{
	const char *begin = at;

	*offset = 0;
	for (; at < end && rotai_http_is(*at, ROTAI_HTTP_DIGIT); at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (*offset > (UINT64_MAX - digit) / 10)
			*offset = UINT64_MAX;
		else
			*offset = 10 * *offset + digit;
	}
	*is_missing = at == begin;
	return at;
}

/* Read "first-last", "first-" or "-count". Returns 1, or 0 if it is not in the
 * representation. */
static int read_range(struct rota_http_range *range, struct rota_const_buf text,
		      uint64_t size)
{
	const char *end = text.data + text.size;
	uint64_t first, last;
	int no_first, no_last;
	const char *at = read_offset(text.data, end, &first, &no_first);

	if (at == end || *at != '-')
		return ROTA_EINVAL;
	at = read_offset(at + 1, end, &last, &no_last);
	if (at < end || (no_first && no_last) ||
	    (!no_first && !no_last && last < first))
		return ROTA_EINVAL;
	if (no_first) {
		range->size = last < size ? last : size;
		range->offset = size - range->size;
		return range->size > 0;
	}
	if (first >= size)
		return 0;
	if (no_last || last >= size)
		last = size - 1;
	range->offset = first;
	range->size = last - first + 1;
	return 1;
}

int rota_http_range_parse(struct rota_http_range *ranges, int capacity,
			  struct rota_const_buf text, uint64_t size)
{
	struct rota_http_list list = { { NULL, 0 } };
	struct rota_const_buf element;
	int found, count = 0, all = 0;

	if (text.size < UNIT_SIZE ||
	    !rotai_http_is_same(text.data, "bytes=", UNIT_SIZE))
		return ROTA_EINVAL;
	list.list = rota_bytes(text.data + UNIT_SIZE, text.size - UNIT_SIZE);
	while ((found = rota_http_list_next(&list, &element)) == 1) {
		struct rota_http_range range;
		int is_in = read_range(&range, element, size);

		if (is_in < 0)
			return is_in;
		if (++all > capacity)
			return ROTA_E2BIG;
		if (is_in)
			ranges[count++] = range;
	}
	if (found < 0 || all == 0)
		return ROTA_EINVAL;
	return count > 0 ? count : ROTA_ERANGE;
}

int rota_http_etag_parse(struct rota_http_etag *etag,
			 struct rota_const_buf text)
{
	const char *at = text.data;
	size_t size = text.size;
	int is_weak = size >= 2 && at[0] == 'W' && at[1] == '/';

	if (is_weak) {
		at += 2;
		size -= 2;
	}
	if (size < 2 || at[0] != '"' || at[size - 1] != '"')
		return ROTA_EINVAL;
	for (size_t i = 1; i < size - 1; i++)
		if ((unsigned char)at[i] < 0x21 || at[i] == '"' ||
		    at[i] == 0x7f)
			return ROTA_EINVAL;
	etag->tag = rota_bytes(at, size);
	etag->is_weak = is_weak;
	return 0;
}

int rota_http_etag_match(const struct rota_http_etag *a,
			 const struct rota_http_etag *b, int is_strong)
{
	if (is_strong && (a->is_weak || b->is_weak))
		return 0;
	return a->tag.size == b->tag.size &&
	       memcmp(a->tag.data, b->tag.data, a->tag.size) == 0;
}

/* The end of the tag that begins at @at: tags may contain commas and
 * backslashes, which quoted strings treat in another way. */
static const char *end_of_tag(const char *at, const char *end)
{
	const char *quote = memchr(at, '"', (size_t)(end - at));

	if (quote != NULL)
		quote = memchr(quote + 1, '"', (size_t)(end - quote - 1));
	return quote != NULL ? quote + 1 : end;
}

int rota_http_etag_list_has(struct rota_const_buf text,
			    const struct rota_http_etag *etag, int is_strong)
{
	const char *at = text.data;
	const char *end;
	int is_match = 0;

	if (text.size == 0)
		return 0;
	if (text.size == 1 && *at == '*')
		return 1;
	end = at + text.size;
	while (at < end) {
		struct rota_http_etag other;
		const char *stop;

		if (*at == ',' || rotai_http_is_blank(*at)) {
			at++;
			continue;
		}
		stop = end_of_tag(at, end);
		if (rota_http_etag_parse(
			    &other, rota_bytes(at, (size_t)(stop - at))) < 0)
			return 0;
		is_match |= rota_http_etag_match(&other, etag, is_strong);
		while (stop < end && rotai_http_is_blank(*stop))
			stop++;
		if (stop < end && *stop != ',')
			return 0;
		at = stop;
	}
	return is_match;
}
