/*
 * tests/support/half.h - a filter over one end of a pair in memory. The test
 * has the other end: what it sends, the filter gets.
 */
#ifndef TESTS_SUPPORT_HALF_H
#define TESTS_SUPPORT_HALF_H

#include "codecs.h"
#include "fixture.h"

struct half {
	struct fixture *f;
	struct rota_memory_stream below, peer;
	struct codec codec;
	char got[100]; /* of the filter */
	size_t size;
	char sent[100]; /* below, to the peer */
	size_t sent_size;
	int status;
	int peer_status;
	int drained;
};

/* Callbacks of the filter. */
void half_read(struct rota_stream *stream, int status,
	       const struct rota_buf *buf);
void half_drained(struct rota_stream *stream, int status);

void half_open(struct half *h, struct fixture *f,
	       const struct rota_filter_class *class_, unsigned flags);

/* Close what is open, at once. */
void half_close(struct half *h);

/* Enough turns for everything to arrive. */
void half_turns(struct half *h);

/* Send from the other end, and let it arrive. */
void below_gets(struct half *h, const char *bytes, size_t size);
void below_gets_text(struct half *h, const char *text);

/* Start reading the filter. */
void half_reads(struct half *h);

/* Check what has come out of the filter at the other end. */
void expect_sent(struct half *h, const char *text);

#endif
