/*
 * Files below a directory: what is sent for which request, what is kept of
 * them, and what happens when they change or when calls fail.
 *
 * The server and its guests are in memory, and time is virtual. The pool's
 * threads are not: a test waits until an exchange is done.
 */
/* poller: none */
/* system: linux */
#include "site.h"

#include "fs/tree.h"
#include "support/wall.h"

enum { BIG = 100000 };

struct place {
	struct site s;
	struct scratch disk;
	struct rota_http_files_options options;
	struct rota_http_files *files;
	struct guest g;
	unsigned done; /* exchanges */
	unsigned asked;
};

static void count_done(struct rota_http_exchange *exchange, int status,
		       void *arg)
{
	struct place *p = arg;

	(void)exchange;
	(void)status;
	p->done++;
}

static void place_init(struct place *p, void **state)
{
	memset(p, 0, sizeof(*p));
	scratch_begin(&p->disk);
	site_init(&p->s, *state);
	rota_http_files_options_init(&p->options);
	p->options.root = p->disk.directory;
}

static void place_start(struct place *p)
{
	assert_int_equal(rota_http_files_new(&p->files, 1, &p->options), 0);
	p->s.options.handler = rota_http_files_handler;
	p->s.options.handler_arg = p->files;
	p->s.options.on_done = count_done;
	p->s.options.on_done_arg = p;
	site_start(&p->s);
	guest_open(&p->g, &p->s);
}

static void put_in(struct place *p, const char *name, const char *text)
{
	put_text(path_in(&p->disk, name), text);
}

static void place_open(struct place *p, void **state)
{
	place_init(p, state);
	put_in(p, "a.txt", "0123456789");
	place_start(p);
}

static void place_close(struct place *p)
{
	guest_close(&p->g);
	site_close(&p->s);
	assert_int_equal(rota_http_files_free(p->files), 0);
	shell("rm -rf '%s'", p->disk.directory);
}

/* Wait until so many exchanges are done, and their output has come. */
static void until_answered(struct place *p, unsigned count)
{
	site_turns(&p->s);
	while (p->done < count) {
		poll(NULL, 0, 1);
		turn(p->s.f);
	}
	site_turns(&p->s);
}

static void send_request(struct guest *g, const char *method,
			 const char *target, const char *fields)
{
	char text[8192];

	g->size = 0;
	g->got[0] = '\0';
	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n",
		 method, target, fields);
	guest_send_bytes(g, text, strlen(text));
}

/* Return the status of the answer; 0 if there is none. */
static int ask_with(struct place *p, const char *method, const char *target,
		    const char *fields)
{
	send_request(&p->g, method, target, fields);
	until_answered(p, ++p->asked);
	return p->g.size > 12 ? atoi(p->g.got + 9) : 0;
}

static int ask(struct place *p, const char *target)
{
	return ask_with(p, "GET", target, "");
}

