/*
 * http/writer.c - see rota_http/writer.h.
 *
 *  1. A line is checked, then measured, then written: it is there whole or not
 *     at all.
 *  2. Nothing that was refused is sent by mistake: the error is kept, and the
 *     end of the head returns it.
 */
#include "rota_http/writer.h"

#include <string.h>

#include "http/scan.h"
#include "http/text.h"
#include "rota/error.h"

enum { MOST_DIGITS_OF_NUMBER = 20, LINE_END_SIZE = 2 };

static const char version_text[] = "HTTP/1.1";

static int keep_error(struct rota_http_writer *writer, int error)
{
	if (writer->internal.error == 0)
		writer->internal.error = error;
	return writer->internal.error;
}

static void put(struct rota_http_writer *writer, const char *text, size_t size)
{
	if (size > 0)
		memcpy(writer->internal.at, text, size);
	writer->internal.at += size;
}

/* Write a line of three parts, with separators that may be "". */
static int put_line(struct rota_http_writer *writer,
		    const struct rota_const_buf parts[3], const char *first,
		    const char *second)
{
	size_t space = (size_t)(writer->internal.end - writer->internal.at);
	size_t need = strlen(first) + strlen(second) + LINE_END_SIZE;

	for (int i = 0; i < 3; i++) {
		if (space < parts[i].size)
			return keep_error(writer, ROTA_EMSGSIZE);
		space -= parts[i].size;
	}
	if (space < need)
		return keep_error(writer, ROTA_EMSGSIZE);
	put(writer, parts[0].data, parts[0].size);
	put(writer, first, strlen(first));
	put(writer, parts[1].data, parts[1].size);
	put(writer, second, strlen(second));
	put(writer, parts[2].data, parts[2].size);
	put(writer, "\r\n", 2);
	return 0;
}

static int is_line(struct rota_const_buf text)
{
	return text.size == 0 ||
	       rotai_http_scan_line(text.data, text.data + text.size) ==
		       text.data + text.size;
}

static int is_at_begin(const struct rota_http_writer *writer)
{
	return writer->internal.at == writer->internal.begin;
}

void rota_http_writer_init(struct rota_http_writer *writer, char *memory,
			   size_t size)
{
	writer->internal.begin = memory;
	writer->internal.at = memory;
	writer->internal.end = memory + size;
	writer->internal.error = 0;
}

int rota_http_write_status(struct rota_http_writer *writer, int status,
			   const char *reason)
{
	char digits[3];
	struct rota_const_buf parts[3];

	if (reason == NULL)
		reason = rota_http_status_text(status);
	if (writer->internal.error < 0 || !is_at_begin(writer) ||
	    status < 100 || status > 999)
		return keep_error(writer, ROTA_EINVAL);
	digits[0] = (char)('0' + status / 100);
	digits[1] = (char)('0' + status / 10 % 10);
	digits[2] = (char)('0' + status % 10);
	parts[0] = rota_bytes(version_text, sizeof(version_text) - 1);
	parts[1] = rota_bytes(digits, sizeof(digits));
	parts[2] = rota_bytes(reason, strlen(reason));
	if (!is_line(parts[2]))
		return keep_error(writer, ROTA_EINVAL);
	return put_line(writer, parts, " ", " ");
}

int rota_http_write_request(struct rota_http_writer *writer, const char *method,
			    struct rota_const_buf target)
{
	const struct rota_const_buf parts[3] = {
		rota_bytes(method, strlen(method)),
		target,
		rota_bytes(version_text, sizeof(version_text) - 1),
	};

	if (writer->internal.error < 0 || !is_at_begin(writer) ||
	    !rotai_http_is_all(method, parts[0].size, ROTAI_HTTP_TCHAR) ||
	    target.size == 0 ||
	    rotai_http_scan_target(target.data, target.data + target.size) !=
		    target.data + target.size)
		return keep_error(writer, ROTA_EINVAL);
	return put_line(writer, parts, " ", " ");
}

int rota_http_write_field(struct rota_http_writer *writer, const char *name,
			  struct rota_const_buf value)
{
	const struct rota_const_buf parts[3] = {
		rota_bytes(name, strlen(name)),
		value,
		rota_bytes(NULL, 0),
	};

	if (writer->internal.error < 0 || is_at_begin(writer) ||
	    !rotai_http_is_all(name, parts[0].size, ROTAI_HTTP_TCHAR) ||
	    !is_line(value) ||
	    (value.size > 0 &&
	     (rotai_http_is_blank(value.data[0]) ||
	      rotai_http_is_blank(value.data[value.size - 1]))))
		return keep_error(writer, ROTA_EINVAL);
	return put_line(writer, parts, ": ", "");
}

int rota_http_write_number(struct rota_http_writer *writer, const char *name,
			   uint64_t number)
{
	char digits[MOST_DIGITS_OF_NUMBER];
	char *end = digits + sizeof(digits);
	char *at = end;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return rota_http_write_field(writer, name,
				     rota_bytes(at, (size_t)(end - at)));
}

ptrdiff_t rota_http_write_end(struct rota_http_writer *writer)
{
	if (writer->internal.error < 0 || is_at_begin(writer))
		return keep_error(writer, ROTA_EINVAL);
	if (writer->internal.end - writer->internal.at < 2)
		return keep_error(writer, ROTA_EMSGSIZE);
	put(writer, "\r\n", 2);
	return writer->internal.at - writer->internal.begin;
}

size_t rota_http_write_chunk(char to[ROTA_HTTP_CHUNK_SIZE], uint64_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t count = 1;

	while (count < 16 && size >> 4 * count > 0)
		count++;
	for (size_t i = 0; i < count; i++)
		to[i] = digits[size >> 4 * (count - 1 - i) & 15];
	memcpy(to + count, "\r\n", 2);
	return count + 2;
}

size_t rota_http_write_refusal(char to[ROTA_HTTP_REFUSAL_SIZE],
			       const struct rota_http_refusal *refusal)
{
	static const char type[] = "text/plain; charset=utf-8";
	const char *reason = rota_http_status_text(refusal->status);
	size_t size = strlen(refusal->text);
	struct rota_http_writer writer;
	ptrdiff_t head;

	rota_http_writer_init(&writer, to, ROTA_HTTP_REFUSAL_SIZE);
	rota_http_write_status(&writer, refusal->status, reason);
	rota_http_write_field(&writer, "Content-Type",
			      rota_bytes(type, sizeof(type) - 1));
	rota_http_write_number(&writer, "Content-Length", size + 2);
	rota_http_write_field(&writer, "Connection", rota_bytes("close", 5));
	head = rota_http_write_end(&writer);
	if (head < 0 || size + 2 > (size_t)(ROTA_HTTP_REFUSAL_SIZE - head))
		return 0;
	put(&writer, refusal->text, size);
	put(&writer, ".\n", 2);
	return (size_t)head + size + 2;
}

struct rota_const_buf rota_http_date_get(struct rota_http_date_cache *cache,
					 int64_t seconds)
{
	if (!cache->internal.is_set || cache->internal.seconds != seconds) {
		rota_http_date_write(cache->internal.text, seconds);
		cache->internal.seconds = seconds;
		cache->internal.is_set = 1;
	}
	return rota_bytes(cache->internal.text, ROTA_HTTP_DATE_SIZE);
}
