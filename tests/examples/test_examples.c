/*
 * The examples: each runs, prints what it should, and ends properly. The file
 * server has more tests in test_fileserver.c.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

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
	need_one_poller_only();
	assert_int_equal(pipe(silent), 0);
	snprintf(input, sizeof(input), "<&%d", silent[0]);
	status = run("", "hello", input);
	close(silent[0]);
	close(silent[1]);
	assert_ended_well(status);
	assert_printed("So be it.\n");
}

static void lookup_prints_addresses(void **state)
{
	(void)state;
	assert_int_equal(run("", "lookup", "127.0.0.1 localhost"), 0);
	assert_printed("127.0.0.1: 127.0.0.1:80");
	assert_printed("localhost: ");
	assert_int_equal(run("", "lookup", "-t 1 127.1"), 1);
	assert_printed("lookup: 127.1: invalid argument");
	assert_int_equal(run("", "lookup", ""), 2);
}

static void sysinfo_prints_what_it_finds(void **state)
{
	int status = run("HOME=/somewhere TMPDIR=/var/tmp/", "sysinfo", "root");

	(void)state;
	assert_ended_well(status);
	assert_printed("user        root, id 0, home ");
	assert_printed("home        /somewhere\n");
	assert_printed("temporary   /var/tmp\n");
	assert_printed(" for us\n");
	assert_printed("/sysinfo\n");
	assert_int_equal(run("", "sysinfo", "no-such-user"), 1);
	assert_printed("sysinfo: no-such-user: ");
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

/* T6: docs/nesting.md shows parts of this example. */
static void commands_that_wait_do_not_nest(void **state)
{
	static const char expected[] =
		"queue    A asks\n"
		"queue    A has its reply\n"
		"queue    B asks\n"
		"queue    B has its reply\n"
		"script   A waits for an item\n"
		"script   B waits for an item\n"
		"script   C pushes an apple\n"
		"script   A will have an apple\n"
		"script   C pushes a pear\n"
		"script   B will have a pear\n"
		"script   C has ended\n"
		"script   A has ended\n"
		"script   B has ended\n"
		"dialog   a run inside a callback: EBUSY\n"
		"dialog   Really quit?\n"
		"dialog   yes\n"
		"dialog   the heart missed beats meanwhile\n";
	int status = run("", "nesting", "");

	(void)state;
	assert_ended_well(status);
	assert_string_equal(output, expected);
}

/* The example prints the number of its process where a server prints its
 * port. */
static void signals_reports_each_one_and_ends_well(void **state)
{
#ifdef __SANITIZE_THREAD__
	/* One that comes just before the program sleeps may never arrive. */
	(void)state;
	skip_test("the thread sanitizer delays signals");
#else
	static const int ends[] = { SIGTERM, SIGINT };
	char expected[64];
	char line[64];
	FILE *stream;

	(void)state;
	snprintf(expected, sizeof(expected),
		 "SIGUSR1: 1, the latest from process %ld\n", (long)getpid());
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		unsigned number = start_server("", "signals", "", &stream);

		assert_int_equal(number, server_pid);
		for (int sent = 0; sent < 3; sent++) {
			assert_int_equal(kill(server_pid, SIGUSR1), 0);
			assert_non_null(fgets(line, sizeof(line), stream));
			assert_string_equal(line, expected);
		}
		output[0] = '\0';
		end_server(stream, ends[i]);
		assert_string_equal(output, "signals: the end\n");
	}
#endif
}

static void echo_ends_well_on_a_signal(void **state)
{
	FILE *stream;
	unsigned port = start_server("", "echo", "0", &stream);
	int open = connect_to(port);
	int fd = connect_to(port);

	(void)state;
	put(fd, "there and back");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_gets(fd, "there and back");
	assert_end(fd);
	close(fd);
	end_server(stream, SIGTERM);
	assert_printed("echo: 2 connections, 14 bytes\n");
	assert_end(open);
	close(open);
}

