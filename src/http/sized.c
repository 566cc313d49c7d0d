/*
 * http/sized.c - see sized.h.
 */
#include "http/sized.h"

#include <string.h>

#include "rota/error.h"

static size_t size_in(const void *sized)
{
	size_t size;

	memcpy(&size, sized, sizeof(size));
	return size;
}

/* Copy what is behind the sizes, up to @size. */
static void copy_members(void *to, const void *from, size_t size)
{
	if (size > sizeof(size_t))
		memcpy((char *)to + sizeof(size_t),
		       (const char *)from + sizeof(size_t),
		       size - sizeof(size_t));
}

int rotai_http_sized_give(void *to, size_t least, const void *ours, size_t size)
{
	size_t known;

	if (to == NULL || size_in(to) < least)
		return ROTA_EINVAL;
	known = size_in(to) < size ? size_in(to) : size;
	copy_members(to, ours, known);
	memset((char *)to + known, 0, size_in(to) - known);
	return 0;
}

int rotai_http_sized_take(void *ours, size_t size, const void *given,
			  size_t least)
{
	const char *bytes = given;
	size_t given_size = size_in(given);

	if (given_size < least)
		return ROTA_EINVAL;
	for (size_t i = size; i < given_size; i++)
		if (bytes[i] != 0)
			return ROTA_EINVAL;
	copy_members(ours, given, given_size < size ? given_size : size);
	return 0;
}
