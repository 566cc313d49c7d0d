/*
 * memory.c - what does an idle connection cost a server, and what a timer, in
 * bytes of user memory?
 *
 * Load: 10,000 connections over TCP and loopback, each of which has sent one
 * message of 64 bytes, has got it back, and is idle. Or 10,000 timers that are
 * started and not yet due. One comes before the count begins, so that what
 * there is only once, the loop and its buffers, is not spread over the others:
 * that is the last column.
 *
 * Each server is a forked child. It has the low descriptors for itself, dense
 * as in a server, and accepts; the clients are its parent's. All 10,001 fit in
 * the ports that the system has for one pair of addresses.
 *
 * Units, per connection or timer, all of them exact:
 *
 *     object  bytes of the struct that the server embeds
 *     bytes   that the server and the library asked malloc and its kin for, and
 *             have not freed: the object, and what the library keeps besides.
 *             Arrays grow by steps: with another number of connections there
 *             are some bytes more or less. What malloc adds for itself is not
 *             in it, some 8 to 24 bytes a block; nor what the kernel keeps,
 *             which is the same for all
 *     blocks  of memory that these are in
 *
 * Bad news: more than 230 bytes for a connection. A stream that is idle has no
 * use for a buffer of its own.
 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers/memory.h"
#include "support/allocations.h"
#include "support/bench.h"

enum { COUNT = 10000, MESSAGE_SIZE = 64, MOST_BYTES = 230 };

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

enum {
	PEERS = sizeof(peers) / sizeof(*peers),
	TIMERS = sizeof(timers) / sizeof(*timers),
	ROTA = 0, /* of both */
};

/* What there is after the first, and what the others have added. */
struct cost {
	size_t first_bytes;
	double bytes;
	double blocks;
};

static struct cost cost_of(struct allocations before, struct allocations first,
			   struct allocations all)
{
	return (struct cost){
		.first_bytes = first.bytes - before.bytes,
		.bytes = (double)(all.bytes - first.bytes) / COUNT,
		.blocks = (double)(all.live - first.live) / COUNT,
	};
}

/* --- in the child ---------------------------------------------------------- */

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
		/* Due from a second to a minute from now, each at its time. */
		peer->start(loop, 1000 + i * 59000 / COUNT);
		if (i == 0)
			first = allocations_so_far();
	}
	return cost_of(before, first, allocations_so_far());
}

/* --- in the parent --------------------------------------------------------- */

static int listen_somewhere(struct sockaddr_in *name)
{
	/* Which the connections inherit: reset, they leave nothing behind. */
	const struct linger reset = { .l_onoff = 1 };
	socklen_t size = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*name = (struct sockaddr_in){ .sin_family = AF_INET };
	name->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) ||
	    bind(fd, (struct sockaddr *)name, size) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)name, &size))
		bench_fail("listen: %s", strerror(errno));
	return fd;
}

/* Returns the client's descriptor. */
static int be_echoed(const struct sockaddr_in *name)
{
	char message[MESSAGE_SIZE] = "to be sent back";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)name, sizeof(*name)) ||
	    send(fd, message, MESSAGE_SIZE, MSG_NOSIGNAL) != MESSAGE_SIZE ||
	    recv(fd, message, MESSAGE_SIZE, MSG_WAITALL) != MESSAGE_SIZE)
		bench_fail("a client: %s", strerror(errno));
	return fd;
}

/* Returns 0 in the child, which may write to *@out, and else its id. */
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
	int listener = listen_somewhere(&name);
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

static void allow_descriptors(void)
{
	const rlim_t needed = COUNT + 100;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed;
	if (limit.rlim_max < needed)
		limit.rlim_max = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		bench_fail("%d descriptors: %s", (int)needed, strerror(errno));
}

/* --- what comes out -------------------------------------------------------- */

static void print_head(const char *what)
{
	printf("%-18s %8s %9s %9s %7s  %s\n", what, "object", "bytes", "blocks",
	       "ratio", "bytes of a loop with one");
}

static void print_cost(const char *name, size_t size, struct cost cost,
		       double base)
{
	char object[24] = "-";

	if (size)
		snprintf(object, sizeof(object), "%zu", size);
	printf("%-18s %8s %9.2f %9.2f %7.2f  %zu\n", name, object, cost.bytes,
	       cost.blocks, cost.bytes / base, cost.first_bytes);
}

static void count_connections(struct bench *bench)
{
	double base = 0;

	print_head("a connection");
	for (size_t i = 0; i < (bench->check ? ROTA + 1 : PEERS); i++) {
		struct cost cost = cost_of_connection(peers[i]);

		if (i == ROTA)
			base = cost.bytes;
		print_cost(peers[i]->name, peers[i]->size, cost, base);
		if (i == ROTA)
			bench_target(bench, BENCH_EXACT,
				     "bytes of a connection", cost.bytes,
				     MOST_BYTES);
	}
}

static void count_timers(void)
{
	double base = 0;

	print_head("a timer");
	for (size_t i = 0; i < TIMERS; i++) {
		struct cost cost = cost_of_timer(timers[i]);

		if (i == ROTA)
			base = cost.bytes;
		print_cost(timers[i]->name, timers[i]->size, cost, base);
	}
}

int main(int argc, char **argv)
{
	struct bench bench;

	if (bench_begin(&bench, "memory", argc, argv) > 1)
		bench_fail("memory [--quick] [--check]");
	allow_descriptors();
	count_connections(&bench);
	if (!bench.check)
		count_timers();
	return bench_end(&bench);
}