static void echo_closes_a_connection_that_is_idle(void **state)
{
	FILE *stream;
	unsigned port = start_server("", "echo", "0 0.05", &stream);
	int fd = connect_to(port);

	(void)state;
	assert_end(fd);
	close(fd);
	end_server(stream, SIGINT);
}

enum { MANY = 20 };

/* With twelve descriptors only a few are left for connections. The other
 * clients wait, and are served when earlier ones have closed. */
static void all_are_echoed(unsigned port)
{
	int fds[MANY];

	for (int i = 0; i < MANY; i++)
		fds[i] = connect_to(port);
	for (int i = 0; i < MANY; i++) {
		put(fds[i], "me too");
		assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
	}
	for (int i = 0; i < MANY; i++) {
		assert_gets(fds[i], "me too");
		assert_end(fds[i]);
		close(fds[i]);
	}
}

static void echo_survives_running_out_of_descriptors(void **state)
{
	FILE *stream;
	unsigned port = start_server("ulimit -n 12;", "echo", "0", &stream);

	(void)state;
	all_are_echoed(port);
	end_server(stream, SIGTERM);
	assert_printed("echo: 20 connections, 120 bytes\n");
}

/* The example ends only by a signal. */
static void end_echo_of_streams(FILE *stream)
{
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_int_equal(wait_for_server(stream), 128 + SIGTERM);
}

static void the_echo_of_streams_serves_many(void **state)
{
	FILE *stream;
	unsigned port = start_server("", "server", "0", &stream);

	(void)state;
	all_are_echoed(port);
	end_echo_of_streams(stream);
}

/* The client writes until all buffers are full, and then reads. */
static void the_echo_of_streams_holds_back_who_does_not_read(void **state)
{
	enum { SIZE = 65536 };
	static char bytes[SIZE];
	FILE *stream;
	unsigned port = start_server("", "server", "0", &stream);
	int fd = connect_small(port, 8192);
	size_t sent = 0, back = 0;
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	(void)state;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (poll(&room, 1, 100) == 1) {
		for (size_t i = 0; i < SIZE; i++)
			bytes[i] = pattern_at(sent + i);
		n = write(fd, bytes, SIZE);
		assert_true(n > 0 || errno == EAGAIN);
		sent += n > 0 ? (size_t)n : 0;
		assert_in_range(sent, 0, 64 << 20);
	}
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, bytes, SIZE)) > 0)
		for (ssize_t i = 0; i < n; i++, back++)
			assert_int_equal(bytes[i], pattern_at(back));
	assert_int_equal(back, sent);
	close(fd);
	end_echo_of_streams(stream);
}

static void cat_concatenates(void **state)
{
	char after[256];
	int status;

	(void)state;
	make_file("a", "one\n");
	make_file("b", "");
	make_file("c", "three\n");
	snprintf(after, sizeof(after), "%s/a %s/b - %s/c", directory, directory,
		 directory);
	status = run("echo two |", "cat", after);
	assert_ended_well(status);
	assert_string_equal(output, "one\ntwo\nthree\n");
}

static void cat_goes_on_after_what_is_missing(void **state)
{
	char after[256];
	int status;

	(void)state;
	make_file("a", "one\n");
	make_file("c", "three\n");
	snprintf(after, sizeof(after), "%s/a %s/b %s/c", directory, directory,
		 directory);
	status = run("", "cat", after);
	assert_int_equal(status, 1);
	assert_printed("one\n");
	assert_printed("three\n");
	assert_printed("/b: no such thing");
}

static void cat_copies_a_big_file(void **state)
{
	char after[512];
	int status;

	(void)state;
	make_pattern("big", 3 * 1024 * 1024 + 1);
	snprintf(after, sizeof(after),
		 "%s/big %s/big | cat - %s/big >%s/all; "
		 "cat %s/big %s/big %s/big | cmp - %s/all && echo same",
		 directory, directory, directory, directory, directory,
		 directory, directory, directory);
	status = run("", "cat", after);
	assert_ended_well(status);
	assert_string_equal(output, "same\n");
}

