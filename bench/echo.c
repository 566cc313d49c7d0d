/*
 * echo.c - what does one message cost a server, beyond the kernel's share?
 *
 * Load: 100 connections, on each a message of 64 bytes, which an echo server
 * sends back: 100 messages per wait. Client and server take turns in a single
 * thread: the client writes to all connections, then the server runs until all
 * has come back. So every wait finds 100 events, however busy the machine, and
 * two runs do the same. The servers stand in peers/echo_*.c; two are rota's:
 * "rota watch" is told that a socket is readable, and reads and writes by
 * itself; "rota tcp" is a stream, which does that for it. Sockets are TCP
 * over loopback, or with --unix Unix ones, where the kernel has less to do.
 *
 * Units, per message and of the server alone:
 *
 *     calls         system calls                 exact (support/trace.h)
 *     instructions  in user space, C library's   exact (support/trace.h)
 *                   and vdso's included
 *     allocations   calls of malloc and its kin  exact
 *     time          ns of processor time, the kernel's included
 *
 * Bad news: more than one wait a batch and two calls a message, any
 * allocation, more than 100 instructions with a watch or 146 with a stream: a
 * loop that is felt. Each is a target for both, which --check is about.
 *
 * `echo --serve rota --messages 10000` runs one server and prints nothing, for
 * other tools: --serve takes the beginning of a name in the table.
 *
 *     valgrind --tool=callgrind --toggle-collect=serve_turn \
 *         build/bench/echo --serve rota
 *     strace -c build/bench/echo --serve rota    (the client's part: one write
 *                                                 and one read a message)
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/echo.h"
#include "support/allocations.h"
#include "support/bench.h"
#include "support/trace.h"

enum {
	CONNECTIONS = 100,
	MESSAGE_SIZE = 64,
	WARM_UP = 3,
};

static const struct echo_peer *const peers[] = {
	&echo_epoll,    &echo_rota,       &echo_rota_tcp,  &echo_libev,
	&echo_libevent, &echo_libuv_poll, &echo_libuv_try, &echo_libuv_tcp,
};

enum {
	PEERS = sizeof(peers) / sizeof(*peers),
	EPOLL = 0,
	ROTA_WATCH = 1,
	ROTA_TCP = 2,
	CHECKED = 3, /* peers that --check counts */
};

/* A server, and the other ends of its connections. */
struct setup {
	const struct echo_peer *peer;
	void *server;
	int server_fds[CONNECTIONS];
	int client_fds[CONNECTIONS];
};

struct options {
	struct bench bench;
	bool unix_sockets;
	const char *serve;
	size_t messages;
};

static void tcp_pair(int pair[2])
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, size) ||
	    listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&name, &size) ||
	    connect(pair[0], (struct sockaddr *)&name, size))
		bench_fail("connect: %s", strerror(errno));
	pair[1] = accept(listener, NULL, NULL);
	if (pair[1] < 0)
		bench_fail("accept: %s", strerror(errno));
	close(listener);
	for (int i = 0; i < 2; i++) {
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		fcntl(pair[i], F_SETFL, O_NONBLOCK);
	}
}

static void setup_make(struct setup *setup, const struct echo_peer *peer,
		       bool unix_sockets)
{
	setup->peer = peer;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		int pair[2];

		if (!unix_sockets)
			tcp_pair(pair);
		else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    pair))
			bench_fail("socketpair: %s", strerror(errno));
		setup->server_fds[i] = pair[0];
		setup->client_fds[i] = pair[1];
	}
	setup->server = peer->make(setup->server_fds, CONNECTIONS);
}

static void setup_free(struct setup *setup)
{
	setup->peer->free(setup->server);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		close(setup->server_fds[i]);
		close(setup->client_fds[i]);
	}
}

/* A function of its own, for tools that measure one. */
__attribute__((noinline)) void serve_turn(const struct echo_peer *peer,
					  void *server);

void serve_turn(const struct echo_peer *peer, void *server)
{
	peer->turn(server);
}

/* How to take the server's turn. */
typedef void turn_fn(struct setup *setup, void *arg);

static void plain_turn(struct setup *setup, void *arg)
{
	(void)arg;
	serve_turn(setup->peer, setup->server);
}

static void traced_turn(struct setup *setup, void *arg)
{
	(void)arg;
	trace_on();
	setup->peer->turn(setup->server);
	trace_off();
}

static void timed_turn(struct setup *setup, void *arg)
{
	uint64_t *total_ns = arg;
	uint64_t begin_ns = bench_thread_ns();

	serve_turn(setup->peer, setup->server);
	*total_ns += bench_thread_ns() - begin_ns;
}

/* Send a message on each connection, and have the server take turns until all
 * have come back: one, unless the network takes its time. */
static void batch(struct setup *setup, turn_fn *turn, void *arg)
{
	char message[MESSAGE_SIZE] = "to be sent back";

	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (write(setup->client_fds[i], message, sizeof(message)) !=
		    MESSAGE_SIZE)
			bench_fail("write: %s", strerror(errno));
	}
	turn(setup, arg);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		while (read(setup->client_fds[i], message, sizeof(message)) !=
		       MESSAGE_SIZE)
			turn(setup, arg);
	}
}

