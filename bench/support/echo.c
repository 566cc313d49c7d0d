/*
 * echo.c - see echo.h.
 */
#include "support/echo.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/allocations.h"
#include "support/bench.h"
#include "support/count.h"
#include "support/server.h"
#include "support/sockets.h"

enum { MESSAGE_SIZE = 64, MOST_CONNECTIONS = 1000 };

static const struct echo_question *question;

static void name_subjects(struct bench_series *series)
{
	for (size_t i = 0; i < question->peer_count; i++)
		bench_series_name(series, question->peers[i]->name);
}

/* Send @times messages on each connection, and read them back. */
static void exchange(const int *fds, size_t count, size_t times)
{
	char message[MESSAGE_SIZE] = "to be sent back";

	for (size_t i = 0; i < times; i++) {
		for (size_t k = 0; k < count; k++)
			bench_write_all(fds[k], message, sizeof(message));
		for (size_t k = 0; k < count; k++)
			bench_read_all(fds[k], message, sizeof(message));
	}
}

/* Processor time, with servers in processes of their own. */

struct service {
	struct bench_server server;
	const struct echo_peer *peer;
	int clients[MOST_CONNECTIONS];
	int fds[MOST_CONNECTIONS];
	size_t connections;
};

static void serve(void *arg)
{
	struct service *service = arg;

	service->peer->run(
		service->peer->make(service->fds, service->connections));
}

