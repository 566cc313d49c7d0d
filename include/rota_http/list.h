/*
 * rota_http/list.h - lists in field values: "gzip;q=0.8, br".
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_LIST_H
#define ROTA_HTTP_LIST_H

#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Where a walk through a list is. Set list to the value of a field. */
struct rota_http_list {
	struct rota_const_buf list; /* what is left */
};

/** A parameter of an element, or an element of Accept and the like. */
struct rota_http_quality {
	struct rota_const_buf value;      /* "text/html" of "text/html;q=0.5" */
	struct rota_const_buf parameters; /* ";level=1;q=0.5", or empty */
	int quality; /* thousandths: 500; 1000 if there is none */
};

/**
 * Store the next element of a list in *@element, without white space around it,
 * and return 1; or return 0 at the end. Empty elements are left out: RFC 9110,
 * 5.6.1. Commas in quoted strings do not separate. Elements may be of any
 * form: the caller checks them.
 *
 * Thread:  any.
 * Owner:   the element is a part of the list.
 * Errors:  ROTA_EINVAL  a quoted string has no end
 */
int rota_http_list_next(struct rota_http_list *list,
			struct rota_const_buf *element);

/**
 * Return 1 if the list @value has the element @token, in upper or lower case;
 * else 0. For Connection, Upgrade, Vary and others that have tokens.
 *
 * Thread:  any.
 */
int rota_http_list_has(struct rota_const_buf value, const char *token);

/**
 * Store the next element of Accept, Accept-Encoding or Accept-Language in
 * *@element and return 1; or return 0 at the end.
 *
 * Thread:  any.
 * Owner:   the element is a part of the list.
 * Errors:  ROTA_EINVAL  an element is malformed, or its quality is not from 0
 *                       to 1 with at most three digits: RFC 9110, 12.4.2
 */
int rota_http_quality_next(struct rota_http_list *list,
			   struct rota_http_quality *element);

/**
 * Return in thousandths how much the client wants the content coding @coding,
 * by the value of Accept-Encoding: 0 if it is not acceptable. "*" stands for
 * all codings that are not listed, and identity is acceptable unless it is
 * excluded: RFC 9110, 12.5.3. A malformed list accepts identity alone.
 *
 * Thread:  any.
 */
int rota_http_accepts_encoding(struct rota_const_buf value, const char *coding);

/**
 * Return in thousandths how much the client wants the media @type, such as
 * "text/html", by the value of Accept: 0 if it is not acceptable. The most
 * specific range counts: a range with parameters never matches @type, which has
 * none. An empty value accepts everything, a malformed one nothing.
 *
 * Thread:  any.
 */
int rota_http_accepts_type(struct rota_const_buf value, const char *type);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
