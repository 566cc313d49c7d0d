/*
 * http/response.c - the response of an exchange: see rota_http/response.h.
 *
 *  1. Arguments are checked first. After that nothing fails: what the system
 *     says of a write ends the exchange later.
 */
#include "rota_http/response.h"

#include <string.h>

#include "http/answer.h"
#include "http/fields.h"
#include "http/life.h"
#include "http/out.h"
#include "http/storage.h"
#include "rota/error.h"

enum { LEAST_STATUS = 200, MOST_STATUS = 599 };

/* Whether output is possible: 0, or ROTA_ECANCELED. */
static int check_output(const struct rota_http_exchange *exchange)
{
	return exchange->has_failed || exchange->session == NULL ||
			       exchange->session->error < 0 ||
			       exchange->must_abort || exchange->is_ended
		       ? ROTA_ECANCELED
		       : 0;
}

/* The same before the begin. */
static int check_fresh(const struct rota_http_exchange *exchange)
{
	int error = check_output(exchange);

	if (error == 0 && exchange->status != 0)
		error = ROTA_EALREADY;
	return error;
}

int rota_http_response_set(struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf value)
{
	int error =
		rota_http_response_has_begun(exchange) && !exchange->has_failed
			? ROTA_EALREADY
			: check_fresh(exchange);
	struct rotai_http_set *added = NULL;

	if (error < 0)
		return error;
	if (name == NULL)
		return ROTA_EINVAL;
	if (value.data != NULL)
		error = rotai_http_add_field(exchange, &added, name, value);
	if (error < 0)
		return error;
	rotai_http_remove_field(&exchange->fields, name);
	if (added != NULL) {
		struct rotai_http_set **end = &exchange->fields;

		while (*end != NULL)
			end = &(*end)->next;
		*end = added;
	}
	return 0;
}

int rota_http_response_add(struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf value)
{
	int error = check_fresh(exchange);

	if (error < 0)
		return error;
	return rotai_http_add_field(exchange, &exchange->fields, name, value);
}

int rota_http_response_get(const struct rota_http_exchange *exchange,
			   const char *name, struct rota_const_buf *value)
{
	const struct rotai_http_set *field =
		rotai_http_find_field(exchange->fields, name);

	if (field == NULL)
		return ROTA_ENOENT;
	*value = rota_bytes(field->text + field->name_size, field->value_size);
	return 0;
}

int rota_http_response_on_begin(struct rota_http_exchange *exchange,
				rota_http_writable_fn *fn, void *arg)
{
	int error = check_fresh(exchange);

	if (error < 0)
		return error;
	if (fn == NULL)
		return ROTA_EINVAL;
	return rotai_http_add_hook(
		exchange, &exchange->begin_hooks,
		(struct rotai_http_hook){ .fn.begin = fn, .arg = arg });
}

/* Write the head, after all checks. */
static void begin_response(struct rota_http_exchange *exchange, int status,
			   const char *type, uint64_t length)
{
	struct rotai_http_hook *hook;

	while ((hook = exchange->begin_hooks) != NULL) {
		exchange->begin_hooks = hook->next;
		hook->fn.begin(exchange, hook->arg);
	}
	if (rotai_http_find_field(exchange->fields, "Connection") != NULL)
		exchange->keeps = 0;
	rotai_http_put_head(exchange, status, type, length);
}

static int check_begin(const struct rota_http_exchange *exchange, int status,
		       uint64_t length)
{
	int error = check_fresh(exchange);

	if (error < 0)
		return error;
	return status < LEAST_STATUS || status > MOST_STATUS ||
			       (length > INT64_MAX &&
				length != ROTA_HTTP_LENGTH_UNKNOWN)
		       ? ROTA_EINVAL
		       : 0;
}

int rota_http_response_begin(struct rota_http_exchange *exchange, int status,
			     uint64_t length)
{
	int error = check_begin(exchange, status, length);

	if (error == 0)
		begin_response(exchange, status, NULL, length);
	return error;
}

/* The handler is done. */
static void finish_response(struct rota_http_exchange *exchange)
{
	exchange->is_ended = 1;
	exchange->handler_done = 1;
	rotai_http_wake(exchange->session);
}

