/*
 * http/coding.c - see rota_http/coding.h.
 */
#include "rota_http/coding.h"

#include <string.h>

#include "http/text.h"
#include "rota_http/list.h"

enum {
	MOST_CODINGS = 8,
	JOINED_SIZE = 256, /* fields that are longer in all accept nothing */
};

/* Return the value of Accept-Encoding: several fields are joined in @memory. No
 * data: there is none, or too much of it. */
static struct rota_const_buf accept_encoding(const struct rota_http_head *head,
					     char memory[JOINED_SIZE])
{
	const enum rota_http_name name = ROTA_HTTP_NAME_ACCEPT_ENCODING;
	int at = rota_http_head_find(head, name, 0);
	struct rota_const_buf value = { NULL, 0 };
	size_t used = 0;

	if (at < 0)
		return value;
	value = rota_http_head_value(head, (uint32_t)at);
	if (rota_http_head_find(head, name, (uint32_t)at + 1) < 0)
		return value;
	for (; at >= 0;
	     at = rota_http_head_find(head, name, (uint32_t)at + 1)) {
		value = rota_http_head_value(head, (uint32_t)at);
		if (value.size >= JOINED_SIZE - used)
			return rota_bytes(NULL, 0);
		if (value.size > 0)
			memcpy(memory + used, value.data, value.size);
		used += value.size;
		memory[used++] = ',';
	}
	return rota_bytes(memory, used);
}

/* How much the client wants no coding, if it names that; else 0, as a client
 * that names codings wants them. */
static int identity_quality(struct rota_const_buf value)
{
	struct rota_http_list list = { value };
	struct rota_http_quality element;
	int quality = 0;

	while (rota_http_quality_next(&list, &element) == 1)
		if (rotai_http_is_word(element.value.data, element.value.size,
				       "identity"))
			quality = element.quality;
	return quality;
}

size_t rota_http_codings_wanted(int order[8], const struct rota_http_head *head,
				const char *const *codings, size_t count)
{
	char memory[JOINED_SIZE];
	struct rota_const_buf value = accept_encoding(head, memory);
	int quality[MOST_CODINGS];
	size_t wanted = 0;
	int least;

	if (value.data == NULL)
		return 0;
	least = identity_quality(value);
	for (size_t i = 0; i < count && i < MOST_CODINGS; i++) {
		int own = rota_http_accepts_encoding(value, codings[i]);
		size_t at = wanted;

		if (own == 0 || own < least)
			continue;
		for (; at > 0 && quality[at - 1] < own; at--) {
			quality[at] = quality[at - 1];
			order[at] = order[at - 1];
		}
		quality[at] = own;
		order[at] = (int)i;
		wanted++;
	}
	return wanted;
}