/* The server's descriptors come after the clients', in one range. */
static void start_service(struct service *service, const struct echo_peer *peer,
			  size_t connections)
{
	service->peer = peer;
	service->connections = connections;
	for (size_t i = 0; i < connections; i++)
		question->pair(&service->clients[i], &service->fds[i]);
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

struct timing {
	struct bench *bench;
	struct service services[ECHO_PEERS];
	struct bench_series cpu[2]; /* index: enum bench_place */
	enum bench_place place;
	size_t connections;
	size_t times;
};

static void time_one(void *arg, size_t subject)
{
	struct timing *timing = arg;
	struct service *service = &timing->services[subject];
	const double messages = (double)(timing->times * timing->connections);
	uint64_t begin_ns;

	bench_place(&service->server, timing->place);
	exchange(service->clients, timing->connections, 1 + timing->times / 10);
	begin_ns = bench_server_ns(&service->server);
	exchange(service->clients, timing->connections, timing->times);
	bench_add(timing->bench, &timing->cpu[timing->place], subject,
		  (double)(bench_server_ns(&service->server) - begin_ns) /
			  messages);
}

/* The servers live only for these rounds. Where the system puts a process's
 * memory makes it some percent faster or slower for its whole life. */
static void time_generation(struct timing *timing, size_t rounds)
{
	for (size_t i = 0; i < question->peer_count; i++)
		start_service(&timing->services[i], question->peers[i],
			      timing->connections);
	for (timing->place = BENCH_ONE_PROCESSOR;
	     timing->place <= BENCH_TWO_PROCESSORS; timing->place++)
		bench_interleave(timing->bench, question->peer_count, rounds,
				 time_one, timing);
	for (size_t i = 0; i < question->peer_count; i++)
		end_service(&timing->services[i]);
}

static void time_all(struct timing *timing, size_t connections)
{
	struct bench *bench = timing->bench;
	size_t messages = bench->quick ? 1000 : 2000;
	/* Making a thousand connections takes long. */
	size_t generations = connections < 1000 ? 12 : 6;

	timing->connections = connections;
	timing->times = messages / connections;
	for (int two = 0; two < 2; two++) {
		bench_series_init(&timing->cpu[two], "cpu", "ns/message",
				  "%zu connection%s, %s", connections,
				  connections == 1 ? "" : "s",
				  two ? "two processors" : "one processor");
		name_subjects(&timing->cpu[two]);
	}
	if (bench->quick)
		generations /= 4;
	for (size_t i = 0; i < generations; i++)
		time_generation(timing, bench->quick ? 3 : 5);
	for (int two = 0; two < 2; two++)
		bench_print(bench, &timing->cpu[two]);
	question->expect_time(bench, &timing->cpu[0], connections);
}

/* Counts, in this process, one turn after the other. */

enum { COUNTED = 100, WARM_UP = 3, TRACED = 1 };

struct setup {
	const struct echo_peer *peer;
	void *server;
	int server_fds[COUNTED];
	int client_fds[COUNTED];
};

static void setup_make(struct setup *setup, const struct echo_peer *peer)
{
	setup->peer = peer;
	for (size_t i = 0; i < COUNTED; i++)
		question->pair(&setup->client_fds[i], &setup->server_fds[i]);
	setup->server = peer->make(setup->server_fds, COUNTED);
}

static void setup_free(struct setup *setup)
{
	setup->peer->free(setup->server);
	for (size_t i = 0; i < COUNTED; i++) {
		close(setup->server_fds[i]);
		close(setup->client_fds[i]);
	}
}

static void turn(struct setup *setup, bool traced)
{
	if (traced)
		trace_on();
	setup->peer->turn(setup->server);
	if (traced)
		trace_off();
}

/* Send a message on each connection, and let the server make turns until all
 * have come back: one turn, unless the network is slow. */
static void batch(struct setup *setup, bool traced)
{
	char message[MESSAGE_SIZE] = "to be sent back";

	for (size_t i = 0; i < COUNTED; i++)
		bench_write_all(setup->client_fds[i], message, sizeof(message));
	turn(setup, traced);
	for (size_t i = 0; i < COUNTED; i++) {
		while (recv(setup->client_fds[i], message, sizeof(message),
			    MSG_DONTWAIT) != MESSAGE_SIZE)
			turn(setup, traced);
	}
}

static void run_traced(void *arg)
{
	const struct echo_peer *peer = arg;
	struct setup setup;

	setup_make(&setup, peer);
	for (size_t i = 0; i < WARM_UP; i++)
		batch(&setup, false);
	for (size_t i = 0; i < TRACED; i++)
		batch(&setup, true);
}

static size_t count_allocations(const struct echo_peer *peer)
{
	struct setup setup;
	struct allocations before;
	struct allocations after;

	setup_make(&setup, peer);
	for (size_t i = 0; i < WARM_UP; i++)
		batch(&setup, false);
	before = allocations_so_far();
	for (size_t i = 0; i < 10; i++)
		batch(&setup, false);
	after = allocations_so_far();
	setup_free(&setup);
	return after.calls - before.calls;
}

static void count_traced(struct bench *bench, struct bench_series *series,
			 size_t index, enum trace_what what)
{
	const struct echo_peer *peer = question->peers[index];
	const struct bench_counted counted = { peer->name, run_traced,
					       (void *)peer, TRACED * COUNTED };

	bench_count(bench, series, index, &counted, what);
}

static void count_all(struct bench *bench)
{
	static struct bench_series calls, instructions, allocations;
	size_t allocated;

	bench_series_init(&calls, "calls", "/message", "%d connections",
			  COUNTED);
	bench_series_init(&instructions, "instructions", "/message",
			  "%d connections", COUNTED);
	bench_series_init(&allocations, "allocations", "/message",
			  "%d connections", COUNTED);
	name_subjects(&calls);
	name_subjects(&instructions);
	name_subjects(&allocations);
	printf("\nof the calls, for a message\n");
	for (size_t i = 0; i < question->peer_count; i++) {
		if (!bench_counts(bench, question->peers[i]->name))
			continue;
		count_traced(bench, &calls, i, TRACE_CALLS);
		count_traced(bench, &instructions, i, TRACE_INSTRUCTIONS);
		allocated = count_allocations(question->peers[i]);
		bench_add_exact(bench, &allocations, i, allocated, allocated,
				10 * COUNTED);
	}
	bench_print(bench, &calls);
	question->expect_calls(bench, &calls);
	bench_print(bench, &instructions);
	question->expect_instructions(bench, &instructions);
	bench_print(bench, &allocations);
	bench_target_figure(bench, BENCH_EXACT, &allocations, 0);
}

static int serve_only(const struct bench_serve *options)
{
	struct setup setup;

	for (size_t i = 0; i < question->peer_count; i++) {
		if (!bench_serves(options, question->peers[i]->name))
			continue;
		setup_make(&setup, question->peers[i]);
		for (size_t k = 0; k < options->messages / COUNTED; k++)
			batch(&setup, false);
		setup_free(&setup);
		return 0;
	}
	bench_fail("no server %s", options->name);
}

int echo_main(const struct echo_question *asked, int argc, char **argv)
{
	static const size_t connections[] = { 1, 100, 1000 };
	struct bench_serve options = { .messages = 10000 };
	static struct timing timing;
	struct bench bench;

	question = asked;
	argc = bench_begin(&bench, question->name, argc, argv);
	bench_read_serve(&options, question->name, argc, argv);
	if (options.name)
		return serve_only(&options);
	count_all(&bench);
	if (!bench.check) {
		bench_allow_descriptors((question->peer_count + 2) *
					MOST_CONNECTIONS);
		timing.bench = &bench;
		for (size_t i = 0; i < 3; i++)
			time_all(&timing, connections[i]);
		bench_go_back();
	}
	return bench_end(&bench);
}
