/*
 * The examples: that each runs, says what it should, and ends well.
 *
 * They are programs of their own, in the directory that ROTA_EXAMPLES_DIR
 * names, and get their poller from the environment as this program does.
 */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_SIZE = 64 * 1024 };

/* All that the example printed, on both of its outputs. */
static char output[OUTPUT_SIZE];

/* The echo server, while it runs. */
static pid_t echo_pid;

static FILE *start(const char *before, const char *program, const char *after)
{
	const char *directory = getenv("ROTA_EXAMPLES_DIR");
	char command[512];
	FILE *stream;
	int size;

	if (directory == NULL)
		directory = "build/examples";
	size = snprintf(command, sizeof(command), "%s %s/%s %s 2>&1", before,
			directory, program, after);
	assert_in_range(size, 1, sizeof(command) - 1);
	fflush(NULL);
	stream = popen(command, "r");
	assert_non_null(stream);
	return stream;
}

/* Read the rest of what it prints; returns its exit status. */
static int finish(FILE *stream)
{
	size_t had = strlen(output);
	size_t size = fread(output + had, 1, sizeof(output) - 1 - had, stream);
	int status;

	output[had + size] = '\0';
	status = pclose(stream);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int run_program(const char *before, const char *program,
		       const char *after)
{
	FILE *stream = start(before, program, after);

	output[0] = '\0';
	return finish(stream);
}

/* Examples are built for a user's system, whose library may lack a poller that
 * the one of the tests has: kqueue on Linux, which is a double. */
static void need_poller(void)
{
	const char *poller = getenv("ROTA_POLLER");

	if (poller == NULL || strcmp(poller, "kqueue") != 0)
		return;
	run_program("", "stopwatch", "");
	if (strcmp(output, "stopwatch: ENOTSUP\n") == 0) {
		puts("skip: the examples were built without kqueue");
		skip();
	}
}

static int run(const char *before, const char *program, const char *after)
{
	need_poller();
	return run_program(before, program, after);
}

static void assert_printed(const char *text)
{
	if (strstr(output, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, output);
}

static void assert_ended_well(int status)
{
	if (status != 0)
		fail_msg("status %d:\n%s", status, output);
}

static void hello_greets_who_answers(void **state)
{
	int status = run("echo world |", "hello", "");

	(void)state;
	assert_ended_well(status);
	assert_printed("Hello, world\n");
}

static void hello_does_not_wait_for_ever(void **state)
{
	char input[16];
	int silent[2];
	int status;

	(void)state;
	assert_int_equal(pipe(silent), 0);
	snprintf(input, sizeof(input), "<&%d", silent[0]);
	status = run("", "hello", input);
	close(silent[0]);
	close(silent[1]);
	assert_ended_well(status);
	assert_printed("So be it.\n");
}

static void the_stopwatch_is_exact_to_the_nanosecond(void **state)
{
	int status = run("", "stopwatch", "");

	(void)state;
	assert_ended_well(status);
	assert_printed("lap 1    0:06:40.000000000\n");
	assert_printed("lap 2    0:13:29.008007006\n");
	assert_printed("lap 7    0:49:49.168147126\n");
	assert_printed("finish   1:00:00.000000000\n");
	assert_printed("\n3600 ticks and 8 laps of an hour took ");
}

static void the_order_is_as_the_puzzle_says(void **state)
{
	int status = run("", "order", "");

	(void)state;
	assert_ended_well(status);
	assert_printed("\n  16  timers   timer of 1 ms ");
	assert_null(strstr(output, "UNEXPECTED"));
}

static void a_loop_inside_another_plays_to_the_end(void **state)
{
	int status = run("", "inside", "");
	int pongs = 0;

	(void)state;
	assert_ended_well(status);
	for (char *at = output; (at = strstr(at, "pong came back")); at++)
		pongs++;
	assert_int_equal(pongs, 5);
	assert_printed("host   the guest has gone; so do I\n");
}

static int connect_to(unsigned port)
{
	struct sockaddr_in address = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void assert_reads(int fd, const char *text)
{
	char bytes[64];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, bytes + size, sizeof(bytes) - size)) > 0)
		size += (size_t)n;
	assert_int_equal(n, 0);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(bytes, text, size);
}

/* Start the echo server; returns its port. The shell prints its own number
 * and becomes the server. */
