/*
 * The examples that run commands: supervise, pargs and mux.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "support/child.h"
#include "support/pty.h"

/* pargs */

/* Run xargs and pargs with the same input and arguments. Their sorted outputs
 * and their exit statuses are the same. */
static void assert_as_xargs(const char *input, const char *arguments)
{
	static char expected[OUTPUT_SIZE];
	char before[512];
	char after[512];
	int status;
	FILE *stream;

	snprintf(before, sizeof(before),
		 "(%s | xargs %s; echo status $?) 2>/dev/null | sort", input,
		 arguments);
	stream = popen(before, "r");
	assert_non_null(stream);
	expected[fread(expected, 1, OUTPUT_SIZE - 1, stream)] = '\0';
	pclose(stream);

	snprintf(before, sizeof(before), "(%s |", input);
	snprintf(after, sizeof(after), "%s 2>/dev/null; echo status $?) | sort",
		 arguments);
	status = run_program(before, "pargs", after);
	assert_int_equal(status, 0);
	assert_string_equal(output, expected);
	assert_non_null(strstr(expected, "status "));
}

static void pargs_runs_what_xargs_runs(void **state)
{
	(void)state;
	need("xargs");
	need_one_poller_only();
	need_poller();
	assert_as_xargs("seq 40", "-P 4 -n 7 echo x");
	assert_as_xargs("seq 5", "-P 2 -n 1");
	assert_as_xargs("printf 'a \"b c\" d\\\\ e\\n'\\''f g'\\''h  i\\n'",
			"-n 1 echo");
	assert_as_xargs("printf 'a b\\0c\\nd\\0'", "-0 -n 1 echo");
	assert_as_xargs("printf ''", "echo empty");
	assert_as_xargs("printf ''", "-r echo empty");
	assert_as_xargs("seq 20000", "-n 6000 -P 3 sh -c 'echo $#' x");
}

static void pargs_ends_as_xargs_does(void **state)
{
	(void)state;
	need("xargs");
	need_one_poller_only();
	need_poller();
	assert_as_xargs("seq 4", "-n 1 -P 2 sh -c 'echo $0; exit $(($0 % 2))'");
	assert_as_xargs("seq 3", "-n 1 sh -c 'echo $0; exit 255'");
	assert_as_xargs("seq 3", "-n 1 sh -c 'echo $0; kill -9 $$'");
	assert_as_xargs("seq 3", "-n 1 /no/such/command");
	assert_as_xargs("seq 3", "-n 1 /dev/null");
	assert_as_xargs("printf \"a'b\\n\"", "echo");
}

/* Each command writes its lines in pieces. */
static void lines_of_pargs_do_not_mix(void **state)
{
	const char *at;
	int lines = 0;

	(void)state;
	need_one_poller_only();
	assert_int_equal(
		run("seq 24 |", "pargs",
		    "-P 8 -n 1 sh -c 'for i in 1 2 3; do printf \"$0\"; "
		    "printf \"<$0\"; printf \">\\n\"; done'"),
		0);
	for (at = output; *at != '\0'; at = strchr(at, '\n') + 1) {
		int a, b, n = 0;

		assert_int_equal(sscanf(at, "%d<%d>%n", &a, &b, &n), 2);
		assert_int_equal(a, b);
		assert_int_equal(at[n], '\n');
		assert_int_equal(a, atoi(output + (at - output)));
		lines++;
	}
	assert_int_equal(lines, 72);
}

static void pargs_explains_its_use(void **state)
{
	(void)state;
	assert_int_equal(run("", "pargs", "-n 0 echo </dev/null"), 1);
	assert_printed("-n takes a number");
	assert_printed("usage: pargs");
	assert_int_equal(run("", "pargs", "-x </dev/null"), 1);
	assert_printed("usage: pargs");
	assert_int_equal(run("echo x |", "pargs", "/no/such/command"), 127);
	assert_printed("pargs: /no/such/command: ");
}

/* supervise */

static FILE *supervised;

/* Start it; @after are its arguments. */
static void start_supervise(const char *after)
{
	char line[64];

	need_one_poller_only();
	need_signals();
	need_poller();
	supervised = start("echo $$; exec", "supervise", after);
	output[0] = '\0';
	assert_non_null(fgets(line, sizeof(line), supervised));
	server_pid = (pid_t)atol(line);
	assert_true(server_pid > 1);
}

