/*
 * tests/support/filter.c - see filter.h.
 */
#include "filter.h"

#include <string.h>

/* A sanitizer would check each byte; change() lets it check all together. */
__attribute__((no_sanitize("address", "thread"))) static void
change_bytes(char *data, size_t size, char key)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(data[i] ^ key);
}

static int change(struct rota_filter *base, struct rota_filter_step *step)
{
	struct filter *filter = rota_container_of(base, struct filter, filter);
	size_t n = step->from.size < step->to.size ? step->from.size
						   : step->to.size;

	if (n > 0)
		memcpy(step->to.data, step->from.data, n);
	change_bytes(step->to.data, n, filter->key);
	step->taken = n;
	step->made = n;
	return 0;
}

static const struct rota_filter_class xor_class = {
	.size = sizeof(xor_class),
	.type = "xor",
	.input = change,
	.output = change,
};

int filter_open(struct filter *filter, struct rota_stream *below, char key)
{
	filter->key = key;
	return rota_filter_open(&filter->filter, below, &xor_class, 0);
}
