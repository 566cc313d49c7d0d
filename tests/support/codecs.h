/*
 * tests/support/codecs.h - filters that are harder than an exclusive or: they
 * expand and shrink, have a trailer, wait for the other side, answer from their
 * input, and fail.
 */
#ifndef TESTS_SUPPORT_CODECS_H
#define TESTS_SUPPORT_CODECS_H

#include "rota.h"

/* The state of one filter of any of the classes. */
struct codec {
	union {
		struct rota_handle handle;
		struct rota_stream stream;
		struct rota_filter filter;
	};
	unsigned held; /* bytes at hold: a record in part */
	unsigned char hold[4];
	unsigned said;         /* bits: what output() has sent of its own */
	unsigned heard;        /* bits: what input() has found */
	int waits;             /* the next input() or output() is to wait */
	uint64_t seed;         /* of a shaky filter */
	size_t most;           /* bytes of from in one call of output() */
	struct rota_task task; /* a shaky one goes on */
	unsigned inputs;       /* calls */
	unsigned outputs;
	unsigned closes;
	int end;    /* the last step->end of output() */
	int result; /* what to return, if it is not 0 */
};

/* Runs of equal bytes: a count and the byte. Behind the last run there is a
 * count of 0. An end without it is ROTA_EPROTO. */
extern const struct rota_filter_class rle_class;

/* Each byte of output becomes 1000, of which input makes one again. It has no
 * room for a record: it goes on in the next call. */
extern const struct rota_filter_class thousand_class;

/* As TLS, with letters. 'H' is the handshake, which each side sends first and
 * waits for; 'R' asks for an 'r' in return; 'Z' is the end; 'X' is a mistake,
 * to which the filter answers 'x'. The digits are data. */
extern const struct rota_filter_class shake_class;

/* Bytes as they are. It takes and makes random amounts, keeps some, and waits
 * at random. */
extern const struct rota_filter_class shaky_class;

/* Bytes as they are; but codec.result is returned if it is not 0. */
extern const struct rota_filter_class plain_class;

/* Open @codec over @below, or fail the test. */
void codec_open(struct codec *codec, struct rota_stream *below,
		const struct rota_filter_class *class_, unsigned flags);

#endif
