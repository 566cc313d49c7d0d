/*
 * http/head.c - finds fields in a head, and moves it.
 */
#include "rota_http/head.h"

#include <string.h>

#include "http/text.h"
#include "rota/error.h"

int rota_http_head_find(const struct rota_http_head *head,
			enum rota_http_name name, uint32_t from)
{
	if ((unsigned)name - 1 < 63 && (head->known >> (unsigned)name & 1) == 0)
		return -1;
	for (uint32_t i = from; i < head->count; i++)
		if (head->fields[i].name == (uint16_t)name)
			return (int)i;
	return -1;
}

int rota_http_head_find_text(const struct rota_http_head *head,
			     const char *text, size_t size, uint32_t from)
{
	for (uint32_t i = from; i < head->count; i++)
		if (head->fields[i].name_size == size &&
		    rotai_http_is_same(rota_http_head_name(head, i).data, text,
				       size))
			return (int)i;
	return -1;
}

struct rota_const_buf rota_http_head_get(const struct rota_http_head *head,
					 enum rota_http_name name)
{
	int index = rota_http_head_find(head, name, 0);

	return index < 0 ? rota_bytes(NULL, 0)
			 : rota_http_head_value(head, (uint32_t)index);
}

int rota_http_head_copy(struct rota_http_head *head, char *memory,
			struct rota_http_field *fields, uint32_t capacity)
{
	uint32_t count = head->count + head->trailer_count;

	if (fields != NULL && capacity < count)
		return ROTA_EINVAL;
	if (head->size > 0)
		memcpy(memory, head->bytes, head->size);
	head->bytes = memory;
	if (fields == NULL)
		return 0;
	if (count > 0)
		memcpy(fields, head->fields, count * sizeof(*fields));
	head->fields = fields;
	head->capacity = capacity;
	return 0;
}
