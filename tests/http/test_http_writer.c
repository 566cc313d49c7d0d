/*
 * Writers of heads: what was written is what a parser reads, and what would be
 * read as something else is refused.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <string.h>

#include "http/refusal.h"
#include "rota_http.h"

enum { MEMORY_SIZE = 256, FIELDS = 8 };

static struct rota_const_buf text_of(const char *text)
{
	return rota_bytes(text, strlen(text));
}

static void a_response_is_written_line_by_line(void **state)
{
	static const char expected[] =
		"HTTP/1.1 404 Not Found\r\n"
		"Content-Type: a/b\r\n"
		"Content-Length: 18446744073709551615\r\n"
		"X-Empty: \r\n"
		"\r\n";
	struct rota_http_writer writer;
	char memory[MEMORY_SIZE];

	(void)state;
	rota_http_writer_init(&writer, memory, sizeof(memory));

	assert_int_equal(rota_http_write_status(&writer, 404, NULL), 0);
	assert_int_equal(
		rota_http_write_field(&writer, "Content-Type", text_of("a/b")),
		0);
	assert_int_equal(
		rota_http_write_number(&writer, "Content-Length", UINT64_MAX),
		0);
	assert_int_equal(
		rota_http_write_field(&writer, "X-Empty", rota_bytes(NULL, 0)),
		0);
	assert_int_equal(rota_http_write_end(&writer), sizeof(expected) - 1);

	assert_memory_equal(memory, expected, sizeof(expected) - 1);
}

static void a_request_is_written_line_by_line(void **state)
{
	static const char expected[] = "POST /a?b HTTP/1.1\r\nHost: a\r\n"
				       "Content-Length: 0\r\n\r\n";
	struct rota_http_writer writer;
	char memory[MEMORY_SIZE];

	(void)state;
	rota_http_writer_init(&writer, memory, sizeof(memory));

	rota_http_write_request(&writer, "POST", text_of("/a?b"));
	rota_http_write_field(&writer, "Host", text_of("a"));
	rota_http_write_number(&writer, "Content-Length", 0);

	assert_int_equal(rota_http_write_end(&writer), sizeof(expected) - 1);
	assert_memory_equal(memory, expected, sizeof(expected) - 1);
}

/* An error stays, so the head is never complete. */
static void expect_refused_field(const char *name, struct rota_const_buf value)
{
	struct rota_http_writer writer;
	char memory[MEMORY_SIZE];

	rota_http_writer_init(&writer, memory, sizeof(memory));
	assert_int_equal(rota_http_write_status(&writer, 200, NULL), 0);
	assert_int_equal(rota_http_write_field(&writer, name, value),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_write_field(&writer, "A", text_of("b")),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_write_end(&writer), ROTA_EINVAL);
}

static void fields_cannot_split_a_message(void **state)
{
	(void)state;
	expect_refused_field("A", text_of("b\r\nSet-Cookie: c"));
	expect_refused_field("A", text_of("b\nc"));
	expect_refused_field("A", text_of("b\rc"));
	expect_refused_field("A", text_of("b\x7f"));
	expect_refused_field("A", rota_bytes("b\0c", 3));
	expect_refused_field("A", text_of(" b"));
	expect_refused_field("A", text_of("b\t"));
	expect_refused_field("", text_of("b"));
	expect_refused_field("A ", text_of("b"));
	expect_refused_field("A:b\r\nC", text_of("b"));
}

static void expect_refused_line(int status, const char *reason,
				const char *method, const char *target)
{
	struct rota_http_writer writer;
	char memory[MEMORY_SIZE];
	int error;

	rota_http_writer_init(&writer, memory, sizeof(memory));
	error = status > 0 ? rota_http_write_status(&writer, status, reason)
			   : rota_http_write_request(&writer, method,
						     text_of(target));
	assert_int_equal(error, ROTA_EINVAL);
	assert_int_equal(rota_http_write_end(&writer), ROTA_EINVAL);
}

static void first_lines_cannot_split_a_message(void **state)
{
	(void)state;
	expect_refused_line(99, "", NULL, NULL);
	expect_refused_line(1000, "", NULL, NULL);
	expect_refused_line(200, "a\r\nb: c", NULL, NULL);
	expect_refused_line(0, NULL, "G T", "/");
	expect_refused_line(0, NULL, "", "/");
	expect_refused_line(0, NULL, "GET", "");
	expect_refused_line(0, NULL, "GET", "/ HTTP/1.1\r\n");
	expect_refused_line(0, NULL, "GET", "/#a");
}

static void lines_have_an_order(void **state)
{
	struct rota_http_writer writer;
	char memory[MEMORY_SIZE];

	(void)state;
	rota_http_writer_init(&writer, memory, sizeof(memory));
	assert_int_equal(rota_http_write_end(&writer), ROTA_EINVAL);
	rota_http_writer_init(&writer, memory, sizeof(memory));
	assert_int_equal(rota_http_write_field(&writer, "A", text_of("b")),
			 ROTA_EINVAL);
	rota_http_writer_init(&writer, memory, sizeof(memory));
	assert_int_equal(rota_http_write_status(&writer, 200, NULL), 0);
	assert_int_equal(rota_http_write_status(&writer, 200, NULL),
			 ROTA_EINVAL);
}

