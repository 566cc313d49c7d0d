/*
 * The functions that read parts of messages: no text makes them read out of
 * bounds, and what they return is consistent.
 *
 * The first byte of the input chooses the function.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rota/error.h"
#include "rota_http.h"

enum { RANGES = 4 };

static void require(int condition)
{
	if (!condition)
		abort();
}

static void try_date(struct rota_const_buf text)
{
	char again[ROTA_HTTP_DATE_SIZE];
	int64_t seconds, same;

	if (rota_http_date_parse(&seconds, text, 1700000000) < 0)
		return;
	rota_http_date_write(again, seconds);
	require(rota_http_date_parse(&same, rota_bytes(again, sizeof(again)),
				     0) == 0 &&
		same == seconds);
}

static void try_ranges(struct rota_const_buf text)
{
	struct rota_http_range ranges[RANGES];
	uint64_t size = text.size > 30 ? UINT64_MAX : text.size;
	int count = rota_http_range_parse(ranges, RANGES, text, size);

	require(count <= RANGES);
	for (int i = 0; i < count; i++)
		require(ranges[i].size > 0 && ranges[i].size <= size &&
			ranges[i].offset <= size - ranges[i].size);
}

static void try_target(struct rota_const_buf text)
{
	struct rota_http_target target;
	struct rota_http_host host;

	for (int i = 0; i < ROTA_HTTP_METHOD_COUNT; i++)
		if (rota_http_target_parse(&target, text,
					   (enum rota_http_method)i) == 0)
			require(target.path.size + target.query.size +
					target.authority.size +
					target.scheme.size <=
				text.size);
	if (rota_http_host_parse(&host, text) == 0)
		require(host.port >= -1 && host.port <= 65535 &&
			host.name.size <= text.size);
}

/* What was encoded is decoded to the same bytes. */
static void try_encoding(struct rota_const_buf text)
{
	char *to = malloc(3 * text.size + 1);
	ptrdiff_t size;

	require(to != NULL);
	size = rota_http_decode(to, text.size, text);
	require(size <= (ptrdiff_t)text.size);
	size = rota_http_encode(to, 3 * text.size, text);
	require(size >= (ptrdiff_t)text.size);
	if (memchr(text.data, 0, text.size) == NULL) {
		size = rota_http_decode(to, (size_t)size,
					rota_bytes(to, (size_t)size));
		require(size == (ptrdiff_t)text.size &&
			memcmp(to, text.data, text.size) == 0);
	}
	free(to);
}

static void try_lists(struct rota_const_buf text)
{
	struct rota_http_list list = { text };
	struct rota_http_quality quality;
	struct rota_http_etag etag = { rota_bytes("\"a\"", 3), 0 };
	struct rota_const_buf element;

	while (rota_http_list_next(&list, &element) == 1)
		require(element.size > 0);
	list.list = text;
	while (rota_http_quality_next(&list, &quality) == 1)
		require(quality.quality >= 0 && quality.quality <= 1000);
	(void)rota_http_accepts_encoding(text, "gzip");
	(void)rota_http_accepts_type(text, "text/html");
	(void)rota_http_etag_list_has(text, &etag, 1);
	(void)rota_http_etag_parse(&etag, text);
	(void)rota_http_name_find(text.data, text.size);
	(void)rota_http_method_find(text.data, text.size);
}

/* A value that the writer accepts is read as one field with that value. */
static void try_writer(struct rota_const_buf text)
{
	char *memory = malloc(text.size + 64);
	struct rota_http_field fields[4];
	struct rota_http_head head = { .fields = fields, .capacity = 4 };
	struct rota_http_limits limits;
	struct rota_http_writer writer;
	struct rota_http_parser parser;
	struct rota_const_buf body;
	ptrdiff_t size;

	require(memory != NULL);
	rota_http_writer_init(&writer, memory, text.size + 64);
	rota_http_write_status(&writer, 204, NULL);
	rota_http_write_field(&writer, "A", text);
	size = rota_http_write_end(&writer);
	if (size > 0) {
		rota_http_limits_init(&limits);
		limits.head_size = 1 << 30;
		rota_http_parser_init(&parser, ROTA_HTTP_RESPONSES, &head,
				      &limits, NULL);
		rota_http_parser_feed(&parser,
				      rota_bytes(memory, (size_t)size));
		require(rota_http_parser_next(&parser, &body) ==
				ROTA_HTTP_EVENT_HEAD &&
			head.count == 1 && head.size == (size_t)size);
		body = rota_http_head_value(&head, 0);
		require(body.size == text.size &&
			memcmp(body.data, text.data, body.size) == 0);
		rota_http_parser_free(&parser);
	}
	free(memory);
}

