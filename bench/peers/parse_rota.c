/*
 * parse_rota.c - rota's parser, with each request in one piece, and in two.
 */
#include <stdlib.h>

#include "peers/parse.h"
#include "rota_http.h"

enum { FIELDS = 64 };

static size_t take_events(struct rota_http_parser *parser,
			  const struct rota_http_head *head)
{
	struct rota_const_buf body;
	size_t fields = 0;
	int event;

	while ((event = rota_http_parser_next(parser, &body)) > 0)
		if (event == ROTA_HTTP_EVENT_HEAD)
			fields += head->count;
	if (event < 0)
		abort();
	return fields;
}

static size_t run(const char *bytes, size_t size, size_t count, size_t cut)
{
	struct rota_http_field space[FIELDS];
	struct rota_http_head head = { .fields = space, .capacity = FIELDS };
	struct rota_http_parser parser;
	size_t fields = 0;

	if (rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, &head, NULL,
				  NULL) < 0)
		abort();
	while (count-- > 0) {
		if (cut > 0) {
			rota_http_parser_feed(&parser, rota_bytes(bytes, cut));
			fields += take_events(&parser, &head);
		}
		rota_http_parser_feed(&parser,
				      rota_bytes(bytes + cut, size - cut));
		fields += take_events(&parser, &head);
	}
	rota_http_parser_free(&parser);
	return fields;
}

static size_t run_whole(const char *bytes, size_t size, size_t count)
{
	return run(bytes, size, count, 0);
}

static size_t run_pieces(const char *bytes, size_t size, size_t count)
{
	return run(bytes, size, count, size / 2);
}

const struct parse_peer parse_rota = { "rota", run_whole };
const struct parse_peer parse_rota_pieces = { "rota, in two pieces",
					      run_pieces };