static void runs_are_packed_and_unpacked(void **state)
{
	char after[512];
	int status;

	(void)state;
	make_pattern("big", 1000001);
	snprintf(after, sizeof(after),
		 "<%s/big | $ROTA_EXAMPLES_DIR/runs -d | cmp - %s/big && "
		 "echo same",
		 directory, directory);
	status = run("", "runs", after);
	assert_ended_well(status);
	assert_string_equal(output, "same\n");
}

/* The end is missing: that is noticed, and what came is written. */
static void runs_that_are_cut_off_are_an_error(void **state)
{
	int status;

	(void)state;
	status = run("printf '\\003a\\002' |", "runs", "-d");
	assert_int_equal(status, 1);
	assert_printed("aaa");
	assert_printed("runs: ");
}

static void a_file_is_passed_to_another_process(void **state)
{
	char place[] = "/tmp/rota-pass-XXXXXX";
	char socket_path[64], both[128], line[128];
	FILE *receiver;

	(void)state;
	need_poller();
	assert_non_null(mkdtemp(place));
	snprintf(socket_path, sizeof(socket_path), "%s/s", place);
	snprintf(both, sizeof(both), "%s LICENSE", socket_path);
	receiver = start("", "pass", socket_path);
	assert_non_null(fgets(line, sizeof(line), receiver));
	assert_non_null(strstr(line, "waiting at"));
	assert_ended_well(run_program("", "pass", both));
	assert_string_equal(output, "");
	assert_ended_well(finish(receiver));
	assert_printed("pass: from user ");
	assert_printed("Permission is hereby granted");
	assert_int_equal(rmdir(place), 0);

	assert_int_equal(run_program("", "pass", both), 0);
	assert_printed("pass: no such thing");
}

static void in_a_chat_all_others_hear(void **state)
{
	FILE *stream;
	unsigned port = start_server("", "chat", "-p 0", &stream);
	int fds[3];

	(void)state;
	fds[0] = connect_to(port);
	fds[1] = connect_to(port);
	fds[2] = connect_to(port);

	/* A client whose line arrives was accepted, and they are numbered in
	 * that order. */
	put(fds[2], "three is here\r\n");
	assert_gets(fds[0], "3: three is here\n");
	assert_gets(fds[1], "3: three is here\n");
	put(fds[0], "good ");
	put(fds[1], "hello\n");
	assert_gets(fds[0], "2: hello\n");
	assert_gets(fds[2], "2: hello\n");
	put(fds[0], "day\nand bye");
	shutdown(fds[0], SHUT_WR);
	assert_end(fds[0]);
	for (int i = 1; i < 3; i++)
		assert_gets(fds[i], "1: good day\n1: and bye\n");

	assert_int_equal(kill(server_pid, SIGTERM), 0);
	for (int i = 0; i < 3; i++) {
		assert_end(fds[i]);
		close(fds[i]);
	}
	assert_ended_well(wait_for_server(stream));
	assert_printed("chat: 3 connections, 4 requests, ");
}

static void read_lines(int fd, int count)
{
	char bytes[4096];

	while (count > 0) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++)
			count -= bytes[i] == '\n';
	}
	assert_int_equal(count, 0);
}

/* Read until a complete line that begins with @text has arrived. */
static void read_up_to(int fd, const char *text)
{
	static char bytes[65536];
	const char *line;
	size_t size = 0;

	do {
		ssize_t n = read(fd, bytes + size, sizeof(bytes) - 1 - size);

		assert_true(n > 0);
		size += (size_t)n;
		bytes[size] = '\0';
		line = strstr(bytes, text);
		if (line == NULL && size > strlen(text)) { /* keep the tail */
			memmove(bytes, bytes + size - strlen(text),
				strlen(text) + 1);
			size = strlen(text);
		}
	} while (line == NULL || strchr(line, '\n') == NULL);
}