/* Feed a PROXY header in pieces of @step. Returns the last result. */
static int feed_header(struct rota_http_proxy_header *header,
		       struct rota_const_buf text, size_t step, size_t *whole)
{
	int result = 0;

	rota_http_proxy_header_init(header, 16);
	*whole = 0;
	for (size_t at = 0; at < text.size && result == 0; at += step) {
		size_t size = text.size - at < step ? text.size - at : step;
		size_t used;

		result = rota_http_proxy_header_feed(
			header, rota_bytes(text.data + at, size), &used);
		require(used <= size);
		*whole += used;
	}
	require((result < 0) ==
		(rota_http_proxy_header_refusal(header) != NULL));
	return result;
}

/* The result does not depend on how the bytes are cut. */
static void try_proxy_header(struct rota_const_buf text)
{
	struct rota_http_proxy_header whole, pieces;
	size_t used, used_in_pieces;
	int result = feed_header(&whole, text, text.size, &used);

	require(feed_header(&pieces, text, 1, &used_in_pieces) == result);
	if (result == 1)
		require(used == used_in_pieces &&
			memcmp(&whole.source, &pieces.source,
			       sizeof(whole.source)) == 0 &&
			memcmp(&whole.destination, &pieces.destination,
			       sizeof(whole.destination)) == 0);
}

/* The value of one field, from a peer that is trusted. */
static void try_client(struct rota_const_buf text,
		       enum rota_http_forwarding forwarding,
		       enum rota_http_name name)
{
	struct rota_http_network hop;
	struct rota_http_trust trust = { { &hop, 1 }, forwarding };
	struct rota_http_field field = {
		.value_size = (uint32_t)text.size,
		.name = (uint16_t)name,
	};
	struct rota_http_head head = { .fields = &field,
				       .count = 1,
				       .bytes = text.data };
	struct rota_http_client client;
	struct rota_address peer;
	int error;

	require(rota_http_network_parse(&hop, rota_bytes("0.0.0.0/1", 9)) == 0);
	require(rota_address_ip(&peer, "1.2.3.4", 5) == 0);
	error = rota_http_client_find(&client, &head, &peer, &trust);
	require(client.hops <= ROTA_HTTP_MOST_HOPS &&
		(error == 0 || client.address.size == 0));
}

static void try_forwarded(struct rota_const_buf text)
{
	struct rota_http_network network;

	try_client(text, ROTA_HTTP_FORWARDED, ROTA_HTTP_NAME_FORWARDED);
	try_client(text, ROTA_HTTP_X_FORWARDED, ROTA_HTTP_NAME_X_FORWARDED_FOR);
	try_client(text, ROTA_HTTP_X_FORWARDED,
		   ROTA_HTTP_NAME_X_FORWARDED_PROTO);
	if (rota_http_network_parse(&network, text) == 0)
		require(network.bits <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static void (*const tries[])(struct rota_const_buf) = {
		try_date,  try_ranges, try_target,       try_encoding,
		try_lists, try_writer, try_proxy_header, try_forwarded,
	};
	char *own;

	if (size < 2)
		return 0;
	own = malloc(size - 1);
	require(own != NULL);
	memcpy(own, bytes + 1, size - 1);
	tries[*bytes % (sizeof(tries) / sizeof(tries[0]))](
		rota_bytes(own, size - 1));
	free(own);
	return 0;
}