static const char *body_of(const struct guest *g)
{
	const char *end = strstr(g->got, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

/* The value of a field of the answer; "" if there is none. */
static const char *field_of(const struct guest *g, const char *name)
{
	static char values[4][512];
	static unsigned next;
	char *value = values[next++ % 4];
	char wanted[64];
	const char *at;
	size_t size = 0;

	snprintf(wanted, sizeof(wanted), "\r\n%s: ", name);
	at = strstr(g->got, wanted);
	if (at != NULL && at < body_of(g)) {
		at += strlen(wanted);
		size = strcspn(at, "\r");
		memcpy(value, at, size);
	}
	value[size] = '\0';
	return value;
}

static void assert_answer(struct place *p, const char *target,
			  const char *expected)
{
	assert_int_equal(ask(p, target), 200);
	assert_string_equal(body_of(&p->g), expected);
}

static struct rota_http_files_stats stats_in(struct place *p)
{
	struct rota_http_files_stats stats = { .size = sizeof(stats) };

	assert_int_equal(rota_http_files_get_stats(p->files, 0, &stats), 0);
	return stats;
}

static void a_file_is_sent_with_its_type_and_validators(void **state)
{
	struct place p;

	place_open(&p, state);
	put_in(&p, "empty.html", "");
	for (int i = 0; i < 2; i++) { /* from the disk, and from memory */
		assert_answer(&p, "/a.txt", "0123456789");
		assert_string_equal(field_of(&p.g, "Content-Length"), "10");
		assert_string_equal(field_of(&p.g, "Content-Type"),
				    "text/plain; charset=utf-8");
		assert_string_equal(field_of(&p.g, "Accept-Ranges"), "bytes");
		assert_int_equal(strlen(field_of(&p.g, "Last-Modified")), 29);
		assert_in_range(strlen(field_of(&p.g, "ETag")), 18, 20);
		assert_string_equal(field_of(&p.g, "Vary"), "");
		assert_string_equal(field_of(&p.g, "Cache-Control"), "");

		assert_int_equal(ask_with(&p, "HEAD", "/a.txt", ""), 200);
		assert_string_equal(field_of(&p.g, "Content-Length"), "10");
		assert_string_equal(body_of(&p.g), "");

		assert_answer(&p, "/empty.html", "");
		assert_string_equal(field_of(&p.g, "Content-Length"), "0");
	}
	assert_int_equal(stats_in(&p).misses, 2);
	assert_int_equal(stats_in(&p).hits, 4);
	place_close(&p);
}

static void a_hot_file_costs_no_call_for_the_file(void **state)
{
	static const char *const calls[] = { "open",  "fstat", "stat",
					     "pread", "close", "malloc" };
	struct place p;

	place_open(&p, state);
	assert_answer(&p, "/a.txt", "0123456789");
	assert_int_equal(stats_in(&p).descriptors, 0);
	assert_int_equal(stats_in(&p).memory, 10);
	fault_count_reset();
	assert_answer(&p, "/a.txt", "0123456789");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		assert_int_equal(fault_count(calls[i]), 0);
	assert_int_equal(stats_in(&p).hits, 1);
	place_close(&p);
}

static void a_file_that_has_not_changed_is_not_sent_again(void **state)
{
	struct place p;
	char fields[256], tag[64], date[64];

	place_open(&p, state);
	assert_answer(&p, "/a.txt", "0123456789");
	snprintf(tag, sizeof(tag), "%s", field_of(&p.g, "ETag"));
	snprintf(date, sizeof(date), "%s", field_of(&p.g, "Last-Modified"));

	snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", tag);
	assert_int_equal(ask_with(&p, "GET", "/a.txt", fields), 304);
	assert_string_equal(body_of(&p.g), "");
	assert_string_equal(field_of(&p.g, "ETag"), tag);
	assert_int_equal(ask_with(&p, "HEAD", "/a.txt", fields), 304);
	snprintf(fields, sizeof(fields), "If-Modified-Since: %s\r\n", date);
	assert_int_equal(ask_with(&p, "GET", "/a.txt", fields), 304);
	assert_int_equal(
		ask_with(&p, "GET", "/a.txt", "If-None-Match: \"x\"\r\n"), 200);
	assert_int_equal(ask_with(&p, "GET", "/a.txt", "If-Match: \"x\"\r\n"),
			 412);
	assert_int_equal(ask_with(&p, "GET", "/none", "If-Match: *\r\n"), 404);
	assert_int_equal(ask(&p, "/a.txt"), 200); /* still in step */
	place_close(&p);
}

static void assert_range(struct place *p, const char *range,
			 const char *content_range, const char *body)
{
	char fields[256];

	snprintf(fields, sizeof(fields), "Range: bytes=%s\r\n", range);
	assert_int_equal(ask_with(p, "GET", "/a.txt", fields), 206);
	assert_string_equal(field_of(&p->g, "Content-Range"), content_range);
	assert_string_equal(body_of(&p->g), body);
}

static void a_range_is_a_part_of_the_file(void **state)
{
	struct place p;

	place_open(&p, state);
	assert_range(&p, "0-0", "bytes 0-0/10", "0");
	assert_range(&p, "3-", "bytes 3-9/10", "3456789");
	assert_range(&p, "-2", "bytes 8-9/10", "89");
	assert_range(&p, "5-100", "bytes 5-9/10", "56789");
	assert_range(&p, "1-3,2-5", "bytes 1-5/10", "12345");
	assert_range(&p, "1-1,8-8", "bytes 1-8/10", "12345678"); /* near */
	assert_int_equal(ask_with(&p, "GET", "/a.txt", "Range: bytes=10-\r\n"),
			 416);
	assert_string_equal(field_of(&p.g, "Content-Range"), "bytes */10");
	assert_int_equal(ask_with(&p, "HEAD", "/a.txt", "Range: bytes=1-1\r\n"),
			 200);
	assert_int_equal(ask_with(&p, "GET", "/a.txt", "Range: lines=1-1\r\n"),
			 200);
	assert_int_equal(
		ask_with(&p, "GET", "/a.txt",
			 "Range: bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,"
			 "0-0,0-0,0-0,0-0,0-0,0-0,0-0\r\n"),
		200);
	assert_string_equal(body_of(&p.g), "0123456789");
	place_close(&p);
}

/* From memory, and from the descriptor. */
static void several_ranges_are_sent_as_parts(void **state)
{
	static const char wanted[] = "Range: bytes=0-1,5000-5002,-1\r\n";
	struct place p;
	char expected[1024], boundary[128];

	for (int i = 0; i < 2; i++) {
		place_init(&p, state);
		p.options.body_size = i == 0 ? 65536 : 0;
		put_file(&p.disk, 10000);
		place_start(&p);
		assert_int_equal(ask_with(&p, "GET", "/file", wanted), 206);
		assert_int_equal(stats_in(&p).descriptors, i);
		assert_int_equal(sscanf(field_of(&p.g, "Content-Type"),
					"multipart/byteranges; boundary=%100s",
					boundary),
				 1);
		snprintf(expected, sizeof(expected),
			 "--%s\r\nContent-Type: application/octet-stream\r\n"
			 "Content-Range: bytes 0-1/10000\r\n\r\n%c%c\r\n"
			 "--%s\r\nContent-Type: application/octet-stream\r\n"
			 "Content-Range: bytes 5000-5002/10000\r\n\r\n"
			 "%c%c%c\r\n"
			 "--%s\r\nContent-Type: application/octet-stream\r\n"
			 "Content-Range: bytes 9999-9999/10000\r\n\r\n%c\r\n"
			 "--%s--\r\n",
			 boundary, byte_at(0), byte_at(1), boundary,
			 byte_at(5000), byte_at(5001), byte_at(5002), boundary,
			 byte_at(9999), boundary);
		assert_string_equal(body_of(&p.g), expected);
		assert_int_equal(atoi(field_of(&p.g, "Content-Length")),
				 strlen(expected));
		assert_int_equal(ask(&p, "/file"), 200);
		place_close(&p);
	}
}

/* A tag is strong when the file is old enough. */
static void a_range_is_sent_if_the_file_is_the_same(void **state)
{
	struct place p;
	char fields[256], tag[64];

	place_open(&p, state);
	assert_answer(&p, "/a.txt", "0123456789");
	snprintf(tag, sizeof(tag), "%s", field_of(&p.g, "ETag"));
	wall_step(ROTA_SEC(10));
	snprintf(fields, sizeof(fields), "Range: bytes=1-1\r\nIf-Range: %s\r\n",
		 tag + (tag[0] == 'W' ? 2 : 0));
	assert_int_equal(ask_with(&p, "GET", "/a.txt", fields), 206);
	assert_int_equal(field_of(&p.g, "ETag")[0], '"');

	/* Another file within the time in which the cache is valid. */
	put_in(&p, "b.txt", "abcdefghij");
	assert_int_equal(
		rename(path_in(&p.disk, "b.txt"), path_in(&p.disk, "a.txt")),
		0);
	assert_int_equal(ask_with(&p, "GET", "/a.txt", fields), 200);
	assert_string_equal(body_of(&p.g), "abcdefghij");
	wall_restore();
	place_close(&p);
}

static void a_directory_has_a_slash_and_an_index(void **state)
{
	struct place p;

	place_init(&p, state);
	shell("cd '%s' && mkdir -p sub 'a b:c' idx/index.html",
	      p.disk.directory);
	put_in(&p, "sub/index.html", "below");
	place_start(&p);
	assert_int_equal(ask(&p, "/sub"), 301);
	assert_string_equal(field_of(&p.g, "Location"), "./sub/");
	assert_int_equal(ask(&p, "/sub?x=1&y"), 301);
	assert_string_equal(field_of(&p.g, "Location"), "./sub/?x=1&y");
	assert_int_equal(ask(&p, "/a%20b:c"), 301);
	assert_string_equal(field_of(&p.g, "Location"), "./a%20b:c/");
	assert_int_equal(ask(&p, "//sub"), 301);
	assert_string_equal(field_of(&p.g, "Location"), "./sub/");
	assert_answer(&p, "/sub/", "below");
	assert_string_equal(field_of(&p.g, "Content-Type"),
			    "text/html; charset=utf-8");
	assert_answer(&p, "http://a/sub/", "below");
	assert_answer(&p, "/sub/index.html?x", "below");
	assert_int_equal(ask(&p, "/"), 404);
	assert_int_equal(ask(&p, "http://a"), 404);
	assert_int_equal(ask(&p, "/idx/"), 404);
	assert_int_equal(ask(&p, "/sub/index.html/"), 404);
	place_close(&p);
}

static void a_directory_is_listed_on_demand(void **state)
{
	static const char expected[] =
		"<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n"
		"<title>/&lt;d&gt;/</title>\n</head>\n<body>\n"
		"<h1>/&lt;d&gt;/</h1>\n<ul>\n"
		"<li><a href=\"../\">../</a></li>\n"
		"<li><a href=\"./%22%3Cb%3E&amp;&#39;\">"
		"&quot;&lt;b&gt;&amp;&#39;</a></li>\n"
		"<li><a href=\"./c:d\">c:d</a></li>\n"
		"<li><a href=\"./e%20f/\">e f/</a></li>\n"
		"</ul>\n</body>\n</html>\n";
	struct place p;

	place_init(&p, state);
	p.options.flags = ROTA_HTTP_FILES_LISTS;
	p.options.listed = 4;
	shell("cd '%s' && mkdir -p '<d>/e f' && cd '<d>' && touch .x c:d "
	      "'\"<b>&'\"'\" && cd .. && mkdir many && cd many && "
	      "touch 1 2 3 4 5",
	      p.disk.directory);
	place_start(&p);
	assert_answer(&p, "/%3Cd%3E/", expected);
	assert_string_equal(field_of(&p.g, "Content-Type"),
			    "text/html; charset=utf-8");
	assert_int_equal(ask_with(&p, "HEAD", "/%3Cd%3E/", ""), 200);
	assert_string_equal(body_of(&p.g), "");
	assert_int_equal(ask(&p, "/many/"), 403);
	assert_int_equal(ask(&p, "/none/"), 404);
	assert_int_equal(ask(&p, "/"), 200);
	place_close(&p);
}

static void an_encoded_neighbour_is_sent_to_those_who_accept_it(void **state)
{
	static const struct {
		const char *fields;
		const char *coding;
		const char *body;
	} cases[] = {
		{ "", "", "plain" },
		{ "Accept-Encoding: gzip\r\n", "gzip", "gz" },
		{ "Accept-Encoding: gzip, br\r\n", "br", "br" },
		{ "Accept-Encoding: gzip, br;q=0.5\r\n", "gzip", "gz" },
		{ "Accept-Encoding: gzip;q=0, br;q=0\r\n", "", "plain" },
	};
	struct place p;

	place_init(&p, state);
	p.options.flags = ROTA_HTTP_FILES_PRECOMPRESSED;
	put_in(&p, "a.js", "plain");
	put_in(&p, "a.js.gz", "gz");
	put_in(&p, "a.js.br", "br");
	put_in(&p, "old.js", "plain");
	put_in(&p, "old.js.gz", "gz");
	put_in(&p, "only.js.gz", "gz");
	shell("cd '%s' && touch -d 2001-01-01 old.js.gz && mkdir old.js.br",
	      p.disk.directory);
	place_start(&p);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = i % (sizeof(cases) / sizeof(cases[0]));

		assert_int_equal(ask_with(&p, "GET", "/a.js", cases[at].fields),
				 200);
		assert_string_equal(field_of(&p.g, "Content-Encoding"),
				    cases[at].coding);
		assert_string_equal(field_of(&p.g, "Content-Type"),
				    "text/javascript; charset=utf-8");
		assert_string_equal(field_of(&p.g, "Vary"), "Accept-Encoding");
		assert_string_equal(body_of(&p.g), cases[at].body);
	}
	assert_int_equal(
		ask_with(&p, "GET", "/old.js", "Accept-Encoding: gzip, br\r\n"),
		200);
	assert_string_equal(body_of(&p.g), "plain");
	assert_int_equal(
		ask_with(&p, "GET", "/only.js", "Accept-Encoding: gzip\r\n"),
		404);
	assert_answer(&p, "/a.js.gz", "gz");
	assert_string_equal(field_of(&p.g, "Content-Encoding"), "");
	place_close(&p);
}

static void what_is_no_file_below_the_root_is_not_found(void **state)
{
	static const char *const missing[] = {
		"/none",          "/a.txt/",       "/a.txt/b", "/fifo",
		"/../a.txt",      "/%2e%2e/a.txt", "/out",     "/up/etc/passwd",
		"/loop",          "/.secret",      "/x%2fy",   "/..%5ca.txt",
		"/.well-known/a", "/etc/passwd",
	};
	char long_name[400] = "/";
	struct place p;

	place_open(&p, state);
	put_in(&p, ".secret", "x");
	shell("cd '%s' && mkfifo fifo && ln -s /etc/passwd out && "
	      "ln -s / up && ln -s loop loop && ln -s a.txt in",
	      p.disk.directory);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]);
		     i++)
			if (ask(&p, missing[i]) != 404)
				fail_msg("%s: %s", missing[i], p.g.got);
	memset(long_name + 1, 'a', sizeof(long_name) - 2);
	assert_int_equal(ask(&p, long_name), 404);
	assert_int_equal(ask(&p, "/%zz"), 400);
	assert_int_equal(ask(&p, "/a.txt%00"), 400);
	assert_answer(&p, "/in", "0123456789");
	assert_int_equal(
		ask_with(&p, "POST", "/a.txt", "Content-Length: 0\r\n"), 405);
	assert_string_equal(field_of(&p.g, "Allow"), "GET, HEAD");
	assert_int_equal(ask_with(&p, "OPTIONS", "*", ""), 405);
	place_close(&p);
}

