/*
 * Pausing and resuming a listener: rota_stream_listen_pause() and
 * rota_stream_listen_resume().
 */
#include "support/fixture.h"

#include <errno.h>

#include "support/child.h"
#include "support/fault.h"
#include "support/streams_more.h"

static int pause_it(struct server *s)
{
	return rota_stream_listen_pause(&s->tcp.stream);
}

static int resume(struct server *s)
{
	return rota_stream_listen_resume(&s->tcp.stream);
}

static void turns(struct fixture *f, unsigned count)
{
	while (count-- > 0)
		turn(f);
}

/* Peers that connect wait in the kernel's queue, and are served after it. */
static void a_paused_listener_accepts_nobody(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int clients[3];

	server_open(&s, f, 8);
	assert_int_equal(pause_it(&s), 0);
	assert_int_equal(pause_it(&s), 0);
	raw_clients(clients, 3, &s.address);
	fault_count_reset();
	turns(f, 5);
	assert_int_equal(s.accepted, 0);
	assert_int_equal(fault_count("accept4"), 0);

	assert_int_equal(resume(&s), 0);
	assert_int_equal(resume(&s), 0);
	RUN_UNTIL(f, s.accepted == 3);

	raw_send(s.fds[2], "hello", 5);
	await_bytes(clients[2], 5);
	raw_close_all(clients, 3);
	server_end(&s);
}

/* L1: the loop sleeps, and does not busy-wait, while connections are queued. */
static void a_paused_listener_keeps_the_loop_alive_and_asleep(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 8);
	client = raw_client(&s.address);
	assert_int_equal(pause_it(&s), 0);

	assert_true(rota_handle_is_active(&s.tcp.handle));
	assert_true(rota_loop_alive(f->loop));
	assert_int_equal(rota_loop_dump(f->loop, NULL, NULL), 1);
	assert_in_range(waits_within(f, 20), 1, 4);
	assert_int_equal(s.accepted, 0);
	rota_handle_unref(&s.tcp.handle);
	assert_false(rota_loop_alive(f->loop));

	raw_close(client);
	server_end(&s);
	assert_false(rota_loop_alive(f->loop));
}

static void keep_and_pause(struct server *s, int status, int fd)
{
	unsigned *at = s->arg;

	assert_int_equal(status, 0);
	server_keep(s, fd);
	if (s->accepted == *at)
		assert_int_equal(pause_it(s), 0);
}

/* In the callback: no more are accepted in that event, nor in that turn. */
static void a_pause_in_the_callback_holds_at_once(void **state)
{
	struct fixture *f = *state;
	unsigned at[] = { 1, 2, 20 };
	int clients[40];
	struct server s;

	for (unsigned i = 0; i < 3; i++) {
		server_open(&s, f, 64);
		s.act = keep_and_pause;
		s.arg = &at[i];
		raw_clients(clients, 40, &s.address);
		fault_count_reset();

		RUN_UNTIL(f, s.accepted >= at[i]);
		turns(f, 3);
		assert_int_equal(s.accepted, at[i]);
		assert_int_equal(fault_count("accept4"), at[i]);

		assert_int_equal(resume(&s), 0);
		RUN_UNTIL(f, s.accepted == 40);
		raw_close_all(clients, 40);
		server_end(&s);
	}
}

static struct server *others[2];

static void pause_both(struct server *s, int status, int fd)
{
	assert_int_equal(status, 0);
	server_keep(s, fd);
	assert_int_equal(pause_it(others[0]), 0);
	assert_int_equal(pause_it(others[1]), 0);
}

/* An event that the same wait has found for another listener is dropped. */
static void a_pause_holds_for_events_of_the_same_batch(void **state)
{
	struct fixture *f = *state;
	struct server a, b;
	int clients[2];

	server_open(&a, f, 8);
	server_open(&b, f, 8);
	others[0] = &a;
	others[1] = &b;
	a.act = b.act = pause_both;
	clients[0] = raw_client(&a.address);
	clients[1] = raw_client(&b.address);

	turns(f, 3);
	assert_int_equal(a.accepted + b.accepted, 1);
	assert_int_equal(resume(&a), 0);
	assert_int_equal(resume(&b), 0);
	RUN_UNTIL(f, a.accepted + b.accepted == 2);

	raw_close_all(clients, 2);
	server_end(&a);
	server_end(&b);
}

static void a_listener_may_be_closed_while_it_is_paused(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	for (unsigned i = 0; i < 2; i++) {
		server_open(&s, f, 8);
		client = raw_client(&s.address);
		assert_int_equal(pause_it(&s), 0);
		if (i == 0) {
			assert_int_equal(rota_handle_close_now(&s.tcp.handle),
					 0);
		} else {
			assert_int_equal(rota_handle_close(&s.tcp.handle, NULL),
					 0);
			assert_int_equal(pause_it(&s), ROTA_EINVAL);
			assert_int_equal(resume(&s), ROTA_EINVAL);
		}
		run_to_the_end(f);
		raw_close(client);
	}
}