/* In memory of any size, a line is there whole or not at all. */
static void memory_that_is_too_small_is_an_error(void **state)
{
	static const char whole[] = "HTTP/1.1 200 OK\r\nA: bc\r\n\r\n";
	struct rota_http_writer writer;

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		char *memory = test_malloc(size + 1);

		rota_http_writer_init(&writer, memory, size);
		rota_http_write_status(&writer, 200, NULL);
		rota_http_write_field(&writer, "A", text_of("bc"));
		assert_int_equal(rota_http_write_end(&writer), ROTA_EMSGSIZE);
		test_free(memory);
	}
}

static void chunks_have_their_size_before_them(void **state)
{
	char to[ROTA_HTTP_CHUNK_SIZE];

	(void)state;
	assert_int_equal(rota_http_write_chunk(to, 0), 3);
	assert_memory_equal(to, "0\r\n", 3);
	assert_int_equal(rota_http_write_chunk(to, 0x1a0), 5);
	assert_memory_equal(to, "1a0\r\n", 5);
	assert_int_equal(rota_http_write_chunk(to, UINT64_MAX), 18);
	assert_memory_equal(to, "ffffffffffffffff\r\n", 18);
}

static void every_status_of_the_rfcs_has_a_phrase(void **state)
{
	int count = 0;

	(void)state;
	for (int status = 0; status < 1000; status++)
		count += *rota_http_status_text(status) != '\0';
	assert_int_equal(count, 52);
	assert_string_equal(rota_http_status_text(100), "Continue");
	assert_string_equal(rota_http_status_text(413), "Content Too Large");
	assert_string_equal(rota_http_status_text(511),
			    "Network Authentication Required");
	assert_string_equal(rota_http_status_text(102), "");
	assert_string_equal(rota_http_status_text(-1), "");
}

/* Each refusal as an answer, which a parser of responses reads. */
static void every_refusal_is_an_answer_that_says_why(void **state)
{
	(void)state;
	for (int i = 1; i < ROTAI_HTTP_REFUSALS; i++) {
		struct rota_http_refusal refusal = rotai_http_refusal(
			(enum rotai_http_refusal)i, ROTA_HTTP_REQUESTS);
		struct rota_http_field fields[FIELDS];
		struct rota_http_head head = { .fields = fields,
					       .capacity = FIELDS };
		struct rota_http_parser parser;
		struct rota_const_buf body;
		char answer[ROTA_HTTP_REFUSAL_SIZE];
		size_t size = rota_http_write_refusal(answer, &refusal);

		assert_in_range(size, 1, sizeof(answer));
		rota_http_parser_init(&parser, ROTA_HTTP_RESPONSES, &head, NULL,
				      NULL);
		rota_http_parser_feed(&parser, rota_bytes(answer, size));
		assert_int_equal(rota_http_parser_next(&parser, &body),
				 ROTA_HTTP_EVENT_HEAD);
		assert_int_equal(head.status, refusal.status);
		assert_true(rota_http_head_target(&head).size > 0);
		assert_int_equal(head.flags & ROTA_HTTP_KEEP_ALIVE, 0);
		assert_int_equal(rota_http_parser_next(&parser, &body),
				 ROTA_HTTP_EVENT_BODY);
		assert_memory_equal(body.data, refusal.text,
				    strlen(refusal.text));
		assert_int_equal(rota_http_parser_next(&parser, &body),
				 ROTA_HTTP_EVENT_END);
		assert_int_equal(rota_http_parser_rest(&parser).size, 0);
		rota_http_parser_free(&parser);
	}
}

static void a_date_is_formatted_once_a_second(void **state)
{
	struct rota_http_date_cache cache = { 0 };

	(void)state;
	assert_memory_equal(rota_http_date_get(&cache, 0).data,
			    "Thu, 01 Jan 1970 00:00:00 GMT", 29);
	cache.internal.text[0] = 'x';
	assert_int_equal(rota_http_date_get(&cache, 0).data[0], 'x');
	assert_memory_equal(rota_http_date_get(&cache, 1).data,
			    "Thu, 01 Jan 1970 00:00:01 GMT", 29);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_response_is_written_line_by_line),
	VIRTUAL(a_request_is_written_line_by_line),
	VIRTUAL(fields_cannot_split_a_message),
	VIRTUAL(first_lines_cannot_split_a_message),
	VIRTUAL(lines_have_an_order),
	VIRTUAL(memory_that_is_too_small_is_an_error),
	VIRTUAL(chunks_have_their_size_before_them),
	VIRTUAL(every_status_of_the_rfcs_has_a_phrase),
	VIRTUAL(every_refusal_is_an_answer_that_says_why),
	VIRTUAL(a_date_is_formatted_once_a_second),
};

FIXTURE_MAIN(tests)
