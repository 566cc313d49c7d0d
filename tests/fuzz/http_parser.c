/*
 * Parsers, of requests and responses: no bytes make them read out of bounds,
 * and the result does not depend on how the bytes are cut.
 *
 * The first byte of the input says where it is cut, and whether it is requests
 * or responses; the rest is fed whole, then in pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rota/error.h"
#include "rota_http.h"

enum { FIELDS = 8, SEEN_SIZE = 1 << 16 };

/* All that was read, as bytes. */
struct seen {
	unsigned char bytes[SEEN_SIZE];
	size_t size;
};

static void see(struct seen *seen, const void *bytes, size_t size)
{
	if (size > SEEN_SIZE - seen->size)
		size = SEEN_SIZE - seen->size;
	if (size > 0)
		memcpy(seen->bytes + seen->size, bytes, size);
	seen->size += size;
}

static void see_buf(struct seen *seen, struct rota_const_buf buf)
{
	see(seen, &buf.size, sizeof(buf.size));
	see(seen, buf.data, buf.size);
}

static void see_head(struct seen *seen, const struct rota_http_head *head)
{
	struct rota_http_target target;

	see_buf(seen, rota_http_head_target(head));
	for (uint32_t i = 0; i < head->count; i++) {
		see_buf(seen, rota_http_head_name(head, i));
		see_buf(seen, rota_http_head_value(head, i));
	}
	see(seen, &head->content_length, sizeof(head->content_length));
	see(seen, &head->body, 1);
	see(seen, &head->flags, 1);
	if (head->status == 0 && rota_http_head_read_target(&target, head) < 0)
		abort();
}

static void see_trailers(struct seen *seen, const struct rota_http_head *head)
{
	for (uint32_t i = 0; i < head->trailer_count; i++) {
		see_buf(seen, rota_http_head_trailer_name(head, i));
		see_buf(seen, rota_http_head_trailer_value(head, i));
	}
}

/* Feed a piece, from memory of its own. Returns 0 to go on. */
static int feed_piece(struct rota_http_parser *parser,
		      struct rota_http_head *head, struct seen *seen,
		      const uint8_t *bytes, size_t size)
{
	char *own = malloc(size + (size == 0));
	struct rota_const_buf body;
	int event;

	if (own == NULL)
		abort();
	if (size > 0)
		memcpy(own, bytes, size);
	if (rota_http_parser_feed(parser, rota_bytes(own, size)) < 0)
		abort();
	while ((event = rota_http_parser_next(parser, &body)) > 0) {
		if (event == ROTA_HTTP_EVENT_BODY) {
			see(seen, body.data, body.size);
			continue;
		}
		see(seen, &event, sizeof(event));
		if (event == ROTA_HTTP_EVENT_HEAD)
			see_head(seen, head);
		else
			see_trailers(seen, head);
	}
	if (event == 0 && rota_http_parser_rest(parser).size > 0)
		event = 1;
	free(own);
	return event;
}

static void parse(struct seen *seen, const uint8_t *bytes, size_t size,
		  int kind, size_t step)
{
	struct rota_http_field fields[FIELDS];
	struct rota_http_head head = { .fields = fields, .capacity = FIELDS };
	struct rota_http_limits limits;
	struct rota_http_parser parser;
	struct rota_http_refusal refusal;
	int event = 0;

	rota_http_limits_init(&limits);
	limits.head_size = 256;
	limits.trailer_size = 64;
	limits.extension_size = 16;
	limits.body_size = 4096;
	seen->size = 0;
	if (rota_http_parser_init(&parser, (enum rota_http_kind)kind, &head,
				  &limits, NULL) < 0)
		abort();
	for (size_t at = 0; at < size && event == 0; at += step)
		event = feed_piece(&parser, &head, seen, bytes + at,
				   size - at < step ? size - at : step);
	if (event == 0)
		event = rota_http_parser_finish(&parser);
	refusal = rota_http_parser_refusal(&parser);
	if ((event == ROTA_EPROTO) != (refusal.status != 0))
		abort();
	see(seen, &refusal, sizeof(refusal));
	rota_http_parser_free(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct seen whole, pieces;
	int kind;

	if (size == 0)
		return 0;
	kind = *bytes & 1;
	parse(&whole, bytes + 1, size - 1, kind, size);
	parse(&pieces, bytes + 1, size - 1, kind, 1U + (*bytes >> 1) % 32U);
	if (whole.size != pieces.size ||
	    memcmp(whole.bytes, pieces.bytes, whole.size) != 0)
		abort();
	return 0;
}