/* The call says that the handler is done, but the exchange has failed. */
static int finish_failed(struct rota_http_exchange *exchange)
{
	if (!exchange->is_ended)
		rotai_http_handler_ends(exchange);
	return ROTA_ECANCELED;
}

int rota_http_respond(struct rota_http_exchange *exchange, int status,
		      const char *type, struct rota_const_buf body)
{
	int error = check_begin(exchange, status, body.size);

	if (error == ROTA_ECANCELED)
		return finish_failed(exchange);
	if (error == 0 && ((body.data == NULL && body.size > 0) ||
			   (type != NULL && !rotai_http_is_value(rota_bytes(
						    type, strlen(type))))))
		error = ROTA_EINVAL;
	if (error < 0)
		return error;
	begin_response(exchange, status, type, body.size);
	if (!exchange->has_no_body) {
		rotai_http_put(exchange->session, body.data, body.size);
		exchange->sent = body.size;
	}
	exchange->left = 0;
	finish_response(exchange);
	return 0;
}

int rota_http_respond_status(struct rota_http_exchange *exchange, int status)
{
	char text[80];
	size_t size;

	text[0] = '\0';
	strncat(text, rota_http_status_text(status), sizeof(text) - 2);
	strcat(text, "\n");
	size = strlen(text);
	return rota_http_respond(exchange, status, "text/plain",
				 rota_bytes(text, status == 204 ? 0 : size));
}

/* Whether @size bytes more of the body may be written: 0 or an error. */
static int check_body_part(const struct rota_http_exchange *exchange,
			   uint64_t size)
{
	int error = check_output(exchange);

	if (error < 0)
		return error;
	if (exchange->status == 0)
		return ROTA_EINVAL;
	if (exchange->left != ROTA_HTTP_LENGTH_UNKNOWN && size > exchange->left)
		return ROTA_EMSGSIZE;
	return 0;
}

/* Before a part of the body. */
static void begin_part(struct rota_http_exchange *exchange, uint64_t size)
{
	char line[ROTA_HTTP_CHUNK_SIZE];

	if (exchange->left != ROTA_HTTP_LENGTH_UNKNOWN)
		exchange->left -= size;
	if (exchange->has_no_body)
		return;
	exchange->sent += size;
	if (exchange->is_chunked)
		rotai_http_put(exchange->session, line,
			       rota_http_write_chunk(line, size));
}

static void end_part(struct rota_http_exchange *exchange)
{
	if (exchange->is_chunked && !exchange->has_no_body)
		rotai_http_put(exchange->session, "\r\n", 2);
}

int rota_http_response_write(struct rota_http_exchange *exchange,
			     struct rota_const_buf data)
{
	int error = check_body_part(exchange, data.size);

	if (error < 0)
		return error;
	if (data.data == NULL && data.size > 0)
		return ROTA_EINVAL;
	if (exchange->is_pressed)
		return ROTA_ENOBUFS;
	if (data.size == 0)
		return 0;
	begin_part(exchange, data.size);
	if (exchange->has_no_body)
		return 0;
	rotai_http_put(exchange->session, data.data, data.size);
	end_part(exchange);
	if (rotai_http_queued(exchange->session) <=
	    exchange->shard->owner->options.watermark)
		return 0;
	exchange->is_pressed = 1;
	rotai_http_wake(exchange->session);
	return 1;
}

static struct rotai_http_lent *make_lent(struct rota_http_exchange *exchange,
					 rota_http_release_fn *release,
					 void *arg)
{
	struct rotai_http_lent *lent = rotai_http_lent_take(exchange->shard);

	if (lent == NULL)
		return NULL;
	lent->next = NULL;
	lent->exchange = exchange;
	lent->release = release;
	lent->arg = arg;
	lent->length = 0;
	lent->status = 0;
	lent->is_file = 0;
	lent->is_ready = 0;
	return lent;
}

static void append_lent(struct rotai_http_lent *lent)
{
	struct rotai_http_lent **end = &lent->exchange->lent;

	while (*end != NULL)
		end = &(*end)->next;
	*end = lent;
}

