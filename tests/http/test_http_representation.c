/*
 * What a server of files decides without looking at a file: paths, media
 * types, validators, ranges, codings.
 */
/* poller: none */
#include "support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rota_http.h"

enum { TEXT_SIZE = 2048, FIELDS = 32 };

#define NOW_S INT64_C(1000000000)

static struct rota_const_buf text_of(const char *text)
{
	return rota_bytes(text, strlen(text));
}

/* A request, whose bytes are here. */
struct request {
	struct rota_http_field fields[FIELDS];
	struct rota_http_head head;
	char bytes[TEXT_SIZE];
};

/* @fields are lines, each with an LF behind it. */
static const struct rota_http_head *
request_with(struct request *request, const char *method, const char *fields)
{
	struct rota_http_parser parser;
	struct rota_const_buf body;
	size_t size;

	size = (size_t)snprintf(request->bytes, TEXT_SIZE,
				"%s / HTTP/1.1\r\nHost: a\r\n", method);
	for (; *fields != '\0'; fields++) {
		if (*fields == '\n')
			request->bytes[size++] = '\r';
		request->bytes[size++] = *fields;
	}
	memcpy(request->bytes + size, "\r\n", 2);
	request->head = (struct rota_http_head){ .fields = request->fields,
						 .capacity = FIELDS };
	assert_int_equal(rota_http_parser_init(&parser, ROTA_HTTP_REQUESTS,
					       &request->head, NULL, NULL),
			 0);
	rota_http_parser_feed(&parser, rota_bytes(request->bytes, size + 2));
	assert_int_equal(rota_http_parser_next(&parser, &body),
			 ROTA_HTTP_EVENT_HEAD);
	rota_http_parser_free(&parser);
	return &request->head;
}

static void expect_path(const char *text, const char *expected,
			unsigned options)
{
	struct rota_const_buf path = text_of(text);
	char *to = test_malloc(path.size + 1);
	ptrdiff_t size = rota_http_path_clean(to, path.size + 1, path, options);

	if (size < 0)
		fail_msg("%s: %td", text, size);
	assert_string_equal(to, expected);
	assert_int_equal(size, strlen(expected));
	test_free(to);
}

