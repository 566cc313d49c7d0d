/*
 * tcp_stream.c - what does a large message cost a server?
 *
 * Loads, over TCP and loopback, on 1 or 16 connections:
 *
 *     echoed    the client sends 64 KiB on each, and then reads all of them
 *               back
 *     received  the client sends 1 MiB on each; the server discards it, and
 *               answers with one byte
 *     sent      the client asks with one byte on each, and reads the 1 MiB that
 *               the server sends, in pieces of 64 KiB
 *
 * The server is a process of its own. On the client's processor they run in
 * lock step: one runs until it must wait for the other, so that buffers are
 * filled and emptied as far as possible. Echoed messages are also measured on
 * two processors.
 *
 * Metrics, per message of 64 KiB:
 *
 *     cpu           ns that the server has run, including the kernel's share,
 *                   which is most of it, as the kernel copies the bytes
 *     calls         system calls of the server        echoed only
 *     instructions  of the server in user space       echoed only
 *
 * A socket may take only a part of what it is given, and here it often does.
 * Every server handles that. Before the measurement each one is shown to send
 * back everything, in order, to a client that reads nothing until nothing more
 * is taken.
 *
 * Subjects: the limit is epoll, edge-triggered, with each socket registered
 * once; the rest of a message is copied and kept for later. libev, ev_io, and
 * libevent's events are used for the same by hand. rota: a flow and
 * rota_stream_send; for sending, also without copies, by rota_stream_try_write
 * and rota_stream_write. libuv: uv_write from buffers that stay until then; and
 * uv_try_write, with uv_write for the rest. bufferevents: their chains move
 * from input to output. All read at most 64 KiB at a time (bufferevents: 4),
 * stop reading while the client does not read, and have TCP_NODELAY.
 *
 * The sockets have buffers of a fixed size. By default the system sizes each
 * connection's buffers by how fast it was read at first. Then some connections,
 * by chance and for as long as they live, take a message in one piece and
 * others in two, which is 20 percent of its cost.
 *
 * Bad news: anything above the targets. rota_stream_send copies what does not
 * leave at once: that must not cost much.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers/stream.h"
#include "support/bench.h"
#include "support/count.h"
#include "support/server.h"
#include "support/sockets.h"

/* The most that a process may ask for by default. */
enum { MOST_CONNECTIONS = 16, SOCKET_BUFFER = 212992 };

static const struct stream_peer *const peers[] = {
	&stream_rota,      &stream_rota_lending, &stream_epoll,
	&stream_libev,     &stream_libevent,     &stream_bufferevent,
	&stream_libuv_try, &stream_libuv,
};

enum { PEERS = sizeof(peers) / sizeof(*peers) };

static bool is_for(const struct stream_peer *peer, enum stream_load load)
{
	return peer->loads & 1u << load;
}

static void name_subjects(struct bench_series *series)
{
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, peers[i]->name);
}

/* Servers in processes of their own. */

struct service {
	struct bench_server server;
	const struct stream_peer *peer;
	enum stream_load load;
	size_t connections;
	int clients[MOST_CONNECTIONS];
	int fds[MOST_CONNECTIONS];
};

static void serve(void *arg)
{
	struct service *service = arg;

	service->peer->run(service->peer->make(
		service->fds, service->connections, service->load));
}

/* The server's descriptors come after the clients', in one range. */
static void start_service(struct service *service,
			  const struct stream_peer *peer, enum stream_load load,
			  size_t connections)
{
	service->peer = peer;
	service->load = load;
	service->connections = connections;
	for (size_t i = 0; i < connections; i++)
		bench_tcp_pair_sized(&service->clients[i], &service->fds[i],
				     SOCKET_BUFFER);
	bench_server_start(&service->server, serve, service, service->fds[0],
			   service->fds[connections - 1]);
	for (size_t i = 0; i < connections; i++)
		close(service->fds[i]);
}

static void end_service(struct service *service)
{
	bench_server_end(&service->server);
	for (size_t i = 0; i < service->connections; i++)
		close(service->clients[i]);
}

/* Are all bytes sent back? */

enum { CHECKED = 32 << 20 };

static char byte_at(size_t place)
{
	return (char)(place * 2654435761u >> 13);
}

