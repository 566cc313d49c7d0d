/*
 * tests/support/filter.h - a stream over another one: a rota_filter that
 * changes every byte on its way, in both directions.
 */
#ifndef TESTS_SUPPORT_FILTER_H
#define TESTS_SUPPORT_FILTER_H

#include "rota.h"

struct filter {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
		struct rota_filter filter;
	};
	char key;
};

/* Open @filter over @below, which is open and does nothing yet. The filter
 * closes it. Each byte is changed by exclusive or with @key. Returns 0 or an
 * error; then @below is as before. */
int filter_open(struct filter *filter, struct rota_stream *below, char key);

#endif
