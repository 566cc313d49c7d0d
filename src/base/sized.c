/*
 * base/sized.c - see sized.h.
 */
#include "base/sized.h"

#include <string.h>

#include "rota/error.h"

static size_t sized_size_of(const void *sized)
{
	size_t size;

	memcpy(&size, sized, sizeof(size));
	return size;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

int rotai_sized_give(void *to, size_t least, const void *ours, size_t size)
{
	const size_t head = sizeof(size_t); /* the size is not copied */
	size_t room;
	size_t known;

	if (to == NULL || sized_size_of(to) < least)
		return ROTA_EINVAL;
	room = sized_size_of(to);
	known = lesser(room, size);
	memcpy((char *)to + head, (const char *)ours + head, known - head);
	memset((char *)to + known, 0, room - known);
	return 0;
}

int rotai_sized_check(const void *given, size_t least, size_t size)
{
	const unsigned char *bytes = given;
	size_t end = sized_size_of(given);

	if (end < least)
		return ROTA_EINVAL;
	for (size_t i = size; i < end; i++)
		if (bytes[i] != 0)
			return ROTA_EINVAL;
	return 0;
}

int rotai_sized_take(void *ours, size_t size, const void *given, size_t least)
{
	const size_t head = sizeof(size_t);
	int error = rotai_sized_check(given, least, size);

	if (error < 0)
		return error;
	memcpy((char *)ours + head, (const char *)given + head,
	       lesser(sized_size_of(given), size) - head);
	return 0;
}
