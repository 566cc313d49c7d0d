/*
 * parse_http_parser.c - http_parser, with callbacks that store where the fields
 * are, which a server needs.
 */
#include <http_parser.h>
#include <stdlib.h>

#include "peers/parse.h"

enum { FIELDS = 64 };

struct slice {
	const char *data;
	size_t size;
};

struct request {
	http_parser parser;
	struct slice url;
	struct slice names[FIELDS], values[FIELDS];
	size_t count;
	size_t all;
};

static struct request *request_of(http_parser *parser)
{
	return parser->data;
}

static int on_begin(http_parser *parser)
{
	request_of(parser)->count = 0;
	return 0;
}

static int on_url(http_parser *parser, const char *at, size_t size)
{
	request_of(parser)->url = (struct slice){ at, size };
	return 0;
}

static int on_name(http_parser *parser, const char *at, size_t size)
{
	struct request *request = request_of(parser);

	request->names[request->count] = (struct slice){ at, size };
	return 0;
}

static int on_value(http_parser *parser, const char *at, size_t size)
{
	struct request *request = request_of(parser);

	request->values[request->count] = (struct slice){ at, size };
	return ++request->count == FIELDS;
}

static int on_end(http_parser *parser)
{
	request_of(parser)->all += request_of(parser)->count;
	return 0;
}

static size_t run(const char *bytes, size_t size, size_t count)
{
	static const http_parser_settings settings = {
		.on_message_begin = on_begin,
		.on_url = on_url,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_message_complete = on_end,
	};
	static struct request request;

	http_parser_init(&request.parser, HTTP_REQUEST);
	request.parser.data = &request;
	request.all = 0;
	while (count-- > 0)
		if (http_parser_execute(&request.parser, &settings, bytes,
					size) != size)
			abort();
	return request.all;
}

const struct parse_peer parse_http_parser = { "http_parser", run };