/* Read lines until one has @text. */
static void await_line(const char *text)
{
	size_t had;

	do {
		had = strlen(output);
		if (fgets(output + had, (int)(sizeof(output) - had),
			  supervised) == NULL)
			fail_msg("no \"%s\" in:\n%s", text, output);
	} while (strstr(output + had, text) == NULL);
}

static void supervise_prefixes_lines_and_restarts_what_fails(void **state)
{
	(void)state;
	assert_int_equal(run("", "supervise",
			     "-r 2 -b 0.1 'a: echo one; echo two >&2' "
			     "'b: printf x; exit 3' 'c: kill -9 $$'"),
			 1);
	assert_printed("a | one\n");
	assert_printed("a | two\n");
	assert_printed("b | xxx\n");
	assert_printed("supervise: a: exit status 0\n");
	assert_printed("supervise: b: exit status 3\n"
		       "supervise: b: starts again in 0.1 s\n");
	assert_printed("supervise: b: given up\n");
	assert_printed("supervise: c: signal 9, SIGKILL\n");
	assert_int_equal(run("", "supervise", "'a: exit 0' 'b: exit 0'"), 0);
}

/* The last one is ended first, and what ignores SIGTERM is killed. */
static void supervise_ends_all_in_order(void **state)
{
	const char *first, *second, *third;

	(void)state;
	start_supervise("-g 0.1 'a: echo up; exec sleep 1000' "
			"'b: trap \"\" TERM; echo up; sleep 1000; sleep 1000' "
			"'c: echo up; exec sleep 1000'");
	await_line("up");
	await_line("up");
	await_line("up");
	assert_int_equal(kill(server_pid, SIGTERM), 0);
	assert_int_equal(wait_for_server(supervised), 0);
	third = strstr(output, "c: signal 15, SIGTERM");
	second = strstr(output, "b: is killed");
	first = strstr(output, "a: signal 15, SIGTERM");
	assert_non_null(third);
	assert_non_null(second);
	assert_non_null(first);
	assert_true(third < second && second < first);
	assert_printed("b: signal 9, SIGKILL");
}

static void supervise_passes_signals_on_and_reads_its_file_again(void **state)
{
	char after[256];

	(void)state;
	make_file("commands", "# a comment\n\n"
			      "a: echo a up; exec sleep 1000\n"
			      "b: echo b up; exec sleep 1000\n");
	snprintf(after, sizeof(after), "-f %s", path_of("commands"));
	start_supervise(after);
	await_line(" up");
	await_line(" up");
	make_file("commands", "b: trap 'echo got it; exit 0' USR1; echo new;"
			      "while :; do sleep 0.02; done\n"
			      "c: trap '' USR1; echo c up; exec sleep 1000\n");
	assert_int_equal(kill(server_pid, SIGHUP), 0);
	await_line("c | c up");
	if (strstr(output, "b | new") == NULL)
		await_line("b | new");
	if (strstr(output, "a: signal 15, SIGTERM") == NULL)
		await_line("a: signal 15, SIGTERM");
	assert_int_equal(kill(server_pid, SIGUSR1), 0);
	await_line("b: exit status 0");
	assert_int_equal(kill(server_pid, SIGINT), 0);
	assert_int_equal(wait_for_server(supervised), 0);
	assert_printed("b | got it");
	assert_printed("c: signal 15, SIGTERM");
}

static void supervise_explains_its_use(void **state)
{
	(void)state;
	assert_int_equal(run("", "supervise", ""), 2);
	assert_printed("usage: supervise");
	assert_int_equal(run("", "supervise", "'no command'"), 2);
	assert_printed("is no \"name: command\"");
	assert_int_equal(run("", "supervise", "'a: x' 'a: y'"), 2);
	assert_printed("two of this name");
	assert_int_equal(run("", "supervise", "-f /no/such/file"), 2);
	assert_printed("/no/such/file: ");
	assert_int_equal(run("", "supervise", "-g x 'a: y'"), 2);
	assert_printed("x: is no number");
}

/* mux */

static struct pty outer;
static pid_t mux_pid;

