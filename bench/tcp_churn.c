/*
 * tcp_churn.c - what does a connection cost a server that comes, sends one
 * message, and goes?
 *
 * Load: TCP over loopback, 1 or 32 connections at a time. The client connects
 * all of them and sends 64 bytes on each; reads all messages back; ends its
 * side of each (shutdown), so that the server finds the end of the input and
 * closes; reads that end, and closes as well. The server is a process of its
 * own, on the client's processor, where they run in lock step, or on another
 * one.
 *
 * The client ends a connection first, as is usual. It does so in the orderly
 * way and not by a reset, which would be an error for the server, on another
 * path. So the client's port waits (TIME_WAIT), and with one address there
 * would be only 28 thousand of them a minute. The client therefore has 16
 * addresses, 127.0.0.1 and so on, and each server has a port of its own. Beyond
 * tcp_max_tw_buckets Linux does not let them wait, and the kernel's log may say
 * so. That costs no subject anything.
 *
 * Metrics, per connection:
 *
 *     cpu           ns that the server has run, including the kernel's share
 *     calls         system calls of the server        exact
 *     instructions  of the server in user space       exact
 *
 * Subjects: the limit is epoll, edge-triggered, which accepts until there is no
 * connection left. rota: rota_stream_listen, rota_tcp_open, a flow, and
 * rota_handle_close_now at the end. libev has no listeners: its ev_io does what
 * the limit does. libevent: evconnlistener, with its events or bufferevents.
 * libuv: uv_listen and uv_accept, with uv_try_write or uv_write. All allocate a
 * struct for each connection. All have TCP_NODELAY, which a connection inherits
 * from the listener.
 *
 * With one connection at a time, the limit and all others that accept until
 * there is no connection left pay for an accept4 that finds nothing. That call
 * allocates a socket before it looks. A subject that accepts only one
 * connection can be below the limit there.
 *
 * Bad news: anything above the targets: more calls than libuv or libev need, or
 * more time than libuv.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "peers/churn.h"
#include "support/bench.h"
#include "support/count.h"
#include "support/server.h"
#include "support/sockets.h"

enum { MESSAGE_SIZE = 64, MOST_AT_A_TIME = 32, SOURCES = 16 };

static const struct churn_peer *const peers[] = {
	&churn_rota,        &churn_epoll,     &churn_libev, &churn_libevent,
	&churn_bufferevent, &churn_libuv_try, &churn_libuv,
};

enum { PEERS = sizeof(peers) / sizeof(*peers) };

static void name_subjects(struct bench_series *series)
{
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, peers[i]->name);
}

static int listen_for(struct sockaddr_in *name)
{
	const int on = 1;
	int fd = bench_listen(name, CHURN_BACKLOG);

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK))
		bench_fail("setsockopt: %s", strerror(errno));
	return fd;
}

/* A crowd of clients. */

struct crowd {
	struct sockaddr_in name;
	size_t count;
	unsigned source;
	int fds[MOST_AT_A_TIME];
};

static void crowd_come(struct crowd *crowd)
{
	const char message[MESSAGE_SIZE] = "to be sent back";

	for (size_t i = 0; i < crowd->count; i++) {
		crowd->fds[i] = bench_connect_from(crowd->source++ % SOURCES,
						   &crowd->name);
		bench_write_all(crowd->fds[i], message, sizeof(message));
	}
}

static void crowd_shut(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->count; i++)
		shutdown(crowd->fds[i], SHUT_WR);
}

/* The whole life of @count connections, @crowd->count at a time. */
static void churn(struct crowd *crowd, size_t count)
{
	char message[MESSAGE_SIZE];

	for (size_t done = 0; done < count; done += crowd->count) {
		crowd_come(crowd);
		for (size_t i = 0; i < crowd->count; i++)
			bench_read_all(crowd->fds[i], message, sizeof(message));
		crowd_shut(crowd);
		for (size_t i = 0; i < crowd->count; i++) {
			if (recv(crowd->fds[i], message, 1, 0) != 0)
				bench_fail("a connection did not end");
			close(crowd->fds[i]);
		}
	}
}

/* Processor time, with servers in processes of their own. */

struct service {
	struct bench_server server;
	const struct churn_peer *peer;
	struct crowd crowd;
	int listener;
};

struct timing {
	struct bench *bench;
	struct service services[PEERS];
	struct bench_series cpu;
	enum bench_place place;
	size_t at_a_time;
	size_t connections;
};

static void serve(void *arg)
{
	struct service *service = arg;

	service->peer->run(service->peer->make(service->listener));
}

static void start_service(struct service *service,
			  const struct churn_peer *peer)
{
	service->peer = peer;
	service->listener = listen_for(&service->crowd.name);
	bench_server_start(&service->server, serve, service, service->listener,
			   service->listener);
	close(service->listener);
}

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	struct service *service = &timing->services[subject];
	uint64_t begin_ns;

	service->crowd.count = timing->at_a_time;
	bench_place(&service->server, timing->place);
	churn(&service->crowd, timing->at_a_time);
	begin_ns = bench_server_ns(&service->server);
	churn(&service->crowd, timing->connections);
	bench_add(timing->bench, &timing->cpu, subject,
		  (double)(bench_server_ns(&service->server) - begin_ns) /
			  (double)timing->connections);
}

