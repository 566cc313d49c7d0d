/*
 * http/out.c - output of a connection.
 *
 *  1. What is written during a callback is gathered in memory of the shard, so
 *     that it leaves in one system call, without an allocation. One session
 *     gathers at a time. It is flushed when its rotai_http_advance() ends, or
 *     when another session writes.
 *  2. A call of the program's never fails for what the system says of a write:
 *     the error is kept, and rotai_http_advance() ends the connection.
 *  3. Requests of the stream that are in flight end before the close callback
 *     of the stream. So a lent object is ready before its session goes.
 */
#include "http/out.h"

#include "rota/error.h"

void rotai_http_wake(struct rotai_http_session *session)
{
	/* It may be queued already. */
	if (!session->is_advancing)
		(void)rota_task_next_tick(&session->task,
					  session->shard->owner->work);
}

static struct rota_stream *
output_stream(const struct rotai_http_session *session)
{
	return rotai_http_stream(session->connection);
}

static void note(struct rotai_http_session *session, int error)
{
	if (session->error == 0) {
		session->error = error;
		rotai_http_wake(session);
	}
}

/* The stream has got @size bytes. */
static void give(struct rotai_http_session *session, uint64_t size)
{
	session->given += size;
	rotai_http_count(session->shard, ROTAI_HTTP_SENT, size);
}

/* Give the stream a copy. */
static void give_copy(struct rotai_http_session *session, const char *data,
		      size_t size)
{
	int result;

	if (size == 0 || session->error < 0 || session->is_closing)
		return;
	result = rota_stream_send(output_stream(session), data, size);
	if (result < 0) {
		note(session, result);
		return;
	}
	give(session, size);
	if (result == 1)
		session->is_blocked = 1;
}

void rotai_http_flush(struct rotai_http_session *session)
{
	struct rotai_http_shard *shard = session->shard;

	if (shard->gatherer != session)
		return;
	shard->gatherer = NULL;
	give_copy(session, shard->gather, shard->gathered);
	shard->gathered = 0;
}

void rotai_http_gather(struct rotai_http_session *session)
{
	struct rotai_http_shard *shard = session->shard;

	if (shard->gatherer == session)
		return;
	if (shard->gatherer != NULL) {
		rotai_http_wake(shard->gatherer);
		rotai_http_flush(shard->gatherer);
	}
	shard->gatherer = session;
	shard->gathered = 0;
	rotai_http_wake(session);
}

/* Write what was gathered and @data in one system call, as much as the system
 * takes. Returns how many bytes of @data. */
static size_t try_both(struct rotai_http_session *session,
		       struct rota_const_buf data)
{
	struct rotai_http_shard *shard = session->shard;
	size_t ahead = shard->gatherer == session ? shard->gathered : 0;
	struct rota_const_buf bufs[2] = { rota_bytes(shard->gather, ahead),
					  data };
	ptrdiff_t n;

	if (session->error < 0 || session->is_closing)
		return data.size;
	n = rota_stream_try_write(output_stream(session), bufs, 2);
	if (n < 0 && n != ROTA_EAGAIN) {
		note(session, (int)n);
		return data.size;
	}
	if (n < 0)
		n = 0;
	give(session, (size_t)n);
	if (ahead > 0)
		shard->gatherer = NULL;
	if ((size_t)n < ahead) {
		give_copy(session, shard->gather + n, ahead - (size_t)n);
		n = (ptrdiff_t)ahead;
	}
	shard->gathered = 0;
	return (size_t)n - ahead;
}

void rotai_http_put_long(struct rotai_http_session *session, const char *data,
			 size_t size)
{
	size_t sent;

	if (size == 0)
		return;
	rotai_http_gather(session);
	if (size <= ROTAI_HTTP_GATHER_SIZE - session->shard->gathered) {
		rotai_http_put(session, data, size);
		return;
	}
	sent = try_both(session, rota_bytes(data, size));
	give_copy(session, data + sent, size - sent);
}

/* @lent is not needed any more. */
static void make_ready(struct rotai_http_lent *lent, int status)
{
	lent->status = status;
	lent->is_ready = 1;
	if (lent->is_file && lent->exchange->session != NULL)
		lent->exchange->session->file_left -= lent->length;
	if (lent->exchange->session != NULL) {
		if (status < 0)
			note(lent->exchange->session, status);
		rotai_http_wake(lent->exchange->session);
	}
}

static void on_lent_written(struct rota_write *write, int status)
{
	make_ready(rota_container_of(write, struct rotai_http_lent, by.write),
		   status);
}

static void on_file_sent(struct rota_sendfile *file, int status)
{
	make_ready(rota_container_of(file, struct rotai_http_lent, by.file),
		   status);
}

void rotai_http_put_lent(struct rotai_http_session *session,
			 struct rotai_http_lent *lent,
			 struct rota_const_buf data)
{
	size_t sent = try_both(session, data);
	int error = session->error;

	data.data += sent;
	data.size -= sent;
	if (data.size > 0) {
		error = rota_stream_write(&lent->by.write,
					  output_stream(session), &data, 1,
					  on_lent_written);
		if (error == 0) {
			give(session, data.size);
			return;
		}
		note(session, error);
	}
	make_ready(lent, error);
}

int rotai_http_put_file(struct rotai_http_session *session,
			struct rotai_http_lent *lent, int fd, int64_t offset)
{
	struct rota_stream *stream = output_stream(session);
	int error;

	/* So the head leaves with the first bytes of the file. */
	rota_stream_set_cork(stream, 1);
	rotai_http_flush(session);
	error = session->error < 0
			? ROTA_ECANCELED
			: rota_stream_sendfile(&lent->by.file, stream, fd,
					       offset, lent->length,
					       on_file_sent);
	if (error == 0) {
		give(session, lent->length);
		session->file_left += lent->length;
	}
	rota_stream_set_cork(stream, 0);
	return error;
}

size_t rotai_http_queued(const struct rotai_http_session *session)
{
	const struct rotai_http_shard *shard = session->shard;

	return rota_stream_queued(output_stream(session)) +
	       (shard->gatherer == session ? shard->gathered : 0);
}

/* Bytes of its files in flight that have left. */
static uint64_t left_of(const struct rota_http_exchange *exchange)
{
	uint64_t bytes = 0;

	for (const struct rotai_http_lent *lent = exchange->lent; lent != NULL;
	     lent = lent->next)
		if (lent->is_file && !lent->is_ready)
			bytes += lent->by.file.sent;
	return bytes;
}

uint64_t rotai_http_taken(const struct rotai_http_session *session)
{
	uint64_t waiting =
		rota_stream_queued(output_stream(session)) + session->file_left;

	for (const struct rota_http_exchange *at = session->first_unsent;
	     at != NULL; at = at->next)
		waiting -= left_of(at);
	if (session->current != NULL)
		waiting -= left_of(session->current);
	return session->given - waiting;
}
