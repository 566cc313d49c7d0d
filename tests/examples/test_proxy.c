/*
 * The example proxy, in front of the example server: bytes, a peer that stalls,
 * half-close, resets, and its memory. With ROTA_TEST_FULL=1 a gibibyte passes a
 * peer that stalls.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "support/streams_more.h"

/* A listener of the test's own, to which the proxy connects. */
static int listen_here(unsigned *port)
{
	struct rota_address address;
	int fd = raw_listen(&address);

	*port = rota_address_port(&address);
	return fd;
}

static unsigned start_proxy(unsigned target, FILE **stream)
{
	char arguments[64];

	snprintf(arguments, sizeof(arguments), "0 127.0.0.1:%u", target);
	return start_server("", "proxy", arguments, stream);
}

static int accept_blocking(int listener)
{
	int fd = raw_accept(listener);

	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	return fd;
}

/* The most memory that the proxy has had, in KiB. */
static unsigned long peak_memory(void)
{
	char path[64];
	char line[256];
	unsigned long peak = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)server_pid);
	status = fopen(path, "r");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		if (sscanf(line, "VmHWM: %lu", &peak) == 1)
			break;
	if (status != NULL)
		fclose(status);
	return peak;
}

/* Write what fits; read when nothing fits any more, for a while. */
static void pass_stalling(int from, int to, size_t size)
{
	static char bytes[1 << 16];
	struct pollfd room = { .fd = from, .events = POLLOUT };
	size_t sent = 0, got = 0, stall = 0, part;
	ssize_t n;

	assert_int_equal(fcntl(from, F_SETFL, O_NONBLOCK), 0);
	while (got < size) {
		while (sent < size && poll(&room, 1, stall == 0 ? 50 : 0) > 0) {
			part = size - sent < sizeof(bytes) ? size - sent
							   : sizeof(bytes);
			pattern_fill(bytes, part, sent);
			n = write(from, bytes, part);
			if (n < 0)
				break;
			sent += (size_t)n;
			if (sent == size)
				shutdown(from, SHUT_WR);
		}
		/* It is full: read much, so that the next stall is another. */
		for (stall = 1 << 20; stall > 0 && got < sent;) {
			n = read(to, bytes, sizeof(bytes));
			assert_true(n > 0);
			assert_true(pattern_is(bytes, (size_t)n, got));
			got += (size_t)n;
			stall -= (size_t)n < stall ? (size_t)n : stall;
		}
	}
	assert_end(to);
	assert_int_equal(fcntl(from, F_SETFL, 0), 0);
}

static void the_proxy_passes_much_through_a_peer_that_stalls(void **state)
{
	size_t size = test_is_full() ? (size_t)1 << 30 : (size_t)1 << 24;
	FILE *stream;
	unsigned target;
	int listener = listen_here(&target);
	unsigned port = start_proxy(target, &stream);
	int client = connect_to(port);
	int server = accept_blocking(listener);

	(void)state;
	pass_stalling(client, server, size);
	assert_in_range(peak_memory(), 0, test_is_sanitized() ? 400000 : 16384);
	put(server, "the answer"); /* the other direction is open */
	assert_gets(client, "the answer");
	close(server);
	assert_end(client);
	close(client);
	raw_close(listener);
	end_server(stream, SIGTERM);
}

