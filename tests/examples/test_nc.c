/*
 * The example nc: over pipes and files, and on a terminal. The peer is a TCP or
 * Unix socket of the test.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <termios.h>

#include "support/child.h"
#include "support/pty.h"

enum { LONG_SIZE = 3 * 1024 * 1024 };

static unsigned port;

static int listen_anywhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	port = ntohs(address.sin_port);
	return fd;
}

static FILE *start_nc(const char *before, const char *redirections)
{
	char after[256];

	need_poller();
	snprintf(after, sizeof(after), "127.0.0.1 %u %s", port, redirections);
	return start(before, "nc", after);
}

static int accept_one(int listener)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	int fd;

	assert_int_equal(poll(&ready, 1, 40000), 1);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

/* The half-close: the reply comes after the end of what was sent. */
static void a_reply_comes_after_the_end_of_the_input(void **state)
{
	int listener = listen_anywhere();
	FILE *stream = start_nc("echo question |", "");
	int peer = accept_one(listener);

	(void)state;
	close(listener);
	assert_gets(peer, "question\n");
	assert_end(peer);
	put(peer, "answer\n");
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	assert_string_equal(output, "answer\n");
}

/* What the user has not typed yet is still sent. */
static void the_peer_may_end_first(void **state)
{
	int listener = listen_anywhere();
	char redirection[16], line[16];
	FILE *stream;
	int fds[2], peer;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	snprintf(redirection, sizeof(redirection), "<&%d", fds[0]);
	assert_int_equal(fcntl(fds[1], F_SETFD, FD_CLOEXEC), 0);
	stream = start_nc("", redirection);
	close(fds[0]);
	peer = accept_one(listener);
	close(listener);
	put(peer, "early\n");
	shutdown(peer, SHUT_WR);
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_string_equal(line, "early\n");
	put(fds[1], "late\n");
	close(fds[1]);
	assert_gets(peer, "late\n");
	assert_end(peer);
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	assert_string_equal(output, "");
}

/* Of its addresses, one or two, only 127.0.0.1 answers. */
static void a_host_may_have_a_name(void **state)
{
	int listener = listen_anywhere();
	char after[64];
	FILE *stream;
	int peer;

	(void)state;
	need_poller();
	snprintf(after, sizeof(after), "localhost %u", port);
	stream = start("echo question |", "nc", after);
	peer = accept_one(listener);
	close(listener);
	assert_gets(peer, "question\n");
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
}

static void nobody_listens(void **state)
{
	FILE *stream;

	(void)state;
	close(listen_anywhere());
	stream = start_nc("", "</dev/null");
	output[0] = '\0';
	assert_int_equal(finish(stream), 1);
	assert_printed("connection refused");
	assert_int_equal(run("", "nc", "one"), 2);
	assert_int_equal(run("", "nc", "127.1 1 </dev/null"), 1);
}

static void echo_everything(int peer)
{
	static char buffer[64 * 1024];
	ssize_t n;

	while ((n = read(peer, buffer, sizeof(buffer))) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t written =
				write(peer, buffer + done, (size_t)(n - done));

			assert_true(written > 0);
			done += written;
		}
	assert_int_equal(n, 0);
}

static void expect_copy(const char *name)
{
	FILE *stream = fopen(path_of(name), "rb");
	size_t size = 0;
	int byte;

	assert_non_null(stream);
	while ((byte = getc(stream)) != EOF) {
		if ((char)byte != pattern_at(size))
			fail_msg("byte %zu differs", size);
		size++;
	}
	assert_int_equal(size, LONG_SIZE);
	fclose(stream);
}

/* Backpressure: much more than any buffer, through both directions. */
static void pass_much(const char *before, const char *after)
{
	int listener = listen_anywhere();
	char first[256], last[256];
	FILE *stream;
	int peer;

	snprintf(first, sizeof(first), before, directory);
	snprintf(last, sizeof(last), after, directory);
	stream = start_nc(first, last);
	peer = accept_one(listener);
	close(listener);
	echo_everything(peer);
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	expect_copy("out");
}

static void much_passes_through_pipes_and_files(void **state)
{
	(void)state;
	make_pattern("in", LONG_SIZE);
	pass_much("cat %s/in |", "| cat >%s/out");
	assert_int_equal(unlink(path_of("out")), 0);
	pass_much("exec <%s/in;", ">%s/out");
}

/* --- output that fails ---------------------------------------------------- */