static size_t send_checked(int fd, size_t sent)
{
	char data[STREAM_PIECE];
	size_t size =
		CHECKED - sent < sizeof(data) ? CHECKED - sent : sizeof(data);
	ssize_t n;

	for (size_t i = 0; i < size; i++)
		data[i] = byte_at(sent + i);
	n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return n > 0 ? (size_t)n : 0;
}

static size_t read_checked(int fd, size_t done, const char *name)
{
	char data[STREAM_PIECE];
	ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		if (data[i] != byte_at(done + (size_t)i))
			bench_fail("%s: wrong at byte %zu", name,
				   done + (size_t)i);
	return n > 0 ? (size_t)n : 0;
}

/* Wait until @fd has one of @events, for at most @ms. */
static bool wait_for(int fd, short events, int ms)
{
	struct pollfd ready = { .fd = fd, .events = events };

	return poll(&ready, 1, ms) == 1;
}

/* Send until nothing more is taken, and only then read as well. */
static void check_echo(const struct stream_peer *peer)
{
	struct service service;
	size_t sent = 0;
	size_t done = 0;

	if (!is_for(peer, STREAM_ECHO))
		return;
	start_service(&service, peer, STREAM_ECHO, 1);
	while (sent < CHECKED && wait_for(service.clients[0], POLLOUT, 20))
		sent += send_checked(service.clients[0], sent);
	if (sent == CHECKED)
		bench_fail("%s: buffers without bound", peer->name);
	while (done < CHECKED) {
		short room = sent < CHECKED ? POLLOUT : 0;

		if (!wait_for(service.clients[0], POLLIN | room, 5000))
			bench_fail("%s: stuck after %zu bytes", peer->name,
				   done);
		done += read_checked(service.clients[0], done, peer->name);
		if (room)
			sent += send_checked(service.clients[0], sent);
	}
	end_service(&service);
}

/* Processor time. */

static char client_buffer[STREAM_BLOCK];

/* The client's part of @times messages or blocks. */
static void exchange(const struct service *service, size_t times)
{
	static const size_t sends[] = { STREAM_PIECE, STREAM_BLOCK, 1 };
	static const size_t reads[] = { STREAM_PIECE, 1, STREAM_BLOCK };

	for (size_t i = 0; i < times; i++) {
		for (size_t k = 0; k < service->connections; k++)
			bench_write_all(service->clients[k], client_buffer,
					sends[service->load]);
		for (size_t k = 0; k < service->connections; k++)
			bench_read_all(service->clients[k], client_buffer,
				       reads[service->load]);
	}
}

struct timing {
	struct bench *bench;
	struct service services[PEERS];
	struct bench_series cpu;
	enum stream_load load;
	enum bench_place place;
	size_t connections;
	size_t messages; /* of 64 KiB, in one sample */
};

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	struct service *service = &timing->services[subject];
	size_t times = timing->messages / timing->connections;
	uint64_t begin_ns;

	if (!is_for(peers[subject], timing->load))
		return;
	if (timing->load != STREAM_ECHO)
		times /= STREAM_BLOCK / STREAM_PIECE;
	bench_place(&service->server, timing->place);
	exchange(service, 1);
	begin_ns = bench_server_ns(&service->server);
	exchange(service, times);
	bench_add(timing->bench, &timing->cpu, subject,
		  (double)(bench_server_ns(&service->server) - begin_ns) /
			  (double)timing->messages);
}

static void time_place(struct timing *timing, enum bench_place place)
{
	static const char *const words[] = { "echoed", "received", "sent" };
	struct bench *bench = timing->bench;

	timing->place = place;
	bench_series_init(&timing->cpu, "cpu", "ns/message",
			  "%s, %zu connections, %s processor%s",
			  words[timing->load], timing->connections,
			  place == BENCH_TWO_PROCESSORS ? "two" : "one",
			  place == BENCH_TWO_PROCESSORS ? "s" : "");
	name_subjects(&timing->cpu);
	bench_interleave(bench, PEERS, bench->quick ? 5 : 31, time_one, timing);
	bench_print(bench, &timing->cpu);
}

