/*
 * peers/parse.h - parsers of HTTP requests.
 */
#ifndef BENCH_PEERS_PARSE_H
#define BENCH_PEERS_PARSE_H

#include <stddef.h>

struct parse_peer {
	const char *name;

	/* Parse the request at @bytes @count times, as if a client sent it
	 * again and again on one connection. Returns how many fields were
	 * found in all. */
	size_t (*run)(const char *bytes, size_t size, size_t count);
};

extern const struct parse_peer parse_rota;
extern const struct parse_peer parse_rota_pieces;
extern const struct parse_peer parse_http_parser;

#endif
