/*
 * parse.c - read messages from standard input, each with its size before it in
 * four bytes, and print what the parser makes of the first request in each: one
 * line of hexadecimal words.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rota_http.h"

enum { FIELDS = 100, MOST = 1 << 16 };

static struct rota_http_field fields[FIELDS];
static struct rota_http_head head = { .fields = fields, .capacity = FIELDS };

static void print_word(char kind, struct rota_const_buf buf)
{
	printf(" %c", kind);
	for (size_t i = 0; i < buf.size; i++)
		printf("%02x", (unsigned char)buf.data[i]);
}

static void print_head(void)
{
	print_word('M', rota_http_head_method(&head));
	print_word('T', rota_http_head_target(&head));
	for (uint32_t i = 0; i < head.count; i++) {
		print_word('N', rota_http_head_name(&head, i));
		print_word('V', rota_http_head_value(&head, i));
	}
}

static void print_message(const char *bytes, size_t size)
{
	struct rota_http_parser parser;
	struct rota_const_buf body;
	int event;

	if (rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS, &head, NULL,
				  NULL) < 0)
		abort();
	rota_http_parser_feed(&parser, rota_bytes(bytes, size));
	do {
		event = rota_http_parser_next(&parser, &body);
		if (event == ROTA_HTTP_EVENT_HEAD)
			print_head();
		if (event == ROTA_HTTP_EVENT_BODY)
			print_word('B', body);
	} while (event > 0 && event != ROTA_HTTP_EVENT_END);
	if (event == ROTA_HTTP_EVENT_END) {
		for (uint32_t i = 0; i < head.trailer_count; i++) {
			print_word('n', rota_http_head_trailer_name(&head, i));
			print_word('v', rota_http_head_trailer_value(&head, i));
		}
		printf(" end\n");
	} else if (event == 0) {
		printf(" more\n");
	} else {
		printf(" refused %d %s\n",
		       rota_http_parser_refusal(&parser).status,
		       rota_http_parser_refusal(&parser).text);
	}
	rota_http_parser_free(&parser);
}

int main(void)
{
	static char bytes[MOST];
	unsigned char prefix[4];

	while (fread(prefix, 1, 4, stdin) == 4) {
		size_t size = (size_t)prefix[2] << 8 | prefix[3];

		if (fread(bytes, 1, size, stdin) != size)
			return 1;
		print_message(bytes, size);
	}
	return 0;
}