static void options_change_what_is_served(void **state)
{
	static const struct rota_http_media_type own[] = { { "txt", "a/b" } };
	struct place p;

	place_init(&p, state);
	p.options.flags =
		ROTA_HTTP_FILES_DOT_FILES | ROTA_HTTP_FILES_NO_SYMLINKS;
	p.options.types = own;
	p.options.type_count = 1;
	p.options.default_type = NULL;
	p.options.cache_control = "max-age=5";
	p.options.index = "home";
	put_in(&p, "a.txt", "text");
	put_in(&p, ".b", "dot");
	put_in(&p, "home", "home");
	shell("ln -s a.txt '%s/in'", p.disk.directory);
	place_start(&p);
	assert_answer(&p, "/a.txt", "text");
	assert_string_equal(field_of(&p.g, "Content-Type"), "a/b");
	assert_string_equal(field_of(&p.g, "Cache-Control"), "max-age=5");
	assert_answer(&p, "/.b", "dot");
	assert_string_equal(field_of(&p.g, "Content-Type"), "");
	assert_answer(&p, "/", "home");
	assert_int_equal(ask(&p, "/in"), 404);
	place_close(&p);
}

static void changes_are_seen_when_the_time_is_over(void **state)
{
	struct place p;

	place_open(&p, state);
	assert_answer(&p, "/a.txt", "0123456789");
	assert_int_equal(ask(&p, "/new"), 404);
	put_in(&p, "a.txt", "changed");
	put_in(&p, "new", "new");
	assert_answer(&p, "/a.txt", "0123456789");
	assert_int_equal(ask(&p, "/new"), 404);

	site_pass(&p.s, ROTA_SEC(1));
	assert_answer(&p, "/a.txt", "changed");
	assert_answer(&p, "/new", "new");
	assert_int_equal(stats_in(&p).checks, 2);
	assert_int_equal(stats_in(&p).changes, 2);
	site_pass(&p.s, ROTA_SEC(1));
	assert_answer(&p, "/a.txt", "changed");
	assert_int_equal(stats_in(&p).checks, 3);
	assert_int_equal(stats_in(&p).changes, 2);

	assert_int_equal(unlink(path_in(&p.disk, "a.txt")), 0);
	site_pass(&p.s, ROTA_SEC(1));
	assert_int_equal(ask(&p, "/a.txt"), 404);
	place_close(&p);
}