static void a_path_is_decoded_once_and_has_no_dot_segments(void **state)
{
	static const char *const paths[][2] = {
		{ "/", "" },
		{ "/a", "a" },
		{ "/a/", "a/" },
		{ "//a//b///", "a/b/" },
		{ "/a%20b", "a b" },
		{ "/%61/%62", "a/b" },
		{ "/%2561", "%61" },
		{ "/%252e%252e/a", "%2e%2e/a" },
		{ "/.", "" },
		{ "/a/.", "a/" },
		{ "/a/./b", "a/b" },
		{ "/a/..", "" },
		{ "/a/../", "" },
		{ "/a/../b", "b" },
		{ "/a/b/..", "a/" },
		{ "/a/b/%2E%2e/c", "a/c" },
		{ "/a/%2e/b", "a/b" },
		{ "/abc/def/../../x", "x" },
		{ "/a.b/c..d", "a.b/c..d" },
		{ "/a..", "a.." },
		{ "/%c3%a4%0a", "\xc3\xa4\n" },
		{ "/C:/a", "C:/a" },
		{ "/a/..//b", "b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		expect_path(paths[i][0], paths[i][1], 0);
}

static void a_path_that_leads_elsewhere_is_refused(void **state)
{
	static const struct {
		const char *path;
		ptrdiff_t result;
	} refused[] = {
		{ "", ROTA_EINVAL },
		{ "a", ROTA_EINVAL },
		{ "*", ROTA_EINVAL },
		{ "/%", ROTA_EINVAL },
		{ "/%4", ROTA_EINVAL },
		{ "/%4/1", ROTA_EINVAL },
		{ "/%zz", ROTA_EINVAL },
		{ "/a%00", ROTA_EINVAL },
		{ "/%00/../a", ROTA_EINVAL },
		{ "/..", ROTA_EACCES },
		{ "/../a", ROTA_EACCES },
		{ "//../a", ROTA_EACCES },
		{ "/./../a", ROTA_EACCES },
		{ "/a/../../a", ROTA_EACCES },
		{ "/%2e%2e/a", ROTA_EACCES },
		{ "/.%2E/a", ROTA_EACCES },
		{ "/..%2fa", ROTA_EACCES },
		{ "/a%2Fb", ROTA_EACCES },
		{ "/%2fetc/passwd", ROTA_EACCES },
		{ "/a%5cb", ROTA_EACCES },
		{ "/..\\a", ROTA_EACCES },
		{ "/.git/config", ROTA_EACCES },
		{ "/a/.htpasswd", ROTA_EACCES },
		{ "/%2egit", ROTA_EACCES },
		{ "/...", ROTA_EACCES },
		{ "/.well-known/a", ROTA_EACCES },
	};
	char to[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ptrdiff_t result = rota_http_path_clean(
			to, sizeof(to), text_of(refused[i].path), 0);

		if (result >= 0)
			fail_msg("%s", refused[i].path);
		assert_int_equal(result, refused[i].result);
	}
}

static void dot_files_are_served_on_demand(void **state)
{
	char to[TEXT_SIZE];

	(void)state;
	expect_path("/.git/a", ".git/a", ROTA_HTTP_PATH_DOT_FILES);
	expect_path("/...", "...", ROTA_HTTP_PATH_DOT_FILES);
	expect_path("/.well-known/a", ".well-known/a",
		    ROTA_HTTP_PATH_WELL_KNOWN);
	assert_int_equal(rota_http_path_clean(to, sizeof(to),
					      text_of("/a/.well-known/a"),
					      ROTA_HTTP_PATH_WELL_KNOWN),
			 ROTA_EACCES);
	assert_int_equal(rota_http_path_clean(to, sizeof(to),
					      text_of("/.well-known/.a"),
					      ROTA_HTTP_PATH_WELL_KNOWN),
			 ROTA_EACCES);
	assert_int_equal(rota_http_path_clean(to, sizeof(to), text_of("/.."),
					      ROTA_HTTP_PATH_DOT_FILES),
			 ROTA_EACCES);
}

static void a_path_that_needs_more_space_is_an_error(void **state)
{
	static const char *const paths[] = { "/", "/a", "/ab/cd/", "/a/../b" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct rota_const_buf path = text_of(paths[i]);

		for (size_t size = 0; size <= path.size; size++) {
			char *to = test_malloc(size + (size == 0));
			ptrdiff_t result =
				rota_http_path_clean(to, size, path, 0);

			assert_true(result == ROTA_EMSGSIZE ||
				    (result >= 0 && (size_t)result < size));
			test_free(to);
		}
	}
}

/* All paths of a few pieces: the result never leads out, whatever it is. */
static void no_combination_of_pieces_leads_out(void **state)
{
	static const char *const pieces[] = { "/",   "..", ".",   "%2e",
					      "%2f", "a",  "%5c", "\\" };
	enum { PIECES = 8, LENGTH = 5, ALL = 1 << 15 };

	(void)state;
	for (unsigned number = 0; number < ALL; number++) {
		char text[64] = "/", to[64];
		ptrdiff_t size;

		for (unsigned i = 0; i < LENGTH; i++)
			strcat(text, pieces[number >> 3 * i & 7]);
		size = rota_http_path_clean(to, sizeof(to), text_of(text),
					    ROTA_HTTP_PATH_DOT_FILES);
		if (size < 0)
			continue;
		assert_int_equal(strlen(to), size);
		assert_int_not_equal(to[0], '/');
		assert_null(strstr(to, "//"));
		assert_null(strchr(to, '\\'));
		for (char *name = strtok(to, "/"); name != NULL;
		     name = strtok(NULL, "/"))
			assert_true(strcmp(name, ".") != 0 &&
				    strcmp(name, "..") != 0);
	}
}

static void a_media_type_is_found_by_the_extension(void **state)
{
	static const char *const types[][2] = {
		{ "7z", "application/x-7z-compressed" },
		{ "css", "text/css; charset=utf-8" },
		{ "gif", "image/gif" },
		{ "html", "text/html; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "jpeg", "image/jpeg" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "json", "application/json" },
		{ "mjs", "text/javascript; charset=utf-8" },
		{ "mp4", "video/mp4" },
		{ "pdf", "application/pdf" },
		{ "png", "image/png" },
		{ "svg", "image/svg+xml" },
		{ "ttf", "font/ttf" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "wasm", "application/wasm" },
		{ "webmanifest", "application/manifest+json" },
		{ "webp", "image/webp" },
		{ "woff2", "font/woff2" },
		{ "xml", "text/xml; charset=utf-8" },
		{ "zst", "application/zstd" },
	};
	static const char *const unknown[] = {
		"",        "html", ".html",
		"a/.html", "a.",   "a.html/b",
		"a.htmlx", "a.ht", "a.averyveryverylongextension",
		"a.b/",
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(name, sizeof(name), "a.b/c.d.%s", types[i][0]);
		assert_string_equal(
			rota_http_media_type_find(text_of(name), NULL, 0),
			types[i][1]);
		name[8] = name[8] >= 'a' ? (char)(name[8] - 32) : name[8];
		assert_string_equal(
			rota_http_media_type_find(text_of(name), NULL, 0),
			types[i][1]);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_null(rota_http_media_type_find(text_of(unknown[i]), NULL,
						      0));
}

static void own_media_types_come_first(void **state)
{
	static const struct rota_http_media_type own[] = {
		{ "html", "a/b" },
		{ "averyveryverylongextension", "c/d" },
	};

	(void)state;
	assert_string_equal(
		rota_http_media_type_find(text_of("a.HTML"), own, 2), "a/b");
	assert_string_equal(
		rota_http_media_type_find(
			text_of("a.averyveryverylongextension"), own, 2),
		"c/d");
	assert_string_equal(rota_http_media_type_find(text_of("a.css"), own, 2),
			    "text/css; charset=utf-8");
}

static void a_tag_changes_with_each_of_the_metadata(void **state)
{
	const struct rota_file_info info = { .size = sizeof(info),
					     .device = 1,
					     .inode = 2,
					     .bytes = 3,
					     .modified_ns = 4,
					     .changed_ns = 5 };
	struct rota_file_info others[5];
	char tag[ROTA_HTTP_ETAG_SIZE], other[ROTA_HTTP_ETAG_SIZE];

	(void)state;
	for (int i = 0; i < 5; i++)
		others[i] = info;
	others[0].device++;
	others[1].inode++;
	others[2].bytes++;
	others[3].modified_ns++;
	others[4].changed_ns++;
	assert_int_equal(rota_http_etag_write(tag, &info, UINT64_MAX), 18);
	assert_int_equal(rota_http_etag_write(other, &info, UINT64_MAX), 18);
	assert_memory_equal(tag, other, 18);
	assert_true(tag[0] == '"' && tag[17] == '"');
	for (int i = 0; i < 5; i++) {
		assert_int_equal(
			rota_http_etag_write(other, &others[i], UINT64_MAX),
			18);
		assert_memory_not_equal(tag, other, 18);
	}
}

static void a_tag_is_weak_while_the_file_may_change_unseen(void **state)
{
	const uint64_t now_ns = ROTA_SEC(1000);
	struct rota_file_info info = { .size = sizeof(info) };
	char tag[ROTA_HTTP_ETAG_SIZE];

	(void)state;
	info.modified_ns = info.changed_ns = (int64_t)ROTA_SEC(998);
	assert_int_equal(rota_http_etag_write(tag, &info, now_ns), 18);
	info.changed_ns++;
	assert_int_equal(rota_http_etag_write(tag, &info, now_ns), 20);
	assert_memory_equal(tag, "W/\"", 3);
	info.changed_ns--;
	info.modified_ns = (int64_t)ROTA_SEC(1001);
	assert_int_equal(rota_http_etag_write(tag, &info, now_ns), 20);
	info.modified_ns = INT64_MIN;
	assert_int_equal(rota_http_etag_write(tag, &info, now_ns), 18);
}

/* The current representation has the tag "a" and is of NOW_S - 100. */

static const struct rota_http_validators current = { { { "\"a\"", 3 }, 0 },
						     NOW_S - 100,
						     1 };

/* Dates about that of the representation, which is 01:45:00. */
#define BEFORE "Sun, 09 Sep 2001 01:44:59 GMT"
#define EXACT  "Sun, 09 Sep 2001 01:45:00 GMT"
#define AFTER  "Sun, 09 Sep 2001 01:45:01 GMT"

static void preconditions_are_evaluated_in_the_order_of_the_rfc(void **state)
{
	static const struct {
		const char *fields;
		int get;
		int put;
	} cases[] = {
		{ "", 0, 0 },
		{ "If-Match: \"a\"\n", 0, 0 },
		{ "If-Match: \"b\", \"a\"\n", 0, 0 },
		{ "If-Match: \"b\"\nIf-Match: \"a\"\n", 0, 0 },
		{ "If-Match: *\n", 0, 0 },
		{ "If-Match: \"b\"\n", 412, 412 },
		{ "If-Match: W/\"a\"\n", 412, 412 },
		{ "If-Match: a\n", 412, 412 },
		{ "If-Match: \n", 412, 412 },
		{ "If-Unmodified-Since: " BEFORE "\n", 412, 412 },
		{ "If-Unmodified-Since: " EXACT "\n", 0, 0 },
		{ "If-Unmodified-Since: " AFTER "\n", 0, 0 },
		{ "If-Unmodified-Since: yesterday\n", 0, 0 },
		{ "If-Unmodified-Since: " BEFORE
		  "\nIf-Unmodified-Since: " BEFORE "\n",
		  0, 0 },
		{ "If-Match: \"a\"\nIf-Unmodified-Since: " BEFORE "\n", 0, 0 },
		{ "If-None-Match: \"a\"\n", 304, 412 },
		{ "If-None-Match: W/\"a\"\n", 304, 412 },
		{ "If-None-Match: \"b\"\nIf-None-Match: \"a\"\n", 304, 412 },
		{ "If-None-Match: *\n", 304, 412 },
		{ "If-None-Match: \"b\"\n", 0, 0 },
		{ "If-None-Match: a\n", 0, 0 },
		{ "If-Modified-Since: " BEFORE "\n", 0, 0 },
		{ "If-Modified-Since: " EXACT "\n", 304, 0 },
		{ "If-Modified-Since: " AFTER "\n", 304, 0 },
		{ "If-Modified-Since: Sunday, 09-Sep-01 01:45:00 GMT\n", 304,
		  0 },
		{ "If-Modified-Since: 5\n", 0, 0 },
		{ "If-Modified-Since: " AFTER "\nIf-Modified-Since: " AFTER
		  "\n",
		  0, 0 },
		{ "If-None-Match: \"b\"\nIf-Modified-Since: " AFTER "\n", 0,
		  0 },
		{ "If-None-Match: \"a\"\nIf-Modified-Since: " BEFORE "\n", 304,
		  412 },
		{ "If-Match: \"b\"\nIf-None-Match: \"a\"\n", 412, 412 },
		{ "If-Match: \"a\"\nIf-None-Match: \"a\"\n", 304, 412 },
		{ "If-Unmodified-Since: " EXACT "\nIf-Modified-Since: " EXACT
		  "\n",
		  304, 0 },
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rota_http_head *head =
			request_with(&request, "GET", cases[i].fields);
		int get = rota_http_evaluate(head, &current, NOW_S);
		int head_status, put;

		head = request_with(&request, "HEAD", cases[i].fields);
		head_status = rota_http_evaluate(head, &current, NOW_S);
		head = request_with(&request, "PUT", cases[i].fields);
		put = rota_http_evaluate(head, &current, NOW_S);
		if (get != cases[i].get || head_status != get ||
		    put != cases[i].put)
			fail_msg("%s: %d %d", cases[i].fields, get, put);
	}
}

static void what_does_not_exist_has_no_validators(void **state)
{
	static const struct rota_http_validators none = { { { NULL, 0 }, 0 },
							  ROTA_HTTP_NEVER,
							  0 };
	static const struct rota_http_validators untagged = {
		{ { NULL, 0 }, 0 }, ROTA_HTTP_NEVER, 1
	};
	struct request request;
	const struct rota_http_head *head;

	(void)state;
	head = request_with(&request, "PUT", "If-Match: *\n");
	assert_int_equal(rota_http_evaluate(head, &none, NOW_S), 412);
	assert_int_equal(rota_http_evaluate(head, &untagged, NOW_S), 0);
	head = request_with(&request, "PUT", "If-None-Match: *\n");
	assert_int_equal(rota_http_evaluate(head, &none, NOW_S), 0);
	assert_int_equal(rota_http_evaluate(head, &untagged, NOW_S), 412);
	head = request_with(&request, "PUT", "If-None-Match: \"\"\n");
	assert_int_equal(rota_http_evaluate(head, &untagged, NOW_S), 0);
	head = request_with(&request, "GET",
			    "If-Modified-Since: " AFTER "\n"
			    "If-Unmodified-Since: " AFTER "\n");
	assert_int_equal(rota_http_evaluate(head, &untagged, NOW_S), 0);
}

static void a_range_is_wanted_of_the_same_representation(void **state)
{
	static const struct {
		const char *fields;
		int is_wanted;
	} cases[] = {
		{ "", 0 },
		{ "Range: bytes=0-1\n", 1 },
		{ "Range: bytes=0-1\nRange: bytes=0-1\n", 0 },
		{ "If-Range: \"a\"\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: \"a\"\n", 1 },
		{ "Range: bytes=0-1\nIf-Range: \"b\"\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: W/\"a\"\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: \"a\", \"b\"\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: \"a\"\nIf-Range: \"a\"\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: " BEFORE "\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: " EXACT "\n", 1 },
		{ "Range: bytes=0-1\nIf-Range: " AFTER "\n", 0 },
		{ "Range: bytes=0-1\nIf-Range: a\n", 0 },
	};
	struct rota_http_validators weak = current;
	struct request request;
	const struct rota_http_head *head;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		head = request_with(&request, "GET", cases[i].fields);
		if (rota_http_range_wanted(head, &current, NOW_S) !=
		    cases[i].is_wanted)
			fail_msg("%s", cases[i].fields);
		head = request_with(&request, "HEAD", cases[i].fields);
		assert_int_equal(rota_http_range_wanted(head, &current, NOW_S),
				 0);
	}
	weak.etag.is_weak = 1;
	head = request_with(&request, "GET",
			    "Range: bytes=0-1\nIf-Range: \"a\"\n");
	assert_int_equal(rota_http_range_wanted(head, &weak, NOW_S), 0);
	weak.etag.tag.data = NULL;
	assert_int_equal(rota_http_range_wanted(head, &weak, NOW_S), 0);
	head = request_with(&request, "GET",
			    "Range: bytes=0-1\nIf-Range: " EXACT "\n");
	assert_int_equal(rota_http_range_wanted(head, &weak, NOW_S - 100), 0);
	assert_int_equal(rota_http_range_wanted(head, &weak, NOW_S - 99), 1);
}

static void expect_joined(const char *text, uint64_t gap, const char *expected)
{
	struct rota_http_range ranges[16];
	char found[256] = "";
	size_t used = 0;
	int count = rota_http_range_parse(ranges, 16, text_of(text), 1000);

	assert_in_range(count, 1, 16);
	count = rota_http_ranges_join(ranges, count, gap);
	for (int i = 0; i < count; i++)
		used += (size_t)snprintf(
			found + used, sizeof(found) - used, "%s%d-%d",
			i > 0 ? "," : "", (int)ranges[i].offset,
			(int)(ranges[i].offset + ranges[i].size - 1));
	assert_string_equal(found, expected);
}

static void ranges_that_overlap_become_one(void **state)
{
	(void)state;
	expect_joined("bytes=0-9", 0, "0-9");
	expect_joined("bytes=0-9,20-29", 0, "0-9,20-29");
	expect_joined("bytes=20-29,0-9", 0, "20-29,0-9");
	expect_joined("bytes=0-9,10-19", 0, "0-19");
	expect_joined("bytes=0-9,5-7", 0, "0-9");
	expect_joined("bytes=5-7,0-9", 0, "0-9");
	expect_joined("bytes=0-9,20-29,5-24", 0, "0-29");
	expect_joined("bytes=50-59,0-9,20-29,9-20", 0, "50-59,0-29");
	expect_joined("bytes=0-,-1,5-5", 0, "0-999");
	expect_joined("bytes=0-0,-1", 0, "0-0,999-999");
	expect_joined("bytes=0-9,20-29", 10, "0-9,20-29");
	expect_joined("bytes=0-9,20-29", 11, "0-29");
	expect_joined("bytes=20-29,0-9", 11, "0-29");
}

/* Against a table of bytes: what is joined has the same bytes. */
static void joined_ranges_have_the_bytes_that_were_asked_for(void **state)
{
	enum { SIZE = 40, COUNT = 6 };
	uint64_t seed = random_seed();

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct rota_http_range ranges[COUNT];
		char wanted[SIZE] = "", found[SIZE] = "";
		int count = 1 + (int)random_below(&seed, COUNT);

		for (int i = 0; i < count; i++) {
			ranges[i].offset = random_below(&seed, SIZE);
			ranges[i].size =
				1 +
				random_below(&seed, SIZE - ranges[i].offset);
			memset(wanted + ranges[i].offset, 1, ranges[i].size);
		}
		count = rota_http_ranges_join(ranges, count, 0);
		for (int i = 0; i < count; i++)
			for (uint64_t at = 0; at < ranges[i].size; at++)
				found[ranges[i].offset + at]++;
		assert_memory_equal(found, wanted, SIZE);
	}
}

static void a_content_range_names_the_whole_size(void **state)
{
	struct rota_http_range range = { 5, 10 };
	char to[ROTA_HTTP_CONTENT_RANGE_SIZE];

	(void)state;
	rota_http_content_range(to, &range, 100);
	assert_string_equal(to, "bytes 5-14/100");
	rota_http_content_range(to, NULL, 0);
	assert_string_equal(to, "bytes */0");
	range.offset = UINT64_MAX - 1;
	range.size = 1;
	assert_int_equal(rota_http_content_range(to, &range, UINT64_MAX), 68);
}

static void expect_body(struct rota_const_buf type, const char *format)
{
	static const struct rota_http_range ranges[] = { { 0, 2 }, { 7, 3 } };
	static const char content[] = "0123456789";
	struct rota_http_byteranges body;
	char text[1024], expected[1024], type_text[128];
	char boundary[ROTA_HTTP_BOUNDARY_SIZE + 1] = "";
	size_t used = 0;

	assert_int_equal(rota_http_byteranges_init(&body, 10, type), 0);
	memcpy(boundary, body.boundary, sizeof(body.boundary));
	for (int i = 0; i < 2; i++) {
		used += (size_t)rota_http_byteranges_part(
			text + used, ROTA_HTTP_PART_SIZE + type.size, &body,
			&ranges[i], i == 0);
		memcpy(text + used, content + ranges[i].offset, ranges[i].size);
		used += ranges[i].size;
	}
	used += rota_http_byteranges_end(text + used, &body);
	snprintf(expected, sizeof(expected), format, boundary, boundary,
		 boundary);
	assert_int_equal(used, strlen(expected));
	assert_memory_equal(text, expected, used);
	assert_int_equal(rota_http_byteranges_length(&body, ranges, 2), used);
	rota_http_byteranges_type(type_text, &body);
	snprintf(expected, sizeof(expected),
		 "multipart/byteranges; boundary=%s", boundary);
	assert_string_equal(type_text, expected);
}

static void several_ranges_are_parts_of_one_body(void **state)
{
	(void)state;
	expect_body(text_of("a/b"), "--%s\r\nContent-Type: a/b\r\n"
				    "Content-Range: bytes 0-1/10\r\n\r\n01"
				    "\r\n--%s\r\nContent-Type: a/b\r\n"
				    "Content-Range: bytes 7-9/10\r\n\r\n789"
				    "\r\n--%s--\r\n");
	expect_body(rota_bytes(NULL, 0),
		    "--%s\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
		    "\r\n--%s\r\nContent-Range: bytes 7-9/10\r\n\r\n789"
		    "\r\n--%s--\r\n");
}

static void parts_have_bounds(void **state)
{
	static const struct rota_http_range huge = { 0, UINT64_MAX - 300 };
	static const struct rota_http_range all[] = { { 0, UINT64_MAX - 200 },
						      { 9, 9 } };
	struct rota_http_byteranges a, b;
	char text[ROTA_HTTP_PART_SIZE];

	(void)state;
	assert_int_equal(
		rota_http_byteranges_init(&a, UINT64_MAX, rota_bytes("", 0)),
		0);
	assert_int_equal(
		rota_http_byteranges_init(&b, UINT64_MAX, rota_bytes("", 0)),
		0);
	assert_memory_not_equal(a.boundary, b.boundary, sizeof(a.boundary));
	assert_int_equal(rota_http_byteranges_length(&a, all, 2), UINT64_MAX);
	assert_true(rota_http_byteranges_length(&a, &huge, 1) < UINT64_MAX);
	assert_in_range(
		rota_http_byteranges_part(text, sizeof(text), &a, &all[0], 0),
		1, sizeof(text) - 1);
	for (size_t size = 0; size < 100; size++)
		assert_int_equal(
			rota_http_byteranges_part(text, size, &a, &all[0], 0),
			ROTA_EMSGSIZE);
}

static void the_coding_that_the_client_wants_most_comes_first(void **state)
{
	static const char *const codings[] = { "br", "gzip" };
	static const struct {
		const char *fields;
		const char *expected;
	} cases[] = {
		{ "", "" },
		{ "Accept-Encoding: \n", "" },
		{ "Accept-Encoding: gzip\n", "1" },
		{ "Accept-Encoding: gzip, br\n", "01" },
		{ "Accept-Encoding: br;q=0.5, gzip;q=0.8\n", "10" },
		{ "Accept-Encoding: br;q=0, gzip;q=0.001\n", "1" },
		{ "Accept-Encoding: *\n", "01" },
		{ "Accept-Encoding: *;q=0\n", "" },
		{ "Accept-Encoding: gzip;q=0.5, *;q=0.8\n", "01" },
		{ "Accept-Encoding: identity\n", "" },
		{ "Accept-Encoding: identity, gzip;q=0.9\n", "" },
		{ "Accept-Encoding: identity;q=0.5, gzip;q=0.5\n", "1" },
		{ "Accept-Encoding: identity;q=0, br\n", "0" },
		{ "Accept-Encoding: deflate, zstd\n", "" },
		{ "Accept-Encoding: GZIP\n", "1" },
		{ "Accept-Encoding: gzip;q=2\n", "" },
		{ "Accept-Encoding: gzip\nAccept-Encoding: br\n", "01" },
		{ "Accept-Encoding: gzip\nAccept-Encoding: br;q=0.5\n", "10" },
		{ "Accept-Encoding: \nAccept-Encoding: br\n", "0" },
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char found[9] = "";
		int order[8];
		size_t count = rota_http_codings_wanted(
			order, request_with(&request, "GET", cases[i].fields),
			codings, 2);

		for (size_t at = 0; at < count; at++)
			found[at] = (char)('0' + order[at]);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("%s%s", cases[i].fields, found);
	}
}

/* Long lists in several fields accept nothing, rather than a part. */
static void codings_have_bounds(void **state)
{
	static const char *const codings[] = { "a", "b", "c", "d",   "e",
					       "f", "g", "h", "gzip" };
	char fields[TEXT_SIZE] = "Accept-Encoding: gzip\nAccept-Encoding: ";
	struct request request;
	int order[8];

	(void)state;
	memset(fields + strlen(fields), 'x', 300);
	strcat(fields, "\n");
	assert_int_equal(rota_http_codings_wanted(
				 order, request_with(&request, "GET", fields),
				 codings, 9),
			 0);
	assert_int_equal(
		rota_http_codings_wanted(
			order,
			request_with(&request, "GET", "Accept-Encoding: *\n"),
			codings, 9),
		8);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(a_path_is_decoded_once_and_has_no_dot_segments),
	VIRTUAL(a_path_that_leads_elsewhere_is_refused),
	VIRTUAL(dot_files_are_served_on_demand),
	VIRTUAL(a_path_that_needs_more_space_is_an_error),
	VIRTUAL(no_combination_of_pieces_leads_out),
	VIRTUAL(a_media_type_is_found_by_the_extension),
	VIRTUAL(own_media_types_come_first),
	VIRTUAL(a_tag_changes_with_each_of_the_metadata),
	VIRTUAL(a_tag_is_weak_while_the_file_may_change_unseen),
	VIRTUAL(preconditions_are_evaluated_in_the_order_of_the_rfc),
	VIRTUAL(what_does_not_exist_has_no_validators),
	VIRTUAL(a_range_is_wanted_of_the_same_representation),
	VIRTUAL(ranges_that_overlap_become_one),
	VIRTUAL(joined_ranges_have_the_bytes_that_were_asked_for),
	VIRTUAL(a_content_range_names_the_whole_size),
	VIRTUAL(several_ranges_are_parts_of_one_body),
	VIRTUAL(parts_have_bounds),
	VIRTUAL(the_coding_that_the_client_wants_most_comes_first),
	VIRTUAL(codings_have_bounds),
};

FIXTURE_MAIN(tests)