/* The complaint goes to the test, and the output to @where. */
static void expect_output_error(const char *input, const char *where,
				const char *text)
{
	int listener = listen_anywhere();
	char redirections[64];
	FILE *stream;
	int peer;

	snprintf(redirections, sizeof(redirections), "%s 2>&1 >%s )", input,
		 where);
	stream = start_nc("(", redirections);
	peer = accept_one(listener);
	close(listener);
	put(peer, "lost\n");
	shutdown(peer, SHUT_WR);
	output[0] = '\0';
	assert_int_equal(finish(stream), 1);
	assert_string_equal(output, text);
	close(peer);
}

static void output_that_fails_is_an_error(void **state)
{
	static const char full[] = "nc: output: no space left\n";
	static const char broken[] = "nc: output: broken pipe\n";
	char where[16], input[16];
	int fds[2], idle[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(pipe(idle), 0);
	assert_int_equal(fcntl(idle[1], F_SETFD, FD_CLOEXEC), 0);
	snprintf(where, sizeof(where), "&%d", fds[1]);
	snprintf(input, sizeof(input), "<&%d", idle[0]);
	expect_output_error("</dev/null", where, broken);
	expect_output_error(input, where, broken);
	if (access("/dev/full", W_OK) == 0) {
		expect_output_error("</dev/null", "/dev/full", full);
		expect_output_error(input, "/dev/full", full);
	}
	close(fds[1]);
	close(idle[0]);
	close(idle[1]);
}

/* --- Unix sockets, and listening ------------------------------------------ */

static struct sockaddr_un local_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket",
		 directory);
	return address;
}

