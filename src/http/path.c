/*
 * http/path.c - see rota_http/path.h.
 *
 *  1. The path is split at "/" before it is decoded. So an encoded "/" never
 *     separates names, and is refused.
 *  2. Dots are looked at after decoding: "%2e" is the same as ".".
 *  3. A name is written in place behind those before it, and taken back if it
 *     is a dot segment.
 */
#include "rota_http/path.h"

#include <string.h>

#include "rota/error.h"
#include "rota_http/target.h"

/* The result so far. Every name in it has a "/" behind it. */
struct clean_path {
	char *begin;
	size_t used;
	size_t size;
	unsigned options;
};

/* Remove the last name. */
static int leave_segment(struct clean_path *path)
{
	if (path->used == 0)
		return ROTA_EACCES;
	do
		path->used--;
	while (path->used > 0 && path->begin[path->used - 1] != '/');
	return 0;
}

static int is_dot_file(const struct clean_path *path, const char *name,
		       size_t size)
{
	static const char well_known[] = ".well-known";

	if (name[0] != '.' || path->options & ROTA_HTTP_PATH_DOT_FILES)
		return 0;
	return !(path->options & ROTA_HTTP_PATH_WELL_KNOWN) || path->used > 0 ||
	       size != sizeof(well_known) - 1 ||
	       memcmp(name, well_known, size) != 0;
}

/* Add the encoded name @text, which is not empty. Returns 1 if it is a dot
 * segment. */
static int add_name(struct clean_path *path, struct rota_const_buf text)
{
	char *name = path->begin + path->used;
	size_t space = path->size - path->used;
	ptrdiff_t size = rota_http_decode(name, space, text);

	if (size < 0)
		return (int)size;
	if (size == 1 && name[0] == '.')
		return 1;
	if (size == 2 && name[0] == '.' && name[1] == '.') {
		int error = leave_segment(path);

		return error < 0 ? error : 1;
	}
	if (memchr(name, '/', (size_t)size) != NULL ||
	    memchr(name, '\\', (size_t)size) != NULL ||
	    is_dot_file(path, name, (size_t)size))
		return ROTA_EACCES;
	if ((size_t)size == space)
		return ROTA_EMSGSIZE;
	name[size] = '/';
	path->used += (size_t)size + 1;
	return 0;
}

ptrdiff_t rota_http_path_clean(char *to, size_t size,
			       struct rota_const_buf text, unsigned options)
{
	struct clean_path path = { to, 0, size, options };
	const char *at = text.data;
	const char *end;
	int is_directory = 1;

	if (text.size == 0 || *at != '/')
		return ROTA_EINVAL;
	end = at + text.size;
	while (at < end) {
		const char *stop;
		size_t length;

		at++; /* the slash */
		stop = memchr(at, '/', (size_t)(end - at));
		length = (size_t)((stop != NULL ? stop : end) - at);
		is_directory = length == 0;
		if (length > 0)
			is_directory = add_name(&path, rota_bytes(at, length));
		if (is_directory < 0)
			return is_directory;
		at += length;
	}
	if (!is_directory)
		path.used--;
	if (path.used == size)
		return ROTA_EMSGSIZE;
	to[path.used] = '\0';
	return (ptrdiff_t)path.used;
}
