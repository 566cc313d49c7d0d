/*
 * rota_http/media_type.h - the media type of a file by its name.
 */
#ifndef ROTA_HTTP_MEDIA_TYPE_H
#define ROTA_HTTP_MEDIA_TYPE_H

#include <stddef.h>

#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** A media type of files with one extension. */
struct rota_http_media_type {
	const char *extension; /* without the dot: "html" */
	const char *type;      /* "text/html; charset=utf-8" */
};

/**
 * Return the media type of a file called @name, by what is behind its last dot,
 * in upper or lower case. The @count types at @own come before those that the
 * library knows. Returns NULL for an unknown extension, and for a name that has
 * none or that begins with its only dot.
 *
 * Types of text have the parameter "charset=utf-8".
 *
 * Thread:  any.
 * Owner:   the result is one of @own, or constant.
 */
const char *rota_http_media_type_find(struct rota_const_buf name,
				      const struct rota_http_media_type *own,
				      size_t count);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
