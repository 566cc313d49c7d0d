/*
 * tests/io/hosts.h - for tests of connects by name: a port of the loopback
 * network at which no address answers, except those where the test listens; and
 * connects that count how often they call back.
 *
 * Linux has all of 127.0.0.0/8 on loopback. A mapped address such as
 * ::ffff:127.0.0.5 is of the family AF_INET6 and leads to the same place.
 */
#ifndef TESTS_IO_HOSTS_H
#define TESTS_IO_HOSTS_H

#include "support/fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "names/looks.h"
#include "rota/host_connect.h"
#include "support/fault.h"
#include "support/fault_calls.h"
#include "support/streams_more.h"

enum { LISTENERS = 4 };

struct silence {
	unsigned port;
	int listener; /* its queue is full */
	int filler;
	int listeners[LISTENERS];
	unsigned count;
};

static inline int silence_bind(const char *ip, unsigned *port, int backlog)
{
	struct rota_address address;
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(rota_address_ip(&address, ip, *port), 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, &address.is.any, (socklen_t)address.size), 0);
	assert_int_equal(listen(fd, backlog), 0);
	raw_address(fd, &address);
	*port = rota_address_port(&address);
	return fd;
}

static inline void silence_begin(struct silence *s)
{
	struct rota_address address;

	*s = (struct silence){ .port = 0 };
	fault_pass_begin();
	s->listener = silence_bind("0.0.0.0", &s->port, 0);
	fault_pass_end();
	loopback(&address, AF_INET, s->port);
	s->filler = raw_client(&address);
	await_input(s->listener);
}

/* Listen at @ip, which answers from now on. Returns the listener. */
static inline int silence_break(struct silence *s, const char *ip)
{
	int fd;

	assert_true(s->count < LISTENERS);
	fault_pass_begin();
	fd = silence_bind(ip, &s->port, 64);
	fault_pass_end();
	s->listeners[s->count++] = fd;
	return fd;
}

static inline void silence_end(struct silence *s)
{
	while (s->count > 0)
		raw_close(s->listeners[--s->count]);
	raw_close(s->filler);
	raw_close(s->listener);
}

/* Take a connection that has been made to the listener @fd. */
static inline int take_connection(int fd)
{
	await_input(fd);
	return raw_accept(fd);
}

struct guest {
	struct rota_host_connect connect;
	struct rota_deadline deadline;
	struct rota_tcp *tcp;
	unsigned calls;
	int status;
	enum rota_phase phase;
	uint64_t at_ns; /* the loop's time of the callback */
	void (*act)(struct guest *g, int status);
};

static inline void guest_called(struct rota_connect *connect, int status)
{
	struct guest *g =
		rota_container_of(connect, struct guest, connect.connect);
	struct rota_loop *loop = rota_handle_loop(&g->tcp->handle);

	g->calls++;
	g->status = status;
	g->phase = rota_loop_phase(loop);
	g->at_ns = rota_loop_now(loop);
	if (g->act != NULL)
		g->act(g, status);
}

/* Begin, and return the result of the call, which must not call back. */
static inline int guest_begin(struct guest *g, struct rota_tcp *tcp,
			      const char *host, unsigned port)
{
	int status;

	memset(&g->connect, 0x5a, sizeof(g->connect));
	g->calls = 0;
	g->status = 1;
	g->tcp = tcp;
	status = rota_tcp_connect_host(&g->connect, tcp, host, port, NULL,
				       guest_called);
	assert_int_equal(g->calls, 0); /* O7 */
	return status;
}

/* Run until it has called back, and return its status. Virtual time passes when
 * nothing is ready and no thread is busy. */
static inline int guest_end(struct fixture *f, struct guest *g)
{
	while (g->calls == 0)
		assert_in_range(rota_loop_run(f->loop, ROTA_RUN_ONCE), 0, 1);
	assert_int_equal(g->calls, 1);
	return g->status;
}

/* Set a deadline, @ms after now. */
static inline void guest_must_end(struct guest *g, unsigned ms)
{
	struct rota_loop *loop = rota_handle_loop(&g->tcp->handle);

	assert_int_equal(
		rota_request_set_deadline(&g->connect.request, &g->deadline,
					  rota_loop_now(loop) + ROTA_MSEC(ms)),
		0);
}

/* Wait until no thread of the lane is busy: what it has found is on its way
 * back to the loop. */
static inline void await_found(struct rota_pool *pool, uint64_t done)
{
	while (lane_stats(pool, BLOCKING).done < done)
		sched_yield();
}

#endif
