/*
 * The echo server with several loops, driven by sockets and by socat.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>

static FILE *stream;
static unsigned port;

static void start_loops(const char *arguments)
{
	port = start_server("", "loops", arguments, &stream);
}

static void say(int fd, const char *text)
{
	put(fd, text);
	assert_gets(fd, text);
}

static void the_loops_share_the_connections(void **state)
{
	enum { CLIENTS = 200 };
	int fds[CLIENTS];

	(void)state;
	start_loops("0 4");
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = connect_to(port);
		say(fds[i], "hello\n");
	}
	for (int i = 0; i < CLIENTS; i++) {
		say(fds[i], "good bye\n");
		close(fds[i]);
	}
	end_server(stream, SIGTERM);
	assert_printed("loops: 4 loops: ");
	for (int i = 0; i < 4; i++) {
		char line[64];

		snprintf(line, sizeof(line), "loop %d: 50 connections\n", i);
		assert_printed(line);
	}
}

static void a_signal_stops_all_loops_gracefully(void **state)
{
	int fds[6];

	(void)state;
	start_loops("0 3");
	for (int i = 0; i < 6; i++) {
		fds[i] = connect_to(port);
		say(fds[i], "x");
	}
	assert_int_equal(kill(server_pid, SIGINT), 0);
	for (int i = 0; i < 6; i++) {
		assert_end(fds[i]);
		close(fds[i]);
	}
	assert_ended_well(wait_for_server(stream));
	assert_printed("loop 2: 2 connections\n");
}

/* A client that does not close keeps the server for 10 seconds, unless there is
 * a second signal. */
static void a_second_signal_resets_what_is_left(void **state)
{
	char byte;
	int fd;

	(void)state;
	start_loops("0 2");
	fd = connect_to(port);
	say(fd, "x");
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_end(fd);
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_ended_well(wait_for_server(stream));
	assert_int_not_equal(write(fd, "x", 1) == 1 && read(fd, &byte, 1) == 1,
			     1);
	close(fd);
}

static void an_address_in_use_is_reported(void **state)
{
	char command[128];

	(void)state;
	start_loops("0 2");
	snprintf(command, sizeof(command), "%u 2", port);
	assert_int_equal(run("", "loops", command), 1);
	assert_printed("loops: ");
	output[0] = '\0';
	end_server(stream, SIGTERM);
}

static void socat_gets_its_answers(void **state)
{
	char command[128], line[64];
	FILE *answers;

	(void)state;
	need("socat");
	start_loops("0 0");
	snprintf(command, sizeof(command),
		 "printf 'one\ntwo\n' | socat -t 60 - TCP:127.0.0.1:%u", port);
	answers = popen(command, "r");
	assert_non_null(answers);
	assert_non_null(fgets(line, sizeof(line), answers));
	assert_string_equal(line, "one\n");
	assert_non_null(fgets(line, sizeof(line), answers));
	assert_string_equal(line, "two\n");
	assert_null(fgets(line, sizeof(line), answers));
	pclose(answers);
	end_server(stream, SIGTERM);
}

#define LOOPS(test) cmocka_unit_test_teardown(test, kill_server)

static const struct CMUnitTest tests[] = {
	LOOPS(the_loops_share_the_connections),
	LOOPS(a_signal_stops_all_loops_gracefully),
	LOOPS(a_second_signal_resets_what_is_left),
	LOOPS(an_address_in_use_is_reported),
	LOOPS(socat_gets_its_answers),
};

FIXTURE_MAIN(tests)
