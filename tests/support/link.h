/*
 * tests/support/link.h - two streams of a loop that are connected to each
 * other, of each class in turn: TCP connections, ends of a pair in memory, and
 * filters over either. What holds for one holds for all.
 */
#ifndef TESTS_SUPPORT_LINK_H
#define TESTS_SUPPORT_LINK_H

#include "filter.h"
#include "streams.h"

enum link_kind {
	LINK_TCP,
	LINK_MEMORY,
	LINK_FILTERED_TCP,
	LINK_FILTERED_MEMORY,
	LINK_KINDS,
};

/* One end. What it sends is a pattern of its own: see streams.h. */
struct end {
	struct rota_stream *stream;
	struct rota_tcp tcp;
	struct rota_memory_stream memory;
	struct filter filter;

	size_t sent; /* bytes that were accepted */

	/* What end_read() was called with. */
	size_t got;
	unsigned reads; /* calls with bytes */
	unsigned wrong; /* of them, with other bytes than expected */
	unsigned ends;  /* calls with an error */
	int status;     /* the last error */

	/* What end_drained() was called with. */
	unsigned drains;
	int drain_status;

	unsigned closes; /* calls of end_closed() */
	struct link *link;
	void (*act)(struct end *end, int status); /* in end_read(), or NULL */
};

struct link {
	struct fixture *f;
	enum link_kind kind;
	struct end a, b;
};

void link_open(struct link *link, struct fixture *f, enum link_kind kind);

/* Close what is open, at once. */
void link_end(struct link *link);

/* Read callback: checks the pattern, and counts. */
void end_read(struct rota_stream *stream, int status,
	      const struct rota_buf *buf);
void end_drained(struct rota_stream *stream, int status);
void end_closed(struct rota_handle *handle);

/* Start reading, or fail the test. */
void end_start(struct end *end);

/* Send @size more bytes of the pattern: the result of rota_stream_send(). */
int end_send(struct end *end, size_t size);

/* Send until the stream takes no more without queueing much: at least
 * @size. */
void end_fill(struct end *end, size_t size);

/* Run @test for each kind of link. */
void for_each_link(struct fixture *f, void (*test)(struct link *link));

#endif
