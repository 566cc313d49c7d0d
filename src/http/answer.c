/*
 * http/answer.c - heads of responses.
 *
 *  1. What is written has been checked: fields when they were set.
 *  2. The wall clock is read when the loop's clock has moved by a millisecond,
 *     and the date is formatted when the second has changed. So an idle server
 *     does neither.
 */
#include "http/answer.h"

#include <string.h>

#include "http/out.h"
#include "rota/wall_timer.h"

enum { NUMBER_DIGITS = 20 };

#define PUT(session, text) rotai_http_put(session, text, sizeof(text) - 1)

static void put_text(struct rotai_http_session *session, const char *text)
{
	rotai_http_put(session, text, strlen(text));
}

static void put_number(struct rotai_http_session *session, uint64_t number)
{
	char digits[NUMBER_DIGITS];
	char *end = digits + sizeof(digits);
	char *at = end;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	rotai_http_put(session, at, (size_t)(end - at));
}

/* (2) */
static void put_date(struct rotai_http_session *session)
{
	struct rotai_http_shard *shard = session->shard;
	uint64_t now_ns = rota_loop_now(shard->loop);
	struct rota_const_buf text;

	if (shard->date_ns == 0 || now_ns - shard->date_ns >= ROTA_MSEC(1)) {
		shard->date_ns = now_ns;
		shard->date_seconds =
			(int64_t)(rota_wall_now(shard->loop) / ROTA_SEC(1));
	}
	text = rota_http_date_get(&shard->date, shard->date_seconds);
	PUT(session, "Date: ");
	rotai_http_put(session, text.data, text.size);
	PUT(session, "\r\n");
}

static void put_status(struct rotai_http_session *session, int status)
{
	char line[] = "HTTP/1.1 200 OK\r\n";
	unsigned number = (unsigned)status;

	if (status == 200) {
		rotai_http_put(session, line, sizeof(line) - 1);
		return;
	}
	line[9] = (char)('0' + number / 100 % 10);
	line[10] = (char)('0' + number / 10 % 10);
	line[11] = (char)('0' + number % 10);
	rotai_http_put(session, line, 13);
	put_text(session, rota_http_status_text(status));
	PUT(session, "\r\n");
}

static void put_field(struct rotai_http_session *session, const char *name,
		      size_t name_size, const char *value, size_t value_size)
{
	rotai_http_put(session, name, name_size);
	PUT(session, ": ");
	rotai_http_put(session, value, value_size);
	PUT(session, "\r\n");
}

static void put_fields(struct rotai_http_session *session,
		       const struct rotai_http_set *field, const char *type,
		       int *has_date)
{
	for (; field != NULL; field = field->next) {
		if (field->name == ROTA_HTTP_NAME_CONNECTION)
			continue; /* it was noted when it was set */
		if (field->name == ROTA_HTTP_NAME_CONTENT_TYPE && type != NULL)
			continue;
		if (field->name == ROTA_HTTP_NAME_DATE)
			*has_date = 1;
		put_field(session, field->text, field->name_size,
			  field->text + field->name_size, field->value_size);
	}
}

/* Whether the rest of the body may be dropped if nobody reads it, so that the
 * connection can be used again. */
static int can_drop_body(const struct rota_http_exchange *exchange)
{
	const struct rota_http_head *head = &exchange->head;
	uint64_t limit = exchange->shard->owner->options.linger_size;

	if (exchange->is_complete)
		return 1;
	if ((head->flags & ROTA_HTTP_EXPECTS_CONTINUE) != 0 &&
	    !exchange->was_continued && exchange->received == 0)
		return 0; /* the client may send it, or not */
	return head->body != ROTA_HTTP_BODY_LENGTH ||
	       head->content_length - exchange->received <= limit;
}

