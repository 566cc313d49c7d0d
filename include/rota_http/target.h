/*
 * rota_http/target.h - targets of requests, hosts, and percent-encoding.
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_TARGET_H
#define ROTA_HTTP_TARGET_H

#include "rota/buf.h"
#include "rota_http/head.h"
#include "rota_http/method.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The forms of a target: RFC 9112, 3.2. */
enum rota_http_form {
	ROTA_HTTP_ORIGIN_FORM,    /* "/path?query" */
	ROTA_HTTP_ABSOLUTE_FORM,  /* "http://host/path?query" */
	ROTA_HTTP_AUTHORITY_FORM, /* "host:port", of CONNECT */
	ROTA_HTTP_ASTERISK_FORM,  /* "*", of OPTIONS */
};

/** A host, and perhaps a port. */
struct rota_http_host {
	struct rota_const_buf name; /* an IPv6 address has its brackets */
	int port;                   /* 0 to 65535; -1: none is given */
};

/** A target in parts. A part that is absent has no data and no size. */
struct rota_http_target {
	enum rota_http_form form;
	struct rota_const_buf scheme;    /* "http" */
	struct rota_const_buf authority; /* "host:8080" */
	struct rota_http_host host;      /* the same in parts */
	struct rota_const_buf path;      /* encoded; may be empty in an
					  * absolute-form */
	struct rota_const_buf query;     /* encoded, without the question mark;
					  * it has data if there is one */
};

/**
 * Read the target @text of a request with that @method into *@target. Returns
 * 0.
 *
 * Thread:  any.
 * Owner:   the parts of *@target are parts of @text.
 * Errors:  ROTA_EINVAL  it has none of the forms that the method may have, or
 *                       a character that no target has, or user information
 *                       before the host (RFC 9110, 4.2.4). *@target is
 *                       undefined
 */
int rota_http_target_parse(struct rota_http_target *target,
			   struct rota_const_buf text,
			   enum rota_http_method method);

/**
 * Read the target of the request @head, and the host that it is for, into
 * *@target. If the target has no authority, it is that of the field Host. If it
 * has one, it counts instead of Host: RFC 9112, 3.2.2. An HTTP/1.0 request may
 * have neither. Returns 0.
 *
 * Thread:  any.
 * Owner:   the parts of *@target are parts of the bytes of @head.
 * Errors:  as rota_http_target_parse(); a head that the parser has reported has
 *          none
 */
int rota_http_head_read_target(struct rota_http_target *target,
			       const struct rota_http_head *head);

/**
 * Read "name", "name:port" or "[address]:port" into *@host. The text may be
 * empty. Returns 0.
 *
 * Thread:  any.
 * Owner:   the name is a part of @text.
 * Errors:  ROTA_EINVAL  it has a character that no host has, brackets without
 *                       an address, or a port that is no number up to 65535.
 *                       *@host is undefined
 */
int rota_http_host_parse(struct rota_http_host *host,
			 struct rota_const_buf text);

/**
 * Decode the percent-encoding of @text, "%41" to "A", to @to, which has space
 * for @size bytes; @text.size bytes are always enough. @to may be @text.data.
 * Returns the number of bytes.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    a percent sign is not followed by two hexadecimal
 *                         digits, or a byte 0 is in the result, after which a
 *                         system would read no path
 *          ROTA_EMSGSIZE  @size is too small
 *          The bytes at @to are undefined.
 */
ptrdiff_t rota_http_decode(char *to, size_t size, struct rota_const_buf text);

/**
 * Encode @text for a path, "a b" to "a%20b", to @to, which has space for @size
 * bytes; 3 * @text.size are always enough. Letters, digits, "-._~/" and the
 * other characters that a path may have stay as they are. Returns the number of
 * bytes.
 *
 * Thread:  any.
 * Errors:  ROTA_EMSGSIZE  @size is too small: the bytes at @to are undefined
 */
ptrdiff_t rota_http_encode(char *to, size_t size, struct rota_const_buf text);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
