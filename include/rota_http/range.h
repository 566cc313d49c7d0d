/*
 * rota_http/range.h - ranges of a representation, and entity tags: RFC 9110,
 * 14.1 and 8.8.3.
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_RANGE_H
#define ROTA_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota_http/list.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Bytes of a representation. */
struct rota_http_range {
	uint64_t offset;
	uint64_t size; /* at least 1 */
};

/** An entity tag. */
struct rota_http_etag {
	struct rota_const_buf tag; /* with its quotes */
	int is_weak;
};

/**
 * Store in @ranges those of the field Range, @text, of a representation that
 * has @size bytes: "bytes=0-99, -100". Ranges behind its end are left out.
 * Returns how many there are, from 1 to @capacity; they are in the order of the
 * field, and may overlap.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    the field is malformed, or its unit is not bytes:
 *                         send the whole representation
 *          ROTA_E2BIG     it has more than @capacity ranges: the same
 *          ROTA_ERANGE    none of its ranges is in the representation: answer
 *                         with 416
 */
int rota_http_range_parse(struct rota_http_range *ranges, int capacity,
			  struct rota_const_buf text, uint64_t size);

/**
 * Read the entity tag @text, "tag" in quotes or W/"tag", into *@etag. Returns
 * 0.
 *
 * Thread:  any.
 * Owner:   the tag is a part of @text.
 * Errors:  ROTA_EINVAL  it is malformed: *@etag is not changed
 */
int rota_http_etag_parse(struct rota_http_etag *etag,
			 struct rota_const_buf text);

/**
 * Return 1 if @a and @b match: strongly, when both are not weak and equal, or
 * weakly, when they are equal. Otherwise return 0. RFC 9110, 8.8.3.2.
 *
 * Thread:  any.
 */
int rota_http_etag_match(const struct rota_http_etag *a,
			 const struct rota_http_etag *b, int is_strong);

/**
 * Return 1 if the list @text of If-Match or If-None-Match has a tag that
 * matches @etag, or is "*"; else 0. If-Match compares strongly. Malformed lists
 * match nothing.
 *
 * Thread:  any.
 */
int rota_http_etag_list_has(struct rota_const_buf text,
			    const struct rota_http_etag *etag, int is_strong);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