/* Choose the framing. Returns whether the head says the length. */
static int choose_framing(struct rota_http_exchange *exchange, int status,
			  uint64_t length)
{
	int is_head = exchange->head.method == ROTA_HTTP_HEAD;

	exchange->status = status;
	exchange->left = length;
	exchange->has_no_body = is_head || status == 204 || status == 304;
	if (exchange->session->connection->is_last ||
	    rotai_http_is_stopping(exchange->shard->owner) ||
	    !can_drop_body(exchange))
		exchange->keeps = 0;
	if (length != ROTA_HTTP_LENGTH_UNKNOWN)
		return status != 204;
	if (exchange->has_no_body)
		return 0;
	if (exchange->head.minor == 0)
		exchange->keeps = 0;
	else
		exchange->is_chunked = 1;
	return 0;
}

static void put_connection(struct rota_http_exchange *exchange)
{
	if (!exchange->keeps)
		PUT(exchange->session, "Connection: close\r\n");
	else if (exchange->head.minor == 0)
		PUT(exchange->session, "Connection: keep-alive\r\n");
}

static void count_response(struct rota_http_exchange *exchange, int status)
{
	rotai_http_count(exchange->shard,
			 ROTAI_HTTP_RESPONSES +
				 (enum rotai_http_counter)(status / 100),
			 1);
}

void rotai_http_put_head(struct rota_http_exchange *exchange, int status,
			 const char *type, uint64_t length)
{
	struct rotai_http_session *session = exchange->session;
	int has_length = choose_framing(exchange, status, length);
	int has_date = 0;

	count_response(exchange, status);
	put_status(session, status);
	if (type != NULL)
		put_field(session, "Content-Type", 12, type, strlen(type));
	put_fields(session, exchange->fields, type, &has_date);
	if (!has_date)
		put_date(session);
	if (has_length) {
		PUT(session, "Content-Length: ");
		put_number(session, length);
		PUT(session, "\r\n");
	} else if (exchange->is_chunked) {
		PUT(session, "Transfer-Encoding: chunked\r\n");
	}
	put_connection(exchange);
	PUT(session, "\r\n");
}

void rotai_http_put_answer(struct rota_http_exchange *exchange, int status,
			   const char *text)
{
	struct rotai_http_session *session = exchange->session;
	size_t size = strlen(text) + 2;

	exchange->keeps = 0;
	choose_framing(exchange, status, size);
	count_response(exchange, status);
	put_status(session, status);
	put_date(session);
	PUT(session, "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: ");
	put_number(session, size);
	if (status == 503) {
		PUT(session, "\r\nRetry-After: ");
		put_number(session,
			   exchange->shard->owner->options.retry_seconds);
	}
	PUT(session, "\r\nConnection: close\r\n\r\n");
	if (!exchange->has_no_body) {
		put_text(session, text);
		PUT(session, ".\n");
		exchange->sent = size;
	}
	exchange->left = 0;
}

void rotai_http_put_switch(struct rota_http_exchange *exchange, int status)
{
	struct rotai_http_session *session = exchange->session;
	int has_date = 0;

	exchange->status = status;
	exchange->has_no_body = 1;
	exchange->left = 0;
	count_response(exchange, status);
	put_status(session, status);
	put_fields(session, exchange->fields, NULL, &has_date);
	if (!has_date)
		put_date(session);
	if (status == 101)
		PUT(session, "Connection: upgrade\r\n");
	PUT(session, "\r\n");
}

size_t rotai_http_write_busy(char to[ROTA_HTTP_REFUSAL_SIZE],
			     unsigned retry_seconds, const char *text)
{
	struct rota_http_writer writer;
	size_t size = strlen(text);
	ptrdiff_t head;

	rota_http_writer_init(&writer, to, ROTA_HTTP_REFUSAL_SIZE);
	rota_http_write_status(&writer, 503, NULL);
	rota_http_write_field(&writer, "Content-Type",
			      rota_bytes("text/plain", 10));
	rota_http_write_number(&writer, "Content-Length", size);
	rota_http_write_number(&writer, "Retry-After", retry_seconds);
	rota_http_write_field(&writer, "Connection", rota_bytes("close", 5));
	head = rota_http_write_end(&writer);
	if (head < 0 || size > (size_t)(ROTA_HTTP_REFUSAL_SIZE - head))
		return 0;
	memcpy(to + head, text, size);
	return (size_t)head + size;
}
