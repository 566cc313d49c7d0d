/*
 * Watches on descriptors of all kinds, and the events that each reports:
 * sockets, pipes, FIFOs and terminals; end of file, half-close, and out-of-band
 * data.
 */
#include "support/fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "support/probe.h"

enum {
	READABLE = ROTA_READABLE,
	WRITABLE = ROTA_WRITABLE,
	PRIORITY = ROTA_PRIORITY,
	DISCONNECT = ROTA_DISCONNECT,
};

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void set_nonblocking(int fd)
{
	assert_int_not_equal(fcntl(fd, F_SETFL, O_NONBLOCK), -1);
}

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	set_nonblocking(fd);
	return fd;
}

static struct sockaddr_in loopback(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	return address;
}

/* Make a connected pair over TCP. */
static void tcp_pair(int fds[2])
{
	int listener = tcp_socket();
	struct sockaddr_in address = loopback(listener);

	assert_int_equal(listen(listener, 1), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(
		connect(fds[0], (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(fcntl(listener, F_SETFL, 0), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_int_not_equal(fds[1], -1);
	set_nonblocking(fds[0]);
	set_nonblocking(fds[1]);
	close(listener);
}

/* Make turns that may sleep until the probe is called: even on loopback the
 * kernel may need some time. */
static unsigned told_in_time(struct fixture *f, struct probe *probe)
{
	unsigned calls = probe->calls;

	while (probe->calls == calls)
		assert_true(rota_loop_run(f->loop, ROTA_RUN_ONCE) >= 0);
	return probe->events;
}

/* Write until nothing more is accepted. */
static void fill(int fd)
{
	char bytes[4096] = { 0 };

	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	while (write(fd, bytes, 1) > 0)
		;
}

static void empty(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* The reader is called for a byte, and the writer when there is space again. */
static void expect_both_ways(struct fixture *f, int reading, int writing)
{
	struct probe reader, writer;

	probe_init(&reader, f, reading);
	probe_init(&writer, f, writing);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);
	assert_int_equal(told(f, &writer), WRITABLE);
	assert_int_equal(reader.calls, 0);

	fill(writing);
	assert_int_equal(told_in_time(f, &reader), READABLE);
	assert_int_equal(told(f, &writer), 0);
	empty(reading);
	assert_int_equal(told_in_time(f, &writer), WRITABLE);
	assert_int_equal(told(f, &reader), 0);

	probe_stop(&reader);
	probe_stop(&writer);
}

static void a_pipe_is_watched_both_ways(void **state)
{
	int fds[2];

	make_pipe(fds);
	expect_both_ways(*state, fds[0], fds[1]);
	close_both(fds);
}

static void a_unix_socket_is_watched_both_ways(void **state)
{
	int fds[2];

	make_socketpair(fds);
	expect_both_ways(*state, fds[0], fds[1]);
	expect_both_ways(*state, fds[1], fds[0]);
	close_both(fds);
}

static void a_tcp_socket_is_watched_both_ways(void **state)
{
	int fds[2];

	tcp_pair(fds);
	expect_both_ways(*state, fds[0], fds[1]);
	close_both(fds);
}

static void a_fifo_is_watched_both_ways(void **state)
{
	char directory[] = "/tmp/rota-test-XXXXXX";
	char name[64];
	int fds[2];

	assert_non_null(mkdtemp(directory));
	snprintf(name, sizeof(name), "%s/fifo", directory);
	assert_int_equal(mkfifo(name, 0600), 0);
	fds[0] = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fds[1] = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	unlink(name);
	rmdir(directory);

	expect_both_ways(*state, fds[0], fds[1]);

	close_both(fds);
}

static void a_datagram_socket_is_readable_by_datagrams(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	set_nonblocking(fds[0]);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE);

	assert_int_equal(told(f, &reader), 0);
	assert_int_equal(send(fds[1], "abc", 3, 0), 3);
	assert_int_equal(told(f, &reader), READABLE);
	empty(fds[0]);
	assert_int_equal(told(f, &reader), 0);

	probe_stop(&reader);
	close_both(fds);
}

/* Open a pseudo-terminal that passes every byte on. A container may have none,
 * or no /dev/pts. Then the test is skipped. */
static void open_terminal(int *master, int *slave)
{
	struct termios modes;
	const char *name;

	*master = posix_openpt(O_RDWR | O_NOCTTY);
	if (*master == -1)
		skip_test("no pseudo-terminal can be opened");
	name = grantpt(*master) == 0 && unlockpt(*master) == 0
		       ? ptsname(*master)
		       : NULL;
	*slave = name != NULL ? open(name, O_RDWR | O_NOCTTY | O_NONBLOCK) : -1;
	if (*slave == -1) {
		close(*master);
		skip_test("a pseudo-terminal's other end cannot be opened");
	}
	set_nonblocking(*master);
	assert_int_equal(tcgetattr(*slave, &modes), 0);
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &modes), 0);
}

static void a_terminal_can_be_watched(void **state)
{
	struct fixture *f = *state;
	struct probe reader, writer;
	int master, slave;

	open_terminal(&master, &slave);
	probe_init(&reader, f, slave);
	probe_init(&writer, f, master);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);

	assert_int_equal(told_in_time(f, &writer), WRITABLE);
	probe_start(&writer, 0);
	assert_int_equal(reader.calls, 0);
	put_byte(master);
	assert_int_equal(told_in_time(f, &reader), READABLE);
	take_byte(slave);

	probe_stop(&reader);
	probe_stop(&writer);
	close(master);
	close(slave);
}

static void a_listener_is_readable_by_a_connection(void **state)
{
	struct fixture *f = *state;
	int listener = tcp_socket(), client = tcp_socket(), server;
	struct sockaddr_in address = loopback(listener);
	struct probe reader;

	assert_int_equal(listen(listener, 4), 0);
	probe_init(&reader, f, listener);
	probe_start(&reader, READABLE);
	assert_int_equal(told(f, &reader), 0);

	(void)connect(client, (struct sockaddr *)&address, sizeof(address));
	assert_int_equal(told_in_time(f, &reader), READABLE);
	server = accept(listener, NULL, NULL);
	assert_int_not_equal(server, -1);
	assert_int_equal(told(f, &reader), 0);

	probe_stop(&reader);
	close(listener);
	close(client);
	close(server);
}

static void a_connection_is_writable_when_it_is_there(void **state)
{
	struct fixture *f = *state;
	int listener = tcp_socket(), client = tcp_socket();
	struct sockaddr_in address = loopback(listener);
	socklen_t size = sizeof(int);
	struct probe writer;
	int error = -1;

	assert_int_equal(listen(listener, 4), 0);
	(void)connect(client, (struct sockaddr *)&address, sizeof(address));
	probe_init(&writer, f, client);
	probe_start(&writer, WRITABLE);

	assert_int_equal(told_in_time(f, &writer), WRITABLE);

	assert_int_equal(
		getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, 0);
	probe_stop(&writer);
	close(listener);
	close(client);
}

/* D4: the error is left for the caller to read, on kqueue too. */
static void a_refused_connection_is_all_that_was_asked_for(void **state)
{
	struct fixture *f = *state;
	int nobody = tcp_socket(), client = tcp_socket();
	struct sockaddr_in address = loopback(nobody);
	socklen_t size = sizeof(int);
	struct probe both;
	int error = 0;

	(void)connect(client, (struct sockaddr *)&address, sizeof(address));
	probe_init(&both, f, client);
	probe_start(&both, READABLE | WRITABLE);

	assert_int_equal(told_in_time(f, &both), READABLE | WRITABLE);

	assert_int_equal(
		getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	assert_int_equal(error, ECONNREFUSED);
	probe_stop(&both);
	close(nobody);
	close(client);
}

/* D4: a watch that requested only one of the events gets that one. */
static void a_reset_is_what_each_asked_for(void **state)
{
	struct fixture *f = *state;
	struct linger at_once = { .l_onoff = 1 };
	struct probe reader, writer, either;
	int fds[2];

	tcp_pair(fds);
	fill(fds[0]);
	probe_init(&reader, f, fds[0]);
	probe_init(&writer, f, fds[0]);
	probe_init(&either, f, fds[0]);
	probe_start(&reader, READABLE);
	probe_start(&writer, WRITABLE);
	probe_start(&either, DISCONNECT);
	assert_int_equal(told(f, &reader), 0);

	assert_int_equal(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once,
				    sizeof(at_once)),
			 0);
	close(fds[1]);

	assert_int_equal(told_in_time(f, &either), DISCONNECT);
	assert_int_equal(reader.events, READABLE);
	assert_int_equal(writer.events, WRITABLE);
	probe_stop(&reader);
	probe_stop(&writer);
	probe_stop(&either);
	close(fds[0]);
}

static void a_pipe_without_a_writer_is_readable(void **state)
{
	struct fixture *f = *state;
	struct probe reader;
	char byte;
	int fds[2];

	make_pipe(fds);
	probe_init(&reader, f, fds[0]);
	probe_start(&reader, READABLE | DISCONNECT);
	assert_int_equal(told(f, &reader), 0);
	put_byte(fds[1]);
	close(fds[1]);

	assert_int_equal(told(f, &reader), READABLE | DISCONNECT);
	take_byte(fds[0]);
	assert_int_equal(told(f, &reader), READABLE | DISCONNECT);

	assert_int_equal(read(fds[0], &byte, 1), 0);
	probe_stop(&reader);
	close(fds[0]);
}

static void a_pipe_without_a_reader_is_writable(void **state)
{
	struct fixture *f = *state;
	struct probe writer;
	int fds[2];

	make_pipe(fds);
	fill(fds[1]);
	probe_init(&writer, f, fds[1]);
	probe_start(&writer, WRITABLE);
	assert_int_equal(told(f, &writer), 0);

	close(fds[0]);

	assert_int_equal(told(f, &writer), WRITABLE);
	assert_int_equal(write(fds[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	probe_stop(&writer);
	close(fds[1]);
}

/* D4: half-close. Data alone is no disconnect. A watch that requests only
 * ROTA_DISCONNECT does not wake the loop again and again for data that is not
 * read. */
static void expect_half_close(struct fixture *f, const int fds[2])
{
	struct probe probe;

	probe_init(&probe, f, fds[0]);
	probe_start(&probe, DISCONNECT);
	assert_int_equal(send(fds[1], "x", 1, 0), 1);
	assert_true(waits_within(f, 5) <= 4);
	assert_int_equal(probe.calls, 0);

	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(told_in_time(f, &probe), DISCONNECT);
	probe_start(&probe, DISCONNECT | WRITABLE | READABLE);
	assert_int_equal(told_in_time(f, &probe),
			 DISCONNECT | WRITABLE | READABLE);
	probe_stop(&probe);
}

static void a_half_closed_unix_socket_is_disconnected(void **state)
{
	int fds[2];

	make_socketpair(fds);
	expect_half_close(*state, fds);
	close_both(fds);
}

static void a_half_closed_tcp_socket_is_disconnected(void **state)
{
	int fds[2];

	tcp_pair(fds);
	expect_half_close(*state, fds);
	close_both(fds);
}

/* D4: out-of-band data is not ordinary data. */
static void urgent_data_has_priority(void **state)
{
	struct fixture *f = *state;
	struct probe urgent, reader;
	char byte;
	int fds[2];

	tcp_pair(fds);
	probe_init(&urgent, f, fds[0]);
	probe_init(&reader, f, fds[0]);
	if (probe_try_start(&urgent, PRIORITY) == ROTA_ENOTSUP) {
		assert_false(rota_watch_is_active(&urgent.watch));
		close_both(fds);
		skip_test("the poller does not tell of priority data");
	}
	probe_start(&reader, READABLE);

	assert_int_equal(send(fds[1], "!", 1, MSG_OOB), 1);
	assert_int_equal(told_in_time(f, &urgent), PRIORITY);
	assert_int_equal(reader.calls, 0);
	assert_int_equal(recv(fds[0], &byte, 1, MSG_OOB), 1);
	assert_int_equal(byte, '!');
	put_byte(fds[1]);
	assert_int_equal(told_in_time(f, &reader), READABLE);

	probe_stop(&urgent);
	probe_stop(&reader);
	close_both(fds);
}

/* Another loop's descriptor (L5) can be watched like any other. */
static void a_loop_can_be_watched_by_a_loop(void **state)
{
	struct fixture *f = *state;
	struct rota_loop_options options;
	struct rota_loop *inner;
	struct probe outer, reader;
	int64_t timeout_ns;
	int fds[2];

	fixture_options(f, ROTA_CLOCK_MONOTONIC, &options);
	assert_int_equal(rota_loop_new(&inner, &options), 0);
	if (rota_loop_backend_fd(inner) == ROTA_ENOTSUP) {
		assert_int_equal(rota_loop_close(inner), 0);
		skip_test("the poller has no descriptor to watch");
	}
	make_pipe(fds);
	probe_init(&reader, &(struct fixture){ .loop = inner }, fds[0]);
	probe_start(&reader, READABLE);
	probe_init(&outer, f, rota_loop_backend_fd(inner));
	probe_start(&outer, READABLE);
	assert_int_equal(rota_loop_next_timeout(inner, &timeout_ns), 0);
	assert_int_equal(told(f, &outer), 0);

	put_byte(fds[1]);
	assert_int_equal(told(f, &outer), READABLE);
	assert_int_equal(rota_loop_run(inner, ROTA_RUN_NOWAIT), 1);
	assert_int_equal(reader.calls, 1);

	probe_stop(&outer);
	probe_stop(&reader);
	assert_int_equal(rota_loop_close(inner), 0);
	close_both(fds);
}

static const struct CMUnitTest tests[] = {
	REAL(a_pipe_is_watched_both_ways),
	REAL(a_unix_socket_is_watched_both_ways),
	REAL(a_tcp_socket_is_watched_both_ways),
	REAL(a_fifo_is_watched_both_ways),
	REAL(a_datagram_socket_is_readable_by_datagrams),
	REAL(a_terminal_can_be_watched),
	REAL(a_listener_is_readable_by_a_connection),
	REAL(a_connection_is_writable_when_it_is_there),
	REAL(a_refused_connection_is_all_that_was_asked_for),
	REAL(a_reset_is_what_each_asked_for),
	REAL(a_pipe_without_a_writer_is_readable),
	REAL(a_pipe_without_a_reader_is_writable),
	REAL(a_half_closed_unix_socket_is_disconnected),
	REAL(a_half_closed_tcp_socket_is_disconnected),
	REAL(urgent_data_has_priority),
	REAL(a_loop_can_be_watched_by_a_loop),
};

FIXTURE_MAIN(tests)
