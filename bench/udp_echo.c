/*
 * udp_echo.c - what does one datagram cost a server?
 *
 * Load: a client that sends 32 or 1 datagrams of 64 bytes by one system call,
 * over loopback, and then receives all of them back. The server is a process of
 * its own, on the client's processor or on another one. On the same processor
 * they run in lock step: the client sends, and then the server runs.
 *
 * Metrics, per datagram:
 *
 *     cpu           ns that the server has run, including the kernel's share
 *     calls         system calls of the server        exact
 *     instructions  of the server in user space       exact
 *     allocations   of the server                     exact
 *
 * Subjects: the limit is epoll with recvmmsg(2) and sendmmsg(2). rota: batches
 * that are sent back by rota_datagram_try_send(), and requests, one for each
 * datagram, from memory of their own. libuv: uv_udp, with UV_UDP_RECVMMSG and
 * without, and uv_udp_try_send.
 *
 * Bad news: anything above the targets. With --serve NAME a single subject runs
 * in this process, with its client, for other tools.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peers/datagrams.h"
#include "support/allocations.h"
#include "support/bench.h"
#include "support/count.h"
#include "support/server.h"

static const struct datagram_peer *const peers[] = {
	&datagram_rota,  &datagram_rota_requests, &datagram_bare,
	&datagram_libuv, &datagram_libuv_plain,
};

enum {
	PEERS = sizeof(peers) / sizeof(*peers),
	MESSAGE = 64,
	BURST = 32,
	WARM_UP = 20,
	TRACED = 10,
};

/* --- the client ----------------------------------------------------------- */

struct client {
	int fd;
	int server; /* the server's socket */
	size_t burst;
	struct mmsghdr messages[BURST];
	struct iovec parts[BURST];
	char data[BURST][MESSAGE];
};

static int udp_socket(struct sockaddr_in *name, int flags)
{
	socklen_t size = sizeof(*name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);

	*name = (struct sockaddr_in){ .sin_family = AF_INET };
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)name, sizeof(*name)) ||
	    getsockname(fd, (struct sockaddr *)name, &size))
		bench_fail("a UDP socket");
	return fd;
}

static void client_make(struct client *client, size_t burst)
{
	struct sockaddr_in own, to;

	client->burst = burst;
	client->fd = udp_socket(&own, 0);
	client->server = udp_socket(&to, SOCK_NONBLOCK);
	if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)))
		bench_fail("connect");
	for (size_t i = 0; i < BURST; i++) {
		memset(client->data[i], 'x', MESSAGE);
		client->parts[i].iov_base = client->data[i];
		client->parts[i].iov_len = MESSAGE;
		memset(&client->messages[i], 0, sizeof(client->messages[i]));
		client->messages[i].msg_hdr.msg_iov = &client->parts[i];
		client->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

static void client_send(struct client *client)
{
	if (sendmmsg(client->fd, client->messages, (unsigned)client->burst,
		     0) != (int)client->burst)
		bench_fail("sendmmsg");
}

/* Receive up to @left datagrams: how many. */
static size_t client_receive(struct client *client, size_t left, int flags)
{
	int n = recvmmsg(client->fd, client->messages, (unsigned)left, flags,
			 NULL);

	if (n < 0 && errno != EAGAIN)
		bench_fail("recvmmsg");
	return n < 0 ? 0 : (size_t)n;
}

static void exchange(struct client *client, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		client_send(client);
		for (size_t got = 0; got < client->burst;)
			got += client_receive(client, client->burst - got,
					      MSG_WAITFORONE);
	}
}

static void client_free(struct client *client)
{
	close(client->fd);
}

/* --- processor time ------------------------------------------------------- */

struct service {
	struct bench_server server;
	const struct datagram_peer *peer;
	struct client client;
};

static void serve(void *arg)
{
	struct service *service = arg;

	service->peer->run(service->peer->make(service->client.server));
}

struct timing {
	struct bench *bench;
	struct service services[PEERS];
	struct bench_series cpu[2]; /* index: enum bench_place */
	enum bench_place place;
	size_t times;
};

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	struct service *service = &timing->services[subject];
	const double datagrams =
		(double)(timing->times * service->client.burst);
	uint64_t begin_ns;

	bench_place(&service->server, timing->place);
	exchange(&service->client, 1 + timing->times / 10);
	begin_ns = bench_server_ns(&service->server);
	exchange(&service->client, timing->times);
	bench_add(timing->bench, &timing->cpu[timing->place], subject,
		  (double)(bench_server_ns(&service->server) - begin_ns) /
			  datagrams);
}

/* The servers live only for these rounds: see echo.c. */
static void time_generation(struct timing *timing, size_t burst, size_t rounds)
{
	for (size_t i = 0; i < PEERS; i++) {
		struct service *service = &timing->services[i];

		service->peer = peers[i];
		client_make(&service->client, burst);
		bench_server_start(&service->server, serve, service,
				   service->client.server,
				   service->client.server);
		close(service->client.server);
	}
	for (timing->place = BENCH_ONE_PROCESSOR;
	     timing->place <= BENCH_TWO_PROCESSORS; timing->place++)
		bench_interleave(timing->bench, PEERS, rounds, time_one,
				 timing);
	for (size_t i = 0; i < PEERS; i++) {
		bench_server_end(&timing->services[i].server);
		client_free(&timing->services[i].client);
	}
}

