/*
 * http/file_answer.c - see file_answer.h.
 *
 *  1. The body is lent from the memory of the cache, or sent from its
 *     descriptor. Each part is a use of the file, which the server ends when
 *     the part was sent.
 *  2. The length is that of the metadata. If a file has become shorter, the
 *     server resets the connection: a client never takes a part for the whole.
 *  3. What is around the parts of several ranges is in the arena.
 *  4. Once the response has begun, an error can only end the connection.
 */
#include "http/file_answer.h"

#include <string.h>

#include "rota/clock.h"
#include "rota/error.h"
#include "rota_http/byteranges.h"
#include "rota_http/request.h"
#include "rota_http/response.h"

enum { RANGES = 64 };

/* What is to be sent. */
struct file_part {
	struct rotai_http_file_request *request;
	struct rotai_http_file *file;
	const char *type;   /* or NULL */
	const char *coding; /* or NULL */
};

static struct rota_const_buf as_bytes(const char *text)
{
	return rota_bytes(text, text != NULL ? strlen(text) : 0);
}

int rotai_http_file_status(int error)
{
	switch (error) {
	case ROTA_ENOENT:
	case ROTA_ENOTDIR:
	case ROTA_EACCES:
	case ROTA_EPERM:
	case ROTA_ELOOP:
	case ROTA_EXDEV:
	case ROTA_ENAMETOOLONG:
		return 404;
	case ROTA_EMFILE:
	case ROTA_ENFILE:
	case ROTA_ENOMEM:
	case ROTA_EAGAIN:
	case ROTA_ECANCELED:
	case ROTA_ESHUTDOWN:
		return 503;
	default:
		return 500;
	}
}

void rotai_http_file_refuse(struct rota_http_exchange *exchange, int status)
{
	if (rota_http_respond_status(exchange, status) < 0)
		rota_http_exchange_abort(exchange);
}

static const char *type_of_file(const struct rotai_http_file_request *request)
{
	const struct rota_http_files_options *options =
		&request->files->options;
	const char *type = rota_http_media_type_find(
		rota_bytes(request->path, request->path_size), options->types,
		options->type_count);

	return type != NULL ? type : options->default_type;
}

/* Set a field, unless @value is NULL. Returns the first error. */
static int set_field(const struct file_part *part, int error, const char *name,
		     const char *value)
{
	if (error < 0 || value == NULL)
		return error;
	return rota_http_response_set(part->request->exchange, name,
				      as_bytes(value));
}

/* The fields of 200, 206 and 304. */
static int set_common(const struct file_part *part)
{
	const struct rota_http_files_options *options =
		&part->request->files->options;
	int error = rota_http_response_set(
		part->request->exchange, "ETag",
		rota_bytes(part->file->etag, part->file->etag_size));

	error = set_field(part, error, "Cache-Control", options->cache_control);
	if (options->flags & ROTA_HTTP_FILES_PRECOMPRESSED)
		error = set_field(part, error, "Vary", "Accept-Encoding");
	return error;
}

/* The fields of 200 and 206. @type is that of the whole body. */
static int set_all(const struct file_part *part, const char *type)
{
	int error = set_common(part);

	if (error == 0)
		error = rota_http_response_set(
			part->request->exchange, "Last-Modified",
			rota_bytes(part->file->modified, ROTA_HTTP_DATE_SIZE));
	error = set_field(part, error, "Content-Type", type);
	error = set_field(part, error, "Content-Encoding", part->coding);
	return set_field(part, error, "Accept-Ranges", "bytes");
}

static void on_part_sent(void *arg, int status)
{
	(void)status;
	rotai_http_file_release(arg);
}

/* Send bytes of the file. (1) */
static int send_part(const struct file_part *part,
		     const struct rota_http_range *range)
{
	struct rota_http_exchange *exchange = part->request->exchange;
	struct rotai_http_file *file = part->file;
	int error;

	rotai_http_file_use(file);
	if (file->body != NULL)
		error = rota_http_response_lend(
			exchange,
			rota_bytes(file->body + range->offset,
				   (size_t)range->size),
			on_part_sent, file);
	else
		error = rota_http_response_send_file(exchange, file->fd,
						     range->offset, range->size,
						     on_part_sent, file);
	if (error < 0)
		rotai_http_file_release(file);
	return error;
}

/* End the response, or the connection if there was an error. (4) */
static void finish_answer(const struct file_part *part, int error)
{
	struct rota_http_exchange *exchange = part->request->exchange;

	if (error < 0)
		rota_http_exchange_abort(exchange);
	else
		(void)rota_http_response_end(exchange);
}

static int has_body(const struct file_part *part)
{
	return rota_http_request_head(part->request->exchange)->method !=
	       ROTA_HTTP_HEAD;
}

static void send_whole(const struct file_part *part)
{
	struct rota_http_range all = { 0, part->file->info.bytes };
	int error = set_all(part, part->type);

	if (error == 0)
		error = rota_http_response_begin(part->request->exchange, 200,
						 all.size);
	if (error == 0 && all.size > 0 && has_body(part))
		error = send_part(part, &all);
	finish_answer(part, error);
}