static void a_large_file_is_sent_from_its_descriptor(void **state)
{
	struct place p;

	place_init(&p, state);
	p.options.body_size = BIG - 1;
	put_file(&p.disk, BIG);
	place_start(&p);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&p, "/file"), 200);
		assert_int_equal(p.g.got + p.g.size - body_of(&p.g), BIG);
		assert_bytes(body_of(&p.g), BIG);
	}
	assert_int_equal(stats_in(&p).descriptors, 1);
	assert_int_equal(stats_in(&p).memory, 0);
	place_close(&p);
}

static void a_file_that_became_shorter_ends_the_connection(void **state)
{
	struct place p;

	place_init(&p, state);
	p.options.body_size = 0;
	put_file(&p.disk, BIG);
	place_start(&p);
	assert_int_equal(ask(&p, "/file"), 200);
	assert_int_equal(truncate(p.disk.path, BIG / 2), 0);
	assert_int_equal(ask(&p, "/file"), 200);
	assert_int_equal(atoi(field_of(&p.g, "Content-Length")), BIG);
	assert_true(p.g.got + p.g.size - body_of(&p.g) <= BIG / 2);
	assert_int_equal(p.g.ended, 1);
	assert_int_not_equal(p.g.status, ROTA_EOF); /* a reset */
	place_close(&p);
}

