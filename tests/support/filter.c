/*
 * tests/support/filter.c - see filter.h.
 */
#include "filter.h"

static int change(struct rota_filter *base, struct rota_filter_step *step)
{
	struct filter *filter = rota_container_of(base, struct filter, filter);
	size_t n = step->from.size < step->to.size ? step->from.size
						   : step->to.size;

	for (size_t i = 0; i < n; i++)
		step->to.data[i] = (char)(step->from.data[i] ^ filter->key);
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