static void the_proxy_passes_a_reset_on(void **state)
{
	FILE *stream;
	unsigned target;
	int listener = listen_here(&target);
	unsigned port = start_proxy(target, &stream);
	int client = connect_to(port);
	int server = accept_blocking(listener);
	char byte;

	(void)state;
	put(client, "x");
	assert_gets(server, "x");
	raw_reset(server);
	assert_int_equal(read(client, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(client);
	raw_close(listener);
	end_server(stream, SIGTERM);
}

/* Nobody listens at the target: the client gets a reset. */
static void the_proxy_resets_whom_it_cannot_connect(void **state)
{
	FILE *stream;
	unsigned target;
	int listener = listen_here(&target);
	unsigned port = start_proxy(target, &stream);
	int client;
	char byte;

	(void)state;
	raw_close(listener);
	client = connect_to(port);
	assert_true(read(client, &byte, 1) <= 0);
	close(client);
	end_server(stream, SIGTERM);
}

/* A signal closes the connections that are open. */
static void the_proxy_ends_well_on_a_signal(void **state)
{
	FILE *stream;
	unsigned target;
	int listener = listen_here(&target);
	unsigned port = start_proxy(target, &stream);
	int client = connect_to(port);
	int server = accept_blocking(listener);

	(void)state;
	put(client, "x");
	assert_gets(server, "x");
	end_server(stream, SIGINT);
	close(client);
	close(server);
	raw_close(listener);
}

/* socat sends a file and reads the answer, which comes after its end. */
static void the_proxy_serves_socat(void **state)
{
	enum { SIZE = 1 << 20 };
	static char bytes[SIZE];
	FILE *stream, *socat;
	unsigned target;
	int listener = listen_here(&target);
	unsigned port = start_proxy(target, &stream);
	char command[256], answer[64];
	int server;

	(void)state;
	need("socat");
	snprintf(command, sizeof(command),
		 "head -c %d /dev/zero | socat -t 60 - TCP:127.0.0.1:%u", SIZE,
		 port);
	socat = popen(command, "r");
	assert_non_null(socat);
	server = accept_blocking(listener);
	raw_read(server, bytes, SIZE);
	assert_end(server);
	put(server, "the answer\n");
	close(server);
	assert_non_null(fgets(answer, sizeof(answer), socat));
	assert_string_equal(answer, "the answer\n");
	assert_int_equal(pclose(socat), 0);
	raw_close(listener);
	end_server(stream, SIGTERM);
}

/* Unix sockets on both sides: a proxy in front of a proxy. */
static void the_proxy_passes_unix_sockets(void **state)
{
	FILE *stream, *second;
	unsigned target, port;
	pid_t first_pid;
	int listener = listen_here(&target);
	char arguments[128];
	int client, server;

	snprintf(arguments, sizeof(arguments), "%s/socket 127.0.0.1:%u",
		 directory, target);
	(void)state;
	need_poller();
	stream = start("echo $$; exec", "proxy", arguments);
	assert_non_null(fgets(output, sizeof(output), stream));
	first_pid = (pid_t)atol(output);
	assert_non_null(fgets(output, sizeof(output), stream));
	assert_printed("/socket");
	snprintf(arguments, sizeof(arguments), "0 %s/socket", directory);
	port = start_server("", "proxy", arguments, &second);

	client = connect_to(port);
	server = accept_blocking(listener);
	pass_stalling(client, server, 1 << 20);
	put(server, "the answer");
	assert_gets(client, "the answer");
	close(server);
	assert_end(client);
	close(client);
	raw_close(listener);
	end_server(second, SIGTERM);
	assert_int_equal(kill(first_pid, SIGTERM), 0);
	assert_ended_well(finish(stream));
}

static int end_unix(void **state)
{
	kill_server(state);
	return remove_directory(state);
}

static void the_proxy_explains_its_arguments(void **state)
{
	(void)state;
	assert_int_equal(run("", "proxy", "8080"), 2);
	assert_printed("usage: proxy port|path host:port|path");
	assert_int_equal(run("", "proxy", "0 nowhere"), 2);
}

#define SERVER(test) cmocka_unit_test_setup_teardown(test, NULL, kill_server)

static const struct CMUnitTest tests[] = {
	SERVER(the_proxy_passes_much_through_a_peer_that_stalls),
	SERVER(the_proxy_passes_a_reset_on),
	SERVER(the_proxy_resets_whom_it_cannot_connect),
	SERVER(the_proxy_ends_well_on_a_signal),
	SERVER(the_proxy_serves_socat),
	cmocka_unit_test_setup_teardown(the_proxy_passes_unix_sockets,
					make_directory, end_unix),
	cmocka_unit_test(the_proxy_explains_its_arguments),
};

FIXTURE_MAIN(tests)
