/*
 * The example nc: over pipes and files, and on a terminal. The peer is a socket
 * of the test.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
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
	assert_int_equal(run("", "nc", "not-an-address 1 </dev/null"), 1);
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
	cmocka_unit_test(nobody_listens),
	IN_DIRECTORY(much_passes_through_pipes_and_files),
	cmocka_unit_test(a_terminal_sends_lines),
	cmocka_unit_test(raw_keys_are_sent_and_the_terminal_restored),
	cmocka_unit_test(a_signal_restores_the_terminal),
	cmocka_unit_test(the_peer_ends_a_session),
	IN_DIRECTORY(a_session_can_be_recorded),
};
FIXTURE_MAIN(tests)