static void batches(struct setup *setup, turn_fn *turn, void *arg, size_t count)
{
	for (size_t i = 0; i < count; i++)
		batch(setup, turn, arg);
}

enum { TRACED = 2 };

/* What to make in the child: rota's loops do not cross a fork by themselves. */
struct subject {
	const struct echo_peer *peer;
	bool unix_sockets;
};

static void run_traced(void *arg)
{
	const struct subject *subject = arg;
	struct setup setup;

	setup_make(&setup, subject->peer, subject->unix_sockets);
	batches(&setup, plain_turn, NULL, WARM_UP);
	batches(&setup, traced_turn, NULL, TRACED);
}

static double count_allocations(const struct subject *subject)
{
	struct setup setup;
	struct allocations before;
	struct allocations after;

	setup_make(&setup, subject->peer, subject->unix_sockets);
	batches(&setup, plain_turn, NULL, WARM_UP);
	before = allocations_so_far();
	batches(&setup, plain_turn, NULL, 10);
	after = allocations_so_far();
	setup_free(&setup);
	return (double)(after.calls - before.calls) / (10 * CONNECTIONS);
}

/* What is asked of a server of ours. */
static void expect(struct bench *bench, size_t peer, double calls,
		   double instructions, double allocations)
{
	bench_target(bench, BENCH_EXACT, "calls", calls, 2.03);
	bench_target(bench, BENCH_EXACT, "instructions", instructions,
		     peer == ROTA_TCP ? 146 : 100);
	bench_target(bench, BENCH_EXACT, "allocations", allocations, 0);
}

static void count_one(struct options *options, size_t peer)
{
	const double messages = TRACED * CONNECTIONS;
	struct subject subject = { peers[peer], options->unix_sockets };
	double allocations = count_allocations(&subject);
	struct trace calls;
	struct trace steps;

	if (trace_run(&calls, TRACE_CALLS, run_traced, &subject) ||
	    trace_run(&steps, TRACE_INSTRUCTIONS, run_traced, &subject))
		bench_fail("cannot trace: ptrace(2) is not allowed here");

	printf("%-18s %9.3f %12.2f %11.3f ", peers[peer]->name,
	       (double)calls.total / messages, (double)steps.total / messages,
	       allocations);
	trace_print_calls(stdout, &calls, TRACED * CONNECTIONS);
	printf("\n");

	if (peer == ROTA_WATCH || peer == ROTA_TCP)
		expect(&options->bench, peer, (double)calls.total / messages,
		       (double)steps.total / messages, allocations);
}

struct timing {
	struct options *options;
	struct bench_series time;
};

static void time_one(void *arg, size_t peer)
{
	struct timing *timing = arg;
	size_t count = timing->options->bench.quick ? 10 : 40;
	struct setup setup;
	uint64_t total_ns = 0;

	setup_make(&setup, peers[peer], timing->options->unix_sockets);
	batches(&setup, plain_turn, NULL, WARM_UP);
	batches(&setup, timed_turn, &total_ns, count);
	setup_free(&setup);
	bench_add(&timing->options->bench, &timing->time, peer,
		  (double)total_ns / (double)(count * CONNECTIONS));
}

static void time_all(struct options *options)
{
	struct timing timing = {
		.options = options,
		.time = { "time", "ns/message", .peers = PEERS, .base = EPOLL },
	};

	for (size_t i = 0; i < PEERS; i++)
		timing.time.peer[i] = peers[i]->name;
	bench_interleave(&options->bench, PEERS, options->bench.quick ? 7 : 101,
			 time_one, &timing);
	bench_print_head();
	bench_print(&timing.time);
}

static int serve(const struct options *options)
{
	struct setup setup;

	for (size_t i = 0; i < PEERS; i++) {
		if (strncmp(peers[i]->name, options->serve,
			    strlen(options->serve)))
			continue;
		setup_make(&setup, peers[i], options->unix_sockets);
		batches(&setup, plain_turn, NULL,
			options->messages / CONNECTIONS);
		setup_free(&setup);
		return 0;
	}
	bench_fail("no server %s", options->serve);
}

static void read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--unix"))
			options->unix_sockets = true;
		else if (!strcmp(argv[i], "--serve") && i + 1 < argc)
			options->serve = argv[++i];
		else if (!strcmp(argv[i], "--messages") && i + 1 < argc)
			options->messages = (size_t)atol(argv[++i]);
		else
			bench_fail("echo [--quick] [--check] [--unix] "
				   "[--serve NAME [--messages N]]");
	}
}

int main(int argc, char **argv)
{
	struct options options = { .messages = 10000 };

	argc = bench_begin(&options.bench, "echo", argc, argv);
	read_options(&options, argc, argv);
	if (options.serve)
		return serve(&options);

	printf("%-18s %9s %12s %11s  %s\n", "per message", "calls",
	       "instructions", "allocations", "of the calls");
	for (size_t i = 0; i < (options.bench.check ? CHECKED : PEERS); i++)
		count_one(&options, i);
	if (!options.bench.check)
		time_all(&options);
	return bench_end(&options.bench);
}
