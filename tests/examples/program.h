/*
 * program.h - starts an example, keeps what it has printed, and connects
 * sockets to it. This is a header and not a .c file because only two test
 * programs use it.
 *
 * The examples are in the directory ROTA_EXAMPLES_DIR. They get their poller
 * from the environment, as the tests do.
 */
#ifndef TESTS_EXAMPLES_PROGRAM_H
#define TESTS_EXAMPLES_PROGRAM_H

#include "support/fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_SIZE = 64 * 1024 };

/* Everything that the example printed, on both of its outputs. */
static char output[OUTPUT_SIZE];

/* A server, while it runs. */
static pid_t server_pid;

static inline FILE *start(const char *before, const char *program,
			  const char *after)
{
	const char *directory = getenv("ROTA_EXAMPLES_DIR");
	char command[1024];
	FILE *stream;
	int size;

	if (directory == NULL)
		directory = "build/examples";
	size = snprintf(command, sizeof(command), "%s %s/%s %s 2>&1", before,
			directory, program, after);
	assert_in_range(size, 1, sizeof(command) - 1);
	fflush(NULL);
	signal(SIGPIPE, SIG_DFL); /* the program inherits it */
	stream = popen(command, "r");
	assert_non_null(stream);
	return stream;
}

/* Read the rest of the output. Returns the exit status, or 128 plus the number
 * of the signal that ended the example. */
static inline int finish(FILE *stream)
{
	size_t had = strlen(output);
	size_t size = fread(output + had, 1, sizeof(output) - 1 - had, stream);
	int status;

	output[had + size] = '\0';
	status = pclose(stream);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int run_program(const char *before, const char *program,
			      const char *after)
{
	FILE *stream = start(before, program, after);

	output[0] = '\0';
	return finish(stream);
}

/* Examples are built for a user's system. Its library may lack a poller that
 * the tests' library has: kqueue on Linux is a test double. */
static inline void need_poller(void)
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

/* For what takes seconds, and is the same with every poller: one is enough,
 * unless ROTA_TEST_FULL=1. */
static inline void need_one_poller_only(void)
{
#ifdef __linux__
	static const char usual[] = "epoll";
#else
	static const char usual[] = "kqueue";
#endif
	const char *poller = getenv("ROTA_POLLER");

	if (getenv("ROTA_TEST_FULL") != NULL || poller == NULL ||
	    strcmp(poller, usual) == 0)
		return;
	puts("skip: the usual poller is enough");
	skip();
}

/* The thread sanitizer of gcc holds a signal that arrives just before ppoll(2)
 * back until that returns: never, if the loop waits for the signal. */
static inline void need_signals(void)
{
#ifdef __SANITIZE_THREAD__
	const char *poller = getenv("ROTA_POLLER");

	if (poller != NULL && strcmp(poller, "poll") == 0) {
		puts("skip: the thread sanitizer may hold signals back");
		skip();
	}
#endif
}

static inline int run(const char *before, const char *program,
		      const char *after)
{
	need_poller();
	return run_program(before, program, after);
}

static inline void assert_printed(const char *text)
{
	if (strstr(output, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, output);
}

static inline void need(const char *program)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1",
		 program);
	if (system(command) != 0) {
		printf("skip: there is no %s\n", program);
		skip();
	}
}

static inline void assert_ended_well(int status)
{
	if (status != 0)
		fail_msg("status %d:\n%s", status, output);
}

/* Start a server and wait for the line with its address. Returns the port. The
 * shell prints its own process id and then becomes the server. */
static inline unsigned start_server(const char *before, const char *program,
				    const char *after, FILE **stream)
{
	char command[64];
	char line[128];
	const char *colon;
	unsigned port = 0;

	need_signals();
	need_poller();
	snprintf(command, sizeof(command), "%s echo $$; exec", before);
	*stream = start(command, program, after);
	output[0] = '\0';
	assert_non_null(fgets(line, sizeof(line), *stream));
	server_pid = (pid_t)atol(line);
	assert_true(server_pid > 1);
	if (fgets(output, sizeof(output), *stream) != NULL &&
	    (colon = strrchr(output, ':')) != NULL)
		port = (unsigned)atoi(colon + 1);
	if (port == 0) {
		finish(*stream);
		fail_msg("no server: %s", output);
	}
	return port;
}