static void expect_time(struct bench *bench, const struct bench_series *cpu)
{
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libuv", 1.0);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libev,", 1.03);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "limit", 1.05);
}

/* The servers live only for these rounds. Where the system puts a process's
 * memory makes it some percent faster or slower for its whole life. */
static void time_generation(struct timing *timing, size_t rounds)
{
	for (size_t i = 0; i < PEERS; i++)
		start_service(&timing->services[i], peers[i]);
	bench_interleave(timing->bench, PEERS, rounds, time_one, timing);
	for (size_t i = 0; i < PEERS; i++)
		bench_server_end(&timing->services[i].server);
}

static void time_all(struct timing *timing, size_t at_a_time,
		     enum bench_place place)
{
	struct bench *bench = timing->bench;

	timing->at_a_time = at_a_time;
	timing->place = place;
	timing->connections = bench->quick ? 128 : 256;
	bench_series_init(&timing->cpu, "cpu", "ns/connection",
			  "%zu at a time, %s", at_a_time,
			  place == BENCH_TWO_PROCESSORS ? "two processors"
							: "one processor");
	name_subjects(&timing->cpu);
	for (size_t i = 0; i < (bench->quick ? 4 : 12); i++)
		time_generation(timing, bench->quick ? 2 : 4);
	bench_print(bench, &timing->cpu);
	if (place == BENCH_ONE_PROCESSOR)
		expect_time(bench, &timing->cpu);
}

/* Counts, in this process, one turn after the other. */

enum { WARM_UP = 3, TRACED = 1 };

struct count {
	const struct churn_peer *peer;
	size_t at_a_time;
};

struct setup {
	const struct churn_peer *peer;
	void *server;
	struct crowd crowd;
	bool traced;
};

/* Let the server make turns until each client has received @size bytes, or, if
 * that is 0, the end. */
static void take_turns(struct setup *setup, ssize_t size)
{
	char message[MESSAGE_SIZE];

	for (size_t i = 0; i < setup->crowd.count; i++) {
		while (recv(setup->crowd.fds[i], message, sizeof(message),
			    MSG_DONTWAIT) != size) {
			if (setup->traced)
				trace_on();
			setup->peer->turn(setup->server);
			if (setup->traced)
				trace_off();
		}
	}
}

static void run_traced(void *arg)
{
	const struct count *count = arg;
	struct setup setup = { .peer = count->peer };
	int listener = listen_for(&setup.crowd.name);

	setup.server = count->peer->make(listener);
	setup.crowd.count = count->at_a_time;
	for (size_t i = 0; i < WARM_UP + TRACED; i++) {
		setup.traced = i >= WARM_UP;
		crowd_come(&setup.crowd);
		take_turns(&setup, MESSAGE_SIZE);
		crowd_shut(&setup.crowd);
		take_turns(&setup, 0);
		for (size_t k = 0; k < setup.crowd.count; k++)
			close(setup.crowd.fds[k]);
	}
}

static void count_traced(struct bench *bench, struct bench_series *series,
			 size_t at_a_time, size_t index, enum trace_what what)
{
	struct count count = { peers[index], at_a_time };
	const struct bench_counted counted = { peers[index]->name, run_traced,
					       &count, TRACED * at_a_time };

	if (bench_counts(bench, peers[index]->name))
		bench_count(bench, series, index, &counted, what);
}

static void count_calls(struct bench *bench, size_t at_a_time)
{
	static struct bench_series calls;

	bench_series_init(&calls, "calls", "/connection", "%zu at a time",
			  at_a_time);
	name_subjects(&calls);
	printf("\nof the calls, for a connection\n");
	for (size_t i = 0; i < PEERS; i++)
		count_traced(bench, &calls, at_a_time, i, TRACE_CALLS);
	bench_print(bench, &calls);
	bench_target_ratio(bench, BENCH_EXACT, &calls, "libuv", 1.01);
}

/* A small crowd is enough, as each step takes long. */
static void count_instructions(struct bench *bench, size_t at_a_time)
{
	static struct bench_series instructions;

	bench_series_init(&instructions, "instructions", "/connection",
			  "%zu at a time", at_a_time);
	name_subjects(&instructions);
	for (size_t i = 0; i < PEERS; i++)
		count_traced(bench, &instructions, at_a_time, i,
			     TRACE_INSTRUCTIONS);
	bench_print(bench, &instructions);
}

int main(int argc, char **argv)
{
	static struct timing timing;
	struct bench bench;

	if (bench_begin(&bench, "tcp_churn", argc, argv) > 1)
		bench_fail("tcp_churn [--quick] [--check]");
	count_calls(&bench, 1);
	count_calls(&bench, MOST_AT_A_TIME);
	count_instructions(&bench, 1);
	count_instructions(&bench, 8);
	if (!bench.check) {
		timing.bench = &bench;
		time_all(&timing, 1, BENCH_ONE_PROCESSOR);
		time_all(&timing, MOST_AT_A_TIME, BENCH_ONE_PROCESSOR);
		time_all(&timing, MOST_AT_A_TIME, BENCH_TWO_PROCESSORS);
		bench_go_back();
	}
	return bench_end(&bench);
}