int rota_http_response_lend(struct rota_http_exchange *exchange,
			    struct rota_const_buf data,
			    rota_http_release_fn *release, void *arg)
{
	int error = check_body_part(exchange, data.size);
	struct rotai_http_lent *lent;

	if (error < 0)
		return error;
	if (data.data == NULL && data.size > 0)
		return ROTA_EINVAL;
	lent = make_lent(exchange, release, arg);
	if (lent == NULL)
		return ROTA_ENOMEM;
	append_lent(lent);
	if (data.size > 0)
		begin_part(exchange, data.size);
	if (data.size == 0 || exchange->has_no_body) {
		lent->is_ready = 1;
		rotai_http_wake(exchange->session);
		return 0;
	}
	rotai_http_put_lent(exchange->session, lent, data);
	end_part(exchange);
	return 0;
}

int rota_http_response_send_file(struct rota_http_exchange *exchange, int fd,
				 uint64_t offset, uint64_t length,
				 rota_http_release_fn *release, void *arg)
{
	int error = check_body_part(exchange, length);
	struct rotai_http_lent *lent;

	if (error < 0)
		return error;
	if (fd < 0 || offset > INT64_MAX || length > INT64_MAX - offset)
		return ROTA_EINVAL;
	lent = make_lent(exchange, release, arg);
	if (lent == NULL)
		return ROTA_ENOMEM;
	if (length == 0 || exchange->has_no_body) {
		if (length > 0)
			begin_part(exchange, length);
		append_lent(lent);
		lent->is_ready = 1;
		rotai_http_wake(exchange->session);
		return 0;
	}
	lent->is_file = 1;
	lent->length = length;
	begin_part(exchange, length);
	error = rotai_http_put_file(exchange->session, lent, fd,
				    (int64_t)offset);
	if (error < 0) {
		rotai_http_lent_give(exchange->shard, lent);
		if (exchange->left != ROTA_HTTP_LENGTH_UNKNOWN)
			exchange->left += length;
		exchange->sent -= length;
		if (exchange->is_chunked) /* the size of the chunk was sent */
			rota_http_exchange_abort(exchange);
		return error;
	}
	append_lent(lent);
	end_part(exchange);
	return 0;
}

void rota_http_response_on_writable(struct rota_http_exchange *exchange,
				    rota_http_writable_fn *fn, void *arg)
{
	exchange->writable_fn = fn;
	exchange->writable_arg = arg;
}

int rota_http_response_trailer(struct rota_http_exchange *exchange,
			       const char *name, struct rota_const_buf value)
{
	int error = check_body_part(exchange, 0);

	if (error < 0)
		return error;
	return rotai_http_add_field(exchange, &exchange->trailers, name, value);
}

/* The last chunk, and the trailers. */
static void put_end(struct rota_http_exchange *exchange)
{
	struct rotai_http_session *session = exchange->session;
	const struct rotai_http_set *field = exchange->trailers;

	rotai_http_put(session, "0\r\n", 3);
	for (; field != NULL; field = field->next) {
		rotai_http_put(session, field->text, field->name_size);
		rotai_http_put(session, ": ", 2);
		rotai_http_put(session, field->text + field->name_size,
			       field->value_size);
		rotai_http_put(session, "\r\n", 2);
	}
	rotai_http_put(session, "\r\n", 2);
}

int rota_http_response_end(struct rota_http_exchange *exchange)
{
	int error = check_output(exchange);

	if (exchange->is_ended)
		return ROTA_EINVAL;
	if (error < 0)
		return finish_failed(exchange);
	if (exchange->status == 0)
		return ROTA_EINVAL;
	if (exchange->left != ROTA_HTTP_LENGTH_UNKNOWN && exchange->left > 0 &&
	    !exchange->has_no_body) {
		rota_http_exchange_abort(exchange);
		return ROTA_EMSGSIZE;
	}
	if (exchange->is_chunked && !exchange->has_no_body)
		put_end(exchange);
	finish_response(exchange);
	return 0;
}

int rota_http_response_has_begun(const struct rota_http_exchange *exchange)
{
	return exchange->status != 0;
}

int rota_http_response_status(const struct rota_http_exchange *exchange)
{
	return exchange->status;
}

uint64_t rota_http_response_sent(const struct rota_http_exchange *exchange)
{
	return exchange->sent;
}