/* Wait until the server has ended. Returns what finish() returns. */
static inline int wait_for_server(FILE *stream)
{
	int status = finish(stream);

	server_pid = 0;
	return status;
}

static inline void end_server(FILE *stream, int number)
{
	assert_int_equal(kill(server_pid, number), 0);
	assert_ended_well(wait_for_server(stream));
}

/* Whether @action, which returns how long it took, takes less than @ns at least
 * once in several tries: a busy machine may delay some of them. */
static inline int takes_less_once(uint64_t (*action)(void), uint64_t ns)
{
	unsigned tries = 0;

	while (action() >= ns)
		if (++tries == 5)
			return 0;
	return 1;
}

/* For a test that failed before it ended its server. */
static inline int kill_server(void **state)
{
	(void)state;
	if (server_pid > 1)
		kill(server_pid, SIGKILL);
	server_pid = 0;
	return 0;
}

/* Connect a socket to the port. Returns it, or -1. If @receive_size is not 0,
 * that is the size of its receive buffer. A read of it fails after a minute. */
static inline int try_connect(unsigned port, int receive_size)
{
	struct sockaddr_in address = { 0 };
	struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	signal(SIGPIPE, SIG_IGN);
	assert_int_not_equal(fd, -1);
	if (receive_size > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_size,
			   sizeof(receive_size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	address.sin_family = AF_INET;
	address.sin_port = htons((uint16_t)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline int connect_small(unsigned port, int receive_size)
{
	int fd = try_connect(port, receive_size);

	assert_int_not_equal(fd, -1);
	return fd;
}

static inline int connect_to(unsigned port)
{
	return connect_small(port, 0);
}

static inline void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Read @text, and fail if anything else comes before it. */
static inline void assert_gets(int fd, const char *text)
{
	char bytes[256];
	size_t size = 0, expected = strlen(text);

	assert_in_range(expected, 1, sizeof(bytes));
	while (size < expected) {
		ssize_t n = read(fd, bytes + size, expected - size);

		assert_true(n > 0);
		size += (size_t)n;
	}
	assert_memory_equal(bytes, text, expected);
}

/* Read the end of file, and fail if any data comes before it. */
static inline void assert_end(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 0);
}

/* The directory of a test's files. It is made anew for each test and
 * removed. */
static char directory[] = "/tmp/rota-examples-XXXXXX";

static inline int make_directory(void **state)
{
	(void)state;
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static inline int remove_directory(void **state)
{
	char command[64];

	kill_server(state);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static inline const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* A pattern that does not repeat with the size of any buffer. */
static inline char pattern_at(size_t offset)
{
	return (char)(offset * 31 + offset / 251 + offset / 65537);
}

/* Make a file of @size bytes of the pattern. */
static inline void make_pattern(const char *name, size_t size)
{
	FILE *stream = fopen(path_of(name), "wb");

	assert_non_null(stream);
	for (size_t i = 0; i < size; i++)
		putc(pattern_at(i), stream);
	assert_int_equal(fclose(stream), 0);
}

static inline void make_file(const char *name, const char *text)
{
	FILE *stream = fopen(path_of(name), "wb");

	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

/* The server's memory now, in KiB. Returns 0 if the system does not report it,
 * or if a sanitizer takes more memory than the program. */
static inline long server_memory(void)
{
	char path[64], line[128];
	long size = 0;
	FILE *stream;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0;
#endif
	snprintf(path, sizeof(path), "/proc/%ld/status", (long)server_pid);
	stream = fopen(path, "r");
	if (stream == NULL)
		return 0;
	while (fgets(line, sizeof(line), stream) != NULL)
		if (sscanf(line, "VmRSS: %ld", &size) == 1)
			break;
	fclose(stream);
	return size;
}

#endif
