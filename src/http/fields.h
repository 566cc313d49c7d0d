/*
 * http/fields.h - the fields that a program sets.
 */
#ifndef ROTAI_HTTP_FIELDS_H
#define ROTAI_HTTP_FIELDS_H

#include "http/serving.h"

/* Whether a field may have this value. */
int rotai_http_is_value(struct rota_const_buf value);

/* Add a field to @list. Returns 0, ROTA_EINVAL or ROTA_ENOMEM. */
int rotai_http_add_field(struct rota_http_exchange *exchange,
			 struct rotai_http_set **list, const char *name,
			 struct rota_const_buf value);

/* Remove all fields of that name. */
void rotai_http_remove_field(struct rotai_http_set **list, const char *name);

/* The first field of that name, or NULL. */
const struct rotai_http_set *
rotai_http_find_field(const struct rotai_http_set *list, const char *name);

#endif
