/*
 * rota_http/method.h - the methods of requests.
 */
#ifndef ROTA_HTTP_METHOD_H
#define ROTA_HTTP_METHOD_H

#include <stddef.h>

#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** The methods that the library knows: those of RFC 9110 and RFC 5789. Methods
 * are case-sensitive. */
enum rota_http_method {
	ROTA_HTTP_OTHER = 0, /* well-formed, but none of these */
	ROTA_HTTP_GET,
	ROTA_HTTP_HEAD,
	ROTA_HTTP_POST,
	ROTA_HTTP_PUT,
	ROTA_HTTP_DELETE,
	ROTA_HTTP_CONNECT,
	ROTA_HTTP_OPTIONS,
	ROTA_HTTP_TRACE,
	ROTA_HTTP_PATCH,
	ROTA_HTTP_METHOD_COUNT,
};

/**
 * Return the method that the @size bytes at @text name, or ROTA_HTTP_OTHER.
 *
 * Thread:  any.
 */
enum rota_http_method rota_http_method_find(const char *text, size_t size);

/**
 * Return the name of @method, or "" for ROTA_HTTP_OTHER and unknown values.
 *
 * Thread:  any.
 */
const char *rota_http_method_text(enum rota_http_method method);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
