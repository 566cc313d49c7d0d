/*
 * http/out.h - output of a connection, in order: bytes that are copied, memory
 * that is lent, files.
 */
#ifndef ROTAI_HTTP_OUT_H
#define ROTAI_HTTP_OUT_H

#include <string.h>

#include "http/serving.h"

/* Have rotai_http_advance() called for @session soon, if it does not run. */
void rotai_http_wake(struct rotai_http_session *session);

/* The session gathers output from now on. */
void rotai_http_gather(struct rotai_http_session *session);

/* Give the stream what was gathered. */
void rotai_http_flush(struct rotai_http_session *session);

/* Write @size bytes that did not fit. */
void rotai_http_put_long(struct rotai_http_session *session, const char *data,
			 size_t size);

/* Write @size bytes. An error is kept in the session. */
static inline void rotai_http_put(struct rotai_http_session *session,
				  const char *data, size_t size)
{
	struct rotai_http_shard *shard = session->shard;

	if (shard->gatherer != session ||
	    size > ROTAI_HTTP_GATHER_SIZE - shard->gathered) {
		rotai_http_put_long(session, data, size);
		return;
	}
	if (size > 0)
		memcpy(shard->gather + shard->gathered, data, size);
	shard->gathered += size;
}

/* Write memory that stays in place until @lent is ready. */
void rotai_http_put_lent(struct rotai_http_session *session,
			 struct rotai_http_lent *lent,
			 struct rota_const_buf data);

/* Write a part of a file. Returns 0 or an error. */
int rotai_http_put_file(struct rotai_http_session *session,
			struct rotai_http_lent *lent, int fd, int64_t offset);

/* Bytes of output that the system has not taken, files not included. */
size_t rotai_http_queued(const struct rotai_http_session *session);

/* Bytes that the system has taken so far. */
uint64_t rotai_http_taken(const struct rotai_http_session *session);

#endif