static void what_is_kept_has_bounds(void **state)
{
	enum { FILES = 12 };
	struct place p;
	char name[32];

	for (int kind = 0; kind < 3; kind++) {
		place_init(&p, state);
		p.options.entries = kind == 0 ? 4 : 1000;
		p.options.body_size = kind == 1 ? 0 : 100;
		p.options.descriptors = 3;
		p.options.memory = kind == 2 ? 35 : 1000;
		for (int i = 0; i < FILES; i++) {
			snprintf(name, sizeof(name), "f%d", i);
			put_in(&p, name, "0123456789");
		}
		place_start(&p);
		for (int i = 0; i < 3 * FILES; i++) {
			snprintf(name, sizeof(name), "/f%d", i % FILES);
			assert_answer(&p, name, "0123456789");
			snprintf(name, sizeof(name), "/none%d", i);
			if (kind == 0)
				assert_int_equal(ask(&p, name), 404);
			assert_in_range(stats_in(&p).descriptors, 0,
					kind == 1 ? 3 : 0);
			assert_in_range(stats_in(&p).memory, 0,
					p.options.memory);
			if (kind == 0)
				assert_in_range(stats_in(&p).entries, 0, 5);
		}
		assert_true(stats_in(&p).evicted > 0);
		assert_answer(&p, "/f11", "0123456789"); /* the newest */
		assert_true(stats_in(&p).hits > 0);
		place_close(&p);
	}
}

