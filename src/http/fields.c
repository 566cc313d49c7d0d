/*
 * http/fields.c - the fields that a program sets, in the arena of the exchange.
 * They are checked here, so that what is written later is well-formed.
 */
#include "http/fields.h"

#include <string.h>

#include "http/scan.h"
#include "http/storage.h"
#include "http/text.h"
#include "rota/error.h"

enum { LONGEST_NAME = 256, LONGEST_VALUE = 1 << 20 };

int rotai_http_is_value(struct rota_const_buf value)
{
	const char *end = value.data + value.size;

	if (value.size == 0)
		return 1;
	return value.data != NULL && value.size <= LONGEST_VALUE &&
	       rotai_http_scan_line(value.data, end) == end &&
	       !rotai_http_is_blank(value.data[0]) &&
	       !rotai_http_is_blank(end[-1]);
}

/* Whether a program may set the field. */
static int is_allowed(enum rota_http_name name, struct rota_const_buf value)
{
	if (name == ROTA_HTTP_NAME_CONNECTION)
		return rotai_http_is_word(value.data, value.size, "close");
	return name != ROTA_HTTP_NAME_CONTENT_LENGTH &&
	       name != ROTA_HTTP_NAME_TRANSFER_ENCODING;
}

static int is_field(const struct rotai_http_set *field, const char *name,
		    size_t size)
{
	return field->name_size == size &&
	       rotai_http_is_same(field->text, name, size);
}

int rotai_http_add_field(struct rota_http_exchange *exchange,
			 struct rotai_http_set **list, const char *name,
			 struct rota_const_buf value)
{
	size_t size = name != NULL ? strlen(name) : 0;
	struct rotai_http_set *field;
	enum rota_http_name number;

	if (size == 0 || size > LONGEST_NAME ||
	    !rotai_http_is_all(name, size, ROTAI_HTTP_TCHAR) ||
	    !rotai_http_is_value(value))
		return ROTA_EINVAL;
	number = rota_http_name_find(name, size);
	if (!is_allowed(number, value))
		return ROTA_EINVAL;
	field = rotai_http_arena(exchange, sizeof(*field) + size + value.size);
	if (field == NULL)
		return ROTA_ENOMEM;
	field->next = NULL;
	field->name_size = (uint32_t)size;
	field->value_size = (uint32_t)value.size;
	field->name = (uint16_t)number;
	memcpy(field->text, name, size);
	if (value.size > 0)
		memcpy(field->text + size, value.data, value.size);
	while (*list != NULL)
		list = &(*list)->next;
	*list = field;
	return 0;
}

void rotai_http_remove_field(struct rotai_http_set **list, const char *name)
{
	size_t size = strlen(name);

	while (*list != NULL)
		if (is_field(*list, name, size))
			*list = (*list)->next;
		else
			list = &(*list)->next;
}

const struct rotai_http_set *
rotai_http_find_field(const struct rotai_http_set *list, const char *name)
{
	size_t size = strlen(name);

	while (list != NULL && !is_field(list, name, size))
		list = list->next;
	return list;
}
