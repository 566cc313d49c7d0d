/*
 * memory.c - what does an idle connection cost a server, and what a timer, and
 * a loop, in bytes of user memory?
 *
 * Load: 10,000 TCP connections over loopback. Each has sent one message of 64
 * bytes, has got it back, and is idle. Or 10,000 timers that are started and
 * not yet due. One more connection or timer comes before the count begins. So
 * memory that is needed only once, such as the loop and its buffers, is not
 * spread over the others. Or a loop that was made and has done nothing.
 *
 * Each server is a forked child. It has the low descriptors for itself, as
 * dense as in a real server, and accepts; the clients are in its parent. All
 * 10,001 connections fit into the ports for one pair of addresses.
 *
 * Metrics, per connection, timer or loop, all of them exact:
 *
 *     object  bytes of the struct that the server embeds, if it does
 *     bytes   that the server and the library have allocated with malloc and
 *             related functions and not freed: the object, and other memory
 *             of the library, such as arrays that grow by steps. This excludes
 *             the overhead of malloc, some 8 to 24 bytes per block, and the
 *             memory of the kernel
 *     blocks  of memory that contain these bytes
 *     loop with one  bytes of the loop, of the first connection or timer, and
 *             of what either needs once
 *     descriptors    of a loop
 *     around the allocator, kept  bytes of a loop that did not come from its
 *             allocator option, or were not freed through it with the loop
 *
 * Subjects: first, streams, which receive and send, queue what the kernel does
 * not take, and detect the end: rota's, libuv's uv_tcp, and libevent's
 * bufferevents. Second, objects that only report readiness, so that a server
 * would have to add some of that itself: rota's watches, libev's ev_io, and
 * libevent's events. None of them has a message buffer of its own. libev and
 * libevent have no wake-up descriptor here.
 *
 * Bad news: anything above the targets. An idle stream needs no buffer of its
 * own.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/libevent.h"
#include "peers/memory.h"
#include "peers/startup.h"
#include "rota.h"
#include "support/allocations.h"
#include "support/bench.h"
#include "support/descriptors.h"
#include "support/sockets.h"

enum { COUNT = 10000, MESSAGE_SIZE = 64 };

static const struct memory_peer *const peers[] = {
	&memory_rota_tcp, &memory_rota_watch, &memory_libuv,
	&memory_libev,    &memory_libevent,   &memory_bufferevent,
};

static const struct memory_timer_peer *const timers[] = {
	&memory_rota_timer,
	&memory_libuv_timer,
	&memory_libev_timer,
	&memory_libevent_timer,
};

static const struct startup_peer *const loops[] = {
	&startup_rota,
	&startup_libuv,
	&startup_libev,
	&startup_libevent,
};

enum {
	PEERS = sizeof(peers) / sizeof(*peers),
	TIMERS = sizeof(timers) / sizeof(*timers),
	LOOPS = sizeof(loops) / sizeof(*loops),
};

/* The memory after the first one, and what the others have added. */
struct cost {
	size_t first_bytes;
	size_t bytes;
	size_t blocks;
};

static struct cost cost_of(struct allocations before, struct allocations first,
			   struct allocations all)
{
	return (struct cost){
		.first_bytes = first.bytes - before.bytes,
		.bytes = all.bytes - first.bytes,
		.blocks = all.live - first.live,
	};
}

/* In the child. */

static struct cost serve(const struct memory_peer *peer, int listener)
{
	struct allocations before = allocations_so_far();
	struct allocations first = before;
	size_t echoed = 0;
	void *loop = peer->make(&echoed);

	for (size_t i = 0; i <= COUNT; i++) {
		int fd = accept4(listener, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			bench_fail("accept: %s", strerror(errno));
		peer->open(loop, fd);
		while (echoed <= i)
			peer->turn(loop);
		if (i == 0)
			first = allocations_so_far();
	}
	return cost_of(before, first, allocations_so_far());
}

static struct cost start_all(const struct memory_timer_peer *peer)
{
	struct allocations before = allocations_so_far();
	struct allocations first = before;
	void *loop = peer->make(NULL);

