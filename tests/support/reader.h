/*
 * tests/support/reader.h - a handle and its requests, to test what all of them
 * share: it owns the reading end of a pipe, and its requests want one byte.
 */
#ifndef TESTS_SUPPORT_READER_H
#define TESTS_SUPPORT_READER_H

#include "fixture.h"
#include "rota/handle.h"
#include "rota/request.h"

struct reader;
struct byte_request;

/* @status: the byte, or an error. */
typedef void byte_fn(struct byte_request *request, int status);
typedef void reader_fn(struct reader *reader, int byte);

struct byte_request {
	struct rota_request request;
	byte_fn *fn;
	struct reader *reader;     /* NULL: none */
	struct byte_request *next; /* that waits for a byte */
	int held;                  /* by a thread, or so it seems */
	int late;                  /* how it is to end once it is let go */
};

struct reader {
	struct rota_handle handle;
	struct rota_watch watch;
	int fd;
	reader_fn *fn; /* NULL: it does not flow */
	struct byte_request *first;
};

/* 0, or an error, and @fd is still the caller's. */
int reader_open(struct reader *reader, struct rota_loop *loop, int fd);

/* Call @fn with every byte that comes: the reader is active. */
int reader_start(struct reader *reader, reader_fn *fn);
void reader_stop(struct reader *reader);

/* Read one byte: at once if there is one. */
int reader_read(struct reader *reader, struct byte_request *request,
		byte_fn *fn);

/* Begin a request that a thread holds, of @reader or, if that is NULL, of none.
 * A cancel is told that it is busy. */
int reader_hold(struct reader *reader, struct rota_loop *loop,
		struct byte_request *request, byte_fn *fn);

/* The thread is done with it. */
void reader_let_go(struct byte_request *request, int status);

/* Begin a request of no handle, which a cancel ends. */
int reader_wait(struct rota_loop *loop, struct byte_request *request,
		byte_fn *fn);

#endif