static void what_does_not_listen_cannot_be_paused(void **state)
{
	struct fixture *f = *state;
	struct connection c;
	struct rota_tcp tcp;
	struct server s;

	tcp_init(&tcp, f);
	assert_int_equal(rota_stream_listen_pause(&tcp.stream), ROTA_EINVAL);
	assert_int_equal(rota_stream_listen_resume(&tcp.stream), ROTA_EINVAL);
	tcp_end(&tcp);
	connection_open(&c, f, NULL);
	assert_int_equal(rota_stream_listen_pause(&c.tcp.stream), ROTA_EINVAL);
	connection_end(&c);
	server_bind(&s, f, AF_INET);
	assert_int_equal(pause_it(&s), ROTA_EINVAL);
	server_end(&s);
}

static void pause_in_the_child(void *arg)
{
	struct server *s = arg;

	EXPECT(pause_it(s) == ROTA_ECHILD);
	EXPECT(resume(s) == ROTA_ECHILD);
	EXPECT(rota_loop_fork(s->f->loop) == 0);
	EXPECT(resume(s) == 0);
	for (unsigned i = 0; i < 1000 && s->accepted == 0; i++)
		EXPECT(rota_loop_run(s->f->loop, ROTA_RUN_NOWAIT) >= 0);
	EXPECT(s->accepted == 1);
}

/* F2: the parent's listener is not affected. */
static void a_forked_child_pauses_nothing_of_its_parents(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int clients[2];

	server_open(&s, f, 8);
	raw_clients(clients, 2, &s.address);
	assert_int_equal(pause_it(&s), 0);

	in_a_child(pause_in_the_child, &s);

	turns(f, 3);
	assert_int_equal(s.accepted, 0);
	assert_int_equal(resume(&s), 0);
	RUN_UNTIL(f, s.accepted == 1); /* the other is the child's */
	raw_close_all(clients, 2);
	server_end(&s);
}

/* During a back-off. */

/* A resume does not end the back-off early, and a pause outlasts it. */
static void a_pause_and_a_back_off_hold_both(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 64);
	client = raw_client(&s.address);
	fault_fail_from("accept4", 1, EMFILE);
	PASS_UNTIL(f, s.failures > 0);
	assert_int_equal(pause_it(&s), 0);
	fault_count_reset();
	pass_seconds(f, 3);
	assert_int_equal(fault_count("accept4"), 0);

	assert_int_equal(resume(&s), 0); /* it has waited long enough */
	PASS_UNTIL(f, fault_count("accept4") > 0);
	fault_count_reset();
	assert_int_equal(pause_it(&s), 0);
	assert_int_equal(resume(&s), 0);
	turns(f, 3);
	assert_int_equal(fault_count("accept4"), 0); /* it backs off */

	(void)fault_clear();
	PASS_UNTIL(f, s.accepted == 1);
	assert_int_equal(s.failures, 1);
	raw_close(client);
	server_end(&s);
}

static void pause_when_told(struct server *s, int status, int fd)
{
	if (status == 0)
		server_keep(s, fd);
	else
		assert_int_equal(pause_it(s), 0);
}

static void the_callback_of_a_shortage_may_pause(void **state)
{
	struct fixture *f = *state;
	struct server s;
	int client;

	server_open(&s, f, 64);
	s.act = pause_when_told;
	client = raw_client(&s.address);
	fault_fail_from("accept4", 1, EMFILE);
	PASS_UNTIL(f, s.failures > 0);
	(void)fault_clear();
	fault_count_reset();
	pass_seconds(f, 3);
	assert_int_equal(s.accepted, 0);
	assert_int_equal(fault_count("accept4"), 0);

	assert_int_equal(resume(&s), 0);
	PASS_UNTIL(f, s.accepted == 1);
	raw_close(client);
	server_end(&s);
}

static const struct CMUnitTest tests[] = {
	REAL(a_paused_listener_accepts_nobody),
	REAL(a_paused_listener_keeps_the_loop_alive_and_asleep),
	REAL(a_pause_in_the_callback_holds_at_once),
	REAL(a_pause_holds_for_events_of_the_same_batch),
	REAL(a_listener_may_be_closed_while_it_is_paused),
	REAL(what_does_not_listen_cannot_be_paused),
	REAL(a_forked_child_pauses_nothing_of_its_parents),
	VIRTUAL(a_pause_and_a_back_off_hold_both),
	VIRTUAL(the_callback_of_a_shortage_may_pause),
};

FIXTURE_MAIN(tests)