	for (size_t i = 0; i <= COUNT; i++) {
		/* Due from a second to a minute from now, each at another
		 * time. */
		peer->start(loop, 1000 + i * 59000 / COUNT);
		if (i == 0)
			first = allocations_so_far();
	}
	return cost_of(before, first, allocations_so_far());
}

/* In the parent. */

/* Make a connection and get a message echoed. Returns the client's
 * descriptor. */
static int be_echoed(const struct sockaddr_in *name)
{
	char message[MESSAGE_SIZE] = "to be sent back";
	int fd = bench_connect(name);

	bench_write_all(fd, message, MESSAGE_SIZE);
	bench_read_all(fd, message, MESSAGE_SIZE);
	return fd;
}

/* Returns 0 in the child, which may write to *@out; in the parent, its id. */
static pid_t fork_child(int *in, int *out)
{
	int ends[2];
	pid_t pid;

	fflush(NULL);
	if (pipe(ends) || (pid = fork()) < 0)
		bench_fail("fork: %s", strerror(errno));
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ends[pid == 0 ? 0 : 1]);
	*in = ends[0];
	*out = ends[1];
	return pid;
}

static _Noreturn void tell(int out, struct cost cost)
{
	_exit(write(out, &cost, sizeof(cost)) != sizeof(cost));
}

static struct cost hear(int in, pid_t child)
{
	struct cost cost;

	if (read(in, &cost, sizeof(cost)) != sizeof(cost))
		bench_fail("a server did not end well");
	close(in);
	waitpid(child, NULL, 0);
	return cost;
}

static struct cost cost_of_connection(const struct memory_peer *peer)
{
	static int clients[COUNT + 1];
	struct sockaddr_in name;
	int listener = bench_listen(&name, 1);
	struct cost cost;
	int in;
	int out;
	pid_t child = fork_child(&in, &out);

	if (child == 0)
		tell(out, serve(peer, listener));
	close(listener);
	for (size_t i = 0; i <= COUNT; i++)
		clients[i] = be_echoed(&name);
	cost = hear(in, child);
	for (size_t i = 0; i <= COUNT; i++)
		close(clients[i]);
	return cost;
}

static struct cost cost_of_timer(const struct memory_timer_peer *peer)
{
	int in;
	int out;
	pid_t child = fork_child(&in, &out);

	if (child == 0)
		tell(out, start_all(peer));
	return hear(in, child);
}

/* Results. */

struct costs {
	struct bench_series object;
	struct bench_series bytes;
	struct bench_series blocks;
	struct bench_series first;
};

static void costs_init(struct costs *costs, const char *what)
{
	bench_series_init(&costs->object, "object", "bytes", "%s", what);
	bench_series_init(&costs->bytes, "bytes", "bytes", "%s", what);
	bench_series_init(&costs->blocks, "blocks", "blocks", "%s", what);
	bench_series_init(&costs->first, "loop with one", "bytes", "%s", what);
}

/* @size is 0 if only the library knows it. */
static void costs_add(struct bench *bench, struct costs *costs,
		      const char *name, size_t size, struct cost cost)
{
	const size_t subject = costs->bytes.subjects;

	bench_series_name(&costs->object, name);
	bench_series_name(&costs->bytes, name);
	bench_series_name(&costs->blocks, name);
	bench_series_name(&costs->first, name);
	if (size)
		bench_add_exact(bench, &costs->object, subject, size, size, 1);
	bench_add_exact(bench, &costs->bytes, subject, cost.bytes, cost.bytes,
			COUNT);
	bench_add_exact(bench, &costs->blocks, subject, cost.blocks,
			cost.blocks, COUNT);
	bench_add_exact(bench, &costs->first, subject, cost.first_bytes,
			cost.first_bytes, 1);
}

/* @kind is that of the target for libev. */
static void costs_print(struct bench *bench, const struct costs *costs,
			double to_libuv, enum bench_target kind,
			double to_libev)
{
	bench_print(bench, &costs->object);
	bench_print(bench, &costs->bytes);
	bench_target_ratio(bench, BENCH_EXACT, &costs->bytes, "libuv",
			   to_libuv);
	bench_target_ratio(bench, kind, &costs->bytes, "libev,", to_libev);
	bench_print(bench, &costs->blocks);
	bench_print(bench, &costs->first);
}