static void nothing_is_kept_if_the_limits_are_zero(void **state)
{
	struct place p;

	place_init(&p, state);
	p.options.entries = 0;
	p.options.descriptors = 0;
	p.options.memory = 0;
	p.options.valid_ns = 0;
	put_file(&p.disk, 100);
	place_start(&p);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(&p, "/file"), 200);
		assert_bytes(body_of(&p.g), 100);
		assert_int_equal(ask(&p, "/none"), 404);
		assert_int_equal(stats_in(&p).entries, 0);
		assert_int_equal(stats_in(&p).descriptors, 0);
	}
	place_close(&p);
}

static void what_nobody_requests_is_dropped(void **state)
{
	struct place p;

	place_init(&p, state);
	p.s.options.idle_ns = 0;
	put_in(&p, "a.txt", "0123456789");
	put_in(&p, "b.txt", "b");
	place_start(&p);
	assert_answer(&p, "/a.txt", "0123456789");
	assert_int_equal(ask(&p, "/none"), 404);
	assert_int_equal(stats_in(&p).entries, 2);
	site_pass(&p.s, ROTA_SEC(30));
	assert_answer(&p, "/b.txt", "b");
	site_pass(&p.s, ROTA_SEC(31));
	assert_answer(&p, "/b.txt", "b");
	assert_int_equal(stats_in(&p).entries, 1);
	place_close(&p);
}

static void those_who_wait_share_one_look(void **state)
{
	struct place p;
	struct guest others[3];

	place_open(&p, state);
	for (int i = 0; i < 3; i++) {
		guest_open(&others[i], &p.s);
		send_request(&others[i], "GET", "/a.txt", "");
	}
	send_request(&p.g, "GET", "/a.txt", "");
	until_answered(&p, 4);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(body_of(&others[i]), "0123456789");
		guest_close(&others[i]);
	}
	assert_string_equal(body_of(&p.g), "0123456789");
	assert_int_equal(stats_in(&p).misses, 1);
	place_close(&p);
}

