/*
 * docs/examples/hello_http.c: it answers on several loops, and a signal ends it
 * when what has begun is answered.
 */
#include "program.h"

static FILE *stream;
static unsigned port;

static void it_answers_and_stops(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	enum { CLIENTS = 4 };
	int fds[CLIENTS];
	char line[16];

	(void)state;
	port = start_server("", "hello_http", "0 2", &stream);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connect_to(port);
		put(fds[i], request);
		assert_gets(fds[i], "HTTP/1.1 200 OK\r\n");
	}
	/* A head that never ends does not keep the server from ending. */
	put(fds[0], "GET");
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	for (int i = 1; i < CLIENTS; i++)
		while (read(fds[i], line, sizeof(line)) > 0)
			;
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	assert_ended_well(wait_for_server(stream));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(it_answers_and_stops, kill_server),
};

FIXTURE_MAIN(tests)