static int connect_local(void)
{
	struct sockaddr_un address = local_address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The peer of an nc whose input is "question". */
static void answer(FILE *stream, int peer)
{
	assert_gets(peer, "question\n");
	assert_end(peer);
	put(peer, "answer\n");
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	assert_string_equal(output, "answer\n");
}

static void it_connects_to_a_unix_socket(void **state)
{
	struct sockaddr_un address = local_address();
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char after[192];
	FILE *stream;
	int peer;

	(void)state;
	need_poller();
	assert_int_equal(fcntl(listener, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(
		bind(listener, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(listen(listener, 1), 0);
	snprintf(after, sizeof(after), "-U %s", address.sun_path);
	stream = start("echo question |", "nc", after);
	peer = accept_one(listener);
	close(listener);
	answer(stream, peer);
	assert_int_equal(run("", "nc", after), 1); /* nobody listens */
	assert_printed("connection refused");
}

static void it_listens_at_a_unix_socket(void **state)
{
	char after[192], line[128];
	FILE *stream;
	int peer;

	(void)state;
	need_poller();
	snprintf(after, sizeof(after), "-lU %s", path_of("socket"));
	stream = start("echo question |", "nc", after);
	assert_non_null(fgets(line, sizeof(line), stream));
	assert_non_null(strstr(line, path_of("socket")));
	peer = connect_local();
	assert_gets(peer, "question\n");
	assert_int_equal(access(path_of("socket"), F_OK), -1);
	put(peer, "answer\n");
	assert_end(peer);
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	assert_string_equal(output, "answer\n");
}

static void it_listens_at_a_port(void **state)
{
	FILE *stream;
	char after[192];

	(void)state;
	make_file("in", "question\n");
	snprintf(after, sizeof(after), "-l 127.0.0.1 0 <%s", path_of("in"));
	port = start_server("", "nc", after, &stream);
	answer(stream, connect_to(port));
	server_pid = 0;
}

static void a_name_that_cannot_be_bound_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(run("", "nc", "-lU /no/such/socket </dev/null"), 1);
	assert_printed("/no/such/socket");
	assert_int_equal(run("", "nc", "-l 192.0.2.1 0 </dev/null"), 1);
	assert_printed("192.0.2.1");
	assert_int_equal(run("", "nc", "-U"), 2);
	assert_int_equal(run("", "nc", "-U one two"), 2);
}

/* --- on a terminal -------------------------------------------------------- */

static pid_t start_on(struct pty *pty, const char *option)
{
	const char *programs = getenv("ROTA_EXAMPLES_DIR");
	char path[256], number[16];
	pid_t child;

	need_poller();
	snprintf(path, sizeof(path), "%s/nc",
		 programs != NULL ? programs : "build/examples");
	snprintf(number, sizeof(number), "%u", port);
	pty_open(pty);
	child = pty_fork(pty);
	if (child == 0) {
		alarm(0);
		execl(path, "nc", option, "127.0.0.1", number, (char *)NULL);
		_exit(127);
	}
	return child;
}

static void await_flags(struct pty *pty, unsigned long wanted)
{
	uint64_t until = real_now() + ROTA_SEC(40);

	while (pty_local_flags(pty) != wanted)
		assert_true(real_now() < until);
}

static int end_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_terminal_sends_lines(void **state)
{
	int listener = listen_anywhere();
	struct pty pty;
	pid_t child = start_on(&pty, "--");
	int peer = accept_one(listener);

	(void)state;
	close(listener);
	pty_type(&pty, "hello\n");
	assert_gets(peer, "hello\n");
	put(peer, "world\n");
	pty_expect(&pty, "world\r\n", NULL, 0);
	pty_type(&pty, "\004");
	assert_end(peer);
	close(peer);
	assert_int_equal(end_of(child), 0);
	pty_close(&pty);
}

static void raw_keys_are_sent_and_the_terminal_restored(void **state)
{
	int listener = listen_anywhere();
	struct pty pty;
	pid_t child = start_on(&pty, "-r");
	int peer = accept_one(listener);

	(void)state;
	close(listener);
	await_flags(&pty, 0);
	pty_type(&pty, "a\003\r");
	assert_gets(peer, "a\003\r");
	put(peer, "b\n");
	pty_expect(&pty, "b\n", NULL, 0);
	pty_type(&pty, "\035");
	assert_end(peer);
	close(peer);
	assert_int_equal(end_of(child), 0);
	assert_int_equal(pty_local_flags(&pty), ICANON | ECHO | ISIG);
	pty_close(&pty);
}

/* What was echoed shows that nc has waited: gcc's TSan may lose a signal that
 * comes during the first blocking call of a program. */
static void a_signal_restores_the_terminal(void **state)
{
	int listener = listen_anywhere();
	struct pty pty;
	pid_t child = start_on(&pty, "-r");
	int peer = accept_one(listener);
	int status;

	(void)state;
	close(listener);
	await_flags(&pty, 0);
	put(peer, "b\n");
	pty_expect(&pty, "b\n", NULL, 0);
	kill(child, SIGTERM);
	status = end_of(child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(pty_local_flags(&pty), ICANON | ECHO | ISIG);
	close(peer);
	pty_close(&pty);
}

static void the_peer_ends_a_session(void **state)
{
	int listener = listen_anywhere();
	struct pty pty;
	pid_t child = start_on(&pty, "-r");
	int peer = accept_one(listener);

	(void)state;
	close(listener);
	await_flags(&pty, 0);
	put(peer, "bye");
	close(peer);
	pty_expect(&pty, "bye", NULL, 0);
	assert_int_equal(end_of(child), 0);
	assert_int_equal(pty_local_flags(&pty), ICANON | ECHO | ISIG);
	pty_close(&pty);
}

/* A session that a user records: script(1) gives nc a terminal of its own. */
static void a_session_can_be_recorded(void **state)
{
	int listener = listen_anywhere();
	const char *programs = getenv("ROTA_EXAMPLES_DIR");
	char command[512];
	FILE *stream;
	int peer;

	(void)state;
	need("script");
	need_poller();
	snprintf(command, sizeof(command),
		 "echo typed | script -qec '%s/nc 127.0.0.1 %u' %s 2>&1",
		 programs != NULL ? programs : "build/examples", port,
		 path_of("typescript"));
	fflush(NULL);
	stream = popen(command, "r");
	assert_non_null(stream);
	peer = accept_one(listener);
	close(listener);
	assert_gets(peer, "typed\n");
	put(peer, "printed\n");
	close(peer);
	output[0] = '\0';
	assert_ended_well(finish(stream));
	assert_printed("printed");
}

#define IN_DIRECTORY(test)                                                     \
	cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_reply_comes_after_the_end_of_the_input),
	cmocka_unit_test(the_peer_may_end_first),
	cmocka_unit_test(a_host_may_have_a_name),
	cmocka_unit_test(nobody_listens),
	IN_DIRECTORY(much_passes_through_pipes_and_files),
	cmocka_unit_test(output_that_fails_is_an_error),
	IN_DIRECTORY(it_connects_to_a_unix_socket),
	IN_DIRECTORY(it_listens_at_a_unix_socket),
	IN_DIRECTORY(it_listens_at_a_port),
	cmocka_unit_test(a_name_that_cannot_be_bound_is_an_error),
	cmocka_unit_test(a_terminal_sends_lines),
	cmocka_unit_test(raw_keys_are_sent_and_the_terminal_restored),
	cmocka_unit_test(a_signal_restores_the_terminal),
	cmocka_unit_test(the_peer_ends_a_session),
	IN_DIRECTORY(a_session_can_be_recorded),
};
FIXTURE_MAIN(tests)
