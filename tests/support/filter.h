/*
 * tests/support/filter.h - a stream over another one: a filter that changes
 * every byte on its way, in both directions, built on public headers alone.
 *
 * It shows that a class over a stream keeps backpressure, half-close, order and
 * errors. It holds at most one lent buffer of input, and as much output as the
 * watermark of the stream below lets it.
 */
#ifndef TESTS_SUPPORT_FILTER_H
#define TESTS_SUPPORT_FILTER_H

#include "rota.h"

struct filter {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
	};
	struct rota_stream *below;
	char key;
	unsigned events; /* what the stream waits for */
	int in_status;   /* how the input has ended, or 0 */
	int out_status;  /* how the output has failed, or 0 */
	int is_pressed;  /* the stream below has enough output */
	int is_shutting; /* the stream below will call when it is shut down */
	int is_shut;     /* it is */
	struct rota_hold *hold; /* of input of the stream below, or NULL */
	struct rota_buf input;  /* the part of it that is left */
};

/* Open @filter over @below, which is open and does nothing yet, and whose
 * member data the filter uses. The filter closes it. Each byte is changed by
 * exclusive or with @key. Returns 0 or an error; then @below is as before. */
int filter_open(struct filter *filter, struct rota_loop *loop,
		struct rota_stream *below, char key);

#endif