/* Start mux with a shell that runs @script on a terminal of its own. */
static void start_mux(char *script)
{
	const char *programs = getenv("ROTA_EXAMPLES_DIR");
	char path[512];
	char *argv[] = { path, (char[]){ "/bin/sh" }, (char[]){ "-c" }, script,
			 NULL };

	need_poller();
	snprintf(path, sizeof(path), "%s/mux",
		 programs != NULL ? programs : "build/examples");
	pty_open(&outer);
	mux_pid = pty_fork(&outer);
	if (mux_pid == 0) {
		execv(path, argv);
		_exit(125);
	}
}

/* Wait for mux, and check that the outer terminal is as it was. */
static int end_mux(unsigned long flags)
{
	int status;

	assert_int_equal(waitpid(mux_pid, &status, 0), mux_pid);
	assert_int_equal(pty_local_flags(&outer), flags);
	pty_close(&outer);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_command_of_mux_has_the_size_of_the_terminal(void **state)
{
	(void)state;
	start_mux((char[]){ "stty size; "
			    "trap 'stty size; exit 9' WINCH; echo ready; "
			    "while :; do sleep 0.02; done" });
	pty_expect(&outer, "24 80\r\nready\r\n", NULL, 0);
	pty_resize(&outer, 132, 50);
	pty_expect(&outer, "50 132\r\n", NULL, 0);
	assert_int_equal(end_mux(ICANON | ECHO | ISIG), 9);
}

static void keys_go_through_mux_unchanged(void **state)
{
	(void)state;
	start_mux((char[]){ "echo ready; read line; echo \"<$line>\"; "
			    "trap 'echo int; exit 0' INT; echo again; "
			    "while :; do sleep 0.02; done" });
	pty_expect(&outer, "ready\r\n", NULL, 0);
	pty_type(&outer, "hello\r");
	pty_expect(&outer, "<hello>\r\nagain\r\n", NULL, 0);
	assert_int_equal(pty_local_flags(&outer), 0);
	pty_type(&outer, "\x03");
	pty_expect(&outer, "int\r\n", NULL, 0);
	assert_int_equal(end_mux(ICANON | ECHO | ISIG), 0);
}

static void the_escape_ends_mux_and_hangs_up(void **state)
{
	(void)state;
	start_mux((char[]){ "echo ready; exec sleep 1000" });
	pty_expect(&outer, "ready\r\n", NULL, 0);
	pty_type(&outer, "\x1d");
	assert_int_equal(end_mux(ICANON | ECHO | ISIG), 128 + SIGHUP);
}

static void mux_prints_all_that_its_command_has_written(void **state)
{
	static char seen[OUTPUT_SIZE];

	(void)state;
	start_mux((char[]){ "seq 2000; exit 1" });
	pty_expect(&outer, "\n2000\r\n", seen, sizeof(seen));
	assert_non_null(strstr(seen, "\n1999\r\n2000\r\n"));
	assert_int_equal(strlen(seen), 9 * 3 + 90 * 4 + 900 * 5 + 1001 * 6);
	assert_int_equal(end_mux(ICANON | ECHO | ISIG), 1);
}

static void mux_explains_its_use(void **state)
{
	(void)state;
	assert_int_equal(run("", "mux", "-x </dev/null"), 2);
	assert_printed("usage: mux");
	assert_int_equal(run("", "mux", "true </dev/null"), 1);
	assert_printed("the standard input is no terminal");
}

#define IN_DIRECTORY(test)                                                     \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
#define KILLS(test) cmocka_unit_test_teardown(test, kill_server)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(pargs_runs_what_xargs_runs),
	cmocka_unit_test(pargs_ends_as_xargs_does),
	cmocka_unit_test(lines_of_pargs_do_not_mix),
	cmocka_unit_test(pargs_explains_its_use),
	cmocka_unit_test(supervise_prefixes_lines_and_restarts_what_fails),
	KILLS(supervise_ends_all_in_order),
	IN_DIRECTORY(supervise_passes_signals_on_and_reads_its_file_again),
	cmocka_unit_test(supervise_explains_its_use),
	cmocka_unit_test(the_command_of_mux_has_the_size_of_the_terminal),
	cmocka_unit_test(keys_go_through_mux_unchanged),
	cmocka_unit_test(the_escape_ends_mux_and_hangs_up),
	cmocka_unit_test(mux_prints_all_that_its_command_has_written),
	cmocka_unit_test(mux_explains_its_use),
};

FIXTURE_MAIN(tests)