static void a_chat_goes_on_without_who_does_not_listen(void **state)
{
	enum { LINES = 128, LINE_SIZE = 500, ROUNDS = 128 };
	static char lines[LINES * LINE_SIZE + 1];
	FILE *stream;
	unsigned port = start_server("", "chat", "-p 0", &stream);
	int deaf = connect_small(port, 8192);
	int listener = connect_to(port);
	int speaker = connect_to(port);

	(void)state;
	for (int i = 1; i <= LINES; i++) {
		memset(lines + (i - 1) * LINE_SIZE, 'a', LINE_SIZE);
		lines[i * LINE_SIZE - 1] = '\n';
	}
	for (int i = 0; i < ROUNDS; i++) {
		put(speaker, lines);
		read_lines(listener, LINES);
	}
	read_up_to(deaf, "* you have missed ");
	put(speaker, "now\n");
	assert_gets(deaf, "3: now\n");
	close(speaker);
	close(listener);
	close(deaf);
	end_server(stream, SIGTERM);
}

static void the_demo_finds_every_byte_as_sent(void **state)
{
	int status;

	(void)state;
	need("socat");
	status = run("", "demo", "0.5");
	assert_ended_well(status);
	assert_printed("\ndemo: echo: ");
}

static void the_demo_notices_one_wrong_bit(void **state)
{
	int status;

	(void)state;
	need("socat");
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

static int run_files_demo(const char *before)
{
	char command[128];

	need("curl");
	need("wrk");
	snprintf(command, sizeof(command),
		 "%s sh docs/examples/demo/fileserver.sh", before);
	return run(command, "fileserver", "1 16");
}

static void the_demo_of_files_finds_every_byte(void **state)
{
	(void)state;
	need_one_poller_only();
	assert_ended_well(run_files_demo(""));
	assert_printed("\nits loop\n");
	assert_printed("\ndemo: ok: ");
}

static void the_demo_of_files_notices_one_wrong_byte(void **state)
{
	(void)state;
	need_one_poller_only();
	assert_int_equal(run_files_demo("DEMO_CORRUPT=1"), 1);
	assert_printed("demo: FAILED: ");
	assert_printed("turn.md differ");
}

#define SERVER(test) cmocka_unit_test_teardown(test, kill_server)
#define FILES(test)                                                            \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(hello_greets_who_answers),
	cmocka_unit_test(hello_does_not_wait_for_ever),
	cmocka_unit_test(lookup_prints_addresses),
	cmocka_unit_test(sysinfo_prints_what_it_finds),
	cmocka_unit_test(the_stopwatch_is_exact_to_the_nanosecond),
	cmocka_unit_test(the_order_is_as_the_puzzle_says),
	cmocka_unit_test(a_loop_inside_another_plays_to_the_end),
	cmocka_unit_test(commands_that_wait_do_not_nest),
	SERVER(signals_reports_each_one_and_ends_well),
	SERVER(echo_ends_well_on_a_signal),
	SERVER(echo_closes_a_connection_that_is_idle),
	SERVER(echo_survives_running_out_of_descriptors),
	SERVER(the_echo_of_streams_serves_many),
	SERVER(the_echo_of_streams_holds_back_who_does_not_read),
	FILES(cat_concatenates),
	FILES(cat_goes_on_after_what_is_missing),
	FILES(cat_copies_a_big_file),
	FILES(runs_are_packed_and_unpacked),
	FILES(runs_that_are_cut_off_are_an_error),
	cmocka_unit_test(a_file_is_passed_to_another_process),
	SERVER(in_a_chat_all_others_hear),
	SERVER(a_chat_goes_on_without_who_does_not_listen),
	cmocka_unit_test(the_demo_finds_every_byte_as_sent),
	cmocka_unit_test(the_demo_notices_one_wrong_bit),
	cmocka_unit_test(the_demo_says_if_socat_is_missing),
	cmocka_unit_test(the_demo_of_files_finds_every_byte),
	cmocka_unit_test(the_demo_of_files_notices_one_wrong_byte),
};
FIXTURE_MAIN(tests)
