/*
 * http/byteranges.c - see rota_http/byteranges.h.
 */
#include "rota_http/byteranges.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rota/error.h"
#include "rota/random.h"

/* Whether @a and @b overlap, or have less than @gap bytes between them. */
static int is_near(const struct rota_http_range *a,
		   const struct rota_http_range *b, uint64_t gap)
{
	const struct rota_http_range *low = a->offset <= b->offset ? a : b;
	const struct rota_http_range *high = low == a ? b : a;
	uint64_t between = high->offset - low->offset;

	return between <= low->size || between - low->size < gap;
}

/* Let @a be what is from its begin or that of @b to the end of the latter. */
static void join_pair(struct rota_http_range *a,
		      const struct rota_http_range *b)
{
	uint64_t a_end = a->offset + a->size;
	uint64_t b_end = b->offset + b->size;

	if (b->offset < a->offset)
		a->offset = b->offset;
	a->size = (b_end > a_end ? b_end : a_end) - a->offset;
}

int rota_http_ranges_join(struct rota_http_range *ranges, int count,
			  uint64_t gap)
{
	for (int i = 0; i < count; i++) {
		int at = i + 1;

		while (at < count) {
			if (!is_near(&ranges[i], &ranges[at], gap)) {
				at++;
				continue;
			}
			join_pair(&ranges[i], &ranges[at]);
			memmove(&ranges[at], &ranges[at + 1],
				(size_t)(count - at - 1) * sizeof(*ranges));
			count--;
			at = i + 1; /* it is larger now */
		}
	}
	return count;
}

size_t rota_http_content_range(char to[ROTA_HTTP_CONTENT_RANGE_SIZE],
			       const struct rota_http_range *range,
			       uint64_t size)
{
	if (range == NULL)
		return (size_t)snprintf(to, ROTA_HTTP_CONTENT_RANGE_SIZE,
					"bytes */%" PRIu64, size);
	return (size_t)snprintf(to, ROTA_HTTP_CONTENT_RANGE_SIZE,
				"bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
				range->offset, range->offset + range->size - 1,
				size);
}

int rota_http_byteranges_init(struct rota_http_byteranges *body, uint64_t size,
			      struct rota_const_buf type)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
	int error;

	body->size = size;
	body->type = type;
	error = rota_random_bytes(body->boundary, sizeof(body->boundary));
	if (error < 0)
		return error;
	for (size_t i = 0; i < sizeof(body->boundary); i++)
		body->boundary[i] = letters[body->boundary[i] & 31];
	return 0;
}

size_t rota_http_byteranges_type(char to[ROTA_HTTP_BYTERANGES_TYPE_SIZE],
				 const struct rota_http_byteranges *body)
{
	return (size_t)snprintf(to, ROTA_HTTP_BYTERANGES_TYPE_SIZE,
				"multipart/byteranges; boundary=%.*s",
				ROTA_HTTP_BOUNDARY_SIZE, body->boundary);
}

ptrdiff_t rota_http_byteranges_part(char *to, size_t size,
				    const struct rota_http_byteranges *body,
				    const struct rota_http_range *range,
				    int is_first)
{
	char value[ROTA_HTTP_CONTENT_RANGE_SIZE];
	int has_type = body->type.data != NULL;
	int used;

	rota_http_content_range(value, range, body->size);
	used = snprintf(to, size, "%s--%.*s%s%.*s\r\nContent-Range: %s\r\n\r\n",
			is_first ? "" : "\r\n", ROTA_HTTP_BOUNDARY_SIZE,
			body->boundary, has_type ? "\r\nContent-Type: " : "",
			(int)body->type.size, has_type ? body->type.data : "",
			value);
	return (size_t)used < size ? used : ROTA_EMSGSIZE;
}

size_t rota_http_byteranges_end(char to[ROTA_HTTP_PART_SIZE],
				const struct rota_http_byteranges *body)
{
	return (size_t)snprintf(to, ROTA_HTTP_PART_SIZE, "\r\n--%.*s--\r\n",
				ROTA_HTTP_BOUNDARY_SIZE, body->boundary);
}

uint64_t rota_http_byteranges_length(const struct rota_http_byteranges *body,
				     const struct rota_http_range *ranges,
				     int count)
{
	struct rota_http_byteranges untyped = *body;
	char text[ROTA_HTTP_PART_SIZE];
	uint64_t length = rota_http_byteranges_end(text, body);

	/* The size of the media type is added instead of writing it. */
	untyped.type = rota_bytes("", 0);
	for (int i = 0; i < count; i++) {
		uint64_t part = (uint64_t)rota_http_byteranges_part(
			text, sizeof(text), &untyped, &ranges[i], i == 0);

		part += body->type.size;
		if (body->type.data == NULL)
			part -= sizeof("\r\nContent-Type: ") - 1;
		if (part > UINT64_MAX - length ||
		    ranges[i].size > UINT64_MAX - length - part)
			return UINT64_MAX;
		length += part + ranges[i].size;
	}
	return length;
}