static void name_subjects(struct bench_series *series)
{
	for (size_t i = 0; i < PEERS; i++)
		bench_series_name(series, peers[i]->name);
}

static void time_all(struct timing *timing, size_t burst)
{
	struct bench *bench = timing->bench;
	size_t generations = bench->quick ? 3 : 12;

	timing->times = (bench->quick ? 2000 : 8000) / burst;
	for (int two = 0; two < 2; two++) {
		bench_series_init(&timing->cpu[two], "cpu", "ns/datagram",
				  "%zu by one call, %s", burst,
				  two ? "two processors" : "one processor");
		name_subjects(&timing->cpu[two]);
	}
	for (size_t i = 0; i < generations; i++)
		time_generation(timing, burst, bench->quick ? 3 : 5);
	for (int two = 0; two < 2; two++)
		bench_print(bench, &timing->cpu[two]);
	if (burst == 1)
		return;
	bench_target_ratio(bench, BENCH_NOISY, &timing->cpu[0],
			   "libuv recvmmsg", 0.95);
	bench_target_ratio(bench, BENCH_NOISY, &timing->cpu[0], "limit", 1.03);
}

/* --- exact counts --------------------------------------------------------- */

struct setup {
	const struct datagram_peer *peer;
	struct client client;
	void *server;
};

static void setup_make(struct setup *setup, const struct datagram_peer *peer)
{
	setup->peer = peer;
	client_make(&setup->client, BURST);
	setup->server = peer->make(setup->client.server);
}

static void setup_free(struct setup *setup)
{
	setup->peer->free(setup->server);
	close(setup->client.server);
	client_free(&setup->client);
}

static void turn(struct setup *setup, bool traced)
{
	if (traced)
		trace_on();
	setup->peer->turn(setup->server);
	if (traced)
		trace_off();
}

/* Send a burst, and let the server make turns until all of it has come back. */
static void burst(struct setup *setup, bool traced)
{
	size_t got = 0;

	client_send(&setup->client);
	do {
		turn(setup, traced);
		got += client_receive(&setup->client, BURST - got,
				      MSG_DONTWAIT);
	} while (got < BURST);
}

static void run_traced(void *arg)
{
	struct setup setup;

	setup_make(&setup, arg);
	for (size_t i = 0; i < WARM_UP; i++)
		burst(&setup, false);
	for (size_t i = 0; i < TRACED; i++)
		burst(&setup, true);
}

static size_t count_allocations(const struct datagram_peer *peer)
{
	struct setup setup;
	struct allocations before;
	struct allocations after;

	setup_make(&setup, peer);
	for (size_t i = 0; i < WARM_UP; i++)
		burst(&setup, false);
	before = allocations_so_far();
	for (size_t i = 0; i < TRACED; i++)
		burst(&setup, false);
	after = allocations_so_far();
	setup_free(&setup);
	return after.calls - before.calls;
}

static void count_traced(struct bench *bench, struct bench_series *series,
			 size_t index, enum trace_what what)
{
	const struct bench_counted counted = { peers[index]->name, run_traced,
					       (void *)peers[index],
					       TRACED * BURST };

	bench_count(bench, series, index, &counted, what);
}

static void count_all(struct bench *bench)
{
	static struct bench_series calls, instructions, allocations;

	bench_series_init(&calls, "calls", "/datagram", "%d by one call",
			  BURST);
	bench_series_init(&instructions, "instructions", "/datagram",
			  "%d by one call", BURST);
	bench_series_init(&allocations, "allocations", "/datagram",
			  "%d by one call", BURST);
	name_subjects(&calls);
	name_subjects(&instructions);
	name_subjects(&allocations);
	printf("\nof the calls, for a datagram\n");
	for (size_t i = 0; i < PEERS; i++) {
		size_t allocated = count_allocations(peers[i]);

		count_traced(bench, &calls, i, TRACE_CALLS);
		count_traced(bench, &instructions, i, TRACE_INSTRUCTIONS);
		bench_add_exact(bench, &allocations, i, allocated, allocated,
				TRACED * BURST);
	}
	bench_print(bench, &calls);
	bench_target_figure(bench, BENCH_EXACT, &calls, 0.1);
	bench_target_ratio(bench, BENCH_EXACT, &calls, "limit", 1.0);
	bench_print(bench, &instructions);
	bench_print(bench, &allocations);
	bench_target_figure(bench, BENCH_EXACT, &allocations, 0);
}

static int serve_only(const struct bench_serve *options)
{
	struct setup setup;

	for (size_t i = 0; i < PEERS; i++) {
		if (!bench_serves(options, peers[i]->name))
			continue;
		setup_make(&setup, peers[i]);
		for (size_t k = 0; k < options->messages / BURST; k++)
			burst(&setup, false);
		setup_free(&setup);
		return 0;
	}
	bench_fail("no server %s", options->name);
}

int main(int argc, char **argv)
{
	static struct timing timing;
	struct bench_serve options = { .messages = 32000 };
	struct bench bench;

	argc = bench_begin(&bench, "udp_echo", argc, argv);
	bench_read_serve(&options, "udp_echo", argc, argv);
	if (options.name)
		return serve_only(&options);
	count_all(&bench);
	if (!bench.check) {
		timing.bench = &bench;
		time_all(&timing, BURST);
		time_all(&timing, 1);
		bench_go_back();
	}
	return bench_end(&bench);
}