/* The exchange ends when the file has been looked at, and not before. */
static void a_peer_may_go_while_a_file_is_looked_at(void **state)
{
	static const char *const targets[] = { "/a.txt", "/none", "/", "/sub" };
	struct place p;

	place_init(&p, state);
	p.options.flags = ROTA_HTTP_FILES_LISTS | ROTA_HTTP_FILES_PRECOMPRESSED;
	put_in(&p, "a.txt", "0123456789");
	shell("mkdir '%s/sub'", p.disk.directory);
	place_start(&p);
	for (int i = 0; i < 4; i++)
		for (int turns = 0; turns < 3; turns++) {
			struct guest g;

			guest_open(&g, &p.s);
			send_request(&g, "GET", targets[i],
				     "Accept-Encoding: br, gzip\r\n");
			for (int at = 0; at < turns; at++)
				turn(p.s.f);
			guest_leave(&g, turns % 2);
			while (site_stats(&p.s).exchanges > 0) {
				poll(NULL, 0, 1);
				turn(p.s.f);
			}
			guest_close(&g);
			site_pass(&p.s, ROTA_SEC(1));
		}
	place_close(&p);
}

static void files_that_are_in_use_are_not_freed(void **state)
{
	struct place p;

	place_open(&p, state);
	send_request(&p.g, "GET", "/a.txt", "");
	while (site_stats(&p.s).exchanges == 0 && p.done == 0)
		turn(p.s.f);
	if (p.done == 0) /* no thread of the pool was that fast */
		assert_int_equal(rota_http_files_free(p.files), ROTA_EBUSY);
	until_answered(&p, 1);
	assert_string_equal(body_of(&p.g), "0123456789");
	place_close(&p);
}

static void arm(const char *call, unsigned nth)
{
	if (call == NULL)
		fault_fail_any_file(nth, EIO);
	else
		fault_fail(call, nth,
			   strcmp(call, "open") == 0 ? EMFILE : ENOMEM);
}

/* Let the nth @call fail; with nth 0, none. Each answer is right, or an error,
 * or a connection that ends. Returns how many calls have failed. */
static unsigned ask_with_fault(struct place *p, const char *target,
			       const char *fields, const char *call,
			       unsigned nth)
{
	unsigned failed;
	struct guest g;

	guest_open(&g, &p->s);
	send_request(&g, "GET", target, fields);
	if (nth > 0)
		arm(call, nth);
	do {
		poll(NULL, 0, 1);
		site_turns(&p->s);
	} while (site_stats(&p->s).exchanges > 0);
	failed = fault_clear();
	site_turns(&p->s);
	if (strncmp(g.got, "HTTP/1.1 200", 12) == 0 &&
	    strcmp(target, "/a.txt") == 0)
		assert_string_equal(body_of(&g), "0123456789");
	guest_leave(&g, 0);
	site_pass(&p->s, ROTA_SEC(100)); /* nothing is valid then */
	guest_close(&g);
	return failed;
}

static void sweep(struct place *p, const char *target, const char *fields,
		  const char *call)
{
	unsigned failed = 1;

	for (unsigned nth = 1; failed > 0 && nth < 40; nth++)
		failed = ask_with_fault(p, target, fields, call, nth);
	assert_int_equal(failed, 0);
}

static void a_call_that_fails_leaves_nothing_behind(void **state)
{
	static const char *const targets[] = { "/a.txt", "/", "/sub", "/big" };
	static const char *const calls[] = { NULL, "open", "malloc",
					     "realloc" };
	struct place p;

	place_init(&p, state);
	p.s.options.idle_ns = 0;
	p.options.flags = ROTA_HTTP_FILES_LISTS | ROTA_HTTP_FILES_PRECOMPRESSED;
	p.options.body_size = 100;
	put_in(&p, "a.txt", "0123456789");
	put_text(path_in(&p.disk, "big"), "");
	assert_int_equal(truncate(path_in(&p.disk, "big"), 1000), 0);
	shell("mkdir '%s/sub'", p.disk.directory);
	place_start(&p);
	for (size_t i = 0; i < 4; i++)
		for (size_t at = 0; at < 4; at++)
			sweep(&p, targets[i],
			      "Accept-Encoding: gzip\r\n"
			      "Range: bytes=0-1,900-\r\n",
			      calls[at]);
	assert_int_equal(ask_with_fault(&p, "/a.txt", "", NULL, 0), 0);
	place_close(&p);
}

