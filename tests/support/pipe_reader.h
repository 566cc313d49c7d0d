/*
 * tests/support/pipe_reader.h - a reader and its pipe, and callbacks that
 * record their arguments in the journal.
 */
#ifndef TESTS_SUPPORT_PIPE_READER_H
#define TESTS_SUPPORT_PIPE_READER_H

#include "journal.h"
#include "reader.h"

struct pipe_reader {
	struct reader reader; /* of fds[0] */
	int fds[2];
};

/* @name may be NULL. */
void pipe_reader_open(struct pipe_reader *p, struct fixture *f,
		      const char *name);

/* Read one byte, by a request that is recorded under @name. */
void pipe_reader_read(struct pipe_reader *p, struct byte_request *request,
		      const char *name);

/* Record the name of the handle; or the name and the status of the request. */
void note_closed(struct rota_handle *handle);
void note_status(struct byte_request *request, int status);

#endif