static unsigned start_echo(const char *before, const char *after, FILE **stream)
{
	char command[64];
	char line[128];
	unsigned port = 0;

	need_poller();
	snprintf(command, sizeof(command), "%s echo $$; exec", before);
	*stream = start(command, "echo", after);
	output[0] = '\0';
	assert_non_null(fgets(line, sizeof(line), *stream));
	echo_pid = (pid_t)atol(line);
	assert_true(echo_pid > 1);
	if (fgets(output, sizeof(output), *stream) == NULL ||
	    sscanf(output, "echo: listening on 127.0.0.1:%u", &port) != 1) {
		finish(*stream);
		fail_msg("no server: %s", output);
	}
	return port;
}

static void end_echo(FILE *stream, int number)
{
	int status;

	assert_int_equal(kill(echo_pid, number), 0);
	status = finish(stream);
	echo_pid = 0;
	assert_ended_well(status);
}

/* If the test did not come to the end. */
static int kill_echo(void **state)
{
	(void)state;
	if (echo_pid > 1)
		kill(echo_pid, SIGKILL);
	echo_pid = 0;
	return 0;
}

static void echo_ends_well_on_a_signal(void **state)
{
	FILE *stream;
	unsigned port = start_echo("", "0", &stream);
	int open = connect_to(port);
	int fd = connect_to(port);

	(void)state;
	assert_int_equal(write(fd, "there and back", 14), 14);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_reads(fd, "there and back");
	close(fd);
	end_echo(stream, SIGTERM);
	assert_printed("echo: 2 connections, 14 bytes\n");
	assert_reads(open, "");
	close(open);
}

static void echo_closes_a_connection_that_is_idle(void **state)
{
	FILE *stream;
	unsigned port = start_echo("", "0 0.05", &stream);
	int fd = connect_to(port);

	(void)state;
	assert_reads(fd, "");
	close(fd);
	end_echo(stream, SIGINT);
}

/* Of twelve descriptors few are left for connections: the rest wait, and have
 * their turn when others have gone. */
static void echo_survives_running_out_of_descriptors(void **state)
{
	enum { COUNT = 20 };
	FILE *stream;
	unsigned port = start_echo("ulimit -n 12;", "0", &stream);
	int fds[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++)
		fds[i] = connect_to(port);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(write(fds[i], "me too", 6), 6);
		assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_reads(fds[i], "me too");
		close(fds[i]);
	}
	end_echo(stream, SIGTERM);
	assert_printed("echo: 20 connections, 120 bytes\n");
}

static void need_socat(void)
{
	if (system("command -v socat >/dev/null 2>&1") != 0) {
		puts("skip: there is no socat");
		skip();
	}
}

static void the_demo_finds_every_byte_as_sent(void **state)
{
	int status;

	(void)state;
	need_socat();
	status = run("", "demo", "0.5");
	assert_ended_well(status);
	assert_printed("\ndemo: ok: ");
}

static void the_demo_notices_one_wrong_bit(void **state)
{
	int status;

	(void)state;
	need_socat();
	status = run("DEMO_CORRUPT=1", "demo", "5");
	assert_int_equal(status, 1);
	assert_printed("demo: FAILED: ");
	assert_printed(": mismatch in byte ");
}

static void the_demo_says_if_socat_is_missing(void **state)
{
	int status = run("PATH=/nonexistent", "demo", "1");

	(void)state;
	assert_int_equal(status, 1);
	assert_printed("demo: FAILED: socat is missing: ");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hello_greets_who_answers),
	cmocka_unit_test(hello_does_not_wait_for_ever),
	cmocka_unit_test(the_stopwatch_is_exact_to_the_nanosecond),
	cmocka_unit_test(the_order_is_as_the_puzzle_says),
	cmocka_unit_test(a_loop_inside_another_plays_to_the_end),
	cmocka_unit_test_teardown(echo_ends_well_on_a_signal, kill_echo),
	cmocka_unit_test_teardown(echo_closes_a_connection_that_is_idle,
				  kill_echo),
	cmocka_unit_test_teardown(echo_survives_running_out_of_descriptors,
				  kill_echo),
	cmocka_unit_test(the_demo_finds_every_byte_as_sent),
	cmocka_unit_test(the_demo_notices_one_wrong_bit),
	cmocka_unit_test(the_demo_says_if_socat_is_missing),
};
FIXTURE_MAIN(tests)
