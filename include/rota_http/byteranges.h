/*
 * rota_http/byteranges.h - several ranges in one response: RFC 9110, 14.6 and
 * 15.3.7.2.
 *
 *     count = rota_http_range_parse(ranges, 16, text, size);
 *     if (count > 1)
 *             count = rota_http_ranges_join(ranges, count,
 *                                           ROTA_HTTP_RANGE_GAP);
 *     if (count > 1)
 *             for each range: what rota_http_byteranges_part() has written, and
 *             its bytes; then what rota_http_byteranges_end() has written
 *
 * All functions but rota_http_byteranges_init() are pure: they allocate nothing
 * and keep nothing.
 */
#ifndef ROTA_HTTP_BYTERANGES_H
#define ROTA_HTTP_BYTERANGES_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/range.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

enum {
	/** Two ranges with fewer bytes between them are sent as one: what is
	 * before a part has about as many. */
	ROTA_HTTP_RANGE_GAP = 100,

	/** Bytes of a boundary. */
	ROTA_HTTP_BOUNDARY_SIZE = 32,

	/** Bytes of the field Content-Type of such a response, at most. */
	ROTA_HTTP_BYTERANGES_TYPE_SIZE = 64 + ROTA_HTTP_BOUNDARY_SIZE,

	/** Bytes of the field Content-Range, at most. */
	ROTA_HTTP_CONTENT_RANGE_SIZE = 72,

	/** Bytes before a part and behind the last one, at most, without its
	 * media type. */
	ROTA_HTTP_PART_SIZE = 192,
};

/**
 * The body of such a response.
 *
 * Owner:   the caller, who keeps @type in place as long.
 */
struct rota_http_byteranges {
	uint64_t size;              /* of the whole representation */
	struct rota_const_buf type; /* of the same; without data: not sent */
	char boundary[ROTA_HTTP_BOUNDARY_SIZE];
};

/**
 * Join those of the @count ranges that overlap, or that have less than @gap
 * bytes between them. Returns how many are left. They are in the order in which
 * the client has named the first range of each, and no two of them overlap.
 *
 * Thread:  any.
 */
int rota_http_ranges_join(struct rota_http_range *ranges, int count,
			  uint64_t gap);

/**
 * Write the value of Content-Range for @range of a representation that has
 * @size bytes to @to: "bytes 0-99/1000"; or, if @range is NULL, as for 416:
 * "bytes *" and "/1000". Returns its size.
 *
 * Thread:  any.
 */
size_t rota_http_content_range(char to[ROTA_HTTP_CONTENT_RANGE_SIZE],
			       const struct rota_http_range *range,
			       uint64_t size);

/**
 * Begin a body with several ranges of a representation that has @size bytes and
 * the media type @type. Its boundary is random, so that no content has it.
 * Returns 0.
 *
 * Thread:  any.
 * Errors:  those of rota_random_bytes(): *@body is undefined
 */
int rota_http_byteranges_init(struct rota_http_byteranges *body, uint64_t size,
			      struct rota_const_buf type);

/**
 * Write the value of Content-Type to @to. Returns its size.
 *
 * Thread:  any.
 */
size_t rota_http_byteranges_type(char to[ROTA_HTTP_BYTERANGES_TYPE_SIZE],
				 const struct rota_http_byteranges *body);

/**
 * Return the length of the whole body with the @count @ranges, which do not
 * overlap; UINT64_MAX if it is larger.
 *
 * Thread:  any.
 */
uint64_t rota_http_byteranges_length(const struct rota_http_byteranges *body,
				     const struct rota_http_range *ranges,
				     int count);

/**
 * Write what is before the bytes of @range to @to, which has space for @size
 * bytes. ROTA_HTTP_PART_SIZE and the size of the media type are always enough.
 * @is_first is 1 for the first part of the body. Returns its size.
 *
 * Thread:  any.
 * Errors:  ROTA_EMSGSIZE  @size is too small
 */
ptrdiff_t rota_http_byteranges_part(char *to, size_t size,
				    const struct rota_http_byteranges *body,
				    const struct rota_http_range *range,
				    int is_first);

/**
 * Write what is behind the last part to @to. Returns its size.
 *
 * Thread:  any.
 */
size_t rota_http_byteranges_end(char to[ROTA_HTTP_PART_SIZE],
				const struct rota_http_byteranges *body);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
