/*
 * tests/support/reader.h - a simple handle and its requests, to test what all
 * handles and requests have in common. The handle owns the reading end of a
 * pipe, and each request reads one byte.
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
	struct byte_request *next; /* the next that waits for a byte */
	int held;                  /* as if a thread were working on it */
	int late;                  /* status with which it ends after that */
};

struct reader {
	struct rota_handle handle;
	struct rota_watch watch;
	int fd;
	reader_fn *fn; /* NULL: no continuous reading */
	struct byte_request *first;
};

/* Returns 0; or an error, and then @fd is still the caller's. */
int reader_open(struct reader *reader, struct rota_loop *loop, int fd);

/* Call @fn with every byte that arrives: the reader is active. */
int reader_start(struct reader *reader, reader_fn *fn);
void reader_stop(struct reader *reader);

/* Read one byte: at once if there is one. */
int reader_read(struct reader *reader, struct byte_request *request,
		byte_fn *fn);

/* Begin a request that behaves as if a thread were working on it, of @reader
 * or, if that is NULL, of no handle. A cancel returns ROTA_EBUSY. */
int reader_hold(struct reader *reader, struct rota_loop *loop,
		struct byte_request *request, byte_fn *fn);

/* End such a request with @status, as its thread would. */
void reader_let_go(struct byte_request *request, int status);

/* Begin a request of no handle, which a cancel ends. */
int reader_wait(struct rota_loop *loop, struct byte_request *request,
		byte_fn *fn);

#endif
