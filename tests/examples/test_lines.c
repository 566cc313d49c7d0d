/*
 * The line server, driven by sockets and by real programs.
 */
#include "program.h"

#include <errno.h>

static FILE *stream;
static unsigned port;

static void start_lines(const char *arguments)
{
	port = start_server("", "lines", arguments, &stream);
}

static void it_answers_each_line(void **state)
{
	int fd;

	(void)state;
	start_lines("0 60");
	fd = connect_to(port);
	put(fd, "one\r\ntwo\n\nthr");
	assert_gets(fd, "1: one\r\n2: two\r\n3: \r\n");
	put(fd, "ee\nlast");
	assert_gets(fd, "4: three\r\n");
	shutdown(fd, SHUT_WR);
	assert_gets(fd, "5: last\r\n");
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("lines: 1 clients, 0 timed out, 0 reset\n");
}

static void a_line_may_come_byte_by_byte(void **state)
{
	static const char text[] = "hello\r\n";
	int fd;

	(void)state;
	start_lines("0 60");
	fd = connect_to(port);
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(write(fd, text + i, 1), 1);
	assert_gets(fd, "1: hello\r\n");
	close(fd);
	end_server(stream, SIGINT);
}

static void a_line_that_is_too_long_ends_its_client(void **state)
{
	char line[1003];
	int fd;

	(void)state;
	start_lines("0 60");
	fd = connect_to(port);
	memset(line, 'x', sizeof(line));
	put(fd, "first\n");
	assert_gets(fd, "1: first\r\n");
	assert_int_equal(write(fd, line, 1002), 1002);
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
}

static void a_silent_client_times_out(void **state)
{
	int fd;

	(void)state;
	start_lines("0 0.05");
	fd = connect_to(port);
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("lines: 1 clients, 1 timed out, ");
}

/* A client that sends without end and reads late gets every answer. */
static void a_client_that_reads_late_gets_all_answers(void **state)
{
	enum { LINES = 3000, SIZE = 501 };
	static char text[SIZE + 1];
	pid_t writer;
	FILE *answers;
	int fd, status;
	unsigned count = 0, number;
	char answer[600];

	(void)state;
	memset(text, 'y', SIZE - 1);
	text[SIZE - 1] = '\n';
	start_lines("0 60");
	fd = connect_small(port, 4096);
	writer = fork();
	assert_int_not_equal(writer, -1);
	if (writer == 0) {
		for (int i = 0; i < LINES; i++)
			if (write(fd, text, SIZE) != SIZE)
				_exit(1);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	answers = fdopen(fd, "r");
	assert_non_null(answers);
	while (fgets(answer, sizeof(answer), answers) != NULL) {
		assert_int_equal(sscanf(answer, "%u: y", &number), 1);
		assert_int_equal(number, ++count);
	}
	assert_int_equal(count, LINES);
	fclose(answers);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	end_server(stream, SIGTERM);
}

/* Idle clients see the end at once; a second signal resets who stays. */
static void a_signal_stops_it_gracefully(void **state)
{
	char byte;
	int fd;

	(void)state;
	start_lines("0 60");
	fd = connect_to(port);
	put(fd, "hello\n");
	assert_gets(fd, "1: hello\r\n");
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_end(fd);
	assert_int_equal(try_connect(port, 0), -1);
	assert_int_equal(kill(server_pid, SIGINT), 0);
	assert_ended_well(wait_for_server(stream));
	assert_printed("lines: 1 clients, 0 timed out, 1 reset\n");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_true(errno == ECONNRESET || errno == EPIPE);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

/* What a real program sends and gets. It need not end before the server. */
static void converse(const char *program, const char *command)
{
	char line[512];
	FILE *answers;

	need(program);
	start_lines("0 60");
	snprintf(line, sizeof(line), command, port);
	answers = popen(line, "r");
	assert_non_null(answers);
	assert_non_null(fgets(line, sizeof(line), answers));
	assert_string_equal(line, "1: one\r\n");
	assert_non_null(fgets(line, sizeof(line), answers));
	assert_string_equal(line, "2: two\r\n");
	end_server(stream, SIGTERM);
	assert_null(fgets(line, sizeof(line), answers));
	pclose(answers);
	assert_printed("lines: 1 clients, ");
}

static void socat_gets_its_answers(void **state)
{
	(void)state;
	converse("socat", "printf 'one\ntwo' | socat -t 60 - TCP:127.0.0.1:%u");
}

static void curl_gets_its_answers(void **state)
{
	(void)state;
	converse("curl", "printf 'one\r\ntwo\r\n' | curl -sN -m 60 "
			 "telnet://127.0.0.1:%u");
}

#define LINES(test) cmocka_unit_test_teardown(test, kill_server)

static const struct CMUnitTest tests[] = {
	LINES(it_answers_each_line),
	LINES(a_line_may_come_byte_by_byte),
	LINES(a_line_that_is_too_long_ends_its_client),
	LINES(a_silent_client_times_out),
	LINES(a_client_that_reads_late_gets_all_answers),
	LINES(a_signal_stops_it_gracefully),
	LINES(socat_gets_its_answers),
	LINES(curl_gets_its_answers),
};

FIXTURE_MAIN(tests)