static void bad_options_are_refused(void **state)
{
	struct rota_http_files *files = NULL;
	struct rota_http_files_stats stats = { .size = 8 };
	struct place p;

	place_init(&p, state);
	assert_int_equal(rota_http_files_new(NULL, 1, &p.options), ROTA_EINVAL);
	assert_int_equal(rota_http_files_new(&files, 0, &p.options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_files_new(&files, SIZE_MAX, &p.options),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_files_new(&files, 1, NULL), ROTA_EINVAL);
	p.options.ranges = 65;
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_EINVAL);
	p.options.ranges = 1;
	p.options.flags = 1U << 30;
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_EINVAL);
	p.options.flags = 0;
	p.options.root = path_in(&p.disk, "none");
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_ENOENT);
	put_in(&p, "a.txt", "x");
	p.options.root = path_in(&p.disk, "a.txt");
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_ENOTDIR);
	p.options.root = NULL;
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_EINVAL);
	p.options.root = p.disk.directory;
	p.options.size = 8;
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_EINVAL);
	p.options.size = sizeof(p.options);
	fault_fail("malloc", 1, ENOMEM);
	assert_int_equal(rota_http_files_new(&files, 1, &p.options),
			 ROTA_ENOMEM);
	fault_fail("calloc", 2, ENOMEM);
	assert_int_equal(rota_http_files_new(&files, 2, &p.options),
			 ROTA_ENOMEM);
	fault_clear();
	assert_null(files);
	place_start(&p);
	assert_int_equal(rota_http_files_get_stats(p.files, 0, NULL),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_files_get_stats(p.files, 0, &stats),
			 ROTA_EINVAL);
	stats.size = sizeof(stats);
	assert_int_equal(rota_http_files_get_stats(p.files, 1, &stats),
			 ROTA_EINVAL);
	assert_int_equal(rota_http_files_free(NULL), 0);
	place_close(&p);
}

/* A program that was compiled with a later version has larger structs. */
static void structs_of_a_later_version_are_known_in_part(void **state)
{
	struct {
		struct rota_http_files_stats known;
		uint64_t later;
	} stats = { .known.size = sizeof(stats), .later = 7 };
	struct {
		struct rota_http_files_options known;
		uint64_t later;
	} options;
	struct rota_http_files *files = NULL;
	struct place p;

	place_open(&p, state);
	assert_int_equal(rota_http_files_get_stats(p.files, 0, &stats.known),
			 0);
	assert_int_equal(stats.known.size, sizeof(stats));
	assert_int_equal(stats.later, 0);

	rota_http_files_options_init_size(&options.known, sizeof(options));
	assert_int_equal(options.later, 0);
	assert_int_equal(options.known.ranges, 16);
	options.known.root = "/";
	options.later = 7;
	assert_int_equal(rota_http_files_new(&files, 1, &options.known),
			 ROTA_EINVAL);
	options.later = 0;
	assert_int_equal(rota_http_files_new(&files, 1, &options.known), 0);
	assert_int_equal(rota_http_files_free(files), 0);
	place_close(&p);
}

static const struct CMUnitTest tests[] = {
	VIRTUAL(structs_of_a_later_version_are_known_in_part),
	VIRTUAL(a_file_is_sent_with_its_type_and_validators),
	VIRTUAL(a_hot_file_costs_no_call_for_the_file),
	VIRTUAL(a_file_that_has_not_changed_is_not_sent_again),
	VIRTUAL(a_range_is_a_part_of_the_file),
	VIRTUAL(several_ranges_are_sent_as_parts),
	VIRTUAL(a_range_is_sent_if_the_file_is_the_same),
	VIRTUAL(a_directory_has_a_slash_and_an_index),
	VIRTUAL(a_directory_is_listed_on_demand),
	VIRTUAL(an_encoded_neighbour_is_sent_to_those_who_accept_it),
	VIRTUAL(what_is_no_file_below_the_root_is_not_found),
	VIRTUAL(options_change_what_is_served),
	VIRTUAL(changes_are_seen_when_the_time_is_over),
	VIRTUAL(a_large_file_is_sent_from_its_descriptor),
	VIRTUAL(a_file_that_became_shorter_ends_the_connection),
	VIRTUAL(what_is_kept_has_bounds),
	VIRTUAL(nothing_is_kept_if_the_limits_are_zero),
	VIRTUAL(what_nobody_requests_is_dropped),
	VIRTUAL(those_who_wait_share_one_look),
	VIRTUAL(a_peer_may_go_while_a_file_is_looked_at),
	VIRTUAL(files_that_are_in_use_are_not_freed),
	VIRTUAL(a_call_that_fails_leaves_nothing_behind),
	VIRTUAL(bad_options_are_refused),
};

FIXTURE_MAIN(tests)