static void count_connections(struct bench *bench)
{
	static struct costs costs;
	static struct bench_series bytes;

	costs_init(&costs, "connection");
	for (size_t i = 0; i < PEERS; i++)
		costs_add(bench, &costs, peers[i]->name, peers[i]->size,
			  cost_of_connection(peers[i]));
	/* This compares a stream with a watcher that only reports readiness. It
	 * is reported, but cannot fail. */
	costs_print(bench, &costs, 0.85, BENCH_NOISY, 1.75);

	/* This compares like with like: objects that only report readiness. */
	bench_series_init(&bytes, "bytes", "bytes", "connection, no stream");
	for (size_t i = 0; i < PEERS; i++) {
		if (peers[i]->is_stream)
			continue;
		bench_series_name(&bytes, peers[i]->name);
		bench_add(bench, &bytes, bytes.subjects - 1,
			  bench_median(&costs.bytes, i));
	}
	bench_print(bench, &bytes);
	bench_target_ratio(bench, BENCH_EXACT, &bytes, "libev,", 1.75);
}

static void count_timers(struct bench *bench)
{
	static struct costs costs;

	costs_init(&costs, "timer");
	for (size_t i = 0; i < TIMERS; i++)
		costs_add(bench, &costs, timers[i]->name, timers[i]->size,
			  cost_of_timer(timers[i]));
	costs_print(bench, &costs, 0.6, BENCH_EXACT, 1.3);
}

/* A loop. */

struct loop_cost {
	size_t bytes;
	size_t descriptors;
};

static struct loop_cost cost_of_loop(const struct startup_peer *peer)
{
	struct loop_cost cost;
	size_t bytes;
	void *loop;

	peer->free(peer->make()); /* allocates what a process needs once */
	cost.descriptors = descriptors_open();
	bytes = allocations_so_far().bytes;
	loop = peer->make();
	cost.bytes = allocations_so_far().bytes - bytes;
	cost.descriptors = descriptors_open() - cost.descriptors;
	peer->free(loop);
	if (allocations_so_far().bytes != bytes)
		bench_fail("%s leaks", peer->name);
	return cost;
}

static void count_loops(struct bench *bench)
{
	static struct bench_series bytes, descriptors;

	bench_series_init(&bytes, "bytes", "bytes", "loop");
	bench_series_init(&descriptors, "descriptors", "descriptors", "loop");
	for (size_t i = 0; i < LOOPS; i++) {
		struct loop_cost cost = cost_of_loop(loops[i]);

		bench_series_name(&bytes, loops[i]->name);
		bench_series_name(&descriptors, loops[i]->name);
		bench_add_exact(bench, &bytes, i, cost.bytes, cost.bytes, 1);
		bench_add_exact(bench, &descriptors, i, cost.descriptors,
				cost.descriptors, 1);
	}
	bench_print(bench, &bytes);
	bench_target_figure(bench, BENCH_EXACT, &bytes, 16384);
	bench_print(bench, &descriptors);
	bench_target_figure(bench, BENCH_EXACT, &descriptors, 2);
}

static void *count_bytes(void *context, void *pointer, size_t old, size_t size)
{
	size_t *bytes = context;

	*bytes += size - old;
	if (size)
		return realloc(pointer, size);
	free(pointer);
	return NULL;
}

static void tell_none(struct bench *bench, const char *metric, size_t bytes)
{
	static struct bench_series series;

	bench_series_init(&series, metric, "bytes", "loop");
	bench_series_name(&series, "rota");
	bench_add(bench, &series, 0, (double)(int64_t)bytes);
	bench_print(bench, &series);
	bench_target_figure(bench, BENCH_EXACT, &series, 0);
}

static void count_allocator(struct bench *bench)
{
	size_t bytes = 0;
	struct rota_allocator allocator = { count_bytes, &bytes };
	struct rota_loop_options options;
	struct allocations before = allocations_so_far();
	struct rota_loop *loop;
	size_t around;

	rota_loop_options_init(&options);
	options.allocator = &allocator;
	if (rota_loop_new(&loop, &options))
		bench_fail("rota_loop_new");
	around = allocations_so_far().bytes - before.bytes - bytes;
	if (rota_loop_close(loop))
		bench_fail("rota_loop_close");
	tell_none(bench, "around the allocator", around);
	tell_none(bench, "kept", bytes);
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "memory", argc, argv) > 1)
		bench_fail("memory [--quick] [--check]");
	libevent_check();
	bench_allow_descriptors(COUNT + 100);
	count_connections(&bench);
	count_timers(&bench);
	count_loops(&bench);
	count_allocator(&bench);
	return bench_end(&bench);
}