static void expect_time(struct bench *bench, const struct bench_series *cpu)
{
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libuv uv_tcp, uv_write",
			   0.75);
	bench_target_ratio(bench, BENCH_NOISY, cpu,
			   "libuv uv_tcp, uv_try_write", 1.0);
	bench_target_ratio(bench, BENCH_NOISY, cpu, "libev,", 1.0);
}

static void time_all(struct timing *timing, enum stream_load load,
		     size_t connections)
{
	timing->load = load;
	timing->connections = connections;
	timing->messages = timing->bench->quick ? 256 : 512;
	for (size_t i = 0; i < PEERS; i++)
		if (is_for(peers[i], load))
			start_service(&timing->services[i], peers[i], load,
				      connections);
	time_place(timing, BENCH_ONE_PROCESSOR);
	if (load == STREAM_ECHO) {
		expect_time(timing->bench, &timing->cpu);
		if (connections > 1)
			time_place(timing, BENCH_TWO_PROCESSORS);
	}
	for (size_t i = 0; i < PEERS; i++)
		if (is_for(peers[i], load))
			end_service(&timing->services[i]);
}

/* Counts of the echo, in this process, one turn after the other. */

enum { WARM_UP = 3, TRACED = 1, COUNTED = 4 };

struct setup {
	const struct stream_peer *peer;
	void *server;
	int clients[COUNTED];
	int fds[COUNTED];
};

/* Let the server make turns until @fd has read a whole message. */
static void take_turns(struct setup *setup, int fd, bool traced)
{
	size_t done = 0;

	while (done < STREAM_PIECE) {
		ssize_t n = recv(fd, client_buffer, STREAM_PIECE - done,
				 MSG_DONTWAIT);

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (traced)
			trace_on();
		setup->peer->turn(setup->server);
		if (traced)
			trace_off();
	}
}

static void run_traced(void *arg)
{
	struct setup setup = { .peer = arg };

	for (size_t i = 0; i < COUNTED; i++)
		bench_tcp_pair_sized(&setup.clients[i], &setup.fds[i],
				     SOCKET_BUFFER);
	setup.server = setup.peer->make(setup.fds, COUNTED, STREAM_ECHO);
	for (size_t round = 0; round < WARM_UP + TRACED; round++) {
		for (size_t i = 0; i < COUNTED; i++)
			bench_write_all(setup.clients[i], client_buffer,
					STREAM_PIECE);
		for (size_t i = 0; i < COUNTED; i++)
			take_turns(&setup, setup.clients[i], round >= WARM_UP);
	}
}

static void count_traced(struct bench *bench, struct bench_series *series,
			 size_t index, enum trace_what what)
{
	const struct bench_counted counted = { peers[index]->name, run_traced,
					       (void *)peers[index],
					       TRACED * COUNTED };

	bench_count(bench, series, index, &counted, what);
}

static void count_all(struct bench *bench)
{
	static struct bench_series calls, instructions;

	bench_series_init(&calls, "calls", "/message", "echoed, %d connections",
			  COUNTED);
	bench_series_init(&instructions, "instructions", "/message",
			  "echoed, %d connections", COUNTED);
	name_subjects(&calls);
	name_subjects(&instructions);
	printf("\nof the calls, for a message\n");
	for (size_t i = 0; i < PEERS; i++) {
		if (!is_for(peers[i], STREAM_ECHO) ||
		    !bench_counts(bench, peers[i]->name))
			continue;
		count_traced(bench, &calls, i, TRACE_CALLS);
		count_traced(bench, &instructions, i, TRACE_INSTRUCTIONS);
	}
	bench_print(bench, &calls);
	bench_print(bench, &instructions);
}

int main(int argc, char **argv)
{
	static struct timing timing;
	struct bench bench;

	if (bench_begin(&bench, "tcp_stream", argc, argv) > 1)
		bench_fail("tcp_stream [--quick] [--check]");
	for (size_t i = 0; i < PEERS; i++)
		check_echo(peers[i]);
	count_all(&bench);
	if (!bench.check) {
		timing.bench = &bench;
		for (int load = STREAM_ECHO; load <= STREAM_SOURCE; load++) {
			time_all(&timing, (enum stream_load)load, 1);
			time_all(&timing, (enum stream_load)load,
				 MOST_CONNECTIONS);
		}
		bench_go_back();
	}
	return bench_end(&bench);
}
