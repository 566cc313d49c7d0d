/*
 * rota_http/path.h - from the path of a target to the path of a file.
 *
 * All functions are pure: they allocate nothing and keep nothing.
 */
#ifndef ROTA_HTTP_PATH_H
#define ROTA_HTTP_PATH_H

#include <stddef.h>

#include "rota/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/** Options of rota_http_path_clean(). */
enum rota_http_path_options {
	/** Allow names that begin with a dot, such as ".git". */
	ROTA_HTTP_PATH_DOT_FILES = 1,

	/** Allow ".well-known" as the first name: RFC 8615. */
	ROTA_HTTP_PATH_WELL_KNOWN = 2,
};

/**
 * Write the path of a file, relative to the root of a site, to @to, which has
 * space for @size bytes: "/css/a%20b.css" becomes "css/a b.css". @text is the
 * path of a target, still encoded: see rota_http_target_parse(). Returns the
 * size of the result; a 0 follows it that is not counted. @text.size + 1 bytes
 * are always enough. @options are of enum rota_http_path_options.
 *
 * The encoding is removed once. Empty names are left out, and so are the names
 * "." and "..", encoded or not, together with what ".." refers to: RFC 3986,
 * 5.2.4. The result never begins with "/". It ends with "/" if @text names a
 * directory, because it ends with a "/" or a dot segment. The root is "", size
 * 0.
 *
 * Thread:  any.
 * Errors:  ROTA_EINVAL    @text does not begin with "/", has a percent sign
 *                         without two hexadecimal digits behind it, or a byte
 *                         0: answer with 400
 *          ROTA_EACCES    the path would leave the root; a name has an encoded
 *                         "/" or a "\"; or begins with a dot, which @options do
 *                         not allow: answer with 404
 *          ROTA_EMSGSIZE  @size is too small
 *          The bytes at @to are undefined.
 */
ptrdiff_t rota_http_path_clean(char *to, size_t size,
			       struct rota_const_buf text, unsigned options);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
