/*
 * Listen groups on loops in several threads: how evenly the connections are
 * spread, floods, limits, and stops under load.
 *
 * ROTA_TEST_FULL=1: 10,000 connections on 8 loops.
 */
#include "support/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "server/crew.h"
#include "support/child.h"
#include "support/probe.h"

static const char *const names[] = { "hand over", "shared", "reuse port" };

enum { STRATEGIES = 3 };

static int set_up(struct rota_loops *loops, unsigned index)
{
	return hand_init(rota_loops_data(loops), index,
			 rota_loops_get(loops, index));
}

static void stop_server(struct rota_loops *loops, unsigned index)
{
	struct crew *c = rota_loops_data(loops);

	(void)rota_server_stop(c->servers[index], 0, NULL); /* once is enough */
}

static struct rota_loops *crew_start(struct crew *c)
{
	struct rota_loops_options options;
	struct rota_loops *loops;

	rota_loops_options_init(&options);
	options.count = c->count;
	options.set_up = set_up;
	options.stop = stop_server;
	options.data = c;
	assert_int_equal(rota_loops_start(&loops, &options), 0);
	return loops;
}

static void crew_join(struct crew *c, struct rota_loops *loops)
{
	assert_int_equal(rota_loops_stop(loops), 0);
	assert_int_equal(rota_loops_join(loops, NULL), 0);
	for (unsigned i = 0; i < c->count; i++)
		assert_int_equal(c->hands[i].open, 0);
}

#define WAIT_UNTIL(condition)                                                  \
	while (!(condition))                                                   \
	usleep(100)

/* --- balance -------------------------------------------------------------- */

/* Connect @count clients, in portions that the queue can hold. */
static void connect_many(struct crew *c, int *fds, unsigned count)
{
	enum { PORTION = 200 };

	for (unsigned done = 0; done < count; done += PORTION) {
		unsigned size = count - done < PORTION ? count - done : PORTION;

		raw_clients(fds + done, size, &c->address);
		WAIT_UNTIL(crew_accepted(c) >= done + size);
	}
}

static void print_spread(const struct crew *c, const char *name)
{
	unsigned least = c->hands[0].open, most = least;
	char line[256];
	int size = 0;

	for (unsigned i = 0; i < c->count; i++) {
		unsigned open = c->hands[i].open;

		least = open < least ? open : least;
		most = open > most ? open : most;
		size += snprintf(line + size, sizeof(line) - (size_t)size,
				 " %u", open);
	}
	print_message("%s:%s, greatest/least %.2f\n", name, line,
		      least > 0 ? (double)most / least : 0.0);
}

static void assert_balanced(const struct crew *c)
{
	for (unsigned i = 0; i < c->count; i++)
		for (unsigned k = 0; k < c->count; k++)
			if (c->hands[i].open * 4 > c->hands[k].open * 5)
				fail_msg("%u and %u connections",
					 (unsigned)c->hands[i].open,
					 (unsigned)c->hands[k].open);
}

/* Connect @count clients and keep them until the parent closes its end of the
 * pipe. Every tenth has a byte echoed. Exits with 0 if that worked. */
static _Noreturn void hold_clients(const struct crew *c, unsigned count,
				   const int pipe[2])
{
	char byte = 0;

	alarm(600);
	close(pipe[1]);
	for (unsigned i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd == -1 || connect(fd, &c->address.is.any,
					(socklen_t)c->address.size) < 0)
			_exit(1);
		if (i % 10 == 0 && (write(fd, "x", 1) != 1 ||
				    read(fd, &byte, 1) != 1 || byte != 'x'))
			_exit(2);
	}
	(void)read(pipe[0], &byte, 1);
	_exit(0);
}

/* The clients are in a process of their own, because of the limit of
 * descriptors. */
static void spread(enum rota_listen_strategy strategy)
{
	unsigned count = test_is_full() ? 10000 : 1000;
	struct rota_loops *loops;
	struct crew c;
	int pipe_fds[2];
	pid_t child;

	need_descriptors(count + 100);
	crew_init(&c, test_is_full() ? 8 : 3, strategy);
	loops = crew_start(&c);
	crew_open(&c);
	assert_int_equal(pipe(pipe_fds), 0);
	child = fork();
	if (child == 0)
		hold_clients(&c, count, pipe_fds);
	close(pipe_fds[0]);
	WAIT_UNTIL(crew_accepted(&c) == count);
	print_spread(&c, names[strategy]);
	if (strategy == ROTA_LISTEN_HAND_OVER)
		assert_balanced(&c);
	assert_int_equal(crew_errors(&c), 0);
	close(pipe_fds[1]);
	expect_success(child);
	rota_listen_group_close(c.group);
	crew_join(&c, loops);
}

static void hand_over_spreads_evenly(void **state)
{
	(void)state;
	spread(ROTA_LISTEN_HAND_OVER);
}

static void a_shared_queue_serves_all(void **state)
{
	(void)state;
	spread(ROTA_LISTEN_SHARED);
}

static void sockets_with_one_port_serve_all(void **state)
{
	(void)state;
	spread(ROTA_LISTEN_REUSE_PORT);
}

/* Clients that come and go leave no imbalance behind: half of them go, wherever
 * they are, and others come. */