static void send_range(const struct file_part *part,
		       const struct rota_http_range *range)
{
	struct rota_http_exchange *exchange = part->request->exchange;
	char text[ROTA_HTTP_CONTENT_RANGE_SIZE];
	int error = set_all(part, part->type);

	rota_http_content_range(text, range, part->file->info.bytes);
	error = set_field(part, error, "Content-Range", text);
	if (error == 0)
		error = rota_http_response_begin(exchange, 206, range->size);
	if (error == 0)
		error = send_part(part, range);
	finish_answer(part, error);
}

/* Send text that is around the parts. It is in the arena. (3) */
static int send_around(const struct file_part *part, const char *text,
		       ptrdiff_t size)
{
	if (size < 0)
		return (int)size;
	return rota_http_response_lend(part->request->exchange,
				       rota_bytes(text, (size_t)size), NULL,
				       NULL);
}

static int send_parts(const struct file_part *part,
		      const struct rota_http_byteranges *body,
		      const struct rota_http_range *ranges, int count,
		      char *space)
{
	size_t size = ROTA_HTTP_PART_SIZE + body->type.size;
	int error = 0;

	for (int i = 0; i < count && error == 0; i++, space += size) {
		error = send_around(part, space,
				    rota_http_byteranges_part(space, size, body,
							      &ranges[i],
							      i == 0));
		if (error == 0)
			error = send_part(part, &ranges[i]);
	}
	if (error < 0)
		return error;
	return send_around(part, space,
			   (ptrdiff_t)rota_http_byteranges_end(space, body));
}

static void send_ranges(const struct file_part *part,
			const struct rota_http_range *ranges, int count)
{
	struct rota_http_exchange *exchange = part->request->exchange;
	struct rota_const_buf type = as_bytes(part->type);
	struct rota_http_byteranges body;
	char text[ROTA_HTTP_BYTERANGES_TYPE_SIZE];
	char *space = rota_http_exchange_allocate(
		exchange,
		((size_t)count + 1) * (ROTA_HTTP_PART_SIZE + type.size));
	int error = space != NULL ? 0 : ROTA_ENOMEM;

	if (error == 0)
		error = rota_http_byteranges_init(&body, part->file->info.bytes,
						  type);
	if (error == 0) {
		rota_http_byteranges_type(text, &body);
		error = set_all(part, text);
	}
	if (error == 0)
		error = rota_http_response_begin(
			exchange, 206,
			rota_http_byteranges_length(&body, ranges, count));
	if (error == 0)
		error = send_parts(part, &body, ranges, count, space);
	finish_answer(part, error);
}

static void refuse_range(const struct file_part *part)
{
	char text[ROTA_HTTP_CONTENT_RANGE_SIZE];

	rota_http_content_range(text, NULL, part->file->info.bytes);
	(void)set_field(part, 0, "Content-Range", text);
	rotai_http_file_refuse(part->request->exchange, 416);
}

static void send_not_modified(const struct file_part *part)
{
	int error = set_common(part);

	if (error == 0)
		error = rota_http_response_begin(part->request->exchange, 304,
						 ROTA_HTTP_LENGTH_UNKNOWN);
	finish_answer(part, error);
}

/* Send the ranges that the client wants, or the whole. */
static void send_content(const struct file_part *part, int is_range_wanted)
{
	struct rota_http_range ranges[RANGES];
	int count = ROTA_EINVAL;

	if (is_range_wanted)
		count = rota_http_range_parse(
			ranges, (int)part->request->files->options.ranges,
			rota_http_head_get(
				rota_http_request_head(part->request->exchange),
				ROTA_HTTP_NAME_RANGE),
			part->file->info.bytes);
	if (count > 1)
		count = rota_http_ranges_join(ranges, count,
					      ROTA_HTTP_RANGE_GAP);
	if (count > 1)
		send_ranges(part, ranges, count);
	else if (count == 1)
		send_range(part, ranges);
	else if (count == ROTA_ERANGE)
		refuse_range(part);
	else
		send_whole(part);
}

void rotai_http_file_answer(struct rotai_http_file_request *request,
			    struct rotai_http_file *file, const char *coding)
{
	struct file_part part = { request, file, type_of_file(request),
				  coding };
	const struct rota_http_head *head =
		rota_http_request_head(request->exchange);
	struct rota_http_validators validators = { .exists = 1 };
	int64_t now_seconds = (int64_t)(rota_clock_wall() / 1000000000);
	int status;

	(void)rota_http_etag_parse(&validators.etag,
				   rota_bytes(file->etag, file->etag_size));
	validators.modified_seconds = rotai_http_file_seconds(file);
	status = rota_http_evaluate(head, &validators, now_seconds);
	if (status == 304)
		send_not_modified(&part);
	else if (status != 0)
		rotai_http_file_refuse(request->exchange, status);
	else
		send_content(&part, rota_http_range_wanted(head, &validators,
							   now_seconds));
	rotai_http_file_release(file);
}
