/*
 * docs/examples/fileserver.c: it serves the files that it should, to all
 * clients, and nothing else.
 */
#include "program.h"

#include <errno.h>
#include <sys/stat.h>

enum {
	BIG_SIZE = 16 * 1024 * 1024, /* more than kernel buffers hold */
	SMALL_BUFFER = 8192,
	HEAD_SIZE = 4096, /* of the longest request that it accepts */
};

struct reply {
	int status;
	long size; /* of the body */
	char head[1024];
};

static FILE *stream;
static unsigned port;

/* A directory that contains a root to serve, and a file outside that root. */
static int make_root(void **state)
{
	if (make_directory(state) != 0)
		return -1;
	mkdir(path_of("root"), 0755);
	mkdir(path_of("root/sub"), 0755);
	mkdir(path_of("root/sub/none"), 0755);
	make_file("root/index.html", "<h1>index</h1>");
	make_file("root/sub/index.html", "<h1>below</h1>");
	make_file("root/a b.txt", "a space");
	make_file("root/small.txt", "small");
	make_file("root/empty", "");
	make_file("secret", "none of your business");
	return symlink("../secret", path_of("root/link")) +
	       symlink("..", path_of("root/up"));
}

static void start_fileserver(const char *before, const char *options)
{
	char after[256];

	snprintf(after, sizeof(after), "-p 0 %s %s/root", options, directory);
	port = start_server(before, "fileserver", after, &stream);
	assert_printed("http://127.0.0.1:");
}

static void get(int fd, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: here\r\n\r\n",
		 path);
	put(fd, text);
}

/* Read the head of a reply, and nothing after it. */
static struct reply read_head(int fd)
{
	struct reply reply = { 0 };
	const char *length;
	size_t size = 0;

	while (strstr(reply.head, "\r\n\r\n") == NULL) {
		ssize_t n = read(fd, reply.head + size, 1);

		if (n != 1)
			fail_msg("%zd, and no reply: %s", n, reply.head);
		size++;
		assert_in_range(size, 1, sizeof(reply.head) - 1);
	}
	assert_int_equal(sscanf(reply.head, "HTTP/1.1 %d ", &reply.status), 1);
	length = strstr(reply.head, "\r\nContent-Length: ");
	assert_non_null(length);
	reply.size = atol(length + 18);
	return reply;
}

static void assert_status(const struct reply *reply, int status)
{
	if (reply->status != status)
		fail_msg("not %d: %s", status, reply->head);
}

/* Read a whole reply and compare it with the expected one. */
static struct reply assert_reply(int fd, int status, const char *content)
{
	struct reply reply = read_head(fd);

	assert_status(&reply, status);
	assert_int_equal(reply.size, strlen(content));
	if (reply.size > 0)
		assert_gets(fd, content);
	return reply;
}

/* Read the pattern from @begin to @end. Returns the offset at which the
 * connection ended. */
static long read_pattern(int fd, long begin, long end)
{
	char bytes[65536];
	long at = begin;

	while (at < end) {
		long room = end - at;
		ssize_t n = read(fd, bytes,
				 room < (long)sizeof(bytes) ? (size_t)room
							    : sizeof(bytes));

		if (n < 0 && errno != ECONNRESET)
			fail_msg("after %ld bytes: %s", at, strerror(errno));
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++, at++)
			if (bytes[i] != pattern_at((size_t)at))
				fail_msg("byte %ld is wrong", at);
	}
	return at;
}

static void it_serves_files(void **state)
{
	static const struct {
		const char *path, *type, *content;
	} files[] = {
		{ "/", "text/html", "<h1>index</h1>" },
		{ "/index.html", "text/html", "<h1>index</h1>" },
		{ "/sub/", "text/html", "<h1>below</h1>" },
		{ "/small.txt", "text/plain", "small" },
		{ "/small.txt?a=b/../c", "text/plain", "small" },
		{ "http://elsewhere/small.txt", "text/plain", "small" },
		{ "/a%20b.txt", "text/plain", "a space" },
		{ "/%73mall%2Etxt", "text/plain", "small" },
		{ "//sub//.//index.html", "text/html", "<h1>below</h1>" },
		{ "/empty", "application/octet-stream", "" },
	};
	int fd;

	(void)state;
	start_fileserver("", "");
	fd = connect_to(port);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct reply reply;

		get(fd, files[i].path);
		reply = assert_reply(fd, 200, files[i].content);
		assert_non_null(strstr(reply.head, files[i].type));
	}
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("fileserver: 1 connections, 10 requests, ");
}