static void hand_over_stays_even(void **state)
{
	enum { GUESTS = 240 };
	uint64_t seed = random_seed();
	struct rota_loops *loops;
	struct crew c;
	int fds[GUESTS];

	(void)state;
	crew_init(&c, 4, ROTA_LISTEN_HAND_OVER);
	loops = crew_start(&c);
	crew_open(&c);
	connect_many(&c, fds, GUESTS);
	for (int round = 0; round < 4; round++) {
		unsigned gone = 0, open = 0, before;

		for (unsigned i = 0; i < GUESTS; i++)
			if (random_below(&seed, 2)) {
				raw_close(fds[i]);
				fds[i] = fds[gone];
				gone++;
			}
		WAIT_UNTIL((open = c.hands[0].open + c.hands[1].open +
				   c.hands[2].open + c.hands[3].open) ==
			   GUESTS - gone);
		before = crew_accepted(&c);
		raw_clients(fds, gone, &c.address);
		WAIT_UNTIL(crew_accepted(&c) == before + gone);
		assert_balanced(&c);
	}
	raw_close_all(fds, GUESTS);
	rota_listen_group_close(c.group);
	crew_join(&c, loops);
}

/* --- limits --------------------------------------------------------------- */

/* Each server is full with one connection. So the listeners pause and resume
 * all the time, and if a wake-up were lost, a client would wait forever. */
static void pauses_lose_no_connection(void **state)
{
	enum { LOOPS = 3, GUESTS = 6 };

	(void)state;
	for (int way = 0; way < ROTA_LISTEN_REUSE_PORT; way++) {
		unsigned rounds = test_is_full() ? 5000 : 100;
		struct rota_loops *loops;
		struct crew c;
		int fds[GUESTS];
		char byte;

		crew_init(&c, LOOPS, (enum rota_listen_strategy)way);
		c.limit = 1;
		loops = crew_start(&c);
		crew_open(&c);
		raw_clients(fds, GUESTS, &c.address);
		for (unsigned i = 0; i < rounds; i++) {
			int *fd = &fds[i % GUESTS];

			/* The queue is in order: this one is served. */
			raw_send(*fd, "x", 1);
			raw_read(*fd, &byte, 1);
			raw_close(*fd);
			raw_clients(fd, 1, &c.address);
		}
		raw_close_all(fds, GUESTS);
		rota_listen_group_close(c.group);
		crew_join(&c, loops);
	}
}

/* --- stops under load ----------------------------------------------------- */

struct flood {
	struct rota_address address;
	atomic_int is_over;
	atomic_uint connected;
};

/* Connect and disconnect, as fast as possible. */
static void *pour(void *arg)
{
	struct flood *flood = arg;

	while (!flood->is_over) {
		int fd = raw_begin_connect(&flood->address);

		if (fd >= 0)
			close(fd);
		flood->connected++;
	}
	return NULL;
}

/* One server stops, then the group closes, then all loops stop. The fixture
 * finds what leaks. */
static void stops_under_load_leak_nothing(void **state)
{
	(void)state;
	for (int way = 0; way < STRATEGIES; way++) {
		struct rota_loops *loops;
		struct flood flood = { .is_over = 0 };
		pthread_t thread;
		struct crew c;

		crew_init(&c, 3, (enum rota_listen_strategy)way);
		loops = crew_start(&c);
		crew_open(&c);
		flood.address = c.address;
		assert_int_equal(pthread_create(&thread, NULL, pour, &flood),
				 0);
		WAIT_UNTIL(flood.connected > 100);
		assert_int_equal(rota_loops_stop(loops), 0);
		if (way != ROTA_LISTEN_SHARED)
			rota_listen_group_close(c.group);
		assert_int_equal(rota_loops_join(loops, NULL), 0);
		if (way == ROTA_LISTEN_SHARED)
			rota_listen_group_close(c.group);
		flood.is_over = 1;
		assert_int_equal(pthread_join(thread, NULL), 0);
		for (unsigned i = 0; i < c.count; i++)
			assert_int_equal(c.hands[i].open, 0);
	}
}

static void stop_one(struct rota_loops *loops, unsigned index, void *arg)
{
	(void)arg;
	stop_server(loops, index);
}

/* The servers stop one after another, the acceptor first. */
static void servers_may_stop_one_by_one_under_load(void **state)
{
	(void)state;
	for (int way = 0; way < ROTA_LISTEN_REUSE_PORT; way++) {
		struct flood flood = { .is_over = 0 };
		struct rota_loops *loops;
		pthread_t thread;
		struct crew c;

		crew_init(&c, 4, (enum rota_listen_strategy)way);
		loops = crew_start(&c);
		crew_open(&c);
		flood.address = c.address;
		assert_int_equal(pthread_create(&thread, NULL, pour, &flood),
				 0);
		for (unsigned i = 0; i < 3; i++) {
			unsigned before = c.hands[3].accepted;

			assert_int_equal(
				rota_loops_post(loops, i, stop_one, NULL), 0);
			WAIT_UNTIL(c.hands[3].accepted > before + 10);
		}
		flood.is_over = 1;
		assert_int_equal(pthread_join(thread, NULL), 0);
		rota_listen_group_close(c.group);
		assert_int_equal(rota_loops_stop(loops), 0);
		assert_int_equal(rota_loops_join(loops, NULL), 0);
	}
}

static const struct CMUnitTest tests[] = {
	REAL(hand_over_spreads_evenly),
	REAL(a_shared_queue_serves_all),
	REAL(sockets_with_one_port_serve_all),
	REAL(hand_over_stays_even),
	REAL(pauses_lose_no_connection),
	REAL(stops_under_load_leak_nothing),
	REAL(servers_may_stop_one_by_one_under_load),
};

FIXTURE_MAIN(tests)
