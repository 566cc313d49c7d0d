/*
 * rota_http/conditional.h - validators of a representation, and requests that
 * depend on them: RFC 9110, 8.8 and 13.
 *
 *     status = rota_http_evaluate(head, &validators, now_seconds);
 *     if (status != 0)
 *             answer with 304 or 412
 *     else if (rota_http_range_wanted(head, &validators, now_seconds))
 *             look at the field Range
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_CONDITIONAL_H
#define ROTA_HTTP_CONDITIONAL_H

#include <stddef.h>
#include <stdint.h>

#include "rota/buf.h"
#include "rota/fs.h"
#include "rota_http/head.h"
#include "rota_http/range.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Bytes of an entity tag by rota_http_etag_write(), at most. */
enum { ROTA_HTTP_ETAG_SIZE = 24 };

/** What is known about the current representation of a resource. */
struct rota_http_validators {
	struct rota_http_etag etag; /* without data: it has none */
	int64_t modified_seconds;   /* since 1970, or ROTA_HTTP_NEVER */
	int exists;                 /* 0: there is none, as for a PUT that
				     * creates one */
};

/** The time of the last modification is not known. */
#define ROTA_HTTP_NEVER INT64_MIN

/**
 * Write an entity tag for the content of a file to @to: 18 characters from its
 * inode, its length and the times at which its content and its inode changed.
 * "W/" is before them if it changed less than 2 s before @now_ns, as
 * rota_clock_wall() reports it, or later than that: it may change again
 * without another time, as file systems count time in steps. Both forms match
 * in a weak comparison. Returns the size.
 *
 * Thread:  any.
 */
size_t rota_http_etag_write(char to[ROTA_HTTP_ETAG_SIZE],
			    const struct rota_file_info *info, uint64_t now_ns);

/**
 * Evaluate If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since
 * of the request @head in the order of RFC 9110, 13.2.2. Returns 0 if the
 * request is to be carried out, else 304 or 412. A field that the method, or
 * another field, makes meaningless is ignored, and so is a date that is
 * malformed or there twice. @now_seconds is for years of two digits.
 *
 * Thread:  any.
 */
int rota_http_evaluate(const struct rota_http_head *head,
		       const struct rota_http_validators *validators,
		       int64_t now_seconds);

/**
 * Return 1 if the request @head asks for ranges of this representation: it is a
 * GET with one field Range, and If-Range is absent or matches. An entity tag in
 * If-Range matches strongly, a date only exactly, and only a modification that
 * is older than @now_seconds by 1 s or more: RFC 9110, 13.1.5. Otherwise return
 * 0: the whole representation is to be sent.
 *
 * Thread:  any.
 */
int rota_http_range_wanted(const struct rota_http_head *head,
			   const struct rota_http_validators *validators,
			   int64_t now_seconds);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