static void requests_in_a_row_are_answered_in_order(void **state)
{
	enum { COUNT = 300 }; /* together, more than its buffer */
	static char many[COUNT * 64];
	size_t size = 0;
	struct reply reply;
	int fd;

	(void)state;
	start_fileserver("ulimit -n 20;", "");
	fd = connect_to(port);
	put(fd, "GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"
		"HEAD /sub/ HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /none HTTP/1.1\r\nHost: a\r\n\r\n"
		"HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n"
		"GET /a%20b.txt HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_reply(fd, 200, "small");
	reply = read_head(fd);
	assert_status(&reply, 200);
	assert_int_equal(reply.size, strlen("<h1>below</h1>"));
	assert_reply(fd, 404, "Not Found");
	reply = read_head(fd);
	assert_status(&reply, 404);
	assert_reply(fd, 200, "a space");

	for (int i = 0; i < COUNT; i++)
		size += (size_t)snprintf(many + size, sizeof(many) - size,
					 "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n",
					 i % 2 ? "small.txt" : "sub/");
	put(fd, many);
	for (int i = 0; i < COUNT; i++)
		assert_reply(fd, 200, i % 2 ? "small" : "<h1>below</h1>");
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_connection_ends_when_the_client_wants_it_to(void **state)
{
	static const char *const last[] = {
		"GET /small.txt HTTP/1.0\r\n\r\n",
		"GET /small.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
		"\r\n",
		"GET /small.txt HTTP/1.1\r\nHost: a\r\n"
		"connection: keep-alive, CLOSE\r\n\r\n",
	};
	int fd;

	(void)state;
	start_fileserver("", "");
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		struct reply reply;

		fd = connect_to(port);
		get(fd, "/sub/");
		assert_reply(fd, 200, "<h1>below</h1>");
		put(fd, last[i]);
		reply = assert_reply(fd, 200, "small");
		assert_non_null(strstr(reply.head, "\r\nConnection: close"));
		assert_end(fd);
		close(fd);
	}

	/* The client may close its half: what it has asked for still
	 * arrives. */
	fd = connect_to(port);
	get(fd, "/sub/");
	get(fd, "/small.txt");
	shutdown(fd, SHUT_WR);
	assert_reply(fd, 200, "<h1>below</h1>");
	assert_reply(fd, 200, "small");
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	static const char text[] = "GET /small.txt HTTP/1.1\r\nHost: a\r\n"
				   "Connection: close\r\n\r\n";
	int fd;

	(void)state;
	start_fileserver("", "");
	fd = connect_to(port);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(write(fd, text + i, 1), 1);
	assert_reply(fd, 200, "small");
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		int status;
		const char *request;
	} refused[] = {
		{ 400, "\r\r\n" },
		{ 400, "\n" },
		{ 400, "\r\n GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET\r\n\r\n" },
		{ 400, "GET /\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: \x01\r\n\r\n" },
		{ 400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n" },
		{ 400, "GET / http/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/11\r\nHost: a\r\n\r\n" },
		{ 400, "GE\"T / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n" },
		{ 400, "GET small.txt HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /small.txt#a HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /%7 HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /small.txt%00 HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 405, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		       "\r\nx" },
		{ 405, "get / HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 405, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
		       "\r\nx" },
		{ 413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n"
		       "\r\n" },
		{ 413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0 1\r\n"
		       "\r\nx" },
		{ 413, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
		{ 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" },
	};

	(void)state;
	start_fileserver("", "");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int fd = connect_to(port);
		struct reply reply;

		put(fd, refused[i].request);
		reply = read_head(fd);
		if (reply.status != refused[i].status)
			fail_msg("%s\n%s", refused[i].request, reply.head);
		assert_true(reply.status != 405 ||
			    strstr(reply.head, "Allow: GET, HEAD") != NULL);
		for (char byte; reply.size > 0; reply.size--)
			assert_int_equal(read(fd, &byte, 1), 1);
		assert_end(fd);
		close(fd);
	}
	end_server(stream, SIGTERM);
}

/* Send a request of @size bytes, with a long target or a long header field. */
static void put_long(int fd, size_t size, int in_target)
{
	static const char after[] = " HTTP/1.1\r\nHost: a\r\nLong: ";
	char text[2 * HEAD_SIZE];
	size_t fixed = strlen("GET /small.txt?\r\n\r\n") + strlen(after);

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET /small.txt?", 15);
	memcpy(text + 15 + (in_target ? size - fixed : 0), after,
	       strlen(after));
	memcpy(text + size - 4, "\r\n\r\n", 4);
	assert_int_equal(write(fd, text, size), size);
}

static void a_request_may_be_long_but_not_too_long(void **state)
{
	int fd;

	(void)state;
	start_fileserver("", "");
	fd = connect_to(port);
	put_long(fd, HEAD_SIZE, 0);
	assert_reply(fd, 200, "small");
	put_long(fd, HEAD_SIZE, 1);
	assert_reply(fd, 200, "small");
	put_long(fd, HEAD_SIZE + 1, 0);
	assert_reply(fd, 431, "Request Header Fields Too Large");
	assert_end(fd);
	close(fd);
	fd = connect_to(port);
	put_long(fd, 2 * HEAD_SIZE, 1);
	assert_reply(fd, 414, "URI Too Long");
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
}

static void no_path_leads_out_of_the_root(void **state)
{
	static const char *const paths[] = {
		"/../secret",
		"/%2e%2e/secret",
		"/.%2E/secret",
		"/..%2fsecret",
		"//../secret",
		"//etc/passwd",
		"/%2fetc/passwd",
		"/sub/../../secret",
		"/small.txt/../../secret",
		"/sub/none/../../../secret",
		"/./../secret",
		"/link",
		"/up/secret",
		"/up/root/small.txt",
		"/..",
		"/up",
		"/sub/none",
		"/small.txt/more",
		"/fifo",
		"/%252e%252e/secret",
		"/..\\secret",
	};
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path_of("root/fifo"), 0600), 0);
	start_fileserver("", "");
	fd = connect_to(port);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		get(fd, paths[i]);
		assert_reply(fd, 404, "Not Found");
	}
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_slow_reader_costs_little_and_holds_up_nobody(void **state)
{
	long before;
	int slow, fd;

	(void)state;
	make_pattern("root/big", BIG_SIZE);
	start_fileserver("", "");
	fd = connect_to(port);
	get(fd, "/small.txt");
	assert_reply(fd, 200, "small");
	before = server_memory();
	slow = connect_small(port, SMALL_BUFFER);
	get(slow, "/big");
	assert_int_equal(read_head(slow).size, BIG_SIZE);

	for (int i = 0; i < 200; i++) {
		get(fd, "/small.txt");
		assert_reply(fd, 200, "small");
	}
	assert_in_range(server_memory(), 0, before + 2048);
	get(fd, "/big");
	assert_int_equal(read_head(fd).size, BIG_SIZE);
	assert_int_equal(read_pattern(fd, 0, BIG_SIZE), BIG_SIZE);

	assert_int_equal(read_pattern(slow, 0, BIG_SIZE), BIG_SIZE);
	get(slow, "/small.txt");
	assert_reply(slow, 200, "small");
	close(slow);
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_file_that_shrinks_ends_its_connection(void **state)
{
	long size;
	int fd;

	(void)state;
	make_pattern("root/big", BIG_SIZE);
	start_fileserver("", "");
	fd = connect_small(port, SMALL_BUFFER);
	get(fd, "/big");
	assert_int_equal(read_head(fd).size, BIG_SIZE);
	assert_int_equal(truncate(path_of("root/big"), 0), 0);
	size = read_pattern(fd, 0, BIG_SIZE);
	assert_in_range(size, 0, BIG_SIZE - 1);
	close(fd);

	fd = connect_to(port);
	get(fd, "/big");
	assert_reply(fd, 200, "");
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_client_may_go_at_any_time(void **state)
{
	int fd;

	(void)state;
	make_pattern("root/big", BIG_SIZE);
	start_fileserver("", "");
	for (int i = 0; i < 20; i++) {
		fd = connect_small(port, SMALL_BUFFER);
		get(fd, i % 2 ? "/big" : "/small.txt");
		if (i % 4 > 1)
			read_head(fd);
		close(fd); /* sends a reset, if data has arrived */
	}
	fd = connect_to(port);
	get(fd, "/small.txt");
	assert_reply(fd, 200, "small");
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("fileserver: 21 connections, ");
}

static void who_sends_no_request_is_dropped_in_time(void **state)
{
	int silent, slow, late;

	(void)state;
	start_fileserver("", "-i 50");
	silent = connect_to(port);
	slow = connect_to(port);
	put(slow, "GET /small.txt HTT");
	late = connect_to(port);
	get(late, "/small.txt");
	assert_reply(late, 200, "small");
	assert_end(silent);
	assert_end(slow);
	assert_end(late);
	close(silent);
	close(slow);
	close(late);
	end_server(stream, SIGTERM);
}

static uint64_t take_nothing(void)
{
	uint64_t began_ns = real_now(), took_ns;
	int fd;

	start_fileserver("", "-i 50");
	fd = connect_small(port, SMALL_BUFFER);
	get(fd, "/big");
	assert_int_equal(read_head(fd).size, BIG_SIZE);
	end_server(stream, SIGTERM);
	took_ns = real_now() - began_ns;
	assert_true(took_ns >= ROTA_MSEC(300));
	assert_in_range(read_pattern(fd, 0, BIG_SIZE), 1, BIG_SIZE - 1);
	close(fd);
	return took_ns;
}

/* The server waits for its connections before it ends. It ends sooner than its
 * own limit, so it has dropped this client. */
static void who_takes_nothing_is_dropped_in_time(void **state)
{
	(void)state;
	make_pattern("root/big", BIG_SIZE);
	assert_true(takes_less_once(take_nothing, ROTA_SEC(4)));
}

static uint64_t end_while_it_sends(void)
{
	int idle, fresh, busy;
	uint64_t asked_ns;
	long got;

	start_fileserver("", "-q");
	idle = connect_to(port);
	get(idle, "/small.txt");
	assert_reply(idle, 200, "small");
	fresh = connect_to(port);
	busy = connect_small(port, SMALL_BUFFER);
	get(busy, "/big");
	assert_int_equal(read_head(busy).size, BIG_SIZE);

	asked_ns = real_now();
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_end(idle);
	assert_end(fresh);
	assert_int_equal(try_connect(port, 0), -1);
	close(idle);
	close(fresh);
	got = read_pattern(busy, 0, BIG_SIZE);
	if (got == BIG_SIZE)
		assert_end(busy);
	close(busy);
	assert_ended_well(wait_for_server(stream));
	asked_ns = real_now() - asked_ns;
	if (got < BIG_SIZE) { /* the machine was too busy for the limit */
		assert_true(asked_ns >= ROTA_SEC(4));
		return asked_ns;
	}
	assert_null(strchr(strchr(output, '\n'), 'f')); /* -q: no requests */
	return asked_ns;
}

/* It ends when the last reply is sent, and not by its limit of five seconds. */
static void at_its_end_it_sends_what_it_is_sending(void **state)
{
	(void)state;
	make_pattern("root/big", BIG_SIZE);
	assert_true(takes_less_once(end_while_it_sends, ROTA_SEC(4)));
}

enum { CROWD = 10 };

/* There are more clients than descriptors. Each client gets the file and no
 * error, though all keep their connections open as long as they may. */
static void all_are_served_with_few_descriptors(void **state)
{
	static const char *const limits[] = { "ulimit -n 14;",
					      "ulimit -n 22;" };
	int fds[CROWD];

	(void)state;
	for (int round = 0; round < 2; round++) {
		start_fileserver(limits[round], "-i 1000");
		for (int i = 0; i < CROWD; i++)
			fds[i] = connect_to(port);
		for (int i = 0; i < CROWD; i++)
			get(fds[i], "/small.txt");

		/* No client closes its connection until all have been
		 * served. */
		for (int i = 0; i < CROWD; i++)
			assert_reply(fds[i], 200, "small");
		for (int i = 0; i < CROWD; i++)
			close(fds[i]);

		/* The other clients have gone, so a connection may be used
		 * again. */
		fds[0] = connect_to(port);
		for (int i = 0; i < (round == 1 ? 10 : 1); i++) {
			get(fds[0], "/small.txt");
			assert_reply(fds[0], 200, "small");
		}
		close(fds[0]);
		end_server(stream, SIGTERM);
		assert_printed("fileserver: 11 connections, ");
	}
}

/* Clients that send nothing make others wait no longer than the limit. */
static void silent_clients_make_room_in_time(void **state)
{
	int silent[CROWD], fd;

	(void)state;
	start_fileserver("ulimit -n 18;", "-i 20");
	for (int i = 0; i < CROWD; i++)
		silent[i] = connect_to(port);
	fd = connect_to(port);
	get(fd, "/small.txt");
	assert_reply(fd, 200, "small");
	close(fd);
	for (int i = 0; i < CROWD; i++)
		close(silent[i]);
	end_server(stream, SIGTERM);
}

/* RFC 9112, 2.2: some clients send an empty line after a request. */
static void empty_lines_before_a_request_are_nothing(void **state)
{
	int fd;

	(void)state;
	start_fileserver("", "");
	fd = connect_to(port);
	put(fd, "\r\nGET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n"
		"\r\n\r\nGET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_reply(fd, 200, "small");
	assert_reply(fd, 200, "<h1>below</h1>");
	put(fd, "\r"); /* in two parts */
	put(fd, "\n");
	get(fd, "/small.txt");
	assert_reply(fd, 200, "small");
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("fileserver: 1 connections, 3 requests, ");
}

/* Output that is queued when the last request ends still arrives. */
static void a_slow_reader_of_the_last_reply_gets_all_of_it(void **state)
{
	struct reply reply;
	int fd;

	(void)state;
	make_pattern("root/big", BIG_SIZE / 8);
	start_fileserver("", "");
	fd = connect_small(port, SMALL_BUFFER);
	put(fd, "GET /big HTTP/1.0\r\n\r\n");
	shutdown(fd, SHUT_WR);
	reply = read_head(fd);
	assert_status(&reply, 200);
	for (long at = 0; at < reply.size; at += 65536) {
		long end = at + 65536 < reply.size ? at + 65536 : reply.size;

		usleep(1000); /* a slow client */
		assert_int_equal(read_pattern(fd, at, end), end);
	}
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
}

#define SERVER(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_root, remove_directory)

static const struct CMUnitTest tests[] = {
	SERVER(it_serves_files),
	SERVER(requests_in_a_row_are_answered_in_order),
	SERVER(a_connection_ends_when_the_client_wants_it_to),
	SERVER(a_request_may_come_byte_by_byte),
	SERVER(what_is_no_request_is_refused),
	SERVER(a_request_may_be_long_but_not_too_long),
	SERVER(no_path_leads_out_of_the_root),
	SERVER(a_slow_reader_costs_little_and_holds_up_nobody),
	SERVER(a_file_that_shrinks_ends_its_connection),
	SERVER(a_client_may_go_at_any_time),
	SERVER(who_sends_no_request_is_dropped_in_time),
	SERVER(who_takes_nothing_is_dropped_in_time),
	SERVER(at_its_end_it_sends_what_it_is_sending),
	SERVER(all_are_served_with_few_descriptors),
	SERVER(silent_clients_make_room_in_time),
	SERVER(empty_lines_before_a_request_are_nothing),
	SERVER(a_slow_reader_of_the_last_reply_gets_all_of_it),
};

FIXTURE_MAIN(tests)
